"""What the database refuses to whoever writes past our own code, as the very role that our code has.

That role owns the tables: it can disable triggers and drop them, which nothing in the database can refuse it.
"""

import asyncio
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from embedded_fixture import Database, fresh_database, open_register
from made_up import NOW, SEAL, licence

from certsvc.store.embedded import EmbeddedServer
from certsvc.store.migrate import FOLDER, apply

pytest_plugins = ["store_fixtures"]

STATE = (
    "select state, approver, manager, keeper, auditor, daily_quota, certificate_types, "
    "(select count(*) from public.seal_event) events, (select count(*) from public.seal_use) uses from public.seal"
)
USE = """insert into seal_use (slot, ref, seal_id, layout, actor, intended_at, digest, page, x_mm, y_mm)
  select slot, ref, seal_id, 'a4', '{actor}', {at}, sha256('x'), 1, 150, 250 from certificate limit 1"""
AT = f"timestamptz '{NOW.isoformat()}'"
RULES = '{"daily_quota": 1}'
REFUSED = (asyncpg.RestrictViolationError, asyncpg.CheckViolationError)


def event(act: str, actor: str, *, at: str = AT, **more: str) -> str:
    """A statement that puts an act on record."""
    values = {"reason": "'x'"} | {name: f"'{value}'" for name, value in more.items()}
    return (
        f"insert into seal_event (seal_id, act, state, actor, at, client, key, digest, {', '.join(values)}) "
        f"values ('amr', '{act}', 'destroyed', '{actor}', {at}, 'x', gen_random_uuid()::text, sha256('x'), "
        f"{', '.join(values.values())})"
    )


def use(actor: str = "经办", at: str = AT) -> str:
    """A statement that books a use."""
    return USE.format(actor=actor, at=at)


@pytest.fixture(scope="module")
def enabled(server: EmbeddedServer) -> Database:
    """A database with one enabled seal and a licence reserved under it, for statements that are rolled back."""
    database = fresh_database(server)

    async def story() -> None:
        async with open_register(database) as (register, _):
            await register.enrol_seals([SEAL], NOW)
            await register.reserve(licence())

    asyncio.run(story())
    return database


def tried(database: Database, *statements: str) -> tuple[asyncpg.PostgresError | None, Sequence[Any], Sequence[Any]]:
    """The statements in one transaction that is taken back: what was refused, and the seal before and after."""

    async def story() -> tuple[asyncpg.PostgresError | None, Sequence[Any], Sequence[Any]]:
        connection = await asyncpg.connect(database.uri)
        try:
            (before,) = await connection.fetch(STATE)
            transaction = connection.transaction()
            await transaction.start()
            refusal = None
            try:
                for statement in statements:
                    await connection.execute(statement)
                (after,) = await connection.fetch(STATE)
            except asyncpg.PostgresError as error:
                refusal, after = error, before
            await transaction.rollback()
            return refusal, tuple(before), tuple(after)
        finally:
            await connection.close()

    return asyncio.run(story())


def accepted(database: Database, *statements: str) -> Sequence[Any]:
    """The seal after statements that are allowed."""
    refusal, _, after = tried(database, *statements)
    assert refusal is None
    return after


def refused(database: Database, *statements: str, by: str) -> None:
    """See that the statements are refused, and by what: a word of the triggers, a constraint, or part of a sentence."""
    refusal, _, after = tried(database, *statements)
    assert refusal is not None, f"accepted: {statements[-1]} → {after}"
    assert by in (str(refusal.args[0]), str(getattr(refusal, "constraint_name", ""))) or by in str(refusal)


# ---- what a session makes up does not stand before ours ----

TRIGGER_OF_ONE_S_OWN = (
    "create temp table t (a integer)",
    "create function pg_temp.f() returns trigger language plpgsql as $$ begin update public.seal set {change}; "
    "return new; end $$",
    "create trigger f before insert on t for each row execute function pg_temp.f()",
    "insert into t values (1)",
)


