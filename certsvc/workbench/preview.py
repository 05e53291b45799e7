"""Looking at types before anything is issued: every good example on every layout, one picture of all, one page."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from certsvc.catalog import CertificateType
from certsvc.catalog.folder_checks import Checked, check_folder
from certsvc.catalog.load import refusal
from certsvc.errors import NotFound
from certsvc.workbench.contact_sheet import digest_of, draw_contact_sheet, in_order, tile
from certsvc.workbench.press import Printed, print_samples
from certsvc.workbench.sample import Sample, samples

CONTACT_SHEET, INDEX, GALLERY = "contact-sheet.png", "index.html", "gallery.png"
Seen = Callable[[int, int, Printed], None]
"""Told of each sheet as it is done: how many are, of how many."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What was printed, and the types that could not be because of problems in their files."""

    printed: tuple[Printed, ...]
    unusable: tuple[Checked, ...]


def preview(schemas: Path, out: Path, types: Sequence[str], fonts: Sequence[str], seen: Seen) -> Preview:
    """Print the good examples of the newest version of `types` (all, if none is named) into the folder `out`, with a
    contact sheet and an index. A type with problems in its files is left out and named.

    Raises:
        NotFound: there is no such type.
        CatalogError: a type that was named has problems in its files.
    """
    checked = check_folder(schemas)
    wanted = _wanted(checked, types)
    kinds = in_order(each.kind for each in wanted if each.kind is not None)
    out.mkdir(parents=True, exist_ok=True)
    printed = _print(schemas, kinds, out, fonts, seen, first_only=False)
    draw_contact_sheet([tile(kind, _first_picture(kind, printed)) for kind in kinds], out / CONTACT_SHEET)
    (out / INDEX).write_text(_index(kinds, printed), "utf-8")
    return Preview(tuple(printed), tuple(each for each in wanted if each.kind is None and each.problems))


def draw_gallery(schemas: Path, fonts: Sequence[str], seen: Seen) -> Path:
    """Write the contact sheet of all types into `schemas`, with the digest of what it was made from.

    Raises:
        CatalogError: a type has problems, or does not print.
    """
    checked = check_folder(schemas)
    stopping = [problem for each in checked for problem in each.problems if problem.stops]
    if stopping:
        raise refusal(stopping)
    kinds = in_order(each.kind for each in checked if each.kind is not None)
    with tempfile.TemporaryDirectory(prefix="certsvc-gallery-") as folder:
        printed = _print(schemas, kinds, Path(folder), fonts, seen, first_only=True)
        tiles = [tile(kind, _first_picture(kind, printed)) for kind in kinds]
        draw_contact_sheet(tiles, schemas / GALLERY, digest_of(schemas, kinds))
    return schemas / GALLERY


def gallery_digest(schemas: Path) -> str:
    """What the digest in the gallery would be if it were made now."""
    kinds = [each.kind for each in check_folder(schemas) if each.kind is not None]
    return digest_of(schemas, in_order(kinds))


def _wanted(checked: Sequence[Checked], types: Sequence[str]) -> list[Checked]:
    known = [each for each in checked if each.version]
    newest = [each for each in known if each.version == max(one.version for one in known if one.id == each.id)]
    for type_id in types:
        if type_id not in {each.id for each in newest}:
            raise NotFound(
                f"没有证照类型 {type_id}：certsvc check-types 会列出所有类型。",
                f"There is no type {type_id}: certsvc check-types lists them.",
            )
    chosen = [each for each in newest if not types or each.id in types]
    stopping = [problem for each in chosen for problem in each.problems if problem.stops]
    if types and stopping:
        raise refusal(stopping, len(stopping))
    return chosen


def _print(
    schemas: Path, kinds: Sequence[CertificateType], out: Path, fonts: Sequence[str], seen: Seen, *, first_only: bool
) -> list[Printed]:
    """Every sheet, or only the first of each type, in the order of the types."""
    wanted = list(samples(kinds))
    if first_only:
        firsts: dict[str, Sample] = {}
        for sample in wanted:
            firsts.setdefault(sample.kind.id, sample)
        wanted = list(firsts.values())
    printed = {}
    for number, each in enumerate(print_samples(schemas, wanted, out, fonts), 1):
        printed[each.stem] = each
        seen(number, len(wanted), each)
    return [printed[sample.stem] for sample in samples(kinds) if sample.stem in printed]


def _first_picture(kind: CertificateType, printed: Sequence[Printed]) -> Path | None:
    return next((each.png for each in printed if each.type_id == kind.id), None)


def _index(kinds: Sequence[CertificateType], printed: Sequence[Printed]) -> str:
    template = Path(__file__).with_name("index.html.jinja").read_text("utf-8")
    types = [
        {
            "id": kind.id,
            "version": kind.version,
            "number": kind.type_number,
            "zh": kind.zh,
            "en": kind.en,
            "sheets": [
                {
                    "layout": each.layout,
                    "example": each.example,
                    "pdf": each.pdf,
                    "png": each.png,
                    "problems": [*each.warnings, *([each.error] if each.error else [])],
                }
                for each in printed
                if each.type_id == kind.id
            ],
        }
        for kind in kinds
    ]
    page = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True).from_string(template)
    return page.render(types=types, sheets=len(printed))
