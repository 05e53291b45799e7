"""The forms of proofs as a village fills them in, and all that is still wrong with what was typed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from certsvc.catalog import CertificateType
from certsvc.catalog.entry import entry_form
from certsvc.catalog.types import OVER
from certsvc.domain.calendar import beijing_date
from certsvc.domain.entry_form import EntryForm
from certsvc.domain.organ import Member
from certsvc.domain.proof_acts import ProofAct
from certsvc.domain.proof_item import Kept
from certsvc.domain.proof_request import ProofRequest, require_member
from certsvc.errors import PayloadInvalid, Problem
from certsvc.issuance.village.work import Content, VillageWork, kind_of, open_content, visible

AT_ONCE = frozenset({OVER, "not_before"})
"""Problems of a draft that are said as soon as it is saved, for nothing that is still missing mends them."""


def form_of(work: VillageWork, type_id: str) -> EntryForm:
    """The whole form of a proof, as it is given now.

    Raises:
        NotFound: there is no such proof.
    """
    return entry_form(kind_of(work, type_id))


def entry_problems(work: VillageWork, type_id: str, payload: Mapping[str, Any], on: date) -> list[Problem]:
    """What is still wrong with a draft on a day, by field, in the words of its form; of one field the first thing only.

    Raises:
        NotFound: there is no such proof.
    """
    kind = kind_of(work, type_id)
    form = entry_form(kind)
    found = form.in_words([*kind.problems(payload), *form.problems(payload), *kind.over(payload, on)])
    return list({problem.field: problem for problem in reversed(found)}.values())[::-1]


def require_asked(kind: CertificateType, payload: Mapping[str, Any]) -> None:
    """Refuse what is answered though the form does not ask it, as the others are answered.

    Raises:
        PayloadInvalid: with every problem by field.
    """
    found = entry_form(kind).problems(payload)
    if found:
        raise PayloadInvalid(
            f"{kind.zh}有 {len(found)} 处填写不对。",
            f"{kind.en}: {len(found)} fields are not as the form asks them.",
            problems=found,
        )


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft that a clerk fills in: the request, what it says, and its form; `item` is what the catalogue says of the
    proof today (None: it is not given out any more, and only corrected)."""

    request: ProofRequest
    content: Content
    form: EntryForm
    item: Kept | None


async def draft_of(work: VillageWork, who: Member, request_id: str, now: datetime) -> Draft:
    """A draft of one's organ, for a clerk; that somebody else than its clerk reads it goes on record first.

    Raises:
        NotFound: there is no such request in this organ, or what it said is erased.
        Forbidden: who asks is no clerk.
    """
    request = await visible(work, who, request_id)
    require_member(who, ProofAct.SAVE)
    if request.handler != who.account:
        await work.requests.note_view(request_id, who.name, now)
    item = work.proofs.held(who.organ.area, beijing_date(now)).items.get(request.type_id)
    form = form_of(work, request.type_id).of_clerk
    return Draft(request, open_content(work, request), form, item if isinstance(item, Kept) else None)
