"""`…/people/handover`: who has which duty in an organ, and who keeps its seal, as one guided act after an election.

An overseer of the town (or the city) says who goes, who comes, from which day and why; the seal's manager or approver
also, who keeps it from now on. Then what will stand is looked at, and all that speaks against it; then it is done,
once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Redirect

from certsvc.domain.calendar import beijing_date
from certsvc.domain.organ import (
    DUTY_WORDS,
    Appointment,
    Arrival,
    Handover,
    Organ,
    OrganDuty,
    OrganKind,
    after_handover,
    keeper_must_change,
    oversees,
    version_of,
)
from certsvc.domain.organ_seal import OrganSeal
from certsvc.errors import CertsvcError, InvalidInput, KeyReused, NotFound, Problem
from certsvc.http.form import every
from certsvc.http.language import Language
from certsvc.http.routes import Asked, route
from certsvc.http.village.console import AT, At, Console
from certsvc.http.village.session import in_language
from certsvc.http.village.typed import MOST_TYPED, new_key, typed_day, typed_key
from certsvc.ids import Uscc, parse_uscc
from certsvc.issuance.village.handover import MOST_REASON, hand_over, look_at_handover, organ_for

COMERS = 6
"""Rows for who comes: enough for a committee, with a duty each."""

SHOWN = 3
"""Those that are not folded away at first."""

LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class Held:
    """A duty of somebody, in words."""

    id: str
    person: str
    duty: str
    since: str
    until: str
    mark: str


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed of a handover: who goes, who comes for what, who keeps the seal, from which day, why."""

    goes: tuple[str, ...]
    comes: tuple[tuple[str, str], ...]
    keeper: str
    day: str
    reason: str
    seen: str

    @classmethod
    def of(cls, fields: Mapping[str, str]) -> "Typed":
        """As it came, but for blanks around names."""
        comes = [(_name(fields, f"name{n}"), fields.get(f"duty{n}", "")[:20]) for n in range(COMERS)]
        goes = tuple(one[:40] for one in every(fields, "goes"))
        reason, seen = fields.get("reason", "")[: MOST_REASON + 1], fields.get("seen", "")[:40]
        return cls(goes, tuple(comes), _name(fields, "keeper"), fields.get("day", "")[:20], reason, seen)


@dataclass(frozen=True, slots=True)
class _Now:
    """The organ that is looked at, as it stands: its appointments and its seal."""

    organ: Organ
    held: Sequence[Appointment]
    seal: OrganSeal | None
    at: datetime

    @property
    def keeper(self) -> str | None:
        return self.seal.people.keeper if self.seal else None

    @property
    def version(self) -> str:
        return version_of(self.held, self.keeper)


def handover_routes(console: Console) -> list[HTTPRouteHandler]:
    """`…/people/handover`."""
    pages = _HandoverPages(console)
    return [
        route(f"{AT}/people/handover", "village_handover", pages.begin),
        route(f"{AT}/people/handover", "village_handover_done", pages.hand_over, "POST"),
    ]