@pytest.mark.parametrize(
    "change", ["state = 'destroyed'", "keeper = '贼'", "auditor = '贼'", "daily_quota = 1", "certificate_types = '{}'"]
)
def test_a_seal_changes_neither_directly_nor_under_somebody_s_own_trigger(enabled: Database, change: str) -> None:
    refused(enabled, f"update seal set {change}", by="by nothing else")
    refused(enabled, *(text.replace("{change}", change) for text in TRIGGER_OF_ONE_S_OWN), by="by nothing else")


def test_tables_and_views_of_a_session_do_not_stand_before_ours(enabled: Database) -> None:
    acts = (
        "create temp view seal_act (act, before, after, duties, passes, confirmed) as values "
        "('enable', 'enabled', 'destroyed', '{keeper}'::text[], null::text, null::text)"
    )
    refused(enabled, acts, event("enable", "用"), by="wrong_state")
    refused(
        enabled,
        "create temp table seal as select * from public.seal",
        "update pg_temp.seal set auditor = 'nobody', state = 'enabled'",
        use("审"),
        by="auditor",
    )
    refused(
        enabled,
        event("suspend", "用"),
        "create temp table seal_event as select * from public.seal_event where act = 'enable'",
        "update public.seal set state = 'enabled'",
        by="by nothing else",
    )


def test_every_function_with_statements_of_its_own_has_a_fixed_search_path(enabled: Database) -> None:
    async def story() -> set[str]:
        connection = await asyncpg.connect(enabled.uri)
        try:
            rows = await connection.fetch(
                "select proname from pg_proc where pronamespace = 'public'::regnamespace and prosqlbody is null "
                "and probin is null and proconfig is distinct from '{\"search_path=pg_catalog, public, pg_temp\"}' "
                "and not exists (select from pg_depend where objid = pg_proc.oid and deptype = 'e')"
            )
            return {row["proname"] for row in rows}
        finally:
            await connection.close()

    assert asyncio.run(story()) == set()


def test_the_words_of_an_event_row_rule_over_nothing(enabled: Database) -> None:
    """State and predecessor are the trigger's own; rules that are no rules of use are left out."""
    assert accepted(enabled, event("suspend", "用"))[0] == "suspended"
    rules = '{"daily_quota": 1, "state": "destroyed", "keeper": "贼"}'
    after = accepted(enabled, event("change_rules", "管", confirmed_by="批", rules=rules))
    assert after[:6] == ("enabled", "批", "管", "用", "审", 1)
    refused(
        enabled,
        "insert into seal_event (seal_id, id, act, state, actor, at, reason, client, key, digest) overriding system "
        f"value values ('amr', -1, 'suspend', '', '用', {AT}, 'x', 'x', 'x', sha256('x'))",
        by="by nothing else",
    )


def test_two_acts_of_one_statement_are_not_done_on_the_state_before_both(enabled: Database) -> None:
    one, two = event("suspend", "用"), event("suspend", "管")
    refused(enabled, f"{one}, {two.partition(' values ')[2]}", by="one act at a time")
    one, two = event("hand_over", "管", successor="甲"), event("hand_over", "批", successor="乙")
    refused(enabled, f"{one}, {two.partition(' values ')[2]}", by="by nothing else")


# ---- time ----


@pytest.mark.parametrize("at", ["'1999-01-01'", f"{AT} - interval '11 minutes'", "now() + interval '11 minutes'"])
def test_nothing_is_of_the_future_or_of_before_what_it_follows(enabled: Database, at: str) -> None:
    refused(enabled, event("suspend", "用", at=at), by="wrong_time")
    for rules in (RULES, '{"opens_minute": 0, "closes_minute": 1440}'):
        refused(enabled, event("change_rules", "管", confirmed_by="批", rules=rules), use(at=at), by="wrong_time")
    if "now" not in at:
        refused(enabled, use(at=at), by="wrong_time")


def test_under_a_quota_a_day_that_is_over_is_over(enabled: Database) -> None:
    """Else the uses that were left of an earlier day could be had later."""
    quota = event("change_rules", "管", confirmed_by="批", rules=RULES.replace("1", "3"))
    midnight = f"{AT} + interval '8 hours'"
    refused(enabled, quota, use(at=midnight), use(at=f"{midnight} - interval '11 minutes'"), by="wrong_time")
    accepted(enabled, quota, use(at=midnight), use(at=f"{midnight} - interval '9 minutes'"))
    accepted(enabled, use(at=midnight), use(at=f"{midnight} - interval '11 minutes'"))


