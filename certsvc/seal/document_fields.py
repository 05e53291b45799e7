"""What is drawn and prepared in a document before it is sealed: the fields with the seals' pictures, and the strips of
cross-page seals, which are part of the pages: a signature field has one place and no more (ISO 32000-2 12.7.5.5)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.writer import PdfFileWriter

from certsvc.domain.seal import Placement, SealImage, SealPicture
from certsvc.domain.seal_form import field_name
from certsvc.seal.document_pdf import refused, value_of
from certsvc.seal.document_place import UPRIGHT, Matrix, PageFrame
from certsvc.seal.fields import POINTS_PER_MM

ARTIFACT = b"/Artifact <</Type /Pagination>> BDC"
PRINTED_AND_LOCKED = 132


@dataclass(frozen=True, slots=True, kw_only=True)
class StripOnPage:
    """A strip of a seal on a page: the `left_mm` of the seal where it begins, its width, and how far below the page's
    top edge the seal's lower edge lies (`below_mm`). It ends at the right edge of what is seen."""

    page: int
    left_mm: float
    width_mm: float
    below_mm: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SealDrawn:
    """A seal as it is put into a document: its picture and place, the words a screen reader says, and its strips."""

    picture: SealPicture
    place: Placement
    description: str
    strips: tuple[StripOnPage, ...] = ()


Page = generic.DictionaryObject


def frames_of(pages: Sequence[Page]) -> list[PageFrame]:
    """What is seen of each page.

    Raises:
        DocumentRefused: a page has no size.
    """
    return [_frame(number, page) for number, page in enumerate(pages, 1)]


def _frame(number: int, page: Page) -> PageFrame:
    media = _box(page, "/MediaBox") or (0.0, 0.0, 612.0, 792.0)
    crop = _box(page, "/CropBox") or media
    left, bottom = max(media[0], crop[0]), max(media[1], crop[1])
    right, top = min(media[2], crop[2]), min(media[3], crop[3])
    turned = int(value_of(page, "/Rotate", 0)) % 360
    if not (left < right and bottom < top) or turned not in UPRIGHT:
        raise refused("page_size", f"第 {number} 页的大小读不出来。", f"the size of page {number} cannot be read.")
    return PageFrame(left=left, bottom=bottom, right=right, top=top, turned=turned)


def _box(page: Page, key: str) -> tuple[float, float, float, float] | None:
    box: Any = value_of(page, key)
    if box is None:
        return None
    one, two, three, four = (float(box[index]) for index in range(4))
    return min(one, three), min(two, four), max(one, three), max(two, four)


def draw_seals(
    writer: PdfFileWriter, pages: Sequence[Page], frames: Sequence[PageFrame], seals: Sequence[SealDrawn]
) -> None:
    """Put fields, pictures and strips into the document. The first field is to certify, the last of several to lock.

    Raises:
        DocumentRefused: it has a field of such a name already.
    """
    pictures = [_picture(writer, seal.picture) for seal in seals]
    for picture, seal in zip(pictures, seals, strict=True):
        for strip in seal.strips:
            _draw_strip(writer, pages[strip.page - 1], frames[strip.page - 1], picture, seal.picture, strip)
    fields = [
        _field(writer, pages[seal.place.page - 1], frames[seal.place.page - 1], picture, seal, place, len(seals))
        for place, (picture, seal) in enumerate(zip(pictures, seals, strict=True))
    ]
    _join_form(writer, fields)
    known: Any = value_of(writer.root, "/Extensions", {})
    esic = _dictionary(BaseVersion=pdf_name("/1.7"), ExtensionLevel=generic.NumberObject(1))
    writer.root[pdf_name("/Extensions")] = generic.DictionaryObject({**known, pdf_name("/ESIC"): esic})


def _dictionary(**entries: Any) -> generic.DictionaryObject:
    return generic.DictionaryObject({pdf_name(f"/{key}"): value for key, value in entries.items()})


def _numbers(values: Sequence[float]) -> generic.ArrayObject:
    return generic.ArrayObject(generic.FloatObject(f"{value:.3f}") for value in values)


def _picture(writer: PdfFileWriter, picture: SealPicture, turned: int = 0) -> generic.IndirectObject:
    ink = _dictionary(Type=pdf_name("/ExtGState"), BM=pdf_name("/Multiply"))
    resources = _dictionary(ExtGState=_dictionary(Ink=ink))
    if picture.image is not None:
        mask = _image(writer, picture.image, "/DeviceGray", picture.image.alpha)
        shown = _image(writer, picture.image, "/DeviceRGB", picture.image.rgb, SMask=mask)
        resources[pdf_name("/XObject")] = _dictionary(Seal=shown)
    entries = _dictionary(
        Type=pdf_name("/XObject"),
        Subtype=pdf_name("/Form"),
        FormType=generic.NumberObject(1),
        BBox=_numbers((0, 0, picture.width_pt, picture.height_pt)),
        Resources=resources,
    )
    if turned:
        entries[pdf_name("/Matrix")] = _numbers((*UPRIGHT[turned], 0, 0))
    return _stream(writer, entries, b"/Ink gs\n" + picture.content)


def _image(
    writer: PdfFileWriter, image: SealImage, colours: str, data: bytes, **more: generic.IndirectObject
) -> generic.IndirectObject:
    entries = _dictionary(
        Type=pdf_name("/XObject"),
        Subtype=pdf_name("/Image"),
        Width=generic.NumberObject(image.width_px),
        Height=generic.NumberObject(image.height_px),
        ColorSpace=pdf_name(colours),
        BitsPerComponent=generic.NumberObject(8),
        **more,
    )
    return _stream(writer, entries, data)


