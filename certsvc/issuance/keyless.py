"""The authority as a role without keys knows it: which seals there are, and nothing to seal with."""

from collections.abc import Sequence
from datetime import datetime
from typing import NoReturn, Protocol

from certsvc.domain.seal import Seal, ValidationData
from certsvc.errors import CustodyError
from certsvc.ids import Uscc
from certsvc.services import PrivateKey, Sealing, Timestamper


class SealBook(Protocol):
    """Which seals there are."""

    @property
    def is_demonstration(self) -> bool: ...

    def seal_for(self, type_id: str, organ: Uscc | None = None) -> Seal: ...

    def seals_for(self, type_id: str, organ: Uscc | None = None) -> tuple[Seal, ...]: ...


class Keyless:
    """`KeyHolder` without a key: whatever asks for one is refused."""

    def __init__(self, book: SealBook) -> None:
        self._book = book

    @property
    def is_demonstration(self) -> bool:
        """Whether the authority's X.509 certificates say so."""
        return self._book.is_demonstration

    @property
    def timestamper(self) -> Timestamper:
        """There is none. Raises `CustodyError`."""
        _no_key()

    def seal_for(self, type_id: str, organ: Uscc | None = None) -> Seal:
        """See `KeyHolder.seal_for`."""
        return self._book.seal_for(type_id, organ)

    def seals_for(self, type_id: str, organ: Uscc | None = None) -> tuple[Seal, ...]:
        """See `KeyHolder.seals_for`."""
        return self._book.seals_for(type_id, organ)

    def sealing(self, seal_id: str) -> Sealing:
        """There is none. Raises `CustodyError`."""
        _no_key()

    def validation_data(self, seal_ids: str | Sequence[str], now: datetime) -> ValidationData:
        """There is none. Raises `CustodyError`."""
        _no_key()

    def token_key(self, now: datetime) -> tuple[bytes, PrivateKey]:
        """There is none. Raises `CustodyError`."""
        _no_key()


def _no_key() -> NoReturn:
    raise CustodyError("这个进程没有密钥：盖章由 worker 完成。", "This process has no keys: a worker seals.")
