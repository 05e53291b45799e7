"""Make receipts: the signed record, and its pages under a seal. Nothing is stored: a receipt asked for twice is two."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.x509.oid import NameOID

from certsvc.domain.receipt import Receipt
from certsvc.domain.seal import ValidationData
from certsvc.domain.trust import is_demonstration
from certsvc.seal.receipt import seal_receipt, sign_receipt
from certsvc.services import Sealing, Timestamper


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptPress:
    """The key of receipts with what stands behind it, and who gives timestamps. Both works use a key and take time:
    they are for a thread."""

    sealing: Sealing
    timestamper: Callable[[], Timestamper]
    evidence: Callable[[], ValidationData]

    @property
    def authority(self) -> str:
        """Who makes receipts, as the certificate names it."""
        (name,) = self.sealing.certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
        return str(name.value)

    @property
    def is_demonstration(self) -> bool:
        """Read from the certificate, so that no setting can change it."""
        return is_demonstration(self.sealing.certificate)

    def sign(self, content: Mapping[str, Any]) -> str:
        """The JWS.

        Raises:
            CustodyError: the key cannot be used.
        """
        return sign_receipt(content, self.sealing)

    def seal(self, pages: bytes, receipt: Receipt, jws: str, now: datetime) -> bytes:
        """The pages (PDF, see `ReceiptPages`) of a receipt that was signed, under the seal.

        Raises:
            TimestampUnavailable, RevocationDataStale, SealRefused, CustodyError: it cannot be sealed now; the record
                stands without its pages.
        """
        return seal_receipt(
            pages,
            receipt.id,
            jws,
            sealing=self.sealing,
            timestamper=self.timestamper(),
            validation_data=self.evidence(),
            now=now,
        )
