"""Keys by name: where each lies, opened when it is first used, made when it is to be made."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Protocol, TypeVar

import msgspec
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

from certsvc.authority.names import LIST, RECEIPT, ROOT, STATUS, base_name, profile_name
from certsvc.custody.keys import Algorithm, CustodyKey, create_key, destroy_key, find_key, generate_key, open_key
from certsvc.custody.place import is_made_here, where
from certsvc.custody.usage import UsageBook, count_uses
from certsvc.errors import CustodyError
from certsvc.files import replace_file, sync
from certsvc.services import PrivateKey

OFFLINE = "offline"
"""The folder of a root's key: it can be taken away, and is needed for ceremonies alone."""
NOTES = "made"
"""The folder of notes on keys that were made here: each written before its key, so that an interrupted ceremony knows
its own key again, and takes over no other."""
IN_OUR_FILE = "file"
ES256 = frozenset({"token", LIST, STATUS, RECEIPT})


class CustodyPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where keys lie that are in no file: `{name}` in the URI stands for the key's name, `secret` is a reference.

    A key is named by its name or a pattern of names; a next generation also by what names the first.
    """

    keys: tuple[str, ...]
    uri: str
    secret: str

    @property
    def is_for_one_key(self) -> bool:
        """Whether the URI names one key, whatever a key is called here."""
        return "{name}" not in self.uri


class LimitPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How often each key may be used, by name or pattern of names; next generations as in `CustodyPlan`."""

    keys: tuple[str, ...]
    uses: Annotated[int, msgspec.Meta(gt=0)]


class KeyRing(Protocol):
    """The keys that this process may use."""

    def open(self, name: str) -> PrivateKey:
        """The key of this name. Raises `CustodyError`."""

    def make(self, name: str) -> PrivateKey:
        """The key of this name, made if there is none."""

    def ready(self, names: Sequence[str]) -> Mapping[str, PublicKeyTypes]:
        """The public halves of those keys that are there before they are made. Raises `CustodyError`."""

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
            CustodyError: see `ready` and `create_key`.
        """
        if name not in self._open:
            self.ready([name])
            self._note(name)
            key = create_key(*self.place(name), algorithm_of(name, self._algorithm))
            self._open[name] = self._counted(name, key)
        return self._open[name]

    def ready(self, names: Sequence[str]) -> Mapping[str, PublicKeyTypes]:
        """The public halves of those keys that are there before they are made: remote signers', which are ordered
        beforehand, and those that were being made when a ceremony was interrupted. Makes nothing.

        Raises:
            CustodyError: a key that this authority did not make is there already; a remote signer has none; the plan
                has no place for a next generation; see `open_key`.
        """
        found = {name: key.public_key for name in names if (key := self._found(name)) is not None}
        if foreign := [where(self.place(name)[0]) for name in found if not self._is_ours(name)]:
            raise _already_there(foreign)
        return found

    def destroy(self, name: str) -> None:
        """Destroy the key; done again, nothing.

        Raises:
            CustodyError: see `destroy_key`.
        """
        destroy_key(*self.place(name))
        self._open.pop(name, None)

    def limit(self, name: str) -> int | None:
        """How often the key may be used; None when there is no limit."""
        plan = _first_for(name, self._limits)
        return plan.uses if plan else None

    def _counted(self, name: str, key: CustodyKey) -> CustodyKey:
        return count_uses(key, name, self.book, self.limit(name))

    def place(self, name: str) -> tuple[str, str]:
        """The URI of a key and the reference to its secret."""
        plan = self._elsewhere(name)
        return (plan.uri.replace("{name}", name), plan.secret) if plan else (f"file:{self._file(name)}", self._secret)

    def _file(self, name: str) -> Path:
        usual = self._folder / "keys" / f"{name}.key"
        is_away = profile_name(name) == ROOT and not usual.exists()
        return self._roots / f"{name}.key" if is_away else usual

    def _elsewhere(self, name: str) -> CustodyPlan | None:
        """What the plan says of the key. A next generation that was put into a file when plans still had to name each
        generation is found there."""
        plan = custody_of(self._custody, name)
        return plan if plan and (_names(plan.keys, name) or not self._file(name).exists()) else None

    def _found(self, name: str) -> CustodyKey | None:
        plan = self._elsewhere(name)
        if plan and plan.is_for_one_key and name not in plan.keys:
            raise _no_place_for_next(name)
        uri, secret = self.place(name)
        # Nothing is made where a remote signer keeps the key: asked to, it says that one is to be ordered.
        return find_key(uri, secret) if is_made_here(uri) else create_key(uri, secret)

    def _is_ours(self, name: str) -> bool:
        """Whether a key that is there is to be used: made here, and at this place, or ordered beforehand."""
        if not is_made_here(self.place(name)[0]):
            return True
        with suppress(OSError):
            return (self._folder / NOTES / name).read_text("utf-8") == self._noted_place(name)
        return False

    def _note(self, name: str) -> None:
        if self._is_ours(name):
            return
        path = self._folder / NOTES / name
        try:
            replace_file(path, self._noted_place(name).encode("utf-8"))
            sync(self._folder)
        except OSError as error:
            raise CustodyError(f"写不了 {path}：{error.strerror}", f"Cannot write {path}: {error.strerror}") from None

    def _noted_place(self, name: str) -> str:
        """Files of our own folder move with it, so their path says nothing."""
        return where(self.place(name)[0]) if self._elsewhere(name) else IN_OUR_FILE


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

    def ready(self, names: Sequence[str]) -> Mapping[str, PublicKeyTypes]:
        """Those that were made."""
        return {name: self._keys[name].public_key for name in names if name in self._keys}

    def destroy(self, name: str) -> None:
        """Forget the key."""
        self._keys.pop(name, None)


Planned = TypeVar("Planned", CustodyPlan, LimitPlan)


def custody_of(custody: Sequence[CustodyPlan], name: str) -> CustodyPlan | None:
    """The part of a plan that says where a key lies; None for one in a file of the authority's own."""
    return _first_for(name, custody)


