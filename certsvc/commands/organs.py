"""`certsvc organs`: villages, towns and cities on record, and who has which duty in them."""

import asyncio
import hashlib
import secrets
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from certsvc.commands.output import JSON, show
from certsvc.domain.calendar import beijing_date
from certsvc.domain.organ import DUTY_WORDS, Appointment, Arrival, Handover, Organ, OrganDuty
from certsvc.errors import InvalidInput, Problem
from certsvc.ids import parse_uscc
from certsvc.settings import load_settings
from certsvc.store.organs import PostgresOrgans

COMMAND_LINE = "command-line"
FILE = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
USCC = click.argument("uscc")
BY = click.option(
    "--by", default=COMMAND_LINE, show_default=True, metavar="NAME", help="The operator, for the record; no account."
)
Found = TypeVar("Found")


@click.group()
def organs() -> None:
    """Organs 单位: the villages that give proofs, their towns and cities, and who has which duty there.

    Files are CSV with a head, or TOML; everything wrong is said with file and line, and then nothing is put on record.
    Run again with the same file, a command does nothing. Order: accounts add · seal apply … enable · organs add ·
    organs appoint. Later changes are made by the overseers of the town in the console, as one handover.
    """


@organs.command()
@FILE
@BY
@JSON
def add(file: Path, by: str, as_json: bool) -> None:
    """Add 登记 the organs in FILE, or what has changed of them: name, town, word in numbers, seal.

    CSV: uscc,kind,name,area,town,number_word,seal. TOML: [[organ]] with the same names. kind is village, town or city;
    area six figures; town the USCC of a village's town; seal the id of a seal that `certsvc seal` has made.

    A village's new seal: put it on record with `certsvc seal apply`, approve, make and enable it, open it for nobody
    but its keeper with `certsvc seal rules --needs-authorisation`, and name it here.
    """
    from certsvc.commands.organ_files import read_organs

    async def work(register: PostgresOrgans) -> list[tuple[str, Organ]]:
        known, now = {organ.uscc: organ for organ in await register.organs()}, datetime.now(UTC)
        done = []
        for organ in read_organs(file, known):
            before = known.get(organ.uscc)
            done.append(("same" if before == organ else "changed" if before else "added", organ))
            if before != organ:
                await register.put(organ, by, now)
        return done

    done = _with(work)
    counts = {what: sum(each == what for each, _ in done) for what in ("added", "changed", "same")}
    words = f"新增 added {counts['added']}  变更 changed {counts['changed']}  相同 same {counts['same']}"
    rows = [f"{what:<8}{organ.uscc}  {organ.name}" for what, organ in done if what != "same"]
    show(counts, "\n".join([*rows, words]), as_json)


@organs.command("list")
@JSON
def list_organs(as_json: bool) -> None:
    """List 列出 every organ, the villages of a town together.

    Its USCC, kind, name, word in numbers and seal, and how many have a duty in it today.
    """

    async def work(register: PostgresOrgans) -> list[tuple[Organ, int]]:
        today, found = beijing_date(datetime.now(UTC)), []
        for organ in await register.organs():
            held = await register.appointments(organ.uscc)
            found.append((organ, len({one.account for one in held if one.holds_on(today)})))
        return found

    found = _with(work)
    rows = [
        f"{organ.uscc}  {organ.kind:<8}{organ.name}  {organ.number_word or '-'}  {organ.seal_id or '无印章 no seal'}"
        f"  {people} 人 people"
        for organ, people in found
    ]
    show(
        {"organs": [{**_organ_json(organ), "people": people} for organ, people in found]},
        "\n".join(rows) or "没有单位 no organs",
        as_json,
    )


@organs.command("show")
@USCC
@JSON
def show_organ(uscc: str, as_json: bool) -> None:
    """Show 查看 the organ USCC: who has which duty since when, and who had.

    Who keeps its seal stands with it: see certsvc seal show.
    """

    async def work(register: PostgresOrgans) -> tuple[Organ, str | None, Sequence[Appointment]]:
        organ = await register.organ(parse_uscc(uscc))
        return organ, await register.keeper(organ.uscc), await register.appointments(organ.uscc)

    organ, keeper, held = _with(work)
    _tell(organ, keeper, held, as_json)


