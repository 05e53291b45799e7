"""How much text a seal has room for: letters that would be squeezed into a smear are refused."""

from collections.abc import Callable
from dataclasses import dataclass

from certsvc.errors import InvalidInput, Problem


@dataclass(frozen=True, slots=True)
class Part:
    """A text on a seal: its field, its names, and the least width of a letter's em box that can be read in print."""

    field: str
    zh: str
    en: str
    least_mm: float


NAME = Part("name", "名称", "name", 1.7)
PURPOSE = Part("purpose", "用途", "purpose", 1.7)
CODE = Part("code", "编码", "code", 1.15)


def require_room(part: Part, text: str, letter_mm: Callable[[str], float]) -> None:
    """Refuse a text too long for its place. `letter_mm` says how wide its letters would be if it stood there.

    Raises:
        InvalidInput: a letter would be narrower than can be read; with the longest text that fits.
    """
    if not text or letter_mm(text) >= part.least_mm:
        return
    fits = next((length for length in range(len(text) - 1, 0, -1) if letter_mm(text[:length]) >= part.least_mm), 0)
    zh = f"印章上的{part.zh}有 {len(text)} 个字，挤得认不清：最多 {fits} 个字，否则请提供制作好的印章图像。"
    en = (
        f"The {part.en} on the seal has {len(text)} characters, squeezed until nobody can read them: "
        f"at most {fits} fit, else supply the picture of the seal."
    )
    raise InvalidInput(zh, en, problems=[Problem(part.field, "too_long", zh, en)])
