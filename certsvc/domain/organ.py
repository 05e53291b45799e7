"""Organs that give proofs, and who has which duty in them on which days.

Who approves that a seal is used and who keeps it are two persons (国办发〔2001〕52号), and whoever audits a village has
no other duty in it (村民委员会组织法 art. 32). Two people suffice: one fills in and may keep the seal, one approves.
That nobody approves what they made themselves is a rule of each request, so both may be clerks as well. Who does what
in a village is put on record by an overseer of its town or city, never by the village's own people. The database holds
the same rules; what is here says all that is wrong with a handover before anything is written.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum

from certsvc.domain.organ_seal import OrganSeal, about_keeper
from certsvc.domain.seal_acts import SealAct, SealActRequest
from certsvc.errors import Problem
from certsvc.ids import Uscc, new_opaque_id

DAY = timedelta(days=1)
MOST_CHANGES = 100


class OrganKind(StrEnum):
    """A village's committee gives proofs; town and city oversee."""

    VILLAGE = "village"
    TOWN = "town"
    CITY = "city"


class OrganDuty(StrEnum):
    """What somebody does in an organ. An overseer reads, for a town or a city; an auditor reads, and nothing else."""

    CLERK = "clerk"
    APPROVER = "approver"
    AUDITOR = "auditor"
    OVERSEER = "overseer"


APART_FROM_THE_SEAL = frozenset({OrganDuty.APPROVER, OrganDuty.AUDITOR})
"""Who has one of these duties never keeps the organ's seal."""

