"""Where a file differs from the sealed one: by pixels and by words, page by page. Runs in a worker process only.

Pixels find what the eye sees, words say what it was; text that nobody sees is found by words alone.
"""

import io
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import pypdfium2
from PIL import Image, ImageChops

from certsvc.verify.looking_shapes import (
    MOST_DIFFERENCES,
    MOST_PAGES,
    MOST_TEXT,
    Box,
    Compare,
    Compared,
    Difference,
    Pair,
    Side,
    Unseen,
)
from certsvc.verify.regions import regions
from certsvc.verify.words import Run, plain, runs, text_of

LONGEST_SIDE = 1200
COLOURS = 32
SAME = 48
"""How much a pixel may differ (of 255) before it counts: edges are smoothed anew by every program."""

SAME_SHAPE = 0.02


@dataclass(frozen=True, slots=True)
class _Page:
    """A page as a picture, and its text."""

    picture: Image.Image
    runs: tuple[Run, ...]


def compare(asked: Compare) -> Compared | Unseen:
    """Hold one file against the other; without a sealed one only its words are looked at."""
    with ExitStack() as stack:
        yours = stack.enter_context(pypdfium2.PdfDocument(asked.yours))
        yours.init_forms()
        found = _which(asked.texts, text_of(yours, MOST_PAGES))
        if asked.sealed is None:
            return Compared((), (), complete=len(yours) <= MOST_PAGES, found=found)
        sealed = stack.enter_context(pypdfium2.PdfDocument(asked.sealed))
        sealed.init_forms()
        pairs, differences = [], []
        for number in range(min(MOST_PAGES, max(len(sealed), len(yours)))):
            left, right = _page(sealed, number), _page(yours, number)
            aside = [place[1:] for place in asked.aside if place[0] == number + 1]
            own = list(_differences(number + 1, left, right, aside))
            if own:
                pairs.append(Pair(number + 1, _side(left), _side(right)))
            differences += own
        complete = max(len(sealed), len(yours)) <= MOST_PAGES and len(differences) <= MOST_DIFFERENCES
        return Compared(tuple(pairs), tuple(differences[:MOST_DIFFERENCES]), complete=complete, found=found)


def _which(texts: Sequence[str], whole: str) -> tuple[bool, ...]:
    """Which of the texts stand in a file, however its lines are broken; none of them where it has no text."""
    return tuple(plain(text) in whole for text in texts) if whole else ()


def _page(document: pypdfium2.PdfDocument, number: int) -> _Page | None:
    if number >= len(document):
        return None
    page = document[number]
    width, height = page.get_size()
    scale = LONGEST_SIDE / max(1.0, width, height)
    picture: Image.Image = page.render(scale=scale, may_draw_forms=True).to_pil().convert("RGB")
    return _Page(picture, runs(page, picture.size))


def _differences(
    number: int, sealed: _Page | None, yours: _Page | None, aside: Sequence[tuple[float, ...]]
) -> Iterator[Difference]:
    if sealed is None or yours is None:
        yield Difference(number, "page")
        return
    if not _same_shape(sealed.picture, yours.picture):
        yield Difference(number, "size")
        return
    fitted = _Page(_fitted(yours.picture, sealed.picture.size), _scaled(yours, sealed))
    told = _Told()
    for box in regions(_mask(sealed.picture, fitted.picture, aside)):
        found = _in_words(number, box, sealed, fitted, told)
        if found is not None:
            yield _on_yours(found, yours, fitted)
    for run in _unseen(sealed, fitted, told.boxes):
        yield _on_yours(Difference(number, "hidden", yours=run.box, yours_text=run.text[:MOST_TEXT]), yours, fitted)


class _Told:
    """What was said already: a word that differs in two regions is one difference."""

    def __init__(self) -> None:
        self.boxes: list[Box] = []
        self._runs: set[Run] = set()

    def news(self, found: Sequence[Run]) -> list[Run]:
        """The words that were not said yet; from now on they were."""
        new = [run for run in found if run not in self._runs]
        self._runs.update(new)
        return new


def _same_shape(one: Image.Image, other: Image.Image) -> bool:
    (width, height), (wide, high) = one.size, other.size
    return abs(width * high - wide * height) <= SAME_SHAPE * width * high