def _first_for(name: str, plans: Sequence[Planned]) -> Planned | None:
    """What is said of this very generation goes before what is said of the first."""
    wanted = (name, base_name(name))
    return next((plan for each in wanted for plan in plans if _names(plan.keys, each)), None)


def _already_there(places: Sequence[str]) -> CustodyError:
    return CustodyError(
        f"已有并非由本机构生成的密钥：{'；'.join(places)}。不接用来历不明的密钥。如是中断的仪式所留，且没有别的机构在用，"
        "请在原处删去后重来；否则请在计划的 uri 中改用别的名称，如 object={name}-b。",
        f"There are keys already that this authority did not make: {'; '.join(places)}. A key of unknown origin is not "
        "taken over. If a ceremony that was interrupted left them, and no other authority uses them, delete them there "
        "and begin again; otherwise choose other names in the plan's uri, such as object={name}-b.",
    )


def _no_place_for_next(name: str) -> CustodyError:
    return CustodyError(
        f"计划中的 uri 没有 {{name}}，只指一把密钥，{name} 不能沿用它。请申请或另备新密钥，"
        f'并在机构目录的 plan.json 的 custody 中加上 keys = ["{name}"] 及其 uri。',
        f"The plan's uri has no {{name}} and is one key's place, which {name} cannot have too: order or make a new "
        f'key, and add keys = ["{name}"] with its uri to custody in plan.json in the folder of the authority.',
    )


def _names(patterns: Sequence[str], name: str) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def algorithm_of(name: str, usual: Algorithm) -> Algorithm:
    """What others' programs verify by ES256 alone is P-256, whatever the other keys are."""
    return "p256" if profile_name(name) in ES256 else usual
