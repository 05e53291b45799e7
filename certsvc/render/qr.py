"""The QR symbol: level M, an alphanumeric segment for the address, a numeric one for the digits."""

import re
from dataclasses import dataclass, field

import segno
from segno import consts

from certsvc.errors import SettingsError

QUIET = 4
LARGEST_VERSION = 11
"""What a token with a name of 20 characters behind a host of 20 characters needs at most."""

LEAST_MODULE_MM = 0.40
ALPHANUMERIC = re.compile(r"[0-9A-Z $%*+./:-]+")
"""The characters of a QR's alphanumeric segment (ISO/IEC 18004 section 7.4.4)."""


@dataclass(frozen=True, slots=True)
class QrSymbol:
    """A symbol without its quiet zone: `rows` of modules, dark is True. `mask` is the pattern chosen for it."""

    version: int
    rows: tuple[tuple[bool, ...], ...]
    mask: int | None = field(default=None, compare=False)

    @property
    def modules(self) -> int:
        """Modules on a side, the quiet zone of four on each side included."""
        return len(self.rows) + 2 * QUIET

    @property
    def svg(self) -> str:
        """The symbol as one SVG path, quiet zone included."""
        runs = "".join(
            f"M{start} {y}h{end - start}v1H{start}z" for y, row in enumerate(self.rows) for start, end in _runs(row)
        )
        path = f'<path transform="translate({QUIET} {QUIET})" d="{runs}"/>'
        side = self.modules
        return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}">{path}</svg>'


def qr_symbol(prefix: str, digits: str) -> QrSymbol:
    """The symbol of `prefix` (such as `HTTPS://YZ.EXAMPLE/Q/`) and the token's digits.

    Raises:
        SettingsError: the address makes the symbol larger than version 11, or has a character (small letter, _, 云)
            that no alphanumeric segment holds.
    """
    if not ALPHANUMERIC.fullmatch(prefix):
        raise SettingsError(
            f"地址 {prefix} 中有二维码放不下的字符：请只用大写字母、数字、点和连字符。",
            f"The address {prefix} has characters a QR has no room for: capitals, digits, dots and hyphens only.",
        )
    segments = [(prefix, consts.MODE_ALPHANUMERIC), (digits, consts.MODE_NUMERIC)]
    code = segno.make(segments, error="m", boost_error=False, micro=False)  # type: ignore[arg-type]
    version = int(code.version)
    if version > LARGEST_VERSION:
        raise SettingsError(
            f"地址 {prefix} 太长，二维码会印不清：请用不超过 20 个字符的域名。",
            f"The address {prefix} is too long for a QR that prints well: use a host of at most 20 characters.",
        )
    return QrSymbol(version, tuple(tuple(map(bool, row)) for row in code.matrix), code.mask)


def _runs(row: tuple[bool, ...]) -> list[tuple[int, int]]:
    edges = [x for x in range(len(row) + 1) if (x > 0 and row[x - 1]) != (x < len(row) and row[x])]
    return list(zip(edges[::2], edges[1::2], strict=True))
