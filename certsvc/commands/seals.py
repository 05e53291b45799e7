"""`certsvc seal`: the life of a seal, who answers for it, its rules, and the record of its uses."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import click

from certsvc.commands.output import JSON, show
from certsvc.commands.seal_text import event_json, event_line, row, seal_json, seal_lines, use_json, use_line
from certsvc.domain.external import is_external_type, type_of
from certsvc.domain.seal import Hours, Placement
from certsvc.domain.seal_acts import (
    HANDED_OVER,
    SEAL_ACTS,
    BookedUse,
    Duty,
    RegisteredSeal,
    SealAct,
    SealActRequest,
    SealEvent,
    SealRules,
    SealRulesRequest,
    rules_of,
)
from certsvc.errors import InvalidInput
from certsvc.settings import load_settings
from certsvc.store.seal_refusals import DUTIES
from certsvc.store.seals import PostgresSeals

CLIENT = "command-line"
MOST_WORDS, MOST_KEY = 4000, 200
MOST_USES = 2_000_000_000
NONE = "none"
REASON = click.option("--reason", required=True, help="Why, in words.")
BY = click.option("--by", required=True, metavar="NAME", help="Who acts.")
KEY = click.option("--key", help="Names this request: the same key again does nothing more.")
ID = click.argument("seal_id", metavar="ID")
Found = TypeVar("Found")


@click.group()
def seal() -> None:
    """Seals 电子印章: apply, approve, make, enable, suspend, resume, hand over, destroy, change the rules; and the
    record of their uses.

    Manager, keeper, auditor and approver of a seal are four different people; who applies does not approve, who
    manages does not use it, who audits does nothing else. `certsvc seal show` lists the seals.
    """


@seal.command("apply")
@click.argument("plan", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@REASON
@KEY
@JSON
def apply_for(plan: Path, reason: str, key: str | None, as_json: bool) -> None:
    """Apply for the seal that the TOML file PLAN describes: what stands under [[seals]] in the plan of a ceremony.

    It names applicant, manager, keeper and auditor. A supplied picture lies beside it, as PNG.
    """
    from certsvc.authority.seal_plan import load_seal_plan
    from certsvc.issuance.seals import apply_for_seal
    from certsvc.verify.anchors import AnchorFolder

    settings = load_settings()
    demonstration = AnchorFolder(settings.public).current().is_demonstration
    planned = load_seal_plan(plan).seal(demonstration=demonstration)
    places = _places()
    for type_id in sorted(planned.certificate_types):
        places(type_id)
    if planned.people is None:
        raise InvalidInput(
            f"{plan} 没有写明申请人、管理人、保管人和监督人。",
            f"{plan} names no applicant, manager, keeper and auditor.",
        )
    request = _request(SealAct.APPLY, planned.id, planned.people.applicant, reason, key)
    applied = _with_seals(
        lambda seals: apply_for_seal(
            seals, planned, request, _now(), places, demonstration=demonstration, extra_fonts=settings.fonts.extra
        )
    )
    _show_seal(applied, as_json)


def _act_command(act: SealAct, words: str) -> None:
    """A command for an act that needs nothing but a person and a reason."""

    @ID
    @BY
    @REASON
    @KEY
    @JSON
    def command(seal_id: str, by: str, reason: str, key: str | None, as_json: bool) -> None:
        _show_seal(_act(_request(act, seal_id, by, reason, key)), as_json)

    by = " or ".join(DUTIES[duty][1] for duty in sorted(SEAL_ACTS[act].by))
    command.__doc__ = f"{words}\n\nThis is for its {by}. Asked twice with one --key, it is done once."
    seal.command(act.value)(command)


for _kind, _words in {
    SealAct.APPROVE: "Approve 批准 the application for the seal ID.",
    SealAct.MAKE: "Make 制作 the approved seal ID: its key and its X.509 certificate. Interrupted, ask again.",
    SealAct.ENABLE: "Enable 启用 the seal ID once it is made.",
    SealAct.SUSPEND: "Suspend 停用 the seal ID: what was to be sealed with it waits.",
    SealAct.RESUME: "Resume 恢复 the suspended seal ID: what waits for it is finished at the next resume.",
    SealAct.WITHDRAW: "Withdraw 撤回 the application for the seal ID, as long as it is not made.",
}.items():
    _act_command(_kind, _words)


@seal.command("hand-over")
@ID
@click.option("--to", "successor", required=True, metavar="NAME", help="Who takes over.")
@click.option(
    "--duty",
    type=click.Choice([Duty.KEEPER.value, Duty.MANAGER.value, Duty.AUDITOR.value, Duty.APPROVER.value]),
    default=Duty.KEEPER.value,
    show_default=True,
    help="Which duty is handed over.",
)
@BY
@click.option("--confirmed-by", metavar="NAME", help="The keeper, who confirms a new approver.")
@REASON
@KEY
@JSON
def hand_over(
    seal_id: str,
    successor: str,
    duty: str,
    by: str,
    confirmed_by: str | None,
    reason: str,
    key: str | None,
    as_json: bool,
) -> None:
    """Hand over 移交 a duty for the seal ID to somebody else.

    The keeper's by the manager or the approver; the manager's and the auditor's by the approver; the approver's by the
    approver or the manager, confirmed by the keeper. Who ever had another duty for the seal, acted on it or used it
    does not come to audit it, and who ever audited it gets no other duty.
    """
    act = HANDED_OVER[Duty(duty)]
    _show_seal(_act(_request(act, seal_id, by, reason, key, successor=successor, confirmed_by=confirmed_by)), as_json)


@seal.command()
@ID
@click.option("--add-type", "added", multiple=True, metavar="TYPE", help="Under which it may stand, too; repeatable.")
@click.option("--drop-type", "dropped", multiple=True, metavar="TYPE", help="Under which it may not any more.")
@click.option("--place", metavar="PAGE,X,Y", help="Of its centre, in mm from left and top; or none.")
@click.option("--quota", metavar="NUMBER", help="How often it may be used on one day; or none.")
@click.option("--hours", metavar="HH:MM-HH:MM", help="Of Beijing time when it may be used; or none.")
@click.option("--weekdays-only/--every-day", default=None, help="Whether from Monday to Friday only.")
@click.option("--needs-authorisation", is_flag=True, help="From now on, and for ever: only as its keeper opens it.")
@BY
@click.option("--confirmed-by", required=True, metavar="NAME", help="The approver, who confirms.")
@REASON
@KEY
@JSON
def rules(
    seal_id: str,
    added: tuple[str, ...],
    dropped: tuple[str, ...],
    place: str | None,
    quota: str | None,
    hours: str | None,
    weekdays_only: bool | None,
    needs_authorisation: bool,
    by: str,
    confirmed_by: str,
    reason: str,
    key: str | None,
    as_json: bool,
) -> None:
    """Change the rules of use 变更用印规则 of the seal ID: types, place, quota, hours.

    What is not named stays as it is; none takes a rule away. A type that is added must have no other seal. This is for
    the manager or the keeper, confirmed by the approver, while the seal is enabled or suspended. It is on record with
    who, when and why, and holds at once; what serves and works already knows an added type from its next start on. The
    plan of the ceremony changes no rules.

    Example: certsvc seal rules market --quota 200 --hours 08:00-18:00 --by 乙 --confirmed-by 戊 --reason 年度核定
    """
    if weekdays_only is None and not any((added, dropped, place, quota, hours, needs_authorisation)):
        raise InvalidInput("没有写明要变更的规则。", "No rule is named that is to change.")
    asked = _request(SealAct.CHANGE_RULES, seal_id, by, reason, key, confirmed_by=confirmed_by)
    places = _places()

    async def change(seals: PostgresSeals) -> RegisteredSeal:
        from certsvc.issuance.seals import change_rules

        known = rules_of((await seals.seal(seal_id, _now())).seal)
        new = SealRules(
            certificate_types=_changed_types(known.certificate_types, added, dropped),
            place=known.place if place is None else _parse_place(place),
            daily_quota=known.daily_quota if quota is None else _parse_quota(quota),
            hours=_parse_hours(known.hours, hours, weekdays_only),
            needs_authorisation=known.needs_authorisation or needs_authorisation,
        )
        return await change_rules(seals, SealRulesRequest(**asdict(asked), rules=new), _now(), places)

    _show_seal(_with_seals(change), as_json)


@seal.command()
@ID
@BY
@click.option("--confirmed-by", required=True, metavar="NAME", help="The approver, who confirms.")
@REASON
@KEY
@JSON
def destroy(seal_id: str, by: str, confirmed_by: str, reason: str, key: str | None, as_json: bool) -> None:
    """Destroy 注销 the seal ID for ever: its key, and its X.509 certificate is revoked. Interrupted, ask again.

    What it sealed stays as it is in the register. This is for its manager, confirmed by its approver.
    """
    request = _request(SealAct.DESTROY, seal_id, by, reason, key, confirmed_by=confirmed_by)
    _show_seal(_act(request), as_json)


@seal.command("show")
@click.argument("seal_id", metavar="[ID]", required=False)
@JSON
def show_seals(seal_id: str | None, as_json: bool) -> None:
    """Show every seal, or of the seal ID the people, the rules, how often it was used, and its life so far."""

    async def read(seals: PostgresSeals) -> tuple[list[RegisteredSeal], list[SealEvent]]:
        if seal_id is None:
            return [*await seals.seals(_now())], []
        return [await seals.seal(seal_id, _now())], [*await seals.events(seal_id)]

    found, events = _with_seals(read)
    if seal_id is None:
        table = [seal_json(one) for one in found]
        show({"seals": table}, "\n".join(map(row, found)) or "没有印章 no seals", as_json)
        return
    told = {**seal_json(found[0]), "events": [event_json(event) for event in events]}
    show(told, "\n".join([*seal_lines(found[0]), *map(event_line, events)]), as_json)


@seal.command()
@ID
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="How many at once.")
@click.option("--before", type=click.IntRange(1), help="Only uses older than the use of this number.")
@JSON
def uses(seal_id: str, limit: int, before: int | None, as_json: bool) -> None:
    """Show the record of uses 用印登记 of the seal ID, newest first: when, by whom, for what, over which digest."""

    async def read(seals: PostgresSeals) -> list[BookedUse]:
        await seals.seal(seal_id, _now())
        return [*await seals.uses(seal_id, before, limit + 1)]

    found = _with_seals(read)
    shown, more = found[:limit], len(found) > limit
    following = shown[-1].id if more else None
    text = [*map(use_line, shown), *([f"… --before {following}"] if more else [])]
    value = {"seal": seal_id, "uses": [use_json(use) for use in shown], "before": following}
    show(value, "\n".join(text) or "没有用印 no uses", as_json)


def _places() -> Callable[[str], int]:
    """How many seals a type has places for, one on a page laid out elsewhere; raises `NotFound` where there is no such
    type."""
    from certsvc.catalog import load_catalog

    catalog = load_catalog(load_settings().schemas)

    def places(bound: str) -> int:
        kind = catalog.latest(type_of(bound))
        return 1 if is_external_type(bound) else len(kind.layouts[0].seals)

    return places


def _changed_types(known: frozenset[str], added: tuple[str, ...], dropped: tuple[str, ...]) -> frozenset[str]:
    """Those known, with some added and others dropped; at least one is left, unless the seal is for documents."""
    if not (known or added or dropped):
        return known
    types = (known | set(added)) - set(dropped)
    if not types or set(added) & set(dropped):
        raise InvalidInput(
            "至少保留一类证照，同一类不能既增加又去掉。",
            "At least one type is left, and none is both added and dropped.",
        )
    return types


def _parse_place(text: str) -> Placement | None:
    """`1,150,250`: page, and millimetres from the left and the top edge."""
    import msgspec

    from certsvc.authority.seal_plan import Place

    if text == NONE:
        return None
    page, _, rest = text.partition(",")
    x_mm, _, y_mm = rest.partition(",")
    try:
        place = msgspec.convert({"page": page, "x_mm": x_mm, "y_mm": y_mm}, Place, strict=False)
    except msgspec.ValidationError:
        raise InvalidInput(
            f"位置应写作 页,毫米,毫米，如 1,150,250，不是 {text}。",
            f"A place is written PAGE,X,Y like 1,150,250, not {text}.",
        ) from None
    return Placement(page=place.page, x_mm=place.x_mm, y_mm=place.y_mm)


def _parse_quota(text: str) -> int | None:
    if text == NONE:
        return None
    if not (text.isascii() and text.isdigit() and int(text) <= MOST_USES):
        raise InvalidInput(f"次数应是整数，不是 {text}。", f"A quota is a whole number, not {text}.")
    return int(text)


def _parse_hours(known: Hours | None, text: str | None, weekdays_only: bool | None) -> Hours | None:
    """The hours asked for; what is not named stays."""
    from certsvc.authority.seal_plan import parse_hours

    weekdays = bool(known and known.weekdays_only) if weekdays_only is None else weekdays_only
    if text is None and known is not None:
        return replace(known, weekdays_only=weekdays)
    return parse_hours(None if text == NONE else text, weekdays)


def _now() -> datetime:
    return datetime.now(UTC)


def _request(
    act: SealAct,
    seal_id: str,
    by: str,
    reason: str,
    key: str | None,
    *,
    successor: str | None = None,
    confirmed_by: str | None = None,
) -> SealActRequest:
    """A request as it was typed. Without a key it is one of its own: the same act may be meant again on another day."""
    from certsvc.authority.seal_plan import parse_person

    if not 0 < len(reason.strip()) <= MOST_WORDS or (key is not None and not 0 < len(key) <= MOST_KEY):
        raise InvalidInput(
            f"--reason 应有 1 至 {MOST_WORDS} 个字，--key 应有 1 至 {MOST_KEY} 个字。",
            f"--reason has 1 to {MOST_WORDS} characters, --key 1 to {MOST_KEY}.",
        )
    return SealActRequest(
        client=CLIENT,
        key=key or secrets.token_hex(16),
        seal_id=seal_id,
        act=act,
        actor=parse_person(by),
        reason=reason.strip(),
        successor=None if successor is None else parse_person(successor),
        confirmed_by=None if confirmed_by is None else parse_person(confirmed_by),
    )


def _act(request: SealActRequest) -> RegisteredSeal:
    """Keys are opened only for an act that needs them: a seal can be suspended while they cannot."""
    from certsvc.authorities import seal_maker
    from certsvc.issuance.seals import act_on_seal, make_or_destroy

    if request.act not in (SealAct.MAKE, SealAct.DESTROY):
        return _with_seals(lambda seals: act_on_seal(seals, request, _now()))
    maker = seal_maker(load_settings(), _now())
    places = _places()
    return _with_seals(lambda seals: make_or_destroy(seals, maker, request, _now(), places))


def _with_seals(work: Callable[[PostgresSeals], Awaitable[Found]]) -> Found:
    """Do something with the seals of the register."""
    from certsvc import app
    from certsvc.store.migrate import migrate
    from certsvc.store.pool import open_pool

    async def run(uri: str) -> Found:
        await migrate(uri)
        async with open_pool(uri) as pool:
            return await work(PostgresSeals(pool))

    with app.databases(load_settings()) as uris:
        return asyncio.run(run(uris.writer))


def _show_seal(found: RegisteredSeal, as_json: bool) -> None:
    show(seal_json(found), row(found), as_json)
