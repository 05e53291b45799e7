"""Whom the resident agrees is told of a proof, and who was told what, as pages of the console show it."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from certsvc.domain.organ import OrganDuty
from certsvc.domain.proof_acts import ProofState
from certsvc.domain.proof_request import ProofRequest
from certsvc.http.language import Language
from certsvc.http.village.console import At, Console
from certsvc.issuance.village.handing import receivers_of

OPEN = (ProofState.DRAFT, ProofState.SUBMITTED, ProofState.RETURNED, ProofState.APPROVED)


@dataclass(frozen=True, slots=True)
class TellLine:
    """One thing that an organ was told; without a web-hook it is told by the notice that the resident carries."""

    at: str
    name: str
    kind: str
    by_hook: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TellView:
    """`offered` are the organs a clerk may choose among, by id and name; empty for who may not, or once it is sealed.
    `by` is who put the choice on record; `follows` whether whoever was told of the proof that it corrects is told of
    that, whatever is chosen now."""

    chosen: str
    follows: bool
    chosen_id: str
    by: str
    lines: Sequence[TellLine]
    offered: Sequence[tuple[str, str]]
    address: str
    key: str

    @property
    def carries(self) -> bool:
        """Whether there is a notice for the resident to carry."""
        return any(not line.by_hook for line in self.lines)


async def tell_view(console: Console, at: At, request: ProofRequest, language: Language) -> TellView:
    """What `told_list.html` shows of a request."""
    out, words = console.villages.out, language.words["apply_online"]
    chosen = await out.handings.chosen(request.id)
    may_choose = at.member.has(OrganDuty.CLERK) and request.state in OPEN
    offered = await receivers_of(out, request) if may_choose else ()
    by = "by_clerk" if chosen and chosen.account else "by_resident"
    told = await out.handings.told(request.id)
    return TellView(
        chosen=(chosen and chosen.name) or "",
        follows=request.corrects is not None and (bool(told) or request.state in OPEN),
        chosen_id=(chosen and chosen.receiver) or "",
        by=words[by] if chosen else "",
        lines=[TellLine(language.moment(one.at), one.name, one.kind, one.client is not None) for one in told],
        offered=[(one.id, language.pick(one.name.zh, one.name.en)) for one in offered],
        address=at.address(f"/requests/{request.id}/telling"),
        key=secrets.token_urlsafe(18),
    )