# ---- names ----


@pytest.mark.long
@pytest.mark.parametrize(
    "extra", ["\u3000", "\u00a0", "\u200b", " ", "\u2060", "\ufeff", "\ue000", "\u3164", "\U000e0041"]
)
def test_a_name_has_one_spelling(enabled: Database, extra: str) -> None:
    for name in (f"审{extra}", f"{extra}审"):
        refused(enabled, use(name), by="name_has_one_spelling")
        refused(enabled, event("hand_over", "管", successor=name), by="person_name" if extra == " " else "name_has")
    refused(enabled, use("审\ufa0a"), by="name_has_one_spelling")
    accepted(enabled, use("买买提·艾力 (2)"), use("command-line"))


# ---- quota ----


@pytest.mark.long
@pytest.mark.parametrize("level", ["read_committed", "repeatable_read", "serializable"])
def test_a_quota_holds_at_every_isolation(server: EmbeddedServer, level: Any) -> None:
    database = fresh_database(server)

    async def one() -> bool:
        connection = await asyncpg.connect(database.uri)
        try:
            async with connection.transaction(isolation=level):
                await connection.fetch("select from seal")
                await asyncio.sleep(0.3)
                await connection.execute(use())
            return True
        except asyncpg.PostgresError:
            return False
        finally:
            await connection.close()

    async def story() -> list[bool]:
        async with open_register(database) as (register, _):
            await register.enrol_seals([SEAL], NOW)
            await register.reserve(licence())
        connection = await asyncpg.connect(database.uri)
        await connection.execute(event("change_rules", "管", confirmed_by="批", rules=RULES.replace("1", "3")))
        await connection.close()
        return await asyncio.gather(*(one() for _ in range(8)))

    assert asyncio.run(story()).count(True) == (3 if level == "read_committed" else 0)


def test_a_quota_counts_the_rows_of_one_statement(enabled: Database) -> None:
    many = USE.format(actor="经办", at=AT).replace("limit 1", "cross join generate_series(1, 5)")
    refused(
        enabled, event("change_rules", "管", confirmed_by="批", rules=RULES.replace("1", "3")), many, by="quota_used_up"
    )


# ---- who ----


def test_who_manages_or_audits_does_not_use(enabled: Database) -> None:
    refused(enabled, use("管"), by="manager")
    refused(enabled, use("审"), by="auditor")
    assert accepted(enabled, use("用"), use("经办"))[-1] == 2
    refused(enabled, event("replace_manager", "批", successor="新"), use("新"), by="manager")
    accepted(enabled, event("replace_manager", "批", successor="新"), use("管"))


@pytest.mark.long
def test_rules_change_by_an_act_of_two_persons(enabled: Database) -> None:
    assert accepted(enabled, event("change_rules", "管", confirmed_by="批", rules=RULES))[5] == 1
    assert (
        accepted(enabled, event("suspend", "用"), event("change_rules", "用", confirmed_by="批", rules=RULES))[5] == 1
    )
    for actor, second in (("管", "用"), ("经办", "批"), ("批", "批")):
        refused(
            enabled,
            event("change_rules", actor, confirmed_by=second, rules=RULES),
            by="not_confirmed" if actor == "管" else "not_the_duty",
        )
    refused(enabled, event("change_rules", "审", confirmed_by="批", rules=RULES), by="auditor")
    refused(enabled, event("change_rules", "管", rules=RULES), by="not_confirmed")
    refused(enabled, event("change_rules", "管", confirmed_by="批"), by="rules_change_by_their_act")
    refused(enabled, event("suspend", "管", rules=RULES), by="rules_change_by_their_act")
    refused(enabled, event("change_rules", "管", confirmed_by="批", rules='{"daily_quota": -1}'), by="seal_daily_quota")


