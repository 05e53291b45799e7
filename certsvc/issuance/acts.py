"""Acts on a certificate that is issued: who may, what it must say, what the type's policy allows; then on record."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

import msgspec

from certsvc.catalog import Catalog, CertificateType
from certsvc.catalog.policy import RenewalWindow
from certsvc.domain.actor import Actor, area_of
from certsvc.domain.acts import ACTS, Act, ActRule, Makes, Organ
from certsvc.domain.calendar import beijing_date, months_after, weekdays_before, years_after
from certsvc.domain.issuing import ActRequest, Reservation
from certsvc.domain.life import Event, Ground, before, not_allowed, refusal, require_newest
from certsvc.errors import Forbidden, InvalidInput, Problem
from certsvc.ids import Ref
from certsvc.issuance.ground import next_recheck, require_needed
from certsvc.services import Register

DORMANT_YEARS = 3
"""市场主体登记管理条例 art. 30: dormancy lasts three years at most."""

FURTHEST_YEARS = 10
"""How far ahead an act may be dated: later is a slip of the pen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acting:
    """A request to act. `client` and `key` together name it; `effective` None means today (+08:00); `expects` is the
    number of the newest event that who asks has seen."""

    client: str
    key: str
    act: Act
    ref: Ref
    effective: date | None = None
    organ: Organ = Organ.ISSUER
    confirmed_by: Actor | None = None
    ground: Ground = field(default_factory=Ground)
    retroactive: bool = False
    strikes: int | None = None
    expects: int | None = None


async def act(register: Register, catalog: Catalog, actor: Actor, asked: Acting, now: datetime) -> Event:
    """Put an act on record; the same request again gives the same event.

    Raises:
        Forbidden: the actor, or who confirms, may not; or it needs two persons and there is one.
        InvalidInput: something it must say is missing, or the type's policy does not allow it; with each problem.
        NotFound: no certificate with this reference has been issued.
        ActNotAllowed: the state of that day does not allow it.
        ChangedMeanwhile: something else happened since.
        KeyReused: the key was used with other content.
    """
    digest = act_digest(asked)  # of what was asked, not of what today adds to it: sent again tomorrow it is the same
    known = await register.find_act(asked.ref, asked.client, asked.key, digest)
    if known is not None:
        return known
    newest = await register.newest_version(asked.ref)
    kind = catalog.version(newest.type_id, newest.type_version)
    require_persons(ACTS[asked.act], kind, newest, actor, asked)
    event = await _examined(register, kind, newest, actor, asked, now)
    request = ActRequest(client=asked.client, key=asked.key, digest=digest, event=event, expects=asked.expects)
    return await register.act(request)


async def examine(register: Register, catalog: Catalog, actor: Actor, asked: Acting, now: datetime) -> Event:
    """See that an act could be done once whoever has to has confirmed it; nothing goes on record.

    Raises:
        Forbidden: the actor may not, or the organ has no such power.
        InvalidInput, NotFound, ActNotAllowed: see `act`.
    """
    newest = await register.newest_version(asked.ref)
    kind = catalog.version(newest.type_id, newest.type_version)
    require_power(ACTS[asked.act], kind, newest, actor, asked)
    event = await _examined(register, kind, newest, actor, asked, now)
    events = await register.events(asked.ref)
    require_newest(events, asked.expects)
    if asked.act is not Act.STRIKE and (code := refusal(event, before(events, event))) is not None:
        raise not_allowed(code, event, before(events, event).status)
    return event


async def _examined(
    register: Register, kind: CertificateType, newest: Reservation, actor: Actor, asked: Acting, now: datetime
) -> Event:
    """The event that an act makes, after what it says was held against the table and the type's policy."""
    rule, today = ACTS[asked.act], beijing_date(now)
    asked = replace(asked, effective=asked.effective or today)
    if asked.act is Act.RECHECK and asked.ground.due is None:
        asked = await _with_next_recheck(register, kind, asked, now)
    _refuse(rule, [*_problems(rule, kind, newest, asked, today)])
    require_needed(rule, asked.ground, {"strikes": asked.strikes})
    return Event(
        ref=asked.ref,
        act=asked.act,
        effective=asked.effective or today,
        recorded_at=now,
        actor=actor.name,
        organ=asked.organ,
        confirmed_by=asked.confirmed_by.name if asked.confirmed_by else None,
        ground=asked.ground,
        retroactive=asked.retroactive,
        strikes=asked.strikes,
    )


def act_digest(asked: Acting) -> bytes:
    """SHA-256 of what is asked: the same key with another digest is another request."""
    content = {
        "act": asked.act.value,
        "ref": asked.ref.typed_code,
        "effective": asked.effective,
        "organ": asked.organ.value,
        "confirmed_by": asked.confirmed_by.name if asked.confirmed_by else None,
        "ground": asked.ground,
        "retroactive": asked.retroactive,
        "strikes": asked.strikes,
    }
    return hashlib.sha256(msgspec.json.encode(content, order="deterministic")).digest()


