"""The symbol: how large it gets at most, and that another encoder draws the same one."""

from datetime import UTC, datetime

import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from qrcode import QRCode
from qrcode.constants import ERROR_CORRECT_M
from qrcode.util import MODE_ALPHA_NUM, MODE_NUMBER, QRData

from certsvc.domain.token import LAST_SECOND, Claims, assemble, encode_claims, fits, to_digits
from certsvc.errors import SettingsError
from certsvc.ids import Ref, parse_uscc
from certsvc.render.qr import QUIET, QrSymbol, qr_symbol

COMPANY = parse_uscc("91441900MA51ABC088")
LONGEST_HOST = "LICENCE.YUNSHAN.TEST"
LAST = datetime.fromtimestamp(LAST_SECOND, UTC)

instants = st.integers(0, LAST_SECOND).map(lambda second: datetime.fromtimestamp(second, UTC))
names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20).filter(fits)
prefixes = st.tuples(
    st.sampled_from(["HTTPS", "HTTP"]), st.from_regex(r"[A-Z0-9][A-Z0-9.-]{0,18}[A-Z0-9]", fullmatch=True)
).map(lambda parts: f"{parts[0]}://{parts[1]}/Q/")
without_name = st.builds(
    Claims,
    ref=st.integers(0, (1 << 80) - 1).map(Ref),
    issued_at=instants,
    expires_at=st.none() | instants,
    subject=st.sampled_from([None, COMPANY]),
    type_number=st.integers(1, 65_535),
    version=st.integers(1, 999),
    list_index=st.integers(0, (1 << 20) - 1),
    holder_name=st.none(),
)


def digits(claims: Claims) -> str:
    """The digits of a token over the claims; the longest kid and signature there are."""
    return to_digits(assemble(b"\xff" * 4, encode_claims(claims), b"\xff" * 64))


def largest(name: str | None) -> Claims:
    """Every claim as long as it gets."""
    return Claims(
        ref=Ref((1 << 80) - 1),
        issued_at=LAST,
        expires_at=LAST,
        subject=COMPANY,
        type_number=65_535,
        version=999,
        list_index=(1 << 20) - 1,
        holder_name=name,
    )


def picture(symbol: QrSymbol) -> Image.Image:
    """The symbol with its quiet zone, four pixels a module."""
    rows = b"".join(bytes(0 if dark else 255 for dark in row) for row in symbol.rows)
    page = Image.new("L", (symbol.modules, symbol.modules), 255)
    page.paste(Image.frombytes("L", (len(symbol.rows), len(symbol.rows)), rows), (QUIET, QUIET))
    return page.resize((symbol.modules * 4, symbol.modules * 4), Image.Resampling.NEAREST)


@given(prefixes, without_name)
@settings(max_examples=40, deadline=None)
def test_without_a_name_and_a_host_of_20_version_9_is_enough(prefix: str, claims: Claims) -> None:
    assert qr_symbol(prefix, digits(claims)).version <= 9


@pytest.mark.long
@given(prefixes, without_name, names)
@settings(max_examples=40, deadline=None)
def test_with_a_name_and_a_host_of_20_version_11_is_enough(prefix: str, claims: Claims, name: str) -> None:
    named = Claims(**{field: getattr(claims, field) for field in Claims.__slots__} | {"holder_name": name})
    assert qr_symbol(prefix, digits(named)).version <= 11


@pytest.mark.parametrize("name", ["云" * 20, "𠮷" * 18, "A" * 20])
@pytest.mark.parametrize("scheme", ["HTTPS", "HTTP"])
def test_the_largest_token_with_a_name_has_room_in_version_11(scheme: str, name: str) -> None:
    assert fits(name)
    symbol = qr_symbol(f"{scheme}://{LONGEST_HOST}/Q/", digits(largest(name)))
    assert symbol.version <= 11
    assert len(symbol.rows) <= 61


def test_the_largest_token_without_a_name_has_room_in_version_9() -> None:
    symbol = qr_symbol(f"HTTPS://{LONGEST_HOST}/Q/", digits(largest(None)))
    assert (symbol.version, len(symbol.rows), symbol.modules) == (9, 53, 61)


@pytest.mark.parametrize("name", ["云" * 21, "𠮷" * 19, ""])
def test_a_name_without_room_is_known_before_it_is_signed(name: str) -> None:
    assert not fits(name)


