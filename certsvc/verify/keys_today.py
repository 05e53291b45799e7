"""What is known today of the keys behind a file's seals: the file holds only what was known when it was sealed."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from certsvc.errors import MalformedDer
from certsvc.verify.anchors import Anchors, Revoked
from certsvc.verify.inspection import Signer
from certsvc.verify.report import Check, Outcome, after_compromise
from certsvc.x509_reader import read_certificate

KIND = "keys_today"
COMPROMISED, REVOKED = "compromised", "revoked"
UNPUBLISHED = Revoked(since=datetime.min.replace(tzinfo=UTC), compromised=True)
"""Of a certificate under an authority that leads to our root and that we never published: only who has a key of ours
could certify it, and no CRL of ours speaks of it."""


def check_keys_today(signers: Sequence[Signer], anchors: Anchors, registered: bool | None) -> Check:
    """Whether a seal was revoked before it sealed this file, or somebody else may have made it.

    What was sealed before the revocation stays as it is: its timestamp says when that was, as long as nobody else has
    the timestamp authority's key. After a compromise only a file counts that is on record by its own digest, which
    `registered` says: None when the register was not asked or could not answer.
    """
    try:
        troubles = {trouble for signer in signers for trouble in _troubles(signer, anchors)}
    except MalformedDer:
        return Check(KIND, Outcome.UNKNOWN, "could_not_run")
    if not troubles:
        return Check(KIND, Outcome.PASSED, "not_revoked_when_sealed")
    if troubles == {COMPROMISED}:
        return Check(KIND, after_compromise(registered), "compromised_key")
    return Check(KIND, Outcome.FAILED, "revoked_before_sealing")


def _troubles(signer: Signer, anchors: Anchors) -> Iterator[str]:
    seal, stamp = _revoked(signer.certificate, anchors), _revoked(signer.timestamp_certificate, anchors)
    sealed_at = None if signer.sealed_at is None else datetime.fromtimestamp(signer.sealed_at, UTC)
    if stamp is not None and stamp.compromised:
        yield COMPROMISED  # whoever has it can put any time into a timestamp
    for found in (seal, stamp):
        if found is not None and (sealed_at is None or sealed_at >= found.since):
            yield COMPROMISED if found.compromised else REVOKED


def _revoked(certificate: bytes | None, anchors: Anchors) -> Revoked | None:
    if not certificate:
        return None
    read = read_certificate(certificate)
    if all(authority.subject != read.issuer for authority in anchors.authorities):
        return UNPUBLISHED
    return anchors.revocation(read)
