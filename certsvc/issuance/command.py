"""Issue from a file of JSON: what the command line does."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from certsvc.domain.actor import Actor
from certsvc.domain.issuing import Order, Reservation
from certsvc.domain.token import to_digits
from certsvc.errors import PayloadInvalid
from certsvc.issuance.issue import issue
from certsvc.issuance.papers import write_papers
from certsvc.issuance.prepare import payload_digest
from certsvc.issuance.service import Issuing

MAX_PAYLOAD = 1024 * 1024
ACTOR = Actor(name="command-line", scopes=frozenset({"issue:*"}))


def read_payload(path: Path) -> Mapping[str, Any]:
    """The JSON object in a file.

    Raises:
        PayloadInvalid: it cannot be read, is over 1 MiB, or is no JSON object.
    """
    try:
        with path.open("rb") as file:
            payload = json.loads(file.read(MAX_PAYLOAD + 1)[:MAX_PAYLOAD].decode("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise PayloadInvalid(f"{path} 读不出 JSON：{error}", f"{path} cannot be read as JSON: {error}") from None
    if not isinstance(payload, dict):
        raise PayloadInvalid(f"{path} 应为一个 JSON 对象。", f"{path} must hold a JSON object.")
    return payload


async def issue_payload(
    issuing: Issuing, type_id: str, payload: Mapping[str, Any], key: str | None, papers: Path, now: datetime
) -> dict[str, Any]:
    """Issue and write the sealed files to `papers`; what was issued, for a program to read.

    Raises:
        see `issue`.
    """
    name = key or payload_digest(type_id, payload).hex()
    order = Order(client=ACTOR.name, key=name, type_id=type_id, payload=payload)
    reservation = await issue(issuing, ACTOR, order, now)
    written = await write_papers(issuing, reservation, papers)
    return issued_json(issuing, reservation, written)


def issued_json(issuing: Issuing, reservation: Reservation, written: Sequence[Path]) -> dict[str, Any]:
    """What was issued, for a program to read."""
    return {
        "number": reservation.number,
        "version": reservation.version,
        "identifier": reservation.identifier,
        "typed_code": reservation.ref.typed_code,
        "url": f"{issuing.public_url}/Q/{to_digits(reservation.token or b'')}",
        "files": [str(path) for path in written],
    }
