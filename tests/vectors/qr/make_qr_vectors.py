"""Make every QR vector anew: `python tests/vectors/qr/make_qr_vectors.py [FOLDER]`.

The keys are made in memory, sign, and are gone when the script ends: only the public halves are written. The committed
vectors are what the tests read; run this only to add one, because every signature changes.
"""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from PIL import Image
from qr_bytes import (
    CTI,
    DETAIL,
    EXP,
    IAT,
    NULL,
    SUB,
    array,
    cose,
    kid_of,
    mapping,
    number,
    octets,
    sig_structure,
    sign,
    text,
    to_digits,
)
from qr_flaws import flaws
from qr_workshop import Flaw, Workshop
from segno import consts, make

PREFIX = "HTTPS://LICENCE.YUNSHAN.TEST/Q/"
QUARTER = datetime(2026, 9, 30, 16, tzinfo=UTC), datetime(2026, 12, 31, 15, 59, 59, tzinfo=UTC)
ISSUED = datetime(2026, 11, 24, 8, tzinfo=UTC)
END_OF_2031 = datetime(2031, 11, 23, 16, tzinfo=UTC)
PIXELS, QUIET = 4, 4

COMPANY, TRADER = "91441900MA51ABC088", "92441900MA52DEF10X"
GOOD: dict[str, dict[str, Any]] = {
    "business-with-name": {
        "shows": "A permit of a business: every claim is there.",
        "holder": "云山市晨光食品有限公司",
        "ref": "a155f0e1d2c3b4a59687",
        "subject": COMPANY,
        "detail": (101, 1, 345_678),
        "expires_at": END_OF_2031,
    },
    "long-name-left-out": {
        "shows": "A name of more than 20 characters is left out: null in its place, and the page asks to compare.",
        "holder": "云山市石塘镇沙岗村股份经济联合社晨光综合农贸市场服务有限公司",
        "ref": "a15fa1b2c3d4e5f60718",
        "subject": COMPANY,
        "detail": (101, 2, 1_048_575),
        "expires_at": END_OF_2031,
    },
    "person-without-subject": {
        "shows": "A village proof: nothing about the person, neither name nor number.",
        "holder": None,
        "ref": "f1c0ffee00112233445a",
        "subject": None,
        "detail": (201, 1, 0),
        "expires_at": datetime(2027, 11, 23, 16, tzinfo=UTC),
    },
    "no-end": {
        "shows": "A licence without a fixed term: no claim 4.",
        "holder": "云山市阿强小吃店",
        "ref": "9ce0000000000000000b",
        "subject": TRADER,
        "detail": (2, 1, 23),
        "expires_at": None,
    },
    "name-of-18-rare-characters": {
        "shows": "The largest symbol there is: a name of 72 bytes, a far end, every number at its limit. Version 11.",
        "holder": "𠮷" * 18,
        "ref": "a15fffffffffffffffff",
        "subject": COMPANY,
        "detail": (65_535, 999, 1_048_575),
        "expires_at": datetime(2999, 12, 31, 16, tzinfo=UTC),
    },
}


def name_in_token(holder: str | None) -> str | None:
    """The name if it has at most 20 characters and 72 bytes."""
    return holder if holder and len(holder) <= 20 and len(holder.encode()) <= 72 else None


def claims_map(one: dict[str, Any], issued: datetime = ISSUED) -> list[tuple[bytes, bytes]]:
    """The claims as encoded pairs in the order of deterministic CBOR: 2, 4, 6, 7, −65537."""
    name = name_in_token(one["holder"])
    detail = array(*map(number, one["detail"]), text(name) if name else NULL)
    pairs = [(number(SUB), text(one["subject"]))] if one["subject"] else []
    if one["expires_at"]:
        pairs.append((number(EXP), number(int(one["expires_at"].timestamp()))))
    pairs.append((number(IAT), number(int(issued.timestamp()))))
    return [*pairs, (number(CTI), octets(bytes.fromhex(one["ref"]))), (number(DETAIL), detail)]


def good(one: dict[str, Any], key: ec.EllipticCurvePrivateKey) -> dict[str, Any]:
    """Every stage of one good vector."""
    pairs, kid = claims_map(one), kid_of(key.public_key())
    payload = mapping(pairs)
    signature = sign(key, sig_structure(payload))
    token = cose(kid, payload, signature)
    kind, version, index = one["detail"]
    name = name_in_token(one["holder"])
    return {
        "shows": one["shows"],
        "holder": one["holder"],
        "claims": {
            "ref": one["ref"],
            "issued_at": ISSUED.isoformat(),
            "expires_at": one["expires_at"].isoformat() if one["expires_at"] else None,
            "subject": one["subject"],
            "type_number": kind,
            "version": version,
            "list_index": index,
            "holder_name": name,
        },
        "claims_cbor": payload.hex(),
        "sig_structure": sig_structure(payload).hex(),
        "signature": signature.hex(),
        "cose_sign1": token.hex(),
        "digits": to_digits(token),
        "url": PREFIX + to_digits(token),
    }


def picture(url: str) -> tuple[int, Image.Image]:
    """The version and the symbol, four pixels a module, quiet zone included."""
    segments = [(PREFIX, consts.MODE_ALPHANUMERIC), (url.removeprefix(PREFIX), consts.MODE_NUMERIC)]
    code = make(segments, error="m", boost_error=False, micro=False)  # type: ignore[arg-type]
    rows = [bytes(0 if dark else 255 for dark in row) for row in code.matrix]
    symbol = Image.frombytes("L", (len(rows), len(rows)), b"".join(rows))
    page = Image.new("L", (len(rows) + 2 * QUIET, len(rows) + 2 * QUIET), 255)
    page.paste(symbol, (QUIET, QUIET))
    return int(code.version), page.resize((page.width * PIXELS, page.height * PIXELS), Image.Resampling.NEAREST)


def write(path: Path, value: object) -> None:
    """JSON that reads well in a review."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", "utf-8")


def bad(key: ec.EllipticCurvePrivateKey) -> dict[str, Flaw]:
    """Every bad vector: made from the first good one, with one flaw each and otherwise signed in order."""
    foreign = ec.generate_private_key(ec.SECP256R1())
    one = GOOD["business-with-name"]
    before, after = datetime(2026, 9, 30, 15, 59, 59, tzinfo=UTC), datetime(2026, 12, 31, 16, tzinfo=UTC)
    return flaws(Workshop(key, foreign, claims_map(one), claims_map(one, before), claims_map(one, after)))


def main(folder: Path) -> None:
    """Write keys, vectors and pictures into `folder`."""
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key()
    (folder / "token-key.pem").write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    quarter = {"not_before": QUARTER[0].isoformat(), "not_after": QUARTER[1].isoformat()}
    write(folder / "token-key.json", {"kid": kid_of(public).hex(), **quarter})
    for name, one in GOOD.items():
        vector = good(one, key)
        version, symbol = picture(vector["url"])
        write(folder / "good" / f"{name}.json", {**vector, "qr_version": version, "picture": f"{name}.png"})
        symbol.convert("1", dither=Image.Dither.NONE).save(folder / "good" / f"{name}.png", optimize=True)
    for name, flaw in bad(key).items():
        write(folder / "bad" / f"{name}.json", flaw)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent)