HANDED = event("hand_over", "管", successor="新")
REMADE = event("replace_manager", "批", successor="甲"), event("replace_manager", "批", successor="乙")
REAPPROVED = event("replace_approver", "管", successor="丙", confirmed_by="用")


@pytest.mark.parametrize(
    ("steps", "by"),
    [
        ((HANDED, event("replace_auditor", "批", successor="用")), "has_acted"),
        (
            (HANDED, event("hand_over", "管", successor="三"), event("replace_auditor", "批", successor="新")),
            "has_acted",
        ),
        ((*REMADE, event("replace_auditor", "批", successor="甲")), "has_acted"),
        ((REAPPROVED, event("replace_auditor", "丙", successor="批")), "has_acted"),
        ((event("replace_auditor", "批", successor="丁"), event("hand_over", "管", successor="审")), "has_audited"),
        (
            (event("replace_auditor", "批", successor="丁"), event("replace_manager", "批", successor="审")),
            "has_audited",
        ),
        ((event("replace_manager", "批", successor="批"),), "who_approves_does_not_manage"),
        ((event("replace_approver", "批", successor="管", confirmed_by="用"),), "who_approves_does_not_manage"),
        ((event("replace_approver", "批", successor="丙"),), "not_confirmed"),
        ((event("replace_approver", "管", successor="丙", confirmed_by="批"),), "not_confirmed"),
        ((event("replace_approver", "用", successor="丙", confirmed_by="用"),), "not_the_duty"),
        ((event("replace_approver", "批", successor="用", confirmed_by="用"),), "nobody_approves_alone"),
    ],
)
def test_duties_are_kept_apart_over_the_whole_life(enabled: Database, steps: tuple[str, ...], by: str) -> None:
    accepted(enabled, *steps[:-1])
    refused(enabled, *steps, by=by)


def test_everybody_can_be_replaced(enabled: Database) -> None:
    after = accepted(
        enabled,
        REAPPROVED,
        event("replace_manager", "丙", successor="甲"),
        event("hand_over", "甲", successor="乙"),
        event("replace_auditor", "丙", successor="丁"),
        event("replace_auditor", "丙", successor="审"),
        event("destroy", "甲", confirmed_by="丙"),
    )
    assert after[:5] == ("destroying", "丙", "甲", "乙", "审")


# ---- registers of before these rules ----

OLD_SEAL = """insert into seal (id, owner, owner_uscc, design, rank, enrolled_at, certificate_types, weekdays_only,
    applicant, manager, keeper, auditor)
  values ('amr', 'x', '11441900007330010D', '{{}}', 'department', now(), '{{business-licence}}', false,
    '申', '管', '{keeper}', '审')"""
OLD_ACTS = [*((act, "管") for act in ("make", "made", "enable", "suspend"))]


@pytest.mark.long
@pytest.mark.parametrize(
    ("approver", "keeper", "mended"),
    [
        ("管", "用", event("replace_approver", "管", successor="批", confirmed_by="用")),
        ("批", "用\u200b", event("hand_over", "管", successor="用")),
    ],
    ids=["the manager approved", "a name has what cannot be seen"],
)
def test_what_a_register_of_before_holds_stays_and_can_be_put_right(
    server: EmbeddedServer, tmp_path: Path, approver: str, keeper: str, mended: str
) -> None:
    database = fresh_database(server, empty=True)
    for path in sorted(FOLDER.glob("000[1-4]_*.sql")):
        shutil.copy(path, tmp_path)

    async def story() -> Sequence[Any]:
        connection = await asyncpg.connect(database.uri)
        try:
            await apply(connection, tmp_path)
            await connection.execute(OLD_SEAL.format(keeper=keeper))
            for act, actor in [("apply", "申"), ("approve", approver), *OLD_ACTS]:
                await connection.execute(event(act, actor))
            await apply(connection, FOLDER)
            for statement in (mended, event("resume", "管"), event("destroy", "管", confirmed_by="批")):
                await connection.execute(statement)
            (row,) = await connection.fetch(STATE)
            return tuple(row)
        finally:
            await connection.close()

    assert asyncio.run(story())[:5] == ("destroying", "批", "管", "用", "审")
