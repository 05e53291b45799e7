"""Every key of an authority: where it is, how long its certificate lasts, how often it was used, whether it works.

What cannot be told of one key is said in its row; the others are told all the same.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

from certsvc.authority.authority import Authority
from certsvc.authority.names import ROOT, profile_name
from certsvc.authority.ring import FolderKeys
from certsvc.custody.protocol import CustodyKey
from certsvc.errors import CertsvcError, MalformedDer

AWAY = "away"
"""Where a root's key is that lies in no folder of this machine."""
TIME_FOR_A_CEREMONY = timedelta(days=30)
"""So long before its end a root's CRL, which only a ceremony renews, is trouble."""

Answer = TypeVar("Answer")
Trouble = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyState:
    """One key. `where` is its backend (`file`, `pkcs11`, `csc+https`), or `away`; `crl_until` is when the published CRL
    of an authority ends; `trouble` is why the key, or that CRL, cannot be used now, or what cannot be told of it, in
    Chinese and English; None when all is well. What is not known is None."""

    name: str
    where: str
    issuer: str
    until: datetime
    crl_until: datetime | None
    uses: int | None
    limit: int | None
    revoked: str | None
    trouble: Trouble | None


def inventory(authority: Authority, keys: FolderKeys, now: datetime) -> Iterator[KeyState]:
    """Every key in the order of names. Keys are opened and asked, nothing is signed; a root's is only looked for."""
    for name in sorted(authority.names):
        yield _Row(authority, keys, name, now).state()


class _Row:
    """What is asked about one key; an answer that cannot be had is a trouble."""

    def __init__(self, authority: Authority, keys: FolderKeys, name: str, now: datetime) -> None:
        self._authority, self._keys, self._name, self._now = authority, keys, name, now
        self._is_root = profile_name(name) == ROOT
        self._troubles: list[Trouble] = []

    def state(self) -> KeyState:
        """The answers."""
        until, crl_until = self._authority.certificate(self._name).not_valid_after_utc, self._ask(self._crl_until)
        where, uses = self._ask(self._where), self._ask(lambda: self._keys.book.used(self._name))
        issuer = self._ask(lambda: self._authority.issuer_name(self._name))
        revoked = self._ask(self._revoked)
        if self._now >= until:
            self._troubles.append(("证书已到期。", "Its certificate has ended."))
        elif not self._is_root:
            self._ask(self._try)
        if crl_until is not None and until > self._now:
            self._look_at_end_of_crl(crl_until)
        return KeyState(
            name=self._name,
            where=where or "?",
            issuer=issuer or "?",
            until=until,
            crl_until=crl_until,
            uses=uses,
            limit=self._keys.limit(self._name),
            revoked=revoked,
            trouble=_together(self._troubles),
        )

    def _look_at_end_of_crl(self, end: datetime) -> None:
        if self._now >= end:
            self._troubles.append(
                ("吊销列表已过期，由它签发的印章不能再用。", "Its CRL has ended: seals under it cannot be used.")
            )
        elif self._is_root and self._now >= end - TIME_FOR_A_CEREMONY:
            self._troubles.append(
                (
                    f"根的吊销列表 {end:%Y-%m-%d} 到期，之后停止盖章：请举行仪式 root_crl = true。",
                    f"Its CRL ends on {end:%Y-%m-%d}, and sealing with it: hold a ceremony with root_crl = true.",
                )
            )

    def _ask(self, question: Callable[[], Answer]) -> Answer | None:
        try:
            return question()
        except CertsvcError as error:
            self._troubles.append((error.zh, error.en))
        except OSError as error:
            self._troubles.append((f"读不了：{error}。", f"Cannot be read: {error}."))
        return None

    def _where(self) -> str:
        """Nothing but a ceremony opens a root's key: whether its file is there is all that is looked at."""
        backend, _, path = self._keys.place(self._name)[0].partition(":")
        return AWAY if self._is_root and backend == "file" and not Path(path).is_file() else backend

    def _crl_until(self) -> datetime | None:
        try:
            return self._authority.facts.crl_until(self._name)
        except MalformedDer:
            raise MalformedDer(
                f"已发布的 crl/{self._name}.crl 已损坏；有密钥的 worker 会重新发布。",
                f"The published crl/{self._name}.crl is damaged; a worker that has the keys publishes it anew.",
            ) from None

    def _revoked(self) -> str | None:
        due = (each for each in self._authority.revocations() if each.revoked_at <= self._now)
        return {each.name: each.reason.value for each in due}.get(self._name)

    def _try(self) -> None:
        """Whether the key opens, is its certificate's, and may be used once more."""
        self._authority.key(self._name)
        key: CustodyKey = self._keys.open(self._name)
        key.check()


def _together(troubles: list[Trouble]) -> Trouble | None:
    """All of them, each once: a damaged count of uses is met twice."""
    each = dict.fromkeys(troubles)
    return (" ".join(zh for zh, _ in each), " ".join(en for _, en in each)) if each else None