@organs.command()
@FILE
@click.option("--reason", default="首次任职", show_default=True, help="Why, for the record.")
@BY
@JSON
def appoint(file: Path, reason: str, by: str, as_json: bool) -> None:
    """Appoint 登记任职 the persons in FILE, each organ whole: a village needs a clerk and another who approves.

    CSV: organ,person,duty,first_day. TOML: [[appointment]] with the same names. organ is a USCC, person the name of an
    account, duty clerk, approver, auditor or overseer, first_day a day such as 2026-12-01 (today where there is none).
    """
    from certsvc.commands.organ_files import First, read_firsts

    async def work(register: PostgresOrgans) -> list[tuple[Organ, int]]:
        now = datetime.now(UTC)
        known = {organ.uscc: organ for organ in await register.organs()}
        accounts = await register.every_account()
        groups: dict[tuple[str, date], list[First]] = {}
        for first in read_firsts(file, known, accounts):
            groups.setdefault((first.organ, first.first_day or beijing_date(now)), []).append(first)
        asked, problems = [], list[Problem]()
        for (uscc, day), firsts in groups.items():
            organ = known[firsts[0].organ]
            has = {(one.account, one.duty) for one in await register.appointments(organ.uscc) if one.last_day is None}
            new = [one for one in firsts if (accounts[one.person], one.duty) not in has]
            comes = tuple(Arrival(account=accounts[one.person], person=one.person, duty=one.duty) for one in new)
            asked.append((organ, _handover(organ, day, (), comes, by, reason, _key(uscc, day, comes))))
            problems += await _against(register, asked[-1], f"{file}:{firsts[0].line}", now)
        if problems:
            raise InvalidInput("没有登记任何任职。", "Nobody was appointed.", problems=problems)
        for _, handover in asked:
            if handover.comes:
                await register.hand_over(handover, now)
        return [(organ, len(handover.comes)) for organ, handover in asked]

    done = _with(work)
    rows = [f"{organ.uscc}  {organ.name}  {number} 项 duties" for organ, number in done]
    show({"appointed": {organ.uscc: number for organ, number in done}}, "\n".join(rows), as_json)


@organs.command("hand-over")
@USCC
@click.option("--goes", multiple=True, metavar="NAME:DUTY", help="Who goes; repeatable.")
@click.option("--comes", multiple=True, metavar="NAME:DUTY", help="Who comes; repeatable.")
@click.option("--day", metavar="DAY", help="From which day, such as 2026-12-01; today, if not said.")
@click.option("--reason", required=True, help="Why, for the record.")
@click.option("--key", help="Names this handover: sent again with the same key, it is done once.")
@BY
@JSON
def hand_over(
    uscc: str,
    goes: tuple[str, ...],
    comes: tuple[str, ...],
    day: str | None,
    reason: str,
    key: str | None,
    by: str,
    as_json: bool,
) -> None:
    """Hand over 交接 in the organ USCC, as one act: who goes and who comes, from which day.

    For villages it is done in the console by an overseer of the town; this is for towns and cities, and for need. The
    seal stays with its keeper on record until `certsvc seal hand-over`, and cannot be used once the keeper is gone.

    Example: certsvc organs hand-over USCC --goes 林晓芸:clerk --comes 郭新任:clerk --reason 换届
    """
    from certsvc.issuance.village.handover import hand_over as do

    async def work(register: PostgresOrgans) -> tuple[Organ, str | None, Sequence[Appointment]]:
        now, organ = datetime.now(UTC), await register.organ(parse_uscc(uscc))
        held, accounts = await register.appointments(organ.uscc), await register.every_account()
        ending = {(one.person, one.duty): one.id for one in held if one.last_day is None}
        goers, comers, problems = map(_named, goes), map(_named, comes), list[Problem]()
        ids, arrivals = [], []
        for name, duty in goers:
            ids.append(ending.get((name, duty), f"{name}:{duty}"))
        for name, duty in comers:
            if name not in accounts:
                words = f"{name}没有可用的账号。", f"{name} has no account that may sign in."
                problems.append(Problem("--comes", "unknown", *words))
            arrivals.append(Arrival(account=accounts.get(name, ""), person=name, duty=duty))
        if problems:
            raise InvalidInput("这次交接还不能办。", "The handover cannot be done.", problems=problems)
        named = _handover(organ, _day(day, now), tuple(ids), tuple(arrivals), by, reason, key or secrets.token_hex(16))
        after = await do(register, named, now)
        return organ, await register.keeper(organ.uscc), after.appointments

    _tell(*_with(work), as_json)


