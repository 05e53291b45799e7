"""What the issue walk needs, and the names of its arrows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Protocol

from certsvc.catalog import Catalog
from certsvc.domain.seal import Seal, ValidationData
from certsvc.ids import Uscc
from certsvc.render.external_shapes import Draw
from certsvc.render.pages import Renderer
from certsvc.services import Blobs, ExternalFiles, PayloadCipher, PrivateKey, Register, Sealing, Timestamper, Walk
from certsvc.verify.report import Check


class Arrow(StrEnum):
    """The steps of the issue walk, in order. A crash after any of them loses nothing and doubles nothing."""

    CHECKED = "checked"
    LINTED = "linted"
    RESERVED = "reserved"
    TOKEN_KEPT = "token_kept"  # noqa: S105 - the name of a step
    RENDERED = "rendered"
    PREPARED = "prepared"
    USE_BOOKED = "use_booked"
    SEALED = "sealed"
    SELF_CHECKED = "self_checked"
    STORED = "stored"
    PUBLISHED = "published"


class KeyHolder(Protocol):
    """The keys of an authority, ready for use: the real ones, or throw-away ones for the lint."""

    @property
    def is_demonstration(self) -> bool:
        """Whether its X.509 certificates say so; then every page carries the specimen mark."""

    @property
    def timestamper(self) -> Timestamper: ...

    def seal_for(self, type_id: str, organ: Uscc | None = None) -> Seal:
        """The first of `seals_for`, its issuer's."""

    def seals_for(self, type_id: str, organ: Uscc | None = None) -> tuple[Seal, ...]:
        """The seals bound to a certificate type, in the order in which they are put on: those of this organ, where
        several issue it each under a seal of their own.

        Raises:
            SealRefused: there is none, or there are several organs and none is named.
        """

    def sealing(self, seal_id: str) -> Sealing: ...

    def validation_data(self, seal_ids: str | Sequence[str], now: datetime) -> ValidationData: ...

    def token_key(self, now: datetime) -> tuple[bytes, PrivateKey]: ...


class PageTaker(Protocol):
    """Takes over pages that somebody else laid out, in processes of their own; see `render.external_pool`."""

    async def look(self, pdf: bytes) -> tuple[tuple[float, float], ...]:
        """Width and height of each page in mm. Raises `ExternalFileRefused`, `UnreadableFile`, `WorkersBusy`."""

    async def draw(self, asked: Draw) -> bytes:
        """The new file with our block on it. Raises as `look`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class External:
    """What is needed for pages laid out elsewhere: who sent which file, and what takes them over."""

    files: ExternalFiles
    pages: PageTaker


class FileChecker(Protocol):
    """The checks a stranger runs on a sealed file, register aside, against one set of anchors."""

    async def __call__(self, pdf: bytes, now: datetime) -> tuple[Check, ...]: ...


def real_time() -> datetime:
    """This moment."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuing:
    """The frozen bundle of the issue walk. `public_url` is what the QR code begins with; `lt_types` are those that are
    sealed in the form LT. By the `clock` every waiting order gets a time of its own, and nothing is sealed under a time
    that is over."""

    catalog: Catalog
    register: Register
    blobs: Blobs
    renderer: Renderer
    cipher: PayloadCipher
    keys: KeyHolder
    check_file: FileChecker
    lint_keys: KeyHolder
    lint_file: FileChecker
    public_url: str
    area: str
    walk: Walk
    lt_types: frozenset[str] = frozenset()
    external: External | None = None
    clock: Callable[[], datetime] = real_time


def silent_walk(arrow: str, detail: Mapping[str, Any]) -> None:
    """A walk that nobody follows."""
