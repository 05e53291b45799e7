"""What the use cases of a village need: who somebody is there, which request they may see, and what it says."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from certsvc.catalog import CertificateType
from certsvc.domain.actor import Actor, area_of
from certsvc.domain.acts import Act
from certsvc.domain.calendar import beijing_date
from certsvc.domain.certificate import Category
from certsvc.domain.holder import parse_holder_code
from certsvc.domain.organ import Member, Organ, OrganDuty
from certsvc.domain.proof_acts import ProofAct
from certsvc.domain.proof_answer import require_kept
from certsvc.domain.proof_catalogue import ProofCatalogue
from certsvc.domain.proof_ground import CorrectionGround
from certsvc.domain.proof_request import (
    RESIDENT,
    Consent,
    IdentityCheck,
    ProofActRequest,
    ProofContent,
    ProofRequest,
    context_of,
)
from certsvc.errors import CertsvcError, InvalidInput, NotFound, SealRefused
from certsvc.ids import ProgressCode, Uscc
from certsvc.issuance.holders import code_hash
from certsvc.issuance.service import Issuing
from certsvc.services import Approvals, EvidenceRegister, Organs, ProofRequests
from certsvc.store.proof_requests import no_request

MOST_CONTENT, MOST_CONTACT, MOST_NOTES, MOST_REASON, MOST_SHOWN = 262_144, 100, 2000, 2000, 100
"""Bytes of a draft as JSON, and characters of what stands beside it."""

READS = frozenset({OrganDuty.CLERK, OrganDuty.APPROVER, OrganDuty.AUDITOR})
"""Who reads the requests of their organ. Overseers see figures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VillageWork:
    """The frozen bundle of these use cases."""

    issuing: Issuing
    approvals: Approvals
    organs: Organs
    requests: ProofRequests
    evidence: EvidenceRegister
    proofs: ProofCatalogue

    def require_kept(self, organ: Organ, type_id: str, now: datetime) -> None:
        """Refuse a proof that is not given out where the organ is, in words to read out.

        Raises:
            ProofRefused: it is not.
        """
        require_kept(self.proofs.held(organ.area, beijing_date(now)), type_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a draft says: the payload as far as it is filled in, how to reach who asks, how the facts were looked into,
    and what the resident consented to (None: as before)."""

    payload: Mapping[str, Any]
    contact: str | None = None
    notes: str | None = None
    consent: Consent | None = None


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """The same, as it lies encrypted with its request; `correction` says why the certificate is to be corrected, for
    those who read the request, `ground` what everybody may read of that. `named_since` is the version of the request
    from which on these are the holders: what was found before is about others."""

    payload: dict[str, Any]
    code: str
    contact: str | None = None
    notes: str | None = None
    correction: str | None = None
    ground: CorrectionGround | None = None
    named_since: int = 0


async def member(work: VillageWork, account: str, organ: Uscc, now: datetime) -> Member:
    """Who somebody is in an organ today.

    Raises:
        NotFound: they have no duty there, or there is no such organ: said alike.
    """
    for found in await work.organs.memberships(account, beijing_date(now)):
        if found.organ.uscc == organ:
            return found
    raise NotFound(f"没有单位 {organ[:18]}。", f"There is no organ {organ[:18]}.")


async def visible(work: VillageWork, who: Member, request_id: str) -> ProofRequest:
    """A request of one's own organ.

    Raises:
        NotFound: there is none, or it is another organ's: said alike.
    """
    if not who.duties & READS:
        raise no_request(request_id)
    found = await work.requests.request(request_id)
    if found.organ != who.organ.uscc:
        raise no_request(request_id)
    return found


def kind_of(work: VillageWork, type_id: str) -> CertificateType:
    """The type of a proof, as it is given now.

    Raises:
        NotFound: there is no such proof.
    """
    kind = work.issuing.catalog.latest(type_id)
    if kind.category is not Category.PROOF:
        raise NotFound(f"没有证明事项 {type_id}。", f"There is no proof {type_id}.")
    return kind


def clerk_acts_as(who: Member, type_id: str, act: Act) -> Actor:
    """A clerk with the right to one act, on one kind of proof, under the seal of their own organ.

    Raises:
        SealRefused: the organ has no seal.
    """
    organ = who.organ
    if organ.seal_id is None:
        raise SealRefused(f"{organ.name}还没有印章。", f"{organ.name} has no seal yet.")
    return Actor(name=who.name, scopes=frozenset({f"{act}:{type_id}:{organ.seal_id}:{area_of(organ.uscc)}"}))


def open_content(work: VillageWork, request: ProofRequest) -> Content:
    """What a request says.

    Raises:
        NotFound: it is erased.
        CustodyError: the key it is encrypted with is lost.
    """
    if request.sealed is None or request.key_id is None:
        raise NotFound("申请内容已按期删除。", "What the request said was erased in time.")
    plain = work.issuing.cipher.decrypt(request.sealed, context_of(request.id), request.key_id)
    return msgspec.json.decode(plain, type=Content)


def named_in(kind: CertificateType, payload: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Name and number of every holder as they are written: whom an identity check stands for. The number alone is what
    a holder is found by, so that a name written wrongly hides no proof of the same person."""
    tables = (kind.definition.holder, *kind.definition.further_holders)
    keys = [(each.name, each.code, each.code_kind_field or "") for each in tables]
    return [tuple(payload.get(key) for key in each) for each in keys]


def seal_content(
    work: VillageWork, request_id: str, kind: CertificateType, content: Content, *, is_of_others: bool = False
) -> ProofContent:
    """What a request says, encrypted; the name masked and the code hashed beside it."""
    cipher = work.issuing.cipher
    return ProofContent(
        sealed=cipher.encrypt(msgspec.json.encode(content), context_of(request_id)),
        key_id=cipher.key_id,
        shown=_shown(kind, content.payload),
        holder_hash=_holder_hash(work, kind, content.payload),
        is_of_others=is_of_others,
    )


def as_content(
    said: Said, code: ProgressCode, correction: str | None, ground: CorrectionGround | None = None
) -> Content:
    """A draft as it is kept: exactly as it was written.

    Raises:
        InvalidInput: something is too long, or no text that could be kept.
    """
    beside = ((said.contact, MOST_CONTACT), (said.notes, MOST_NOTES), (correction, MOST_REASON))
    if any(text is not None and len(text) > most for text, most in beside):
        raise InvalidInput("联系方式或说明太长。", "The contact or the notes are too long.")
    content = Content(
        payload=dict(said.payload),
        code=code,
        contact=said.contact or None,
        notes=said.notes or None,
        correction=correction,
        ground=ground,
    )
    if len(_encoded(content)) > MOST_CONTENT:
        raise InvalidInput("填写的内容太多。", "The draft is too large.")
    return content


def digest_of(*asked: Any) -> bytes:
    """SHA-256 of what is asked.

    Raises:
        InvalidInput: it is no text that could be kept.
    """
    return hashlib.sha256(_encoded(asked)).digest()


def request_to_act(
    act: ProofAct,
    request_id: str,
    who: Member | None,
    seen: int,
    key: str,
    digest: bytes,
    *,
    reason: str | None = None,
    identity: IdentityCheck | None = None,
    consent: Consent | None = None,
) -> ProofActRequest:
    """What is asked of a request, by somebody or, without `who`, the resident.

    Raises:
        InvalidInput: the reason is empty or too long.
    """
    if reason is not None and not 0 < len(reason) <= MOST_REASON:
        raise InvalidInput(f"原因应为 1 至 {MOST_REASON} 字。", f"A reason has 1 to {MOST_REASON} characters.")
    return ProofActRequest(
        request_id=request_id,
        act=act,
        account=who.account if who else None,
        person=who.name if who else RESIDENT,
        seen=seen,
        key=key,
        digest=digest,
        reason=reason,
        identity=identity,
        consent=consent,
    )


def _encoded(value: Any) -> bytes:
    try:
        return msgspec.json.encode(value, order="deterministic")
    except (UnicodeEncodeError, TypeError, ValueError, RecursionError):
        raise InvalidInput(
            "内容里有不成字的字符，不能保存。", "The content holds what is no character and cannot be kept."
        ) from None


def _shown(kind: CertificateType, payload: Mapping[str, Any]) -> str | None:
    """The holder's name, masked, for lists: as far as it is a name already."""
    named = kind.definition.holder.name
    name = payload.get(named)
    if not isinstance(name, str) or not name.strip() or not name.isprintable():
        return None
    return kind.public_holder_names({named: name})[0][:MOST_SHOWN]


def _holder_hash(work: VillageWork, kind: CertificateType, payload: Mapping[str, Any]) -> bytes | None:
    """What the holder is found by; nothing while the code is not good."""
    try:
        party = kind.holder(payload)
        if party.code is None:
            return work.issuing.cipher.look_up(f"name:{party.name}")
        return code_hash(work.issuing.cipher, party.code_kind, parse_holder_code(party.code_kind, party.code))
    except (CertsvcError, LookupError, TypeError, AttributeError):
        return None
