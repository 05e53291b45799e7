"""The authorities elsewhere that we recognise, as our own signed trust list names them: a public fact, read from files
and believed only as far as its signature goes."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

from certsvc.domain.recognition import TrustedAuthority, TrustList
from certsvc.errors import TrustListInvalid
from certsvc.verify.anchors import CRLS, MAX_CRL, AnchorSource
from certsvc.verify.trust_list import MAX_LIST, read_trust_list

LIST = "trust/list.json"


class Recognised(Protocol):
    """Gives the authorities that are recognised at a time."""

    def at(self, now: datetime) -> Sequence[TrustedAuthority]: ...


class RecognisedFolder:
    """The trust list in a folder of public facts, read anew when it or a CRL was replaced. A list that is missing, out
    of its term or not ours recognises nobody."""

    def __init__(self, public: Path, trust: AnchorSource) -> None:
        self._public, self._trust = public, trust
        self._seen: tuple[int, ...] = ()
        self._list: TrustList | None = None

    def at(self, now: datetime) -> Sequence[TrustedAuthority]:
        """The recognised authorities."""
        files = [self._public / LIST, *sorted((self._public / CRLS).glob("*.crl"))]
        try:
            seen = tuple(path.stat().st_mtime_ns for path in files)
        except OSError:
            return ()
        if seen != self._seen:
            self._list, self._seen = self._read(files, now), seen
        known = self._list
        return known.recognised if known is not None and known.iat <= now.timestamp() < known.exp else ()

    def _read(self, files: Sequence[Path], now: datetime) -> TrustList | None:
        """A list that is not yet or no more in its term is read again when it is replaced."""
        try:
            data, *crls = [_content(path) for path in files]
        except OSError:
            return None
        for root in self._trust.current().roots:
            try:
                return read_trust_list(data, root, crls, now)
            except TrustListInvalid:
                continue
        return None


def _content(path: Path) -> bytes:
    most = MAX_CRL if path.suffix == ".crl" else MAX_LIST
    with path.open("rb") as file:
        return file.read(most + 1)
