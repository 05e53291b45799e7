"""Keys by name: where each lies, opened when it is first used, made when it is to be made."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Protocol

import msgspec

from certsvc.authority.names import ROOT, profile_name
from certsvc.custody.keys import Algorithm, CustodyKey, create_key, destroy_key, generate_key, open_key
from certsvc.custody.usage import UsageBook, count_uses
from certsvc.services import PrivateKey

OFFLINE = "offline"
"""The folder of a root's key: it can be taken away, and is needed for ceremonies alone."""


class CustodyPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where keys lie that are in no file: `{name}` in the URI stands for the key's name, `secret` is a reference."""

    keys: tuple[str, ...]
    uri: str
    secret: str


class LimitPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How often keys may be used, by name or pattern of names."""

    keys: tuple[str, ...]
    uses: Annotated[int, msgspec.Meta(gt=0)]


class KeyRing(Protocol):
    """The keys that this process may use."""

    def open(self, name: str) -> PrivateKey:
        """The key of this name. Raises `CustodyError`."""

    def make(self, name: str) -> PrivateKey:
        """The key of this name, made if there is none."""

    def destroy(self, name: str) -> None:
        """Destroy the key of this name; one that is gone already is gone."""


class FolderKeys:
    """Keys in encrypted files of an authority's folder, or where its plan says."""

    def __init__(
        self,
        folder: Path,
        secret: str,
        algorithm: Algorithm,
        custody: Sequence[CustodyPlan],
        limits: Sequence[LimitPlan] = (),
        roots: Path | None = None,
    ) -> None:
        self._folder, self._secret, self._algorithm = folder, secret, algorithm
        self._custody, self._limits, self._roots = custody, limits, roots or folder / OFFLINE
        self._open: dict[str, CustodyKey] = {}
        self.book = UsageBook(folder / "usage")

    def open(self, name: str) -> CustodyKey:
        """The key of this name, opened once; its uses are counted.

        Raises:
            CustodyError: see `open_key`.
        """
        if name not in self._open:
            self._open[name] = self._counted(name, open_key(*self.place(name)))
        return self._open[name]

    def make(self, name: str) -> CustodyKey:
        """The key of this name, made if there is none; durable before this returns.

        Raises:
            CustodyError: see `create_key`.
        """
        if name not in self._open:
            key = create_key(*self.place(name), algorithm_of(name, self._algorithm))
            self._open[name] = self._counted(name, key)
        return self._open[name]

    def destroy(self, name: str) -> None:
        """Destroy the key; done again, nothing.

        Raises:
            CustodyError: see `destroy_key`.
        """
        destroy_key(*self.place(name))
        self._open.pop(name, None)

    def limit(self, name: str) -> int | None:
        """How often the key may be used; None when there is no limit."""
        return next((plan.uses for plan in self._limits if _names(plan.keys, name)), None)

    def _counted(self, name: str, key: CustodyKey) -> CustodyKey:
        return count_uses(key, name, self.book, self.limit(name))

    def place(self, name: str) -> tuple[str, str]:
        """The URI of a key and the reference to its secret."""
        for plan in self._custody:
            if _names(plan.keys, name):
                return plan.uri.replace("{name}", name), plan.secret
        usual = self._folder / "keys" / f"{name}.key"
        if profile_name(name) == ROOT and not usual.exists():
            return f"file:{self._roots / name}.key", self._secret
        return f"file:{usual}", self._secret


class MemoryKeys:
    """Throw-away keys that are nowhere but in memory."""

    def __init__(self, algorithm: Algorithm) -> None:
        self._algorithm = algorithm
        self._keys: dict[str, PrivateKey] = {}

    def open(self, name: str) -> PrivateKey:
        """The key of this name."""
        return self._keys[name]

    def make(self, name: str) -> PrivateKey:
        """The key of this name, made if there is none."""
        if name not in self._keys:
            self._keys[name] = generate_key(algorithm_of(name, self._algorithm))
        return self._keys[name]

    def destroy(self, name: str) -> None:
        """Forget the key."""
        self._keys.pop(name, None)


def _names(patterns: Sequence[str], name: str) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def algorithm_of(name: str, usual: Algorithm) -> Algorithm:
    """Tokens are ES256 and trust lists too, whatever the others are."""
    return "p256" if profile_name(name) in ("token", "list") else usual
