"""What tests of the office order."""

import itertools
import json
from pathlib import Path
from typing import Any

from office_room import Caller

SCHEMAS = Path(__file__).resolve().parents[2] / "schemas"
FILING, PROOF = "medical-device-filing", "tiered-water-proof"
"""A type that nobody has to approve, and one that a person has to."""

_names = itertools.count(1)


def example(type_id: str, name: str) -> dict[str, Any]:
    """A good payload of a type."""
    path = SCHEMAS / type_id / "v1" / "examples" / f"{name}.json"
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def a_filing(**changes: Any) -> dict[str, Any]:
    """A filing of a shop with a name and premises of its own."""
    number = next(_names)
    own = {"name": f"东莞市清溪镇第{number}器械店", "address": f"云山市云岗镇振兴路{number}号"}
    return example(FILING, "good-shop") | own | changes


def a_proof() -> dict[str, Any]:
    """A proof."""
    (path,) = list((SCHEMAS / PROOF / "v1" / "examples").glob("good-*.json"))[:1]
    return example(PROOF, path.stem)


async def issued(caller: Caller, key: str | None = None, **changes: Any) -> dict[str, Any]:
    """A filing that was issued."""
    answer = await caller.post("/v1/certificates", {"type": FILING, "payload": a_filing(**changes)}, key)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


GROUND = {
    "reason": "现场检查发现违法经营",
    "legal_basis": "行政许可法 第六十九条",
    "decision_number": "云市监罚〔2026〕1号",
}
