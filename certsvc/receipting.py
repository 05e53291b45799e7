"""Composition of what stands behind receipts: the key of the trust role, and a verifier of its own."""

from datetime import datetime
from importlib.metadata import version

from structlog.typing import FilteringBoundLogger

from certsvc.authorities import Newest, Troubles, use_remote_timestamps
from certsvc.authority.authority import Authority
from certsvc.authority.ceremony import read_authority
from certsvc.authority.names import RECEIPT, newest
from certsvc.authority.receipt_keys import receipt_credential, receipt_evidence
from certsvc.authority.shelf import FolderShelf
from certsvc.errors import CertsvcError
from certsvc.http.receipts import Receipting
from certsvc.issuance.receipts import ReceiptPress
from certsvc.services import ReceiptPages
from certsvc.settings import Settings
from certsvc.verify.service import Verifying


def open_receipting(
    settings: Settings, verifying: Verifying, pages: ReceiptPages, now: datetime, log: FilteringBoundLogger
) -> Receipting:
    """What making receipts needs; a key that cannot be used is said in the log, and tried again.

    Raises:
        CeremonyError: no ceremony was held here, or what it left is damaged.
    """
    presses = Newest(
        lambda: read_authority(settings.home, settings.secret), lambda authority: _open(authority, settings), log
    )
    presses.current(now)
    return Receipting(
        verifying=verifying,
        press=presses.current,
        pages=pages,
        program=f"certsvc {version('certsvc')}",
        per_minute=settings.receipts.per_minute,
    )


def _open(authority: Authority, settings: Settings) -> tuple[ReceiptPress | None, Troubles]:
    """The press with the newest key; none when that cannot be used."""
    shelf = FolderShelf(settings.public)
    try:
        use_remote_timestamps(settings, authority)
        press = ReceiptPress(
            sealing=receipt_credential(authority),
            timestamper=lambda: authority.timestamper,
            evidence=lambda: receipt_evidence(authority, shelf),
        )
    except CertsvcError as error:
        return None, {newest(authority.names, RECEIPT) or RECEIPT: error}
    return press, {}
