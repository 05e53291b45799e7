"""From what a source sent to what is kept: types and states in our words, names masked, doubts written beside."""

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import msgspec
from stdnum.iso7064 import mod_11_10

from certsvc.catalog import Catalog, CertificateType
from certsvc.domain.calendar import Term
from certsvc.domain.masking import RULES
from certsvc.domain.record import RecordContent, ReportedState, from_national
from certsvc.errors import InvalidIdentifier, InvalidInput, NotFound, Problem
from certsvc.ids import parse_uscc
from certsvc.issuance.records.form import ComparedForm, NationalStateForm, RecordForm, TermForm

MOST_BYTES = 60_000
PERSON = re.compile(r"[1-9]\d{5}(18|19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])\d{3}[\dX]", re.ASCII | re.IGNORECASE)
"""The form of a citizen's number: place, birthday, serial, check character."""


def content_of(catalog: Catalog, form: RecordForm) -> RecordContent:
    """What is kept of a record that a source sent. What is only doubtful becomes a warning and is kept as it came.

    Raises:
        InvalidInput: its parts make no sense together; with each problem.
    """
    kind = type_of(catalog, form.kind)
    problems = [*_problems(kind, form)]
    if problems:
        raise InvalidInput(problems[0].zh, problems[0].en, problems=problems)
    state, said = state_of(form.state, form.national_state)
    number, subject, issuer = form.number.strip(), form.subject.upper(), form.issuer.uscc.upper()
    warnings = (
        *_code_warnings("subject", subject),
        *_code_warnings("issuer.uscc", issuer),
        *_number_warnings(kind, number),
        *_term_warnings(form.term),
        *_fact_warnings(kind, form.facts),
    )
    return RecordContent(
        kind=kind.id if kind else form.kind,
        kind_name=kind.zh if kind else (form.kind_name or form.kind).strip(),
        number=number,
        holder_name=_holder_name(kind, form.holder_name.strip()),
        subject=subject,
        issuer_name=form.issuer.name.strip(),
        issuer_uscc=issuer,
        term=term_of(form.term),
        state=state,
        said=said,
        facts=kind.public_view(form.facts) if kind else {},
        warnings=warnings,
    )


def compared_fields(catalog: Catalog, form: ComparedForm) -> Mapping[str, Any]:
    """Those fields of a record that a source gave to have them compared, as they would be kept."""
    found: dict[str, Any] = {}
    if form.state or form.national_state:
        state, said = state_of(form.state, form.national_state)
        found |= {"state": state.value, "said": said}
    if form.number is not None:
        found["number"] = form.number.strip()
    if form.term is not None:
        term = term_of(form.term)
        found |= {"valid_from": term.start.isoformat(), "valid_to": term.end.isoformat() if term.end else None}
    return found


def type_of(catalog: Catalog, kind: str) -> CertificateType | None:
    """The type of ours that a kind is; None for one that only the source knows."""
    try:
        return catalog.latest(kind)
    except NotFound:
        return None


def state_of(state: ReportedState | None, national: NationalStateForm | None) -> tuple[ReportedState, str | None]:
    """A state in our words, and the source's own word where there is none."""
    if state is not None:
        return state, None
    if national is None:
        return ReportedState.UNKNOWN, None
    found = from_national(national.code, national.description)
    return found, national.description if found is ReportedState.UNKNOWN else None


def term_of(form: TermForm) -> Term:
    """A term; the last day of the calendar, with which other systems mean no end, is none."""
    return Term(form.start, None if form.end == date.max else form.end)


def _holder_name(kind: CertificateType | None, name: str) -> str:
    """As the public may see it, by the rule of the type. Of other kinds only businesses hold permits here."""
    return RULES[kind.definition.holder.public](name) if kind else name


def _problems(kind: CertificateType | None, form: RecordForm) -> Iterator[Problem]:
    if (form.state is None) == (form.national_state is None):
        zh, en = "请用 state 或 national_state 之一写明状态。", "Give the state by state or by national_state, by one."
        yield Problem("state", "one_state", zh, en)
    if PERSON.fullmatch(form.subject) and not _is_business(form.subject):
        zh = "subject 像是公民身份号码：这里只收企业的许可，写统一社会信用代码。"
        en = "The subject looks like a citizen's number: only permits of businesses are taken, by their code."
        yield Problem("subject", "personal_number", zh, en)
    if form.term.end is not None and form.term.end < form.term.start:
        yield Problem("term.end", "before_start", "有效期截止日早于起始日。", "The term ends before it begins.")
    if kind is None and form.kind_name is None:
        zh = f"本系统没有证照类型 {form.kind}：请用 kind_name 写明名称。"
        yield Problem("kind_name", "required", zh, f"There is no type {form.kind} here: give its name by kind_name.")
    if len(msgspec.json.encode(form.facts)) > MOST_BYTES:
        yield Problem("facts", "too_long", f"facts 最多 {MOST_BYTES} 字节。", f"facts has {MOST_BYTES} bytes at most.")
    if kind is None and form.facts:
        zh = f"本系统没有证照类型 {form.kind}，不知道哪些内容可以公开：不收 facts。"
        en = f"There is no type {form.kind} here, and no rule what of it may be seen: no facts are taken."
        yield Problem("facts", "no_rules", zh, en)


def _is_business(code: str) -> bool:
    try:
        parse_uscc(code)
    except InvalidIdentifier:
        return False
    return True


def _code_warnings(field: str, code: str) -> Iterator[Problem]:
    try:
        parse_uscc(code)
    except InvalidIdentifier as error:
        yield Problem(field, error.code, error.zh, error.en)


def _number_warnings(kind: CertificateType | None, number: str) -> Iterator[Problem]:
    if kind is None:
        return
    if not re.fullmatch(kind.policy.number.pattern, number):
        zh, en = f"编号不合{kind.zh}的编号规则。", f"The number has not the form of this type ({kind.en})."
        yield Problem("number", "invalid_identifier", zh, en)
    elif kind.definition.number.check and not mod_11_10.is_valid(re.sub(r"[^0-9]", "", number)):
        zh, en = "编号的校验位不符。", "The check digit of the number does not match."
        yield Problem("number", "wrong_check_character", zh, en)


def _term_warnings(term: TermForm) -> Iterator[Problem]:
    if term.end == date.max:
        zh, en = "9999-12-31 当作无固定期限。", "9999-12-31 is taken to mean no fixed term."
        yield Problem("term.end", "no_fixed_term", zh, en)


def _fact_warnings(kind: CertificateType | None, facts: Mapping[str, Any]) -> Iterator[Problem]:
    shown = kind.public_view(facts) if kind else {}
    for key in sorted(facts.keys() - shown.keys()):
        zh, en = "这项不公开，没有保存。", "This is not for the public, and was not kept."
        yield Problem(f"facts.{key}", "not_public", zh, en)
