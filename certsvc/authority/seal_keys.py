"""Keys and certificates behind the making and destroying of seals: `services.SealMaker`."""

from datetime import datetime

from cryptography import x509

from certsvc.authority.authority import Authority
from certsvc.authority.names import base_name, seal_name
from certsvc.domain.revocation import Reason, Revocation
from certsvc.domain.seal import Seal
from certsvc.domain.seal_acts import SealEvent


class SealKeys:
    """Makes and destroys through an authority whose issuing key is at hand."""

    def __init__(self, authority: Authority) -> None:
        self._authority = authority

    def make(self, seal: Seal, now: datetime) -> x509.Certificate:
        """The seal's X.509 certificate, over a key made for it; done again, the same.

        Raises:
            CustodyError: its key, or the issuing key, cannot be used.
        """
        return self._authority.make(seal_name(seal.id), now, seal)

    def destroy(self, seal_id: str, decision: SealEvent, now: datetime) -> None:
        """Revoke every certificate of the seal, publish the CRL, destroy the keys; done again, nothing. An authority
        of before whose key was lost publishes nothing any more and holds nothing up.

        Raises:
            CustodyError, RevocationDataStale: a key cannot be used; begin again when it can.
        """
        names = [name for name in self._authority.names if base_name(name) == seal_name(seal_id)]
        for name in names:
            if not self._authority.is_revoked(name):  # an earlier generation may have been, when it was superseded
                self._authority.record(_revocation(name, decision))
        self._authority.facts.renew(now, [self._authority.newest(seal_name(seal_id))])
        for name in names:
            self._authority.destroy_key(name)


def _revocation(name: str, decision: SealEvent) -> Revocation:
    return Revocation(
        name=name,
        reason=Reason.CESSATION_OF_OPERATION,
        effective=decision.at,
        decided_at=decision.at,
        by=decision.actor,
        confirmed_by=decision.confirmed_by or "",
        why=decision.reason,
    )