DUTY_WORDS = {
    OrganDuty.CLERK: ("经办人", "clerk"),
    OrganDuty.APPROVER: ("审批人", "approver"),
    OrganDuty.AUDITOR: ("监督人", "auditor"),
    OrganDuty.OVERSEER: ("督导人", "overseer"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Organ:
    """An organ: `area` is its GB/T 2260 digits, `number_word` stands for it in printed numbers (机关代字), `seal_id` is
    its seal, `town` the organ that a village belongs to."""

    uscc: Uscc
    kind: OrganKind
    name: str
    area: str
    town: Uscc | None = None
    number_word: str | None = None
    seal_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Appointment:
    """A duty of a person in an organ. `account` is who signs in, `person` the name in seals and books; both days are
    included, and without a last one it goes on."""

    id: str
    organ: Uscc
    account: str
    person: str
    duty: OrganDuty
    first_day: date
    last_day: date | None = None

    def holds_on(self, day: date) -> bool:
        """Whether it is in force on a day."""
        return self.first_day <= day and not self.is_over(day)

    def is_over(self, day: date) -> bool:
        """Whether it ended before a day."""
        return self.last_day is not None and self.last_day < day


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A person with their duties in one organ `on` a day (+08:00)."""

    account: str
    name: str
    organ: Organ
    duties: frozenset[OrganDuty]
    on: date

    def has(self, duty: OrganDuty) -> bool:
        """Whether this duty is theirs."""
        return duty in self.duties


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """Who comes, and for what."""

    account: str
    person: str
    duty: OrganDuty


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """One change of who does what, whole: the appointments that end with the day before `day`, and those that begin
    with it. `key` names it in its organ: sent again it is the same. `by` puts it on record, and says why: an overseer
    with an `account`, or without one the operator, who is not among the persons. `seen` is the version of the
    appointments and the keeper that were looked at (`version_of`); None takes them as they stand. `keeper` is who
    keeps the organ's seal from then on; None: who keeps it now."""

    organ: Uscc
    key: str
    day: date
    goes: tuple[str, ...]
    comes: tuple[Arrival, ...]
    by: str
    reason: str
    account: str | None = None
    seen: str | None = None
    keeper: str | None = None

    def passing(self, seal_id: str) -> SealActRequest:
        """The act by which the seal goes to `keeper`, known by the handover that it is part of."""
        return SealActRequest(
            client=f"handover {self.organ}",
            key=self.key,
            seal_id=seal_id,
            act=SealAct.HAND_OVER,
            actor=self.by,
            reason=self.reason,
            successor=self.keeper,
        )


def new_appointment_id() -> str:
    """A fresh id of 100 random bits."""
    return new_opaque_id("d")


def oversees(overseer: Organ, organ: Organ) -> bool:
    """Whether the overseers of one organ put on record who does what in another: a town's of its villages, a city's of
    the towns and villages of its area. A city's own people are put on record by the operator."""
    if overseer.kind is OrganKind.TOWN:
        return organ.town == overseer.uscc
    return overseer.kind is OrganKind.CITY and organ.kind is not OrganKind.CITY and organ.area[:4] == overseer.area[:4]


def version_of(appointments: Iterable[Appointment], keeper: str | None) -> str:
    """What tells one state of an organ's appointments, and who keeps its seal, from another: 32 hexadecimal digits."""
    said = sorted(f"{held.id} {held.last_day}" for held in appointments)
    said += [] if keeper is None else [keeper]
    return hashlib.sha256("\n".join(said).encode()).hexdigest()[:32]


def member_of(organ: Organ, appointments: Iterable[Appointment], account: str, day: date) -> Member | None:
    """Who somebody is in an organ on a day; None who has no duty in it."""
    mine = [held for held in appointments if held.account == account and held.holds_on(day)]
    if not mine:
        return None
    duties = frozenset(held.duty for held in mine)
    return Member(account=account, name=mine[0].person, organ=organ, duties=duties, on=day)


def after_handover(appointments: Sequence[Appointment], handover: Handover) -> tuple[Appointment, ...]:
    """All appointments as they will stand."""
    kept = [replace(held, last_day=handover.day - DAY) if held.id in handover.goes else held for held in appointments]
    begun = [
        Appointment(
            id=new_appointment_id(),
            organ=handover.organ,
            account=arrival.account,
            person=arrival.person,
            duty=arrival.duty,
            first_day=handover.day,
        )
        for arrival in handover.comes
    ]
    return (*kept, *begun)


def handover_problems(
    organ: Organ, appointments: Sequence[Appointment], seal: OrganSeal | None, handover: Handover, today: date
) -> list[Problem]:
    """Everything that speaks against a handover, looked at as a whole: none, and it may be done. `seal` is the organ's,
    as it stands now."""
    after = [held for held in after_handover(appointments, handover) if not held.is_over(handover.day)]
    return [
        *_list_problems(appointments, handover, today),
        *_doubled(after),
        *_audit_problems(after),
        *_seal_problems(after, seal, handover, today),
        *_overseer_problems(organ, handover),
        *_own_problems(handover),
        *(_pair_problems(after) if organ.kind is OrganKind.VILLAGE else ()),
    ]


def keeper_must_change(appointments: Sequence[Appointment], keeper: str | None, handover: Handover) -> bool:
    """Whether who keeps the seal has no duty in the organ any more once the handover is done.

    A seal is handed over by its manager or its approver alone, under its own record and its own rules. Where one of
    them is the overseer who hands over, and names a keeper, it is done in the same transaction. Where not, it is the
    next step that is named: until then the seal stays with whom the record names, and the rules above hold against
    that name.
    """
    if handover.keeper is not None:
        return False
    before = {held.person for held in appointments if not held.is_over(handover.day - DAY)}
    after = {held.person for held in after_handover(appointments, handover) if not held.is_over(handover.day)}
    return keeper is not None and keeper in before and keeper not in after


def _list_problems(appointments: Sequence[Appointment], handover: Handover, today: date) -> list[Problem]:
    running = {held.id for held in appointments if held.last_day is None}
    found = []
    if handover.day < today:
        found.append(_problem("day", "past", "交接日不能早于今天。", "The day of a handover is not in the past."))
    if not handover.goes and not handover.comes and handover.keeper is None:
        found.append(_problem("comes", "nothing", "没有写明谁离任、谁接任。", "Say who goes and who comes."))
    if len(handover.goes) + len(handover.comes) > MOST_CHANGES:
        found.append(_problem("comes", "too_many", f"一次最多 {MOST_CHANGES} 项。", f"{MOST_CHANGES} at most."))
    if not running.issuperset(handover.goes):
        zh, en = "有的任职不在本单位，或已经结束。", "An appointment is not of this organ, or has ended."
        found.append(_problem("goes", "unknown", zh, en))
    return found


def _doubled(after: Sequence[Appointment]) -> list[Problem]:
    held = [(one.account, one.duty) for one in after]
    return [
        _about(one, "twice", "已担任{zh}", "is {en} already")
        for place, one in enumerate(after)
        if (one.account, one.duty) in held[:place]
    ]


def _audit_problems(after: Sequence[Appointment]) -> list[Problem]:
    auditors = {one.account for one in after if one.duty is OrganDuty.AUDITOR}
    return [
        _about(one, "audits", "负责监督，不能同时担任{zh}", "audits, and cannot be {en} too")
        for one in after
        if one.account in auditors and one.duty is not OrganDuty.AUDITOR
    ]


def _seal_problems(
    after: Sequence[Appointment], seal: OrganSeal | None, handover: Handover, today: date
) -> list[Problem]:
    if handover.keeper is None:
        return _keeper_problems(after, seal.people.keeper if seal else None)
    if seal is None:
        return [about_keeper("no_seal", "本单位还没有印章：请留空。", "There is no seal yet: leave this empty.")]
    found = [*seal.passing_problems(handover.by, handover.keeper), *_successor_problems(after, handover.keeper)]
    return [*_another_day(handover, today), *found]


def _another_day(handover: Handover, today: date) -> list[Problem]:
    """A seal passes at once: nobody uses it for somebody who is to keep it later."""
    if handover.day <= today:
        return []
    zh = f"印章只能当天移交，交接日却是{handover.day}：这里请留空，到那天再来办理一次交接，只填这一栏。"
    en = f"A seal passes at once: leave this empty, and on {handover.day} hand over again, with only this filled in."
    return [about_keeper("another_day", zh, en)]


def _successor_problems(after: Sequence[Appointment], keeper: str) -> list[Problem]:
    duties = {one.duty for one in after if one.person == keeper}
    if not duties:
        zh, en = "届时在本单位没有职责，不能保管印章。", "will have no duty here, and cannot keep the seal."
        return [about_keeper("no_duty", f"{keeper}{zh}", f"{keeper} {en}")]
    return [
        about_keeper(
            "approves_or_audits",
            f"{keeper}届时担任{DUTY_WORDS[duty][0]}，不能保管印章（国办发〔2001〕52号）。",
            f"{keeper} will be {DUTY_WORDS[duty][1]} here, and cannot keep the seal.",
        )
        for duty in sorted(duties & APART_FROM_THE_SEAL)
    ]


def _keeper_problems(after: Sequence[Appointment], keeper: str | None) -> list[Problem]:
    zh = "保管印章，不能担任{zh}（国办发〔2001〕52号）；请先移交印章"
    en = "keeps the seal, and cannot be {en}: first have the seal handed over"
    return [
        _about(one, "keeps_the_seal", zh, en)
        for one in after
        if one.person == keeper and one.duty in APART_FROM_THE_SEAL
    ]


def _overseer_problems(organ: Organ, handover: Handover) -> list[Problem]:
    if organ.kind is not OrganKind.VILLAGE or all(one.duty is not OrganDuty.OVERSEER for one in handover.comes):
        return []
    return [_problem("comes", "no_overseer", "督导人由镇街或市设置。", "Overseers belong to a town or a city.")]


def _own_problems(handover: Handover) -> list[Problem]:
    if handover.account is None or all(one.account != handover.account for one in handover.comes):
        return []
    zh, en = "督导人不能把自己登记为任职人。", "An overseer does not appoint themselves."
    return [_problem("comes", "oneself", zh, en)]


def _pair_problems(after: Sequence[Appointment]) -> list[Problem]:
    """Without a clerk and another person who approves nothing could be given any more."""
    clerks = {one.account for one in after if one.duty is OrganDuty.CLERK}
    approvers = {one.account for one in after if one.duty is OrganDuty.APPROVER}
    if any(clerk != approver for clerk in clerks for approver in approvers):
        return []
    zh = "交接后至少要有一名经办人和另一名审批人，共两人。"
    return [_problem("comes", "two_people", zh, "At least one clerk and another person who approves must remain.")]


def _about(one: Appointment, code: str, zh: str, en: str) -> Problem:
    duty_zh, duty_en = DUTY_WORDS[one.duty]
    return _problem("comes", code, f"{one.person}{zh.format(zh=duty_zh)}。", f"{one.person} {en.format(en=duty_en)}.")


def _problem(field: str, code: str, zh: str, en: str) -> Problem:
    return Problem(field, code, zh, en)
