"""The term of a proof: one that is over is neither put before those who approve, nor approved by them.

A request may wait: what was good when it was submitted is looked at again on the day of approval, in Beijing.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from certsvc.catalog import CertificateType
from certsvc.domain.calendar import beijing_date
from certsvc.domain.proof_acts import ProofState
from certsvc.domain.proof_request import ProofRequest
from certsvc.errors import ActNotAllowed, PayloadInvalid
from certsvc.issuance.approvals import open_request
from certsvc.issuance.village.work import VillageWork, kind_of


def require_in_term(kind: CertificateType, payload: Mapping[str, Any], now: datetime) -> None:
    """Refuse a payload whose term is over today.

    Raises:
        PayloadInvalid: it is, with the field.
    """
    found = kind.over(payload, beijing_date(now))
    if found:
        zh, en = f"{kind.zh}的有效期已经过了，不能提交。", f"{kind.en}: its term is over, so it cannot be submitted."
        raise PayloadInvalid(zh, en, problems=found)


async def require_round_in_term(work: VillageWork, request: ProofRequest, now: datetime) -> None:
    """Refuse to approve what waits for it and is over today; what waits for nobody's approval is left alone.

    Raises:
        ActNotAllowed: its term is over.
    """
    if request.state is not ProofState.SUBMITTED or request.approval_id is None:
        return
    kind, asked = kind_of(work, request.type_id), (await work.approvals.approval(request.approval_id)).asked
    found = kind.over(open_request(work.issuing, asked).payload or {}, beijing_date(now))
    if found:
        raise ActNotAllowed(
            f"{request.shown or ''}的{kind.zh}不能批准：{found[0].zh}请退回经办人修改。",
            f"The {kind.en} of {request.shown or ''} cannot be approved. {found[0].en} Return it to its clerk.",
        )
