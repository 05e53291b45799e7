"""`…/people`: who has which duty in an organ, and who had; `…/people/handover`: one guided act after an election.

An overseer of the town (or the city) looks at the organs under theirs with `?of=`, and hands over there: first who
goes, who comes, from which day and why; then what will stand, and all that speaks against it; then it is done, once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
from certsvc.domain.seal_acts import RegisteredSeal
from certsvc.errors import CertsvcError, InvalidInput, KeyReused, NotFound, NotSignedIn, Problem
from certsvc.http.form import every
from certsvc.http.language import Language
from certsvc.http.routes import Asked, route
from certsvc.http.village.console import AT, At, Console
from certsvc.http.village.session import in_language
from certsvc.http.village.typed import MOST_TYPED, new_key, typed_day, typed_key
from certsvc.ids import Uscc, parse_uscc
from certsvc.issuance.village.handover import MOST_REASON, hand_over, keeper_serves, look_at_handover, organ_for

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
    """What was typed of a handover: who goes, who comes for what, from which day, why."""

    goes: tuple[str, ...]
    comes: tuple[tuple[str, str], ...]
    day: str
    reason: str
    seen: str

    @classmethod
    def of(cls, fields: Mapping[str, str]) -> "Typed":
        """As it came."""
        comes = [(fields.get(f"name{n}", "")[:LONGEST_NAME], fields.get(f"duty{n}", "")[:20]) for n in range(COMERS)]
        goes = tuple(one[:40] for one in every(fields, "goes"))
        reason, seen = fields.get("reason", "")[: MOST_REASON + 1], fields.get("seen", "")[:40]
        return cls(goes, tuple(comes), fields.get("day", "")[:20], reason, seen)


def people_routes(console: Console) -> list[HTTPRouteHandler]:
    """`…/people`, `…/people/handover`."""
    pages = _PeoplePages(console)
    return [
        route(f"{AT}/people", "village_people", pages.people),
        route(f"{AT}/people/handover", "village_handover", pages.begin),
        route(f"{AT}/people/handover", "village_handover_done", pages.hand_over, "POST"),
    ]


class _PeoplePages:
    """What the routes do; time is taken once per request."""

    def __init__(self, console: Console) -> None:
        self._console, self._organs = console, console.work.organs

    async def people(self, request: Asked, organ: FromPath[str]) -> Response[bytes]:
        """Who has which duty; for overseers also the organs under theirs."""
        now = datetime.now(UTC)
        at = await self._console.at(request, organ, now)
        of = await organ_for(self._organs, at.member, _asked_for(at, request.query_params.get("of", "")))
        today, language = beijing_date(now), self._console.pages.language(request)
        held, seal = await self._organs.appointments(of.uscc), await self._seal(of, now)
        keeper = seal.people.keeper if seal else None
        rows = [self._held(one, today, keeper, language) for one in held]
        running = [row for row, one in zip(rows, held, strict=True) if not one.is_over(today)]
        past = [row for row, one in zip(rows, held, strict=True) if one.is_over(today)]
        under = await self._organs.under(of) if at.member.has(OrganDuty.OVERSEER) else ()
        return self._console.page(
            request,
            at,
            "village_people.html",
            here="people",
            of=of,
            is_own=of.uscc == at.organ,
            above=await self._above(of),
            running=running,
            past=past[::-1],
            seal=seal,
            keeper_left=keeper is not None and not await keeper_serves(self._organs, held, keeper, now),
            under=[(one.name, one.uscc, one.number_word or "") for one in under],
            may_hand_over=_may_hand_over(at, of),
            done=request.query_params.get("done", ""),
        )

    async def begin(self, request: Asked, organ: FromPath[str]) -> Response[bytes]:
        """Who goes and who comes."""
        now = datetime.now(UTC)
        at = await self._console.at(request, organ, now)
        of = await self._overseen(at, request.query_params.get("of", ""))
        held = await self._organs.appointments(of.uscc)
        empty = Typed((), (("", ""),) * COMERS, str(beijing_date(now)), "", version_of(held))
        return self._form(request, at, of, held, empty, new_key(), now)

    async def hand_over(self, request: Asked, organ: FromPath[str]) -> Response[Any]:
        """Look at what was typed; or do it."""
        now = datetime.now(UTC)
        at, fields = await self._console.form_at(request, organ, now, MOST_TYPED)
        of, key, typed = await self._overseen(at, fields.get("of", "")), typed_key(fields), Typed.of(fields)
        held = await self._organs.appointments(of.uscc)
        if fields.get("step") == "edit":
            return self._form(request, at, of, held, typed, key, now)
        try:
            handover = await self._read(at, of, typed, key)
            if fields.get("step") == "do":
                await hand_over(self._organs, handover, now)
                return self._done(request, at, of)
            if problems := await look_at_handover(self._organs, handover, now):
                raise InvalidInput("这次交接还不能办。", "The handover cannot be done yet.", problems=problems)
        except NotSignedIn:
            raise
        except KeyReused:
            return self._form(request, at, of, held, typed, new_key(), now, _done_before())
        except CertsvcError as error:
            if error.status >= 500:
                raise
            return self._form(request, at, of, held, typed, key, now, error)
        return await self._look(request, at, of, held, handover, typed, now)

    async def _overseen(self, at: At, text: str) -> Organ:
        """The organ to hand over in, under that of who asks.

        Raises:
            NotFound: it is none that they oversee.
        """
        of = await organ_for(self._organs, at.member, _asked_for(at, text))
        if not _may_hand_over(at, of):
            raise NotFound("没有这个页面。", "There is no such page.")
        return of

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
        comes = await self._arrivals(typed.comes, problems)
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
        )

    async def _arrivals(self, comes: Sequence[tuple[str, str]], problems: list[Problem]) -> tuple[Arrival, ...]:
        accounts = await self._organs.accounts([name for name, _ in comes if name])
        found = []
        for place, (name, duty) in enumerate(comes):
            if not name and not duty:
                continue
            if name not in accounts:
                zh = f"{name}没有可用的账号：请先由管理员开设（./dev accounts add）" if name else "请填姓名"
                en = (
                    f"{name} has no account that may sign in: the operator adds one first." if name else "Write a name."
                )
                problems.append(Problem(f"name{place}", "unknown", zh, en))
            elif duty not in {*OrganDuty}:
                problems.append(
                    Problem(f"duty{place}", "required", f"请选择{name}的职责", f"Choose a duty for {name}.")
                )
            else:
                found.append(Arrival(account=accounts[name], person=name, duty=OrganDuty(duty)))
        return tuple(found)

    def _form(
        self,
        request: Asked,
        at: At,
        of: Organ,
        held: Sequence[Appointment],
        typed: Typed,
        key: str,
        now: datetime,
        error: CertsvcError | None = None,
    ) -> Response[bytes]:
        language, today = self._console.pages.language(request), beijing_date(now)
        rows = [self._held(one, today, None, language) for one in held if one.last_day is None]
        problems = [(one.field, language.pick(one.zh, one.en)) for one in error.problems] if error else []
        if error is not None and not problems:
            problems = [("goes", language.pick(error.zh, error.en))]
        if error is not None and typed.seen != version_of(held):
            typed = Typed(typed.goes, typed.comes, typed.day, typed.reason, version_of(held))
        return self._console.page(
            request,
            at,
            "village_handover.html",
            error.status if error else 200,
            here="people",
            step="form",
            of=of,
            rows=rows,
            typed=typed,
            duties=[one for one in OrganDuty if (one is OrganDuty.OVERSEER) == (of.kind is not OrganKind.VILLAGE)],
            key=key,
            shown=SHOWN,
            more_comers=any(name or duty for name, duty in typed.comes[SHOWN:]),
            problems=problems,
            at_field=dict(problems[::-1]),
        )

    async def _look(
        self,
        request: Asked,
        at: At,
        of: Organ,
        held: Sequence[Appointment],
        handover: Handover,
        typed: Typed,
        now: datetime,
    ) -> Response[bytes]:
        """What will stand."""
        language, seal = self._console.pages.language(request), await self._seal(of, now)
        keeper = seal.people.keeper if seal else None
        will = [one for one in after_handover(held, handover) if not one.is_over(handover.day)]
        goes = [one for one in held if one.id in handover.goes]
        return self._console.page(
            request,
            at,
            "village_handover.html",
            here="people",
            step="look",
            of=of,
            day=language.day(handover.day),
            goes=[self._held(one, handover.day, None, language) for one in goes],
            comes=[(one.person, language.pick(*DUTY_WORDS[one.duty])) for one in handover.comes],
            will=[self._held(one, handover.day, keeper, language) for one in will],
            typed=typed,
            key=handover.key,
            seal=seal,
            must_change=keeper_must_change(held, keeper, handover),
            problems=(),
        )

    def _done(self, request: Asked, at: At, of: Organ) -> Redirect:
        query = "?done=handed_over" if of.uscc == at.organ else f"?of={of.uscc}&done=handed_over"
        return Redirect(in_language(request, at.address("/people") + query), status_code=303)

    async def _seal(self, of: Organ, now: datetime) -> RegisteredSeal | None:
        return None if of.seal_id is None else await self._console.villages.seals.seal(of.seal_id, now)

    async def _above(self, of: Organ) -> str:
        """Whose overseers put on record who does what there."""
        return (await self._organs.organ(of.town)).name if of.town else ""

    def _held(self, one: Appointment, today: date, keeper: str | None, language: Language) -> Held:
        mark = "keeps" if one.person == keeper else ""
        return Held(
            id=one.id,
            person=one.person,
            duty=language.pick(*DUTY_WORDS[one.duty]),
            since=str(one.first_day),
            until=str(one.last_day) if one.last_day else "",
            mark="later" if one.first_day > today else mark,
        )


def _may_hand_over(at: At, of: Organ) -> bool:
    return at.member.has(OrganDuty.OVERSEER) and oversees(at.member.organ, of)


def _asked_for(at: At, text: str) -> Uscc:
    try:
        return parse_uscc(text) if text else at.organ
    except InvalidInput:
        raise NotFound(f"没有登记单位 {text[:18]}。", f"There is no organ {text[:18]} on record.") from None


def _done_before() -> InvalidInput:
    zh = "这份表单已经办过一次，当时的内容和现在不同：请核对后再办。"
    en = "This form was sent before, with other content: look at it once more."
    return InvalidInput(zh, en, problems=[Problem("goes", "done_before", zh, en)])
