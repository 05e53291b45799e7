"""Who holds a certificate, as the register keeps it: a person's code only as a keyed hash; and what a holder has."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from certsvc.catalog import Catalog, CertificateType
from certsvc.domain.business import Business, Held, business_of
from certsvc.domain.calendar import beijing_date
from certsvc.domain.certificate import Category
from certsvc.domain.holder import KINDS, Party, parse_holder_code
from certsvc.domain.issuing import HolderEntry
from certsvc.services import PayloadCipher, Register


def holder_entries(cipher: PayloadCipher, kind: CertificateType, payload: Mapping[str, Any]) -> tuple[HolderEntry, ...]:
    """The holders of a payload, in its order, names masked as the type says."""
    named = zip(kind.holders(payload), kind.public_holder_names(payload), strict=True)
    return tuple(_entry(cipher, party, name) for party, name in named)


def code_hash(cipher: PayloadCipher, code_kind: str, code: str) -> bytes:
    """What a code is found by; the kind goes in, so that a passport number never finds an officer's card."""
    return cipher.look_up(f"{code_kind}:{code}")


def found_by(cipher: PayloadCipher, code_kind: str, text: str) -> tuple[str, bytes | None]:
    """What a holder's code is found by: the code of an organisation as it is, a person's by its keyed hash alone.

    Raises:
        InvalidIdentifier, WrongCheckCharacter: it is no code of that kind.
    """
    code = parse_holder_code(code_kind, text)
    return ("", code_hash(cipher, code_kind, code)) if KINDS[code_kind].person else (code, None)


async def find_business(
    register: Register, catalog: Catalog, cipher: PayloadCipher, code_kind: str, text: str, now: datetime
) -> Business:
    """Everything a holder has, by the kind and the text of its code.

    Raises:
        InvalidIdentifier, WrongCheckCharacter: it is no code of that kind.
    """
    in_clear, hashed = found_by(cipher, code_kind, text)
    held = await register.held_by(in_clear, hashed, beijing_date(now), now)
    licences = (one for one in catalog if one.category is Category.LICENCE)
    fields = {(one.id, one.version): {str(fact): key for fact, key in one.policy.facts.items()} for one in licences}
    return business_of(in_clear, held, fields)


def business_json(business: Business) -> dict[str, Any]:
    """A business, for a program to read."""
    return {
        "facts": {
            fact: [
                {"value": span.value, "from": span.since.isoformat(), "until": span.until and span.until.isoformat()}
                for span in spans
            ]
            for fact, spans in business.facts.items()
        },
        "premises": {place: [_held(one) for one in held] for place, held in business.premises.items()},
        "certificates": [_held(one) for one in business.others],
        "branches": [_held(one) for one in business.branches],
        "successor": business.successor,
    }


def _held(held: Held) -> dict[str, Any]:
    return {
        "type": held.type_id,
        "number": held.number,
        "version": held.version,
        "typed_code": held.ref.typed_code,
        "subject": held.subject,
        "status": held.status.value,
        "term": {"start": held.term.start.isoformat(), "end": held.term.end.isoformat() if held.term.end else None},
    }


def _entry(cipher: PayloadCipher, party: Party, public_name: str) -> HolderEntry:
    hashed = code_hash(cipher, party.code_kind, party.code) if party.code else None
    return HolderEntry(
        name=public_name,
        code_kind=party.code_kind,
        code=None if party.is_person else party.code,
        code_hash=hashed if party.is_person else None,
    )
