"""Clients: the systems and persons that call, what they may do, and the keys that say it is they.

A name is a client's for ever, and a person's never becomes a system's: acts, seal uses and approvals are on record
under it.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import NewType

from certsvc.domain.scope import APPROVE, Scope, parse_scope
from certsvc.errors import InvalidIdentifier, InvalidInput
from certsvc.ids import OPAQUE_LENGTH, new_opaque_id

ClientId = NewType("ClientId", str)
"""Short and opaque: it says nothing about who has it."""

FORM = re.compile(r"c-[a-z2-7]{20}", re.ASCII)
MOST_SCOPES, LONGEST_SCOPES = 100, 4096
"""All scopes of a client stand in every access token, and that in a header of every request."""

NEVER = datetime.max.replace(tzinfo=UTC)
MOST_KEYS = 10
"""Keys that vouch for one client at one time: two sets, while one follows the other."""


class ClientKind(StrEnum):
    """A machine's right to call is not a person's right to approve."""

    SYSTEM = "system"
    PERSON = "person"


class ClientState(StrEnum):
    """Whether a client may call. One that is cut off stays so."""

    ACTIVE = "active"
    CUT_OFF = "cut_off"


class ClientAct(StrEnum):
    """What is done to a client; the words stand in its record."""

    REGISTER = "register"
    ROTATE = "rotate"
    RESCOPE = "rescope"
    CUT_OFF = "cut_off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """Who calls. `name` is what it acts under: a person's own name, a system's like `market-system`."""

    id: ClientId
    name: str
    kind: ClientKind
    scopes: frozenset[str]
    organisation: str | None
    state: ClientState
    registered_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientKey:
    """A public key of a client. `thumbprint` is SHA-256 by RFC 7638, `jwk` the key as JSON by RFC 7517."""

    kid: str
    thumbprint: bytes
    jwk: str
    not_before: datetime
    not_after: datetime | None = None

    def vouches(self, now: datetime) -> bool:
        """Whether what it signs is believed now."""
        return self.not_before <= now and (self.not_after is None or now < self.not_after)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredClient:
    """A client with every key that it ever had."""

    client: Client
    keys: tuple[ClientKey, ...]

    def key(self, kid: str) -> ClientKey | None:
        """The key of this name."""
        return next((key for key in self.keys if key.kid == kid), None)

    def is_vouched_for(self, thumbprint: bytes, now: datetime) -> bool:
        """Whether it may call, and the key with this thumbprint is one that is believed now."""
        active = self.client.state is ClientState.ACTIVE
        return active and any(key.thumbprint == thumbprint and key.vouches(now) for key in self.keys)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientEvent:
    """What was done to a client, by whom, when and why: the scopes from then on, the kids of keys that came, and of
    those that were given an end."""

    act: ClientAct
    actor: str
    at: datetime
    reason: str | None = None
    scopes: frozenset[str] | None = None
    added: tuple[str, ...] = ()
    ended: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """One set of keys follows another: the keys that come, and when which of those known ends."""

    added: tuple[ClientKey, ...]
    ended: Mapping[str, datetime]


def new_client_id() -> ClientId:
    """A fresh id of 100 random bits."""
    return ClientId(new_opaque_id("c"))


def parse_client_id(text: str) -> ClientId:
    """A client's id from text.

    Raises:
        InvalidIdentifier: it is none.
    """
    if not FORM.fullmatch(text):
        raise InvalidIdentifier(
            f"客户端编号应为 c- 加 {OPAQUE_LENGTH} 个小写字母或数字 2–7；certsvc client list 列出全部。",
            f"A client's id is c- and {OPAQUE_LENGTH} small letters or digits 2 to 7; "
            "certsvc client list shows them all.",
        )
    return ClientId(text)


def parse_scopes(texts: Iterable[str], kind: ClientKind) -> frozenset[str]:
    """Scopes in their shortest form, from texts that each hold one or several with blanks between.

    Raises:
        InvalidInput: one is malformed, there are none or too many, or a system is to approve.
    """
    scopes = [parse_scope(word) for text in texts for word in text.split()]
    if kind is ClientKind.SYSTEM and any(scope.action == APPROVE for scope in scopes):
        raise InvalidInput(
            "系统不能有 approve 范围：批准的是人，请把本人登记为客户端（--person）。",
            "A system cannot have the scope approve: persons approve. Register the person as a client (--person).",
        )
    found = frozenset(map(str, scopes))
    if not 0 < len(found) <= MOST_SCOPES or len(" ".join(found)) > LONGEST_SCOPES:
        raise InvalidInput(
            f"一个客户端应有 1 至 {MOST_SCOPES} 个范围，共不超过 {LONGEST_SCOPES} 个字符。",
            f"A client has 1 to {MOST_SCOPES} scopes, of {LONGEST_SCOPES} characters in all.",
        )
    return found


def as_scopes(texts: Iterable[str]) -> tuple[Scope, ...]:
    """Scopes as they stand on record; what is no scope any more grants nothing."""
    scopes = []
    for text in texts:
        with suppress(InvalidInput):
            scopes.append(parse_scope(text))
    return tuple(scopes)


def rotation(known: Sequence[ClientKey], given: Sequence[ClientKey], now: datetime, overlap: timedelta) -> Rotation:
    """What is to be done so that the keys `given` follow those `known`. A known key that is given again stays; one
    that is not given ends after the overlap, or at the end that it has if that comes first.

    Raises:
        InvalidInput: a key that ended, or is ending, is given again; a name is given to two keys or a key has two
            names; or too many keys would vouch at once.
    """
    by_kid, by_thumbprint = {key.kid: key for key in known}, {key.thumbprint: key for key in known}
    added = []
    for key in given:
        same_name, same_key = by_kid.get(key.kid), by_thumbprint.get(key.thumbprint)
        if same_name is not same_key:
            raise _named_otherwise(key.kid)
        if same_name is None:
            added.append(replace(key, not_before=now, not_after=None))
        elif same_name.not_after is not None:
            raise _ended(same_name)
    kept, end = {key.thumbprint for key in given}, now + overlap
    ended = {
        key.kid: end for key in known if key.thumbprint not in kept and (key.not_after is None or key.not_after > end)
    }
    vouching = [key for key in known if ended.get(key.kid, key.not_after or NEVER) > now]
    if added and len(vouching) + len(added) > MOST_KEYS:
        raise InvalidInput(
            f"同时有效的公钥不能超过 {MOST_KEYS} 把：请等旧的到期，或用 --overlap 0 立即停用。",
            f"At most {MOST_KEYS} keys vouch at once: wait for old ones to end, or end them now with --overlap 0.",
        )
    return Rotation(added=tuple(added), ended=ended)


def _named_otherwise(kid: str) -> InvalidInput:
    return InvalidInput(
        f"kid {kid} 与登记的不符：每把公钥有自己的 kid，用过的不再给别的公钥，也不更换。",
        f"The kid {kid} is not as on record: a key has one kid for ever, and no other key ever gets it.",
    )


def _ended(key: ClientKey) -> InvalidInput:
    end = f"{key.not_after:%Y-%m-%dT%H:%M:%SZ}" if key.not_after else ""
    return InvalidInput(
        f"公钥 {key.kid} 已停用或即将停用（{end}），不能恢复：请换一把新的。",
        f"The key {key.kid} has ended or is about to ({end}), which is not taken back: give a new one.",
    )
