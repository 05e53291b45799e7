"""The vectors of `tests/vectors/receipts`: the published form of a receipt, and where each bad one is refused."""

import base64
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from receipt_flaws import FLAWS

from certsvc.verify.anchors import Anchors, parse_anchors
from certsvc.verify.receipt import read_receipt
from certsvc.verify.report import Outcome, conclude_receipt, soundness

FOLDER = Path(__file__).resolve().parents[1] / "vectors" / "receipts"
SAID = json.loads((FOLDER / "vectors.json").read_text("utf-8"))
VECTORS: list[dict[str, Any]] = SAID["vectors"]
NOW = datetime.fromisoformat(SAID["now"])


def anchors(crl: str | None) -> Anchors:
    """What the authority of the vectors publishes."""
    public = FOLDER / "public"
    files = {path.relative_to(public).as_posix(): path.read_bytes() for path in public.glob("*/*")}
    return parse_anchors(files | ({"crl/issuing.crl": (FOLDER / crl).read_bytes()} if crl else {}))


@pytest.mark.parametrize("vector", VECTORS, ids=lambda one: one["name"])
def test_each_vector_is_read_as_it_says(vector: dict[str, Any]) -> None:
    receipt, checks = read_receipt((FOLDER / vector["file"]).read_bytes(), anchors(vector.get("crl")), NOW)
    assert conclude_receipt(soundness(checks)).value == vector["verdict"]
    failing = [f"{check.kind}.{check.reason}" for check in checks if check.outcome is not Outcome.PASSED]
    assert failing == ([vector["check"]] if vector["check"] else [])
    if vector["verdict"] == "receipt":
        assert receipt is not None


def test_every_flaw_of_a_record_has_its_vector_and_every_file_is_named() -> None:
    named = {vector["name"] for vector in VECTORS}
    pages = {"receipt_page", "receipt_seal", "signer", "format", "signature"}
    records = {each.name for each in FLAWS if each.answer.partition(".")[0] not in pages}
    assert named >= records - {"two_records_on_one_page", "a_record_that_is_none"}
    files = {str(path.relative_to(FOLDER)) for path in FOLDER.glob("*/*.jws")}
    assert files == {vector["file"] for vector in VECTORS}


def test_what_the_good_vectors_hold_keeps_to_the_schema() -> None:
    schema = jsonschema_rs.Draft202012Validator(json.loads((FOLDER / "receipt-1.schema.json").read_text("utf-8")))
    verdicts = set()
    for vector in VECTORS:
        if vector["verdict"] != "receipt":
            continue
        receipt, _ = read_receipt((FOLDER / vector["file"]).read_bytes(), anchors(None), NOW)
        assert receipt is not None
        content = _payload(FOLDER / vector["file"])
        assert [error.message for error in schema.iter_errors(content)] == []
        verdicts.add(receipt.report["verdict"])
    assert verdicts == {"valid", "not_valid", "undetermined"}


def _payload(path: Path) -> Any:
    part = path.read_text("ascii").split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
