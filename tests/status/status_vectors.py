"""The committed vectors of status lists, and the keys they are read with: in both forms there are."""

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from certsvc.verify.anchors import Anchors, parse_anchors
from certsvc.verify.offline_keys import PublishedKeys, parse_keys

FOLDER = Path(__file__).resolve().parents[1] / "vectors" / "status"
KEYS = ("ours", "old", "token-key-stolen", "status-key-stolen", "status-key-revoked", "status-key-revoked-later")

Vector = dict[str, Any]


def vectors(kind: str) -> dict[str, Vector]:
    """The `good` or the `bad` ones by name."""
    return {path.stem: json.loads(path.read_text("utf-8")) for path in sorted((FOLDER / kind).glob("*.json"))}


@cache
def keys_file(name: str) -> Mapping[str, Any]:
    """A file of keys."""
    found: dict[str, Any] = json.loads((FOLDER / "keys" / f"{name}.json").read_text("utf-8"))
    return found


@cache
def anchors(name: str) -> Anchors:
    """As a reader of X.509 has them."""
    files: Mapping[str, str] = keys_file(name)["anchors"]
    return parse_anchors(
        {path: base64.b64decode(text) if path.endswith(".crl") else text.encode() for path, text in files.items()}
    )


@cache
def published(name: str) -> PublishedKeys:
    """As a page has them."""
    return parse_keys(json.dumps(keys_file(name)["verifier"]).encode())


def instant(seconds: int) -> datetime:
    """Seconds since 1970 as an instant."""
    return datetime.fromtimestamp(seconds, UTC)


def list_of(vector: Vector) -> bytes | None:
    """The list of a vector as it is handed out."""
    text = vector["list"]
    return None if text is None else text.encode()
