"""The sandbox: a client and two persons of the demonstration, with keys that anyone on this machine may try."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from certsvc.access.jwks import jwks_of, parse_jwks
from certsvc.custody.client_keys import make_client_key
from certsvc.domain.acts import Act
from certsvc.domain.client import (
    Client,
    ClientKey,
    ClientKind,
    ClientState,
    RegisteredClient,
    new_client_id,
    parse_scopes,
)
from certsvc.domain.scope import ANSWER, APPROVE, CASE, DECIDE, DOCUMENT, NOTIFY, READ, RECORD, VIEW
from certsvc.errors import Conflict, Forbidden
from certsvc.store.clients import PostgresClients

FOLDER, BY = "sandbox", "demonstration"
CLIENT, APPROVER, SECOND_APPROVER = "sandbox", "sandbox-approver", "sandbox-second-approver"
EVERYTHING = (*Act, READ, VIEW, CASE, DECIDE, RECORD, DOCUMENT, NOTIFY, ANSWER)
"""What the sandbox's client may do, on every type; only persons approve, and acts on many certificates two of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A client of the sandbox, and where its private key is."""

    registered: RegisteredClient
    key: Path

    @property
    def id(self) -> str:
        """What it is called by."""
        return self.registered.client.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """A system, and the persons who approve what it asks for."""

    system: Member
    approver: Member
    second_approver: Member


async def make_sandbox(home: Path, clients: PostgresClients, now: datetime, *, demonstration: bool) -> Sandbox:
    """The sandbox's clients, made once; again they are as they were, but for scopes that this program knows anew,
    and for keys whose files are gone: those are made anew, and the old ones end.

    Raises:
        Forbidden: the authority is no demonstration.
        CustodyError: a key cannot be kept.
        Conflict: somebody registered another client by one of the names.
    """
    if not demonstration:
        raise Forbidden(
            "沙箱只在演示机构中建立：它的密钥不保密。", "Only a demonstration has a sandbox: its keys are no secret."
        )
    folder = home / FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    everything, approving = [f"{action}:*" for action in EVERYTHING], [f"{APPROVE}:*", f"{READ}:*"]
    person = ClientKind.PERSON
    return Sandbox(
        system=await _settle(clients, CLIENT, ClientKind.SYSTEM, everything, folder / "client.pem", now),
        approver=await _settle(clients, APPROVER, person, approving, folder / "approver.pem", now),
        second_approver=await _settle(clients, SECOND_APPROVER, person, approving, folder / "second.pem", now),
    )


async def _settle(
    clients: PostgresClients, name: str, kind: ClientKind, scopes: Sequence[str], path: Path, now: datetime
) -> Member:
    keys = parse_jwks(jwks_of(make_client_key(path)).encode(), now)
    known = await clients.of_name(name)
    if known is None:
        known = await clients.register(_client(name, kind, scopes, now), keys, BY, None)
    elif known.client.kind is not kind:
        raise Conflict(f"{name} 已登记为别的客户端。", f"{name} is registered as a client of another kind.")
    elif known.client.state is not ClientState.CUT_OFF:
        known = await _as_now(clients, known, keys, scopes, now)
    return Member(registered=known, key=path)


async def _as_now(
    clients: PostgresClients,
    known: RegisteredClient,
    keys: Sequence[ClientKey],
    scopes: Sequence[str],
    now: datetime,
) -> RegisteredClient:
    await clients.rotate(known.client.id, keys, timedelta(0), BY, None, now)
    return await clients.rescope(known.client.id, scopes, BY, None, now)


def _client(name: str, kind: ClientKind, scopes: Sequence[str], now: datetime) -> Client:
    return Client(
        id=new_client_id(),
        name=name,
        kind=kind,
        scopes=parse_scopes(scopes, kind),
        organisation=None,
        state=ClientState.ACTIVE,
        registered_at=now,
    )
