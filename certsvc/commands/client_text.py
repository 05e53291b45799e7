"""How clients and what was done to them are told: to programs and to people."""

from datetime import datetime
from typing import Any

from certsvc.domain.calendar import BEIJING
from certsvc.domain.client import ClientAct, ClientEvent, ClientKey, ClientKind, ClientState, RegisteredClient

KINDS = {ClientKind.SYSTEM: ("系统", "system"), ClientKind.PERSON: ("个人", "person")}
STATES = {ClientState.ACTIVE: ("使用中", "active"), ClientState.CUT_OFF: ("已停用", "cut off")}
ACTS = {
    ClientAct.REGISTER: ("登记", "register"),
    ClientAct.ROTATE: ("更换公钥", "rotate"),
    ClientAct.RESCOPE: ("变更范围", "change the scopes"),
    ClientAct.CUT_OFF: ("停用", "cut off"),
}


def client_json(found: RegisteredClient, now: datetime) -> dict[str, Any]:
    """A client, for a program to read."""
    client = found.client
    return {
        "id": client.id,
        "name": client.name,
        "kind": client.kind.value,
        "organisation": client.organisation,
        "state": client.state.value,
        "scopes": sorted(client.scopes),
        "keys": [_key_json(key, now) for key in found.keys],
        "registered_at": client.registered_at.isoformat(),
    }


def event_json(event: ClientEvent) -> dict[str, Any]:
    """What was done to a client, for a program to read."""
    return {
        "act": event.act.value,
        "by": event.actor,
        "at": event.at.isoformat(),
        "reason": event.reason,
        "scopes": None if event.scopes is None else sorted(event.scopes),
        "keys_added": list(event.added),
        "keys_given_an_end": list(event.ended),
    }


def client_row(found: RegisteredClient, now: datetime) -> str:
    """A client in one line."""
    client, vouching = found.client, sum(key.vouches(now) for key in found.keys)
    kind, state = " ".join(KINDS[client.kind]), " ".join(STATES[client.state])
    return f"{client.id}  {state:<12} {kind:<10} 公钥 keys {vouching}  {client.name}"


def client_lines(found: RegisteredClient, now: datetime) -> list[str]:
    """What there is to say of a client: whose it is, scopes, keys."""
    organisation = [f"  单位 organisation: {found.client.organisation}"] if found.client.organisation else []
    scopes = f"  范围 scopes: {' '.join(sorted(found.client.scopes))}"
    return [client_row(found, now), *organisation, scopes, *(_key_line(key, now) for key in found.keys)]


def event_line(event: ClientEvent) -> str:
    """What was done to a client in one line."""
    words, reason = " ".join(ACTS[event.act]), f": {event.reason}" if event.reason else ""
    added = f" + {' '.join(event.added)}" if event.added else ""
    ended = f" − {' '.join(event.ended)}" if event.ended else ""
    scopes = f" [{' '.join(sorted(event.scopes))}]" if event.scopes else ""
    return f"  {_moment(event.at)}  {words}{added}{ended}  {event.actor}{reason}{scopes}"


def _key_json(key: ClientKey, now: datetime) -> dict[str, Any]:
    return {
        "kid": key.kid,
        "thumbprint_sha256": key.thumbprint.hex(),
        "not_before": key.not_before.isoformat(),
        "not_after": key.not_after.isoformat() if key.not_after else None,
        "vouches": key.vouches(now),
    }


def _key_line(key: ClientKey, now: datetime) -> str:
    until = f" 至 until {_moment(key.not_after)}" if key.not_after else ""
    ended = "" if key.vouches(now) else " 已失效 ended"
    return f"  公钥 key: {key.kid}  自 from {_moment(key.not_before)}{until}{ended}"


def _moment(at: datetime) -> str:
    return at.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S")
