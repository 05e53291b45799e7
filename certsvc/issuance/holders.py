"""Who holds a certificate, as the register keeps it: a person's code only as a keyed hash."""

from collections.abc import Mapping
from typing import Any

from certsvc.catalog import CertificateType
from certsvc.domain.holder import Party
from certsvc.domain.issuing import HolderEntry
from certsvc.services import PayloadCipher


def holder_entries(cipher: PayloadCipher, kind: CertificateType, payload: Mapping[str, Any]) -> tuple[HolderEntry, ...]:
    """The holders of a payload, in its order, names masked as the type says."""
    named = zip(kind.holders(payload), kind.public_holder_names(payload), strict=True)
    return tuple(_entry(cipher, party, name) for party, name in named)


def code_hash(cipher: PayloadCipher, code_kind: str, code: str) -> bytes:
    """What a code is found by; the kind goes in, so that a passport number never finds an officer's card."""
    return cipher.look_up(f"{code_kind}:{code}")


def _entry(cipher: PayloadCipher, party: Party, public_name: str) -> HolderEntry:
    hashed = code_hash(cipher, party.code_kind, party.code) if party.code else None
    return HolderEntry(
        name=public_name,
        code_kind=party.code_kind,
        code=None if party.is_person else party.code,
        code_hash=hashed if party.is_person else None,
    )