class _HandoverPages:
    """What the routes do; time is taken once per request."""

    def __init__(self, console: Console) -> None:
        self._console, self._organs = console, console.work.organs

    async def begin(self, request: Asked, organ: FromPath[str]) -> Response[bytes]:
        """Who goes and who comes."""
        at = await self._console.at(request, organ, now := datetime.now(UTC))
        known = await self._overseen(at, request.query_params.get("of", ""), now)
        empty = Typed((), (("", ""),) * COMERS, "", str(beijing_date(now)), "", known.version)
        return self._form(request, at, known, empty, new_key())

    async def hand_over(self, request: Asked, organ: FromPath[str]) -> Response[Any]:
        """Look at what was typed; or do it."""
        at, fields = await self._console.form_at(request, organ, now := datetime.now(UTC), MOST_TYPED)
        known = await self._overseen(at, fields.get("of", ""), now)
        key, typed = typed_key(fields), Typed.of(fields)
        if fields.get("step") == "edit":
            return self._form(request, at, known, typed, key)
        try:
            handover = await self._read(at, known.organ, typed, key)
            if fields.get("step") == "do":
                await hand_over(self._organs, handover, now)
                return self._done(request, at, handover)
            if problems := await look_at_handover(self._organs, handover, now):
                raise InvalidInput("这次交接还不能办。", "The handover cannot be done yet.", problems=problems)
        except KeyReused:
            return self._form(request, at, known, typed, new_key(), _done_before())
        except CertsvcError as error:
            if error.status >= 500:
                raise
            return self._form(request, at, known, typed, key, error)
        return self._look(request, at, known, handover, typed)

    async def _overseen(self, at: At, text: str, now: datetime) -> _Now:
        """The organ to hand over in, under that of who asks.

        Raises:
            NotFound: it is none that they oversee.
        """
        of = await organ_for(self._organs, at.member, organ_asked_for(at, text))
        if not may_hand_over(at, of):
            raise NotFound("没有这个页面。", "There is no such page.")
        return _Now(of, await self._organs.appointments(of.uscc), await self._organs.seal(of.uscc), now)

    async def _read(self, at: At, of: Organ, typed: Typed, key: str) -> Handover:
        """What was typed, with the accounts of who comes.

        Raises:
            InvalidInput: with every field that is wrong.
        """
        problems: list[Problem] = []
        day = typed_day(typed.day, "day", problems)
        if not 0 < len(typed.reason.strip()) <= MOST_REASON:
            words = f"请写明原因，最多 {MOST_REASON} 字", f"Say why, in at most {MOST_REASON} characters."
            problems.append(Problem("reason", "required", *words))
        accounts = await self._organs.accounts([name for name, _ in (*typed.comes, (typed.keeper, "")) if name])
        comes = _arrivals(typed.comes, accounts, problems)
        if typed.keeper and typed.keeper not in accounts:
            problems.append(_no_account("keeper", typed.keeper))
        if problems or day is None:
            raise InvalidInput("填写的内容还有问题。", "Something in the form is not right yet.", problems=problems)
        return Handover(
            organ=of.uscc,
            key=key,
            day=day,
            goes=typed.goes,
            comes=comes,
            by=at.member.name,
            reason=typed.reason.strip(),
            account=at.signed.account,
            seen=typed.seen,
            keeper=typed.keeper or None,
        )

    def _form(
        self, request: Asked, at: At, known: _Now, typed: Typed, key: str, error: CertsvcError | None = None
    ) -> Response[bytes]:
        language, today = self._console.pages.language(request), beijing_date(known.at)
        problems = [(one.field, language.pick(one.zh, one.en)) for one in error.problems] if error else []
        if error is not None and not problems:
            problems = [("goes", language.pick(error.zh, error.en))]
        if error is not None:
            typed = replace(typed, seen=known.version)
        return self._console.page(
            request,
            at,
            "village_handover.html",
            error.status if error else 200,
            here="people",
            step="form",
            of=known.organ,
            rows=[held_in_words(one, today, None, language) for one in known.held if one.last_day is None],
            typed=typed,
            duties=[
                one for one in OrganDuty if (one is OrganDuty.OVERSEER) == (known.organ.kind is not OrganKind.VILLAGE)
            ],
            key=key,
            shown=SHOWN,
            more_comers=any(name or duty for name, duty in typed.comes[SHOWN:]),
            keeper=known.keeper,
            asks_keeper=typed.keeper or _may_pass(known, at),
            problems=problems,
            at_field=dict(problems[::-1]),
        )

    def _look(self, request: Asked, at: At, known: _Now, handover: Handover, typed: Typed) -> Response[bytes]:
        """What will stand."""
        language, day = self._console.pages.language(request), handover.day
        keeper = handover.keeper or known.keeper
        will = [one for one in after_handover(known.held, handover) if not one.is_over(day)]
        goes = [one for one in known.held if one.id in handover.goes]
        return self._console.page(
            request,
            at,
            "village_handover.html",
            here="people",
            step="look",
            of=known.organ,
            day=language.day(day),
            goes=[held_in_words(one, day, None, language) for one in goes],
            clerk_goes=any(one.duty is OrganDuty.CLERK for one in goes),
            comes=[(one.person, language.pick(*DUTY_WORDS[one.duty])) for one in handover.comes],
            will=[held_in_words(one, day, keeper, language) for one in will],
            typed=typed,
            key=handover.key,
            seal=known.seal,
            passes=handover.keeper is not None,
            must_change=keeper_must_change(known.held, known.keeper, handover),
            may_pass=_may_pass(known, at),
            is_today=day == beijing_date(known.at),
            problems=(),
        )

    def _done(self, request: Asked, at: At, handover: Handover) -> Redirect:
        done = "handed_over" if handover.keeper is None else "seal_handed_over"
        query = f"?done={done}" if handover.organ == at.organ else f"?of={handover.organ}&done={done}"
        return Redirect(in_language(request, at.address("/people") + query), status_code=303)


def may_hand_over(at: At, of: Organ) -> bool:
    """Whether who asks oversees an organ."""
    return at.member.has(OrganDuty.OVERSEER) and oversees(at.member.organ, of)


def organ_asked_for(at: At, text: str) -> Uscc:
    """The organ of `?of=`; without it that of the address.

    Raises:
        NotFound: it is no USCC.
    """
    try:
        return parse_uscc(text) if text else at.organ
    except InvalidInput:
        raise NotFound(f"没有登记单位 {text[:18]}。", f"There is no organ {text[:18]} on record.") from None


def held_in_words(one: Appointment, today: date, keeper: str | None, language: Language) -> Held:
    """A duty of somebody; marked if it begins later, or if they are the keeper of the seal."""
    mark = "keeps" if one.person == keeper else ""
    return Held(
        id=one.id,
        person=one.person,
        duty=language.pick(*DUTY_WORDS[one.duty]),
        since=str(one.first_day),
        until=str(one.last_day) if one.last_day else "",
        mark="later" if one.first_day > today else mark,
    )


def _may_pass(known: _Now, at: At) -> bool:
    return known.seal is not None and known.seal.may_pass(at.member.name)


def _name(fields: Mapping[str, str], field: str) -> str:
    return fields.get(field, "").strip()[:LONGEST_NAME]


def _arrivals(
    comes: Sequence[tuple[str, str]], accounts: Mapping[str, str], problems: list[Problem]
) -> tuple[Arrival, ...]:
    found = []
    for place, (name, duty) in enumerate(comes):
        if not name and not duty:
            continue
        if not name:
            problems.append(Problem(f"name{place}", "unknown", "请填姓名", "Write a name."))
        elif name not in accounts:
            problems.append(_no_account(f"name{place}", name))
        elif duty not in {*OrganDuty}:
            problems.append(Problem(f"duty{place}", "required", f"请选择{name}的职责", f"Choose a duty for {name}."))
        else:
            found.append(Arrival(account=accounts[name], person=name, duty=OrganDuty(duty)))
    return tuple(found)


def _no_account(field: str, name: str) -> Problem:
    zh = f"{name}没有可用的账号：请先由系统管理员开设"
    en = f"{name} has no account that may sign in: the operator adds one first."
    return Problem(field, "unknown", zh, en)


def _done_before() -> InvalidInput:
    zh = "这份表单已经办过一次，当时的内容和现在不同：请核对后再办。"
    en = "This form was sent before, with other content: look at it once more."
    return InvalidInput(zh, en, problems=[Problem("goes", "done_before", zh, en)])