def _stream(writer: PdfFileWriter, entries: generic.DictionaryObject, data: bytes) -> generic.IndirectObject:
    stream = generic.StreamObject(dict(entries), stream_data=data)
    stream.compress()
    return writer.add_object(stream)


def _draw_strip(
    writer: PdfFileWriter,
    page: Page,
    frame: PageFrame,
    picture: generic.IndirectObject,
    seal: SealPicture,
    strip: StripOnPage,
) -> None:
    """The strip is drawn last, the state of what was drawn before put back, and is no part of the text."""
    width = frame.size_mm[0]
    corner = frame.matrix(width - strip.width_mm, strip.below_mm)
    name = _named(page, picture)
    clip = f"0 0 {strip.width_mm * POINTS_PER_MM:.3f} {seal.height_pt:.3f} re W n"
    shift = f"1 0 0 1 {-strip.left_mm * POINTS_PER_MM:.3f} 0 cm"
    drawn = [b"\nQ", ARTIFACT, b"q", _operator(corner), clip.encode(), shift.encode(), b"%b Do" % name, b"Q", b"EMC\n"]
    before, after = (_stream(writer, generic.DictionaryObject(), data) for data in (b"q\n", b"\n".join(drawn)))
    page[pdf_name("/Contents")] = generic.ArrayObject([before, *_contents(page), after])


def _operator(matrix: Matrix) -> bytes:
    return (" ".join(f"{number:.3f}" for number in matrix) + " cm").encode("ascii")


def _contents(page: Page) -> list[Any]:
    contents = value_of(page, "/Contents")
    if contents is None:
        return []
    if isinstance(contents, generic.ArrayObject):
        return [contents.raw_get(index) for index in range(len(contents))]
    return [page.raw_get("/Contents")]


def _named(page: Page, picture: generic.IndirectObject) -> bytes:
    """Name the picture among the page's own resources, which it may have shared with other pages."""
    known: Any = value_of(page, "/Resources", generic.DictionaryObject())
    resources = generic.DictionaryObject({key: known.raw_get(key) for key in known})
    shown: Any = value_of(resources, "/XObject", generic.DictionaryObject())
    objects = generic.DictionaryObject({key: shown.raw_get(key) for key in shown})
    name = next(name for number in range(len(objects) + 1) if (name := f"/CrossPageSeal{number}") not in objects)
    objects[pdf_name(name)] = picture
    resources[pdf_name("/XObject")] = objects
    page[pdf_name("/Resources")] = resources
    return name.encode("ascii")


def _field(
    writer: PdfFileWriter,
    page: Page,
    frame: PageFrame,
    picture: generic.IndirectObject,
    seal: SealDrawn,
    place: int,
    seals: int,
) -> generic.IndirectObject:
    """A field that is to be sealed; of joint seals its annotation is an object of its own (see `seal.fields`)."""
    where = next(number for number, node in writer.objects.items() if node is page)
    shown = _picture(writer, seal.picture, frame.turned) if frame.turned else picture
    note = _dictionary(
        Type=pdf_name("/Annot"),
        Subtype=pdf_name("/Widget"),
        F=generic.NumberObject(PRINTED_AND_LOCKED),
        Rect=_numbers(frame.rectangle(seal.picture, seal.place)),
        P=generic.IndirectObject(where[1], where[0], writer),
        AP=_dictionary(N=shown),
    )
    field = _dictionary(
        FT=pdf_name("/Sig"),
        T=generic.TextStringObject(field_name(place)),
        TU=writer.add_object(generic.TextStringObject(seal.description)),
    )
    if seals == 1:
        note.update(field)
        added = annotation = writer.add_object(note)
    else:
        annotation = writer.add_object(note)
        field[pdf_name("/Kids")] = generic.ArrayObject([annotation])
        if place == seals - 1:
            lock = _dictionary(Type=pdf_name("/SigFieldLock"), Action=pdf_name("/All"), P=generic.NumberObject(1))
            field[pdf_name("/Lock")] = writer.add_object(lock)
        added = writer.add_object(field)
    known: Any = value_of(page, "/Annots", generic.ArrayObject())
    page[pdf_name("/Annots")] = generic.ArrayObject(
        [*(known.raw_get(index) for index in range(len(known))), annotation]
    )
    return added


def _join_form(writer: PdfFileWriter, fields: Sequence[generic.IndirectObject]) -> None:
    """The fields of the seals stand last among the document's own; readers are not to draw any anew."""
    form: Any = value_of(writer.root, "/AcroForm", generic.DictionaryObject())
    known: Any = value_of(form, "/Fields", generic.ArrayObject())
    names = {str(value_of(known[index], "/T", "")) for index in range(len(known))}
    if names & {field_name(place) for place in range(len(fields))}:
        raise refused("field_name", "它已有同名的表单域 Seal1……", "it has form fields called Seal1 and so on already.")
    own = [known.raw_get(index) for index in range(len(known))]
    kept = {key: form.raw_get(key) for key in form if key not in ("/Fields", "/SigFlags", "/NeedAppearances")}
    joined = {pdf_name("/Fields"): generic.ArrayObject([*own, *fields]), pdf_name("/SigFlags"): generic.NumberObject(3)}
    writer.root[pdf_name("/AcroForm")] = writer.add_object(generic.DictionaryObject(joined | kept))
