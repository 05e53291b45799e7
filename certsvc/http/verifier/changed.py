"""What changed in a file of ours, as a page shows it: two pictures side by side, and a list with the same numbers."""

import base64
import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from certsvc.http.language import Language
from certsvc.http.verifier.view import Fact, face_fact
from certsvc.verify.changed import Changed
from certsvc.verify.face_field import FaceField
from certsvc.verify.looking_shapes import Box, Difference, Side

LONGEST_MARKED = 300
SEAL_MM = 24.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A numbered box in a picture, in its pixels; the number stands at its upper right corner."""

    number: int
    x: int
    y: int
    width: int
    height: int
    badge_x: int
    badge_y: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A page as a picture (a `data:` address), what a screen reader says of it, and its boxes."""

    src: str
    width: int
    height: int
    alt: str
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PagePair:
    """A page of either file; one may be missing."""

    title: str
    sealed: Picture | None
    yours: Picture | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A difference in words: what stood there and what stands there, in pieces that differ or not."""

    number: int
    sealed: tuple[tuple[str, bool], ...]
    yours: tuple[tuple[str, bool], ...]
    place: str
    how: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedView:
    """The section; without pairs and rows nothing can be seen to differ, which `none` says. `missing` are fields of the
    register whose words do not stand in the file."""

    heading: str
    legend: str
    sealed_title: str
    yours_title: str
    pairs: tuple[PagePair, ...]
    rows: tuple[Row, ...]
    none: str
    notes: tuple[str, ...]
    missing: tuple[Fact, ...]


def changed_view(changed: Changed | None, language: Language) -> ChangedView | None:
    """The section on what changed; None where nothing could be compared."""
    if changed is None:
        return None
    words, found = language.words["changed"], changed.compared
    numbered = list(enumerate(found.differences, 1))
    count = len(numbered)
    titles = {"revision": words["sealed"], "redrawn": words["redrawn"]}
    return ChangedView(
        heading=words["title"].format(n=count) if count else words["title_none"],
        legend=words["legend"] if count else "",
        sealed_title=titles.get(changed.source or "", ""),
        yours_title=words["yours"],
        pairs=tuple(
            PagePair(
                title=words["page"].format(n=pair.page),
                sealed=_picture(
                    pair.sealed,
                    pair.page,
                    [(n, d.sealed) for n, d in numbered if d.page == pair.page],
                    words["alt_sealed"],
                ),
                yours=_picture(
                    pair.yours,
                    pair.page,
                    [(n, d.yours) for n, d in numbered if d.page == pair.page],
                    words["alt_yours"],
                ),
            )
            for pair in found.pairs
        ),
        rows=tuple(_row(number, each, changed, language) for number, each in numbered),
        none="" if count or changed.source is None else words["none"],
        notes=tuple(_notes(changed, words)),
        missing=tuple(_missing(field, language) for field in changed.missing or ()),
    )


def _notes(changed: Changed, words: dict[str, Any]) -> Iterator[str]:
    if changed.source == "redrawn":
        yield words["redrawn_note"]
    if changed.appended:
        yield words["appended"].format(n=changed.appended)
    if not changed.compared.complete:
        yield words["incomplete"]
    if changed.missing is None:
        yield words["no_text"]


def _missing(field: FaceField, language: Language) -> Fact:
    return face_fact(language.pick(field.zh, field.en), field.zh, field.value, language)


def _picture(side: Side | None, page: int, boxes: list[tuple[int, Box | None]], alt: str) -> Picture | None:
    if side is None:
        return None
    return Picture(
        src="data:image/png;base64," + base64.b64encode(side.png).decode("ascii"),
        width=side.width,
        height=side.height,
        alt=alt.format(n=page),
        marks=tuple(_mark(number, box, side) for number, box in boxes if box is not None),
    )


def _mark(number: int, box: Box, side: Side) -> Mark:
    left, top = max(2, box.left - 4), max(2, box.top - 4)
    right, bottom = min(side.width - 2, box.right + 4), min(side.height - 2, box.bottom + 4)
    return Mark(
        number=number,
        x=left,
        y=top,
        width=max(8, right - left),
        height=max(8, bottom - top),
        badge_x=min(right, side.width - 22),
        badge_y=max(top, 22),
    )


def _row(number: int, found: Difference, changed: Changed, language: Language) -> Row:
    words = language.words["changed"]
    place, is_seal = _place(found, changed, language)
    sealed, yours = _pieces(found.sealed_text, found.yours_text)
    if found.how == "picture":
        sealed, yours = (
            ((words["as_sealed"], False),),
            ((words["seal_differs" if is_seal else "looks_otherwise"], True),),
        )
    elif found.how in ("size", "page"):
        sealed, yours = ((words["as_sealed"], False),), ((words[f"{found.how}_differs"], True),)
    return Row(
        number=number,
        sealed=sealed or ((words["nothing"], False),),
        yours=yours or ((words["nothing"], True),),
        place=place,
        how=words["how"][found.how],
    )


def _pieces(sealed: str, yours: str) -> tuple[tuple[tuple[str, bool], ...], tuple[tuple[str, bool], ...]]:
    """Both texts in pieces; what differs is marked. Long texts are marked whole."""
    if max(len(sealed), len(yours)) > LONGEST_MARKED or not sealed or not yours:
        return ((sealed, bool(sealed)),) if sealed else (), ((yours, bool(yours)),) if yours else ()
    before, after = [], []
    for kind, start, stop, begin, end in difflib.SequenceMatcher(None, sealed, yours, autojunk=False).get_opcodes():
        if stop > start:
            before.append((sealed[start:stop], kind != "equal"))
        if end > begin:
            after.append((yours[begin:end], kind != "equal"))
    return tuple(before), tuple(after)


def _place(found: Difference, changed: Changed, language: Language) -> tuple[str, bool]:
    """The page, and the field or the seal where that is known."""
    words = language.words["changed"]
    page = words["page"].format(n=found.page)
    if _is_seal(found, changed):
        return f"{page} {words['seal']}", True
    text = "".join(found.sealed_text.split())
    for field in changed.certificate.fields:
        value = "".join(field.value.split())
        if text and value and (text in value or value in text):
            return f"{page} {language.pick(field.zh, field.en)}", False
    return page, False


def _is_seal(found: Difference, changed: Changed) -> bool:
    """Whether a place that looks otherwise is where the seal stands."""
    box, layout = found.sealed, changed.layout
    side = next((pair.sealed for pair in changed.compared.pairs if pair.page == found.page), None)
    if box is None or layout is None or side is None or found.how != "picture":
        return False
    across, down = side.width / layout.width_mm, side.height / layout.height_mm
    x, y = (box.left + box.right) / 2 / across, (box.top + box.bottom) / 2 / down
    return any(
        abs(x - seal.x_mm) < SEAL_MM and abs(y - seal.y_mm) < SEAL_MM
        for seal in layout.seals
        if seal.page == found.page
    )