def _fitted(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    return picture if picture.size == size else picture.resize(size, Image.Resampling.BICUBIC)


def _scaled(yours: _Page, sealed: _Page) -> tuple[Run, ...]:
    across, down = sealed.picture.width / yours.picture.width, sealed.picture.height / yours.picture.height
    return tuple(Run(_times(run.box, across, down), run.text) for run in yours.runs)


def _on_yours(found: Difference, yours: _Page, fitted: _Page) -> Difference:
    """The same with the box in the pixels of the file's own picture."""
    if found.yours is None or yours.picture.size == fitted.picture.size:
        return found
    across, down = yours.picture.width / fitted.picture.width, yours.picture.height / fitted.picture.height
    box = _times(found.yours, across, down)
    return Difference(found.page, found.how, found.sealed, box, found.sealed_text, found.yours_text)


def _times(box: Box, across: float, down: float) -> Box:
    return Box(round(box.left * across), round(box.top * down), round(box.right * across), round(box.bottom * down))


def _mask(sealed: Image.Image, yours: Image.Image, aside: Sequence[tuple[float, ...]]) -> Image.Image:
    """White where the pictures differ, black elsewhere and in the places that are left aside."""
    channels = ImageChops.difference(sealed, yours).split()
    worst = ImageChops.lighter(ImageChops.lighter(channels[0], channels[1]), channels[2])
    mask = worst.point(lambda value: 255 if value > SAME else 0)
    for left, top, right, bottom in aside:
        place = tuple(map(round, (left * mask.width, top * mask.height, right * mask.width, bottom * mask.height)))
        mask.paste(0, (place[0], place[1], place[2], place[3]))
    return mask


def _in_words(number: int, box: Box, sealed: _Page, yours: _Page, told: _Told) -> Difference | None:
    """A region as a difference: with the words that stand there in either file, if they are others; the boxes grow to
    the whole of these words. None where all of it was said before."""
    before, after = _others(_touched(sealed.runs, box), _touched(yours.runs, box))
    if not before and not after:
        if any(box.meets(other) for other in told.boxes):
            return None
        told.boxes.append(box)
        there = _joined(_touched(sealed.runs, box))[:MOST_TEXT]
        return Difference(number, "picture", box, box, there, there)
    before, after = told.news(before), told.news(after)
    if not before and not after:
        return None
    was, now = _around(box, before), _around(box, after)
    told.boxes += [was, now]
    return Difference(number, "text", was, now, _joined(before)[:MOST_TEXT], _joined(after)[:MOST_TEXT])


def _others(before: Sequence[Run], after: Sequence[Run]) -> tuple[list[Run], list[Run]]:
    """The words of either file without those that stand in both."""
    old, new = (Counter(plain(run.text) for run in found) for found in (before, after))
    return [run for run in before if not new[plain(run.text)]], [run for run in after if not old[plain(run.text)]]


def _touched(known: Sequence[Run], box: Box) -> list[Run]:
    return [run for run in known if run.box.meets(box)]


def _joined(found: Sequence[Run]) -> str:
    return " ".join(run.text for run in found)


def _around(box: Box, found: Sequence[Run]) -> Box:
    """A little more than the words; the region itself where there are none."""
    boxes = [run.box for run in found] or [box]
    return Box(
        max(0, min(each.left for each in boxes) - 3),
        max(0, min(each.top for each in boxes) - 3),
        max(each.right for each in boxes) + 3,
        max(each.bottom for each in boxes) + 3,
    )


def _unseen(sealed: _Page, yours: _Page, seen: Sequence[Box]) -> Iterator[Run]:
    """Text that is in one file alone, where nothing looks otherwise."""
    known = Counter(plain(run.text) for run in sealed.runs)
    for run in yours.runs:
        text = plain(run.text)
        if known[text]:
            known[text] -= 1
        elif text and text not in plain(_joined(sealed.runs)) and not any(run.box.meets(box) for box in seen):
            yield run


def _side(page: _Page | None) -> Side | None:
    if page is None:
        return None
    out = io.BytesIO()
    page.picture.quantize(COLOURS).save(out, "PNG")
    return Side(out.getvalue(), page.picture.width, page.picture.height)