async def _against(register: PostgresOrgans, asked: tuple[Organ, Handover], where: str, now: datetime) -> list[Problem]:
    """What speaks against the appointments of one organ, with where they stand."""
    from certsvc.issuance.village.handover import look_at_handover

    organ, handover = asked
    if not handover.comes:
        return []
    found = await look_at_handover(register, handover, now)
    return [Problem(where, one.code, f"{organ.name}：{one.zh}", f"{organ.name}: {one.en}") for one in found]


def _handover(
    organ: Organ, day: date, goes: tuple[str, ...], comes: tuple[Arrival, ...], by: str, reason: str, key: str
) -> Handover:
    return Handover(organ=organ.uscc, key=key, day=day, goes=goes, comes=comes, by=by, reason=reason)


def _key(uscc: str, day: date, comes: Sequence[Arrival]) -> str:
    said = "\n".join([uscc, str(day), *sorted(f"{one.account} {one.duty}" for one in comes)])
    return f"appoint {hashlib.sha256(said.encode()).hexdigest()[:32]}"


def _named(text: str) -> tuple[str, OrganDuty]:
    from certsvc.authority.seal_plan import parse_person

    name, _, duty = text.replace("：", ":").rpartition(":")
    if duty not in {*OrganDuty}:
        raise InvalidInput(
            f"{text}：请写成 姓名:clerk（approver、auditor、overseer）。",
            f"{text}: write NAME:DUTY; a duty is clerk, approver, auditor or overseer.",
        )
    return parse_person(name), OrganDuty(duty)


def _day(text: str | None, now: datetime) -> date:
    try:
        return beijing_date(now) if text is None else date.fromisoformat(text)
    except ValueError:
        raise InvalidInput("日期请写成 2026-12-01。", "A day is written like 2026-12-01.") from None


def _tell(organ: Organ, keeper: str | None, held: Sequence[Appointment], as_json: bool) -> None:
    head = f"{organ.uscc}  {organ.name}  {organ.seal_id or '无印章 no seal'}"
    lines = [f"{one.first_day}  {one.last_day or '今 now':<10}  {one.person}  {_word(one.duty)}" for one in held]
    keeps = [f"印章保管人 keeper of the seal: {keeper}"] if keeper else []
    told = [
        {
            "person": one.person,
            "duty": one.duty,
            "first_day": str(one.first_day),
            "last_day": one.last_day and str(one.last_day),
        }
        for one in held
    ]
    show({**_organ_json(organ), "keeper": keeper, "appointments": told}, "\n".join([head, *keeps, *lines]), as_json)


def _word(duty: OrganDuty) -> str:
    return " ".join(DUTY_WORDS[duty])


def _organ_json(organ: Organ) -> dict[str, Any]:
    names = ("uscc", "kind", "name", "area", "town", "number_word", "seal_id")
    return {name: getattr(organ, name) for name in names}


def _with(work: Callable[[PostgresOrgans], Awaitable[Found]]) -> Found:
    """Do something with the organs on record."""
    from certsvc import app
    from certsvc.store.migrate import migrate
    from certsvc.store.pool import open_pool

    async def run(uri: str) -> Found:
        await migrate(uri)
        async with open_pool(uri) as pool:
            return await work(PostgresOrgans(pool))

    with app.databases(load_settings()) as uris:
        return asyncio.run(run(uris.writer))
