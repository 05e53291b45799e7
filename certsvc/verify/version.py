"""Files of ours that are on record and have been followed by a newer version: genuine, unchanged, and old."""

from collections.abc import Iterator

from certsvc.domain.certificate import Gathered
from certsvc.domain.states import Status
from certsvc.verify.report import Check, Outcome, Soundness


def check_version(document: Soundness, gathered: Gathered | None) -> Iterator[Check]:
    """Whether a sound file on record is the version that holds: an old one is named as such, beside its state. One
    whose successor is not in force yet still holds, and of one that was revoked the state says more."""
    if document is not Soundness.SOUND or gathered is None:
        return
    if gathered.certificate.status is Status.SUPERSEDED:
        yield Check("version", Outcome.FAILED, "older_version")
    else:
        yield Check("version", Outcome.PASSED, "newest_version")