def test_a_host_that_makes_the_symbol_larger_is_refused() -> None:
    host = "LICENCES-AND-PERMITS.OF-THE-GOVERNMENT-OF.YUNSHAN-CITY.TEST"
    with pytest.raises(SettingsError, match="at most 20 characters"):
        qr_symbol(f"HTTPS://{host}/Q/", digits(largest("云" * 20)))


@pytest.mark.parametrize("prefix", ["https://yz.test/Q/", "HTTPS://云山.TEST/Q/", "HTTPS://YUN_SHAN.TEST/Q/", ""])
def test_a_host_that_no_alphanumeric_segment_holds_is_refused(prefix: str) -> None:
    with pytest.raises(SettingsError):
        qr_symbol(prefix, "1")


def ends_on_a_codeword(prefix: str, body: str, version: int) -> bool:
    """Whether modes, counts, data and terminator fill whole codewords (ISO/IEC 18004 section 7.4)."""
    counts = (9, 10) if version < 10 else (11, 12)
    characters = len(prefix) // 2 * 11 + len(prefix) % 2 * 6
    decimals = len(body) // 3 * 10 + (0, 4, 7)[len(body) % 3]
    return (4 + counts[0] + characters + 4 + counts[1] + decimals + 4) % 8 == 0


def other_encoder(prefix: str, body: str, version: int, mask: int) -> tuple[tuple[bool, ...], ...]:
    """The symbol as the package `qrcode` draws it."""
    code = QRCode(version=version, error_correction=ERROR_CORRECT_M, border=0, mask_pattern=mask)
    code.add_data(QRData(prefix, mode=MODE_ALPHA_NUM), optimize=0)
    code.add_data(QRData(body, mode=MODE_NUMBER), optimize=0)
    code.make(fit=False)
    return tuple(tuple(map(bool, row)) for row in code.get_matrix())


@pytest.mark.parametrize("length", [281, 341, 342, 421, 548])
def test_another_encoder_draws_the_same_symbol(length: int) -> None:
    """The mask is the encoder's choice (the two weigh penalties differently): with the same mask all is the same."""
    prefix, body = f"HTTPS://{LONGEST_HOST}/Q/", "1234567890" * 55
    symbol = qr_symbol(prefix, body[:length])
    assert not ends_on_a_codeword(prefix, body[:length], symbol.version)
    others = [other_encoder(prefix, body[:length], symbol.version, mask) for mask in range(8)]
    assert others.count(symbol.rows) == 1


def test_where_the_data_end_on_a_codeword_both_encoders_are_read_alike() -> None:
    """There segno adds a codeword of zeros before the padding. No reader sees it: it stops at the terminator."""
    prefix, body = f"HTTPS://{LONGEST_HOST}/Q/", digits(largest(None))
    symbol = qr_symbol(prefix, body)
    assert ends_on_a_codeword(prefix, body, symbol.version)
    other = QrSymbol(symbol.version, other_encoder(prefix, body, symbol.version, 0))
    assert read(symbol) == read(other) == [(prefix + body, "M")]


def read(symbol: QrSymbol) -> list[tuple[str, str]]:
    """Text and level of every QR in a picture of the symbol."""
    formats = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCode])
    return [(code.text, code.ec_level) for code in zxingcpp.read_barcodes(picture(symbol), formats=formats)]


def test_the_drawing_is_the_symbol_and_its_quiet_zone() -> None:
    """Every dark run of the SVG is painted and compared with the modules."""
    symbol = qr_symbol("HTTPS://YZ.TEST/Q/", "123456789")
    assert f'viewBox="0 0 {symbol.modules} {symbol.modules}"' in symbol.svg
    assert f"translate({QUIET} {QUIET})" in symbol.svg
    side = len(symbol.rows)
    painted = [[False] * side for _ in range(side)]
    runs = symbol.svg.split(' d="')[1].split('"')[0]
    for run in runs.rstrip("z").split("zM"):
        start, y = run.lstrip("M").split("h")[0].split()
        width = int(run.split("h")[1].split("v")[0])
        for x in range(int(start), int(start) + width):
            painted[int(y)][x] = True
    assert tuple(map(tuple, painted)) == symbol.rows
