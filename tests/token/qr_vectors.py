"""The committed QR vectors and the anchors they were signed under."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from certsvc.domain.token import Claims
from certsvc.ids import parse_uscc, ref_from_bytes
from certsvc.verify.anchors import Anchors, TokenKey

FOLDER = Path(__file__).resolve().parents[1] / "vectors" / "qr"
PREFIX = "HTTPS://LICENCE.YUNSHAN.TEST/Q/"

Vector = dict[str, Any]


def vectors(kind: str) -> dict[str, Vector]:
    """The `good` or the `bad` ones by name."""
    return {path.stem: json.loads(path.read_text("utf-8")) for path in sorted((FOLDER / kind).glob("*.json"))}


def token_key() -> TokenKey:
    """The published key and its term."""
    about = json.loads((FOLDER / "token-key.json").read_text("utf-8"))
    public_key = load_pem_public_key((FOLDER / "token-key.pem").read_bytes())
    assert isinstance(public_key, ec.EllipticCurvePublicKey)
    return TokenKey(public_key, datetime.fromisoformat(about["not_before"]), datetime.fromisoformat(about["not_after"]))


def kid() -> bytes:
    """The published key id."""
    return bytes.fromhex(json.loads((FOLDER / "token-key.json").read_text("utf-8"))["kid"])


def anchors(*keys: tuple[bytes, TokenKey]) -> Anchors:
    """Anchors with these token keys and no root, which no token needs."""
    table: dict[bytes, tuple[TokenKey, ...]] = {}
    for name, key in keys:
        table[name] = (*table.get(name, ()), key)
    return Anchors((), table, False)


def claims_of(vector: Vector) -> Claims:
    """The claims of a good vector as the product holds them."""
    about = vector["claims"]
    return Claims(
        ref=ref_from_bytes(bytes.fromhex(about["ref"])),
        issued_at=datetime.fromisoformat(about["issued_at"]),
        expires_at=datetime.fromisoformat(about["expires_at"]) if about["expires_at"] else None,
        subject=parse_uscc(about["subject"]) if about["subject"] else None,
        type_number=about["type_number"],
        version=about["version"],
        list_index=about["list_index"],
        holder_name=about["holder_name"],
    )
