"""What the API takes and answers of cases."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

import msgspec

from certsvc.domain.case import Case, Part, PartEvent, PartGround
from certsvc.domain.case_requests import ListedPart
from certsvc.errors import NotFound
from certsvc.http.office.shapes import Code, Long, Short, TypeId
from certsvc.issuance.cases.applying import CaseForm
from certsvc.issuance.cases.view import CaseView
from certsvc.issuance.service import Issuing

Answers = Annotated[
    dict[str, Any],
    msgspec.Meta(
        description="Answers by question, as the form asks them.",
        examples=[{"business.name": "云山市岭南鲜生商贸有限公司", "food-business.category": "食品销售经营者"}],
    ),
]
Licence = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=100,
        description="The type of licence that is applied for, or the code of the one on record.",
        examples=["business-licence-company"],
    ),
]
WorkingDays = Annotated[int, msgspec.Meta(ge=1, le=250)]


class OpenBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One application: a licence, or one on record, and the permits asked for with it. `working_days` says, by type,
    how long a decision may take where the type itself does not."""

    licence: Licence
    permits: Annotated[list[TypeId], msgspec.Meta(max_length=20, examples=[["food-business", "public-place-hygiene"]])]
    answers: Answers
    working_days: Annotated[dict[str, WorkingDays], msgspec.Meta(max_length=20)] = {}


class DecisionBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a department decides of its part. A refusal says why, on what ground, under what number, and what can be
    done against it; `due` is the day by which documents follow; with a grant `content` sets what is the department's:
    the term, the number, the code of a business that it registers."""

    decision: Literal["accept", "accept_with_documents", "return", "refuse", "grant"]
    reason: Long | None = None
    legal_basis: Long | None = None
    decision_number: Short | None = None
    remedies: Long | None = None
    due: date | None = None
    content: Annotated[
        dict[str, Any], msgspec.Meta(examples=[{"valid_from": "2026-12-01", "valid_to": "2031-11-30"}])
    ] = {}

    def ground(self) -> PartGround:
        """As the domain knows it."""
        return PartGround(
            reason=self.reason,
            legal_basis=self.legal_basis,
            decision_number=self.decision_number,
            remedies=self.remedies,
            due=self.due,
        )


class AnswersBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The answers that change; null takes one away. Every part that was returned is resubmitted."""

    answers: Answers


class WithdrawalBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why."""

    reason: Long


class TitleShape(msgspec.Struct, frozen=True, kw_only=True):
    """A title in both languages."""

    zh: str
    en: str


class PartShape(msgspec.Struct, frozen=True, kw_only=True):
    """A part. `payload` is there for who sees it whole, until it is erased: what is asked for, and once it is granted,
    what is issued. `certificate` is the code of what was issued."""

    type: str
    title: TitleShape
    state: str
    working_days: int
    changed_at: datetime
    deadline: date | None
    late: bool
    documents_due: date | None
    certificate: Code | None
    payload: dict[str, Any] | None = None


class PartEventShape(msgspec.Struct, frozen=True, kw_only=True):
    """One act on a part."""

    id: int
    type: str
    act: str
    state: str
    actor: str
    at: datetime
    reason: str | None
    legal_basis: str | None
    decision_number: str | None
    remedies: str | None
    due: date | None
    deadline: date | None
    certificate: Code | None


class CaseShape(msgspec.Struct, frozen=True, kw_only=True):
    """A case. `progress` is where the applicant follows it, by its code; `licence` the code of the licence that permits
    hang on, once there is one; `answers` are there for who opened it. `erased_at` is when answers and payloads were
    erased: some time after the case had ended."""

    code: Code
    opened_by: str
    opened_at: datetime
    applicant: str
    licence_type: str | None
    licence: Code | None
    finished: bool
    progress: str
    parts: list[PartShape]
    events: list[PartEventShape]
    answers: dict[str, Any] | None
    erased_at: datetime | None


class ListedPartShape(msgspec.Struct, frozen=True, kw_only=True):
    """A part in a list, with the case it belongs to."""

    case: Code
    applicant: str
    opened_at: datetime
    part: PartShape
    href: str


class FormShape(msgspec.Struct, frozen=True, kw_only=True):
    """The merged form: `schema` is JSON Schema 2020-12 with `x-` keywords for labels and groups; `mapping` says which
    fields of which types an answer fills; `known` is what the licence on record says already."""

    schema: dict[str, Any]
    mapping: dict[str, list[tuple[str, str]]]
    known: dict[str, Any]


def form_shape(given: CaseForm) -> FormShape:
    """A form as the API shows it."""
    return FormShape(schema=given.form.json_schema(), mapping=given.form.mapping(), known=dict(given.known))


def case_shape(view: CaseView, issuing: Issuing, url: str, today: date) -> CaseShape:
    """A case as the API shows it."""
    case = view.case
    payloads = {type_id: dict(payload) for type_id, payload in view.payloads.items()}
    return CaseShape(
        code=case.ref.typed_code,
        opened_by=case.opened_by,
        opened_at=case.opened_at,
        applicant=case.applicant,
        licence_type=case.licence_type,
        licence=case.licence.typed_code if case.licence else None,
        finished=case.finished,
        progress=f"{url}/P/{case.ref.typed_code}",
        parts=[part_shape(part, issuing, today, payloads.get(part.type_id)) for part in case.parts],
        events=[_event(event) for event in view.events],
        answers=dict(view.answers) if view.answers is not None else None,
        erased_at=view.erased_at,
    )


def listed_shape(listed: ListedPart, issuing: Issuing, path: str, today: date) -> ListedPartShape:
    """A part in a list as the API shows it."""
    case: Case = listed.case
    return ListedPartShape(
        case=case.ref.typed_code,
        applicant=case.applicant,
        opened_at=case.opened_at,
        part=part_shape(listed.part, issuing, today, None),
        href=f"{path}/{case.ref.typed_code}",
    )


def part_shape(part: Part, issuing: Issuing, today: date, payload: dict[str, Any] | None) -> PartShape:
    """A part as the API shows it."""
    return PartShape(
        type=part.type_id,
        title=_title(issuing, part.type_id),
        state=part.state.value,
        working_days=part.working_days,
        changed_at=part.changed_at,
        deadline=part.deadline,
        late=part.is_late(today),
        documents_due=part.documents_due,
        certificate=part.certificate.typed_code if part.certificate else None,
        payload=payload,
    )


def _title(issuing: Issuing, type_id: str) -> TitleShape:
    try:
        kind = issuing.catalog.latest(type_id)
    except NotFound:
        return TitleShape(zh=type_id, en=type_id)
    return TitleShape(zh=kind.zh, en=kind.en)


def _event(event: PartEvent) -> PartEventShape:
    ground = event.ground
    return PartEventShape(
        id=event.id,
        type=event.type_id,
        act=event.act.value,
        state=event.state.value,
        actor=event.actor,
        at=event.at,
        reason=ground.reason,
        legal_basis=ground.legal_basis,
        decision_number=ground.decision_number,
        remedies=ground.remedies,
        due=ground.due,
        deadline=event.deadline,
        certificate=event.certificate.typed_code if event.certificate else None,
    )
