"""Where a keyword stands in a document: in the text as it is drawn, character by character, by their boxes."""

import unicodedata
from collections.abc import Sequence
from typing import Any

import pypdfium2

from certsvc.seal.document_pdf import refused
from certsvc.seal.document_place import Found, PageFrame

MOST_FOUND = 10_000
LINE_ENDS = frozenset(map(ord, "\r\n"))


class Text:
    """The text of a document, page by page. Blanks and line ends do not count, and compatible characters are one."""

    def __init__(self, data: bytes, frames: Sequence[PageFrame]) -> None:
        self._data, self._frames = data, frames

    def find(self, keyword: str) -> Sequence[Found]:
        """Every place of the keyword, in the order of pages and of the text on them.

        Raises:
            DocumentRefused: the document has no text: it was scanned, say.
        """
        wanted = _normal(keyword)
        found: list[Found] = []
        characters = 0
        with pypdfium2.PdfDocument(self._data) as document:
            for number, frame in enumerate(self._frames, 1):
                page = document[number - 1]
                text = page.get_textpage()
                characters += text.count_chars()
                found += _on_page(text, wanted, number, frame)
                text.close()
                page.close()
                if len(found) > MOST_FOUND:
                    break
        if not characters:
            raise refused(
                "no_text",
                "文件里没有文字（可能是扫描件），不能按关键字定位：请改用坐标或规则。",
                "it holds no text, as when it was scanned, and no keyword can be found: place the seal by coordinates "
                "or by rule.",
                "seals.position",
            )
        return found


def _normal(text: str) -> str:
    """Without blanks, compatible characters as one, in the 16-bit units in which the reader counts characters."""
    plain = "".join(unicodedata.normalize("NFKC", text).split())
    if plain.isascii() or max(plain) < "\U00010000":
        return plain
    units = plain.encode("utf-16-le", "surrogatepass")
    return "".join(chr(int.from_bytes(units[place : place + 2], "little")) for place in range(0, len(units), 2))


def _on_page(text: Any, wanted: str, number: int, frame: PageFrame) -> list[Found]:
    if not wanted or wanted not in _normal(text.get_text_range()):
        return []
    plain, indexes = [], []
    for index in range(text.count_chars()):
        for character in _normal(chr(pypdfium2.raw.FPDFText_GetUnicode(text, index))):
            plain.append(character)
            indexes.append(index)
    whole, start = "".join(plain), 0
    found: list[Found] = []
    while (start := whole.find(wanted, start)) >= 0:
        stop = start + len(wanted)
        found.append(_middle(text, indexes[start:stop], number, frame))
        start = stop
    return found


def _middle(text: Any, indexes: Sequence[int], number: int, frame: PageFrame) -> Found:
    """The middle of the boxes of these characters; of a keyword that runs on, of its part on the last line."""
    first = len(indexes) - 1
    while first and not _is_new_line(text, indexes[first - 1], indexes[first]):
        first -= 1
    line = [text.get_charbox(index) for index in indexes[first:]]
    left, bottom = min(box[0] for box in line), min(box[1] for box in line)
    right, top = max(box[2] for box in line), max(box[3] for box in line)
    x_mm, y_mm = frame.seen((left + right) / 2, (bottom + top) / 2)
    return Found(page=number, x_mm=x_mm, y_mm=y_mm)


def _is_new_line(text: Any, before: int, after: int) -> bool:
    return any(pypdfium2.raw.FPDFText_GetUnicode(text, index) in LINE_ENDS for index in range(before + 1, after))
