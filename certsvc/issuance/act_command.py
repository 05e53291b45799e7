"""Any act from the command line: on a certificate that is issued, or making its next version."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from certsvc.catalog import Catalog, CertificateType
from certsvc.domain.actor import Actor
from certsvc.domain.acts import ACTS, Act, Makes, Organ
from certsvc.domain.calendar import beijing_date, years_after
from certsvc.domain.issuing import Order, Reservation
from certsvc.domain.life import Event, Ground, periods
from certsvc.domain.states import STATES
from certsvc.errors import InvalidInput
from certsvc.ids import Ref, parse_typed_code
from certsvc.issuance.acts import Acting, act
from certsvc.issuance.command import issued_json, read_payload
from certsvc.issuance.issue import issue
from certsvc.issuance.papers import write_papers
from certsvc.issuance.prepare import open_payload
from certsvc.issuance.service import Issuing
from certsvc.services import Register

DAY, DAYS_A_YEAR = timedelta(days=1), 365.25


@dataclass(frozen=True, slots=True, kw_only=True)
class ActCommand:
    """What was typed. `target` is a typed code; for a first issue and a transfer in, the type."""

    act: Act
    target: str
    by: str
    confirmed_by: str | None = None
    organ: Organ = Organ.ISSUER
    effective: date | None = None
    ground: Ground = field(default_factory=Ground)
    retroactive: bool = False
    strikes: int | None = None
    payload: Path | None = None
    changes: Sequence[str] = ()
    previous_identifier: str | None = None
    key: str | None = None


async def do_act(register: Register, catalog: Catalog, typed: ActCommand, now: datetime) -> dict[str, Any]:
    """Act on a certificate; what is on record then, for a program to read.

    Raises:
        see `acts.act`.
    """
    asked = Acting(
        client=typed.by,
        key=_key(typed, {}),
        act=typed.act,
        ref=parse_typed_code(typed.target),
        effective=typed.effective,
        organ=typed.organ,
        confirmed_by=_person(typed.confirmed_by, typed.act) if typed.confirmed_by else None,
        ground=typed.ground,
        retroactive=typed.retroactive,
        strikes=typed.strikes,
    )
    event = await act(register, catalog, _person(typed.by, typed.act), asked, now)
    return await _shown(register, event, asked.ref, now)


async def make_version(issuing: Issuing, typed: ActCommand, papers: Path, now: datetime) -> dict[str, Any]:
    """Issue the first or the next version of a certificate; its files are written to `papers`.

    Raises:
        see `issue.issue`; InvalidInput: no payload was given where one is needed.
    """
    makes_first = ACTS[typed.act].makes is Makes.FIRST
    previous = None if makes_first else await issuing.register.reservation(parse_typed_code(typed.target))
    type_id = previous.type_id if previous else typed.target
    payload = await _payload(issuing, typed, previous, now)
    order = Order(
        client=typed.by,
        key=_key(typed, payload),
        type_id=type_id,
        payload=payload,
        act=typed.act,
        previous=previous.ref if previous else None,
        previous_identifier=typed.previous_identifier,
        ground=typed.ground,
    )
    reservation = await issue(issuing, _person(typed.by, typed.act), order, now)
    written = await write_papers(issuing, reservation, papers)
    events = await issuing.register.events(reservation.ref)
    made = next(event for event in events if event.version == reservation.ref)
    shown = await _shown(issuing.register, made, reservation.ref, now)
    return {**shown, **issued_json(issuing, reservation, written)}


async def _payload(
    issuing: Issuing, typed: ActCommand, previous: Reservation | None, now: datetime
) -> Mapping[str, Any]:
    """What was given; else the old content, with what was set, and for a renewal the next term."""
    if typed.payload is not None:
        return _with_changes(read_payload(typed.payload), typed.changes)
    if previous is None:
        raise InvalidInput("请用 --payload 给出内容。", "Give the content with --payload.")
    old = dict(open_payload(issuing, previous))
    if typed.act is Act.RENEW:
        kind = issuing.catalog.latest(previous.type_id)
        old = renewed(kind, old, previous, beijing_date(now))
    return _with_changes(old, typed.changes)


def renewed(kind: CertificateType, payload: Mapping[str, Any], previous: Reservation, today: date) -> dict[str, Any]:
    """The payload with the next term: from the day after the old one (or today, if that is over), as many years."""
    start_field, end_field, term = kind.definition.term.start, kind.definition.term.end, previous.term
    if end_field is None or term.end is None:
        return dict(payload)
    start = term.end + DAY if today <= term.end else today
    years = max(1, round((term.end - term.start).days / DAYS_A_YEAR))
    return {**payload, start_field: start.isoformat(), end_field: (years_after(start, years) - DAY).isoformat()}


def _with_changes(payload: Mapping[str, Any], changes: Sequence[str]) -> dict[str, Any]:
    """`key=value`, as often as wanted; a value is text where the old one is, else JSON."""
    changed = dict(payload)
    for change in changes:
        key, separator, value = change.partition("=")
        if not separator:
            raise InvalidInput(f"--set 应写作 字段=值，不是 {change}。", f"Write --set FIELD=VALUE, not {change}.")
        changed[key] = value if isinstance(changed.get(key, ""), str) else _json(key, value)
    return changed


def _json(key: str, value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        raise InvalidInput(f"{key} 的值应为 JSON。", f"The value of {key} must be JSON.") from None


def _person(name: str, act: Act) -> Actor:
    """Who sits at the command line may do what the operator could do to the database itself."""
    return Actor(name=name, scopes=frozenset({f"{act}:*"}))


def _key(typed: ActCommand, payload: Mapping[str, Any]) -> str:
    """The key given, or one made of everything that was typed: the same command again is the same request."""
    if typed.key is not None:
        return typed.key
    content = msgspec.json.encode(
        [replace(typed, key=None, payload=None), payload], enc_hook=str, order="deterministic"
    )
    return hashlib.sha256(content).hexdigest()


async def _shown(register: Register, event: Event, ref: Ref, now: datetime) -> dict[str, Any]:
    newest = await register.newest_version(ref)
    told = periods(await register.events(ref), newest.ref)
    today = beijing_date(now)
    present = next((one for one in told if one.start <= today and (one.end is None or today <= one.end)), None)
    return {
        "act": event.act.value,
        "operation": ACTS[event.act].code,
        "event": event.id,
        "typed_code": newest.ref.typed_code,
        "number": newest.number,
        "version": newest.version,
        "effective": event.effective.isoformat(),
        "status": present.status.value if present else None,
        "state": STATES[present.status].code if present else None,
        "periods": [
            {
                "from": one.start.isoformat(),
                "to": one.end.isoformat() if one.end else None,
                "status": one.status.value,
                "conditions": [condition.kind.value for condition in one.conditions],
            }
            for one in told
        ],
    }