def require_power(rule: ActRule, kind: CertificateType, newest: Reservation, actor: Actor, asked: Acting) -> None:
    """Refuse who may not act, be it alone or with others.

    Raises:
        Forbidden: no scope, or an organ that has no such power.
    """
    actor.require(asked.act, kind.id, (newest.seal_id,), area_of(newest.issuer.uscc))
    if asked.organ not in rule.by:
        raise Forbidden(f"{asked.organ} 无权{rule.zh}。", f"The {asked.organ} has no power to {rule.en}.")


def require_persons(rule: ActRule, kind: CertificateType, newest: Reservation, actor: Actor, asked: Acting) -> None:
    """Refuse who may not act, or not alone.

    Raises:
        Forbidden: see `require_power`; nobody confirms where two are needed, or the same person.
    """
    require_power(rule, kind, newest, actor, asked)
    if rule.persons == 1:
        return
    if asked.confirmed_by is None:
        raise Forbidden(
            f"{rule.zh}须两人办理：还缺一人确认。", f"To {rule.en} takes two persons: nobody has confirmed it."
        )
    if asked.confirmed_by.name == actor.name:
        raise Forbidden(f"{rule.zh}须两人办理，不能自己确认自己。", f"To {rule.en} takes two persons, not one twice.")
    asked.confirmed_by.require(asked.act, kind.id, (newest.seal_id,), area_of(newest.issuer.uscc))


async def _with_next_recheck(register: Register, kind: CertificateType, asked: Acting, now: datetime) -> Acting:
    """With the day the next recheck is due, which the policy counts by what the certificate says of itself."""
    found = await register.gather(asked.ref, beijing_date(now), now)
    months = kind.recheck_months(found.certificate.public_fields if found else {})
    if months is None or asked.effective is None:
        return asked
    return replace(asked, ground=replace(asked.ground, due=next_recheck(asked.effective, months)))


def _refuse(rule: ActRule, problems: list[Problem]) -> None:
    if problems:
        first = problems[0]
        raise InvalidInput(f"不能{rule.zh}：{first.zh}", f"Not allowed to {rule.en}: {first.en}", problems=problems)


def _problems(
    rule: ActRule, kind: CertificateType, newest: Reservation, asked: Acting, today: date
) -> Iterator[Problem]:
    effective = asked.effective or today
    if rule.makes is not Makes.NOTHING:
        yield Problem(
            "act", "makes_a_sheet", "这要签发新的一版，请附内容。", "This makes a new sheet: give its content."
        )
    if kind.category not in rule.categories:
        yield Problem("act", "category", f"{kind.zh}没有这种办理。", f"There is no such act for this type ({kind.en}).")
    if effective > years_after(today, FURTHEST_YEARS):
        yield Problem("effective", "too_far", "生效日期太远。", "The effective date is too far ahead.")
    if asked.retroactive and not (rule.retroactive and effective < today):
        yield Problem("retroactive", "not_retroactive", "只有撤销能溯及以前。", "Only a rescission reaches back.")
    due = asked.ground.due
    if due is not None and due < effective:
        yield Problem("due", "before_effective", "期限日不能早于生效日。", "It cannot be due before it takes effect.")
    yield from _policy_problems(kind, newest, asked, effective)


def _policy_problems(kind: CertificateType, newest: Reservation, asked: Acting, effective: date) -> Iterator[Problem]:
    due = asked.ground.due
    match asked.act:
        case Act.RECHECK if kind.policy.recheck is None:
            yield Problem("act", "no_recheck", f"{kind.zh}没有复核。", f"This type has no recheck ({kind.en}).")
        case Act.GO_DORMANT if due is not None and due >= years_after(effective, DORMANT_YEARS):
            yield Problem("due", "too_long", "歇业最长三年。", "Dormancy lasts three years at most.")
        case Act.CLOSE if asked.ground.reason_code == "merged" and asked.ground.successor is None:
            yield Problem("successor", "required", "合并、分立注销要写明承继者。", "Name who takes over.")
        case Act.ACCEPT_RENEWAL:
            yield from _out_of_window(kind, newest, effective)
        case _:
            return


def _out_of_window(kind: CertificateType, newest: Reservation, day: date) -> Iterator[Problem]:
    """Only an application in time keeps a permit in force after its term (行政许可法 art. 50)."""
    window, end = kind.policy.renewal, newest.term.end
    if window is None or end is None:
        yield Problem("act", "no_renewal", f"{kind.zh}不用延续。", f"This type is not renewed ({kind.en}).")
        return
    first, last = renewal_days(window, end)
    if day > last:
        zh = f"延续申请应在 {last} 以前提出，此日以后受理的不产生期满后继续有效的效力：请按新申请办理。"
        yield Problem("effective", "too_late", zh, f"Renewal is applied for by {last}: this needs a new application.")
    if first is not None and day < first:
        yield Problem("effective", "too_early", f"{first} 起才能申请延续。", f"Renewal is applied for from {first} on.")


def renewal_days(window: RenewalWindow, end: date) -> tuple[date | None, date]:
    """The first (if there is one) and the last day on which renewal is applied for in time, by the end of the term."""

    def back(days: int | None, months: int | None) -> date | None:
        if months is not None:
            return months_after(end, -months)
        if days is None:
            return None
        return weekdays_before(end, days) if window.working else end - timedelta(days=days)

    last = back(window.latest_days, window.latest_months)
    return back(window.earliest_days, window.earliest_months), end if last is None else last
