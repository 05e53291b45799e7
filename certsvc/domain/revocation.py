"""Revoking an X.509 certificate: why, from when, decided by whom; and the date that the CRL gives."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from certsvc.errors import InvalidInput

Instant = Annotated[datetime, Meta(tz=True)]
"""A moment that says its zone: others cannot be compared with it."""


class Reason(StrEnum):
    """Why a certificate is revoked (RFC 5280 section 5.3.1; those that concern seals and their authorities)."""

    KEY_COMPROMISE = "key_compromise"
    CA_COMPROMISE = "ca_compromise"
    AFFILIATION_CHANGED = "affiliation_changed"
    SUPERSEDED = "superseded"
    CESSATION_OF_OPERATION = "cessation_of_operation"
    PRIVILEGE_WITHDRAWN = "privilege_withdrawn"

    @property
    def is_compromise(self) -> bool:
        """Whether somebody else may have the key: then nothing signed with it counts for its signature alone."""
        return self in (Reason.KEY_COMPROMISE, Reason.CA_COMPROMISE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocation:
    """One certificate, by its name in the authority, is revoked: from `effective` on, decided by two persons."""

    name: str
    reason: Reason
    effective: Instant
    decided_at: Instant
    by: str
    confirmed_by: str
    why: str

    def __post_init__(self) -> None:
        if not (self.by and self.confirmed_by and self.why) or self.by == self.confirmed_by:
            raise InvalidInput(
                "吊销证书要写明原因，并由两人办理。",
                "A certificate is revoked by two persons, with the reason in words.",
            )

    @property
    def revoked_at(self) -> datetime:
        """The revocation date in the CRL: the effective one, never before the decision unless the key was
        compromised (a document sealed in good faith does not become worthless by a later decision)."""
        return self.effective if self.reason.is_compromise else max(self.effective, self.decided_at)
