"""Seals that were not applied for: those of a ceremony, and those of registers of before."""

import asyncio
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest
from embedded_fixture import Database, fresh_database
from made_up import NOW, PEOPLE, SEAL, licence, use
from seal_story import ready, run
from sealed import ask, execute, told

from certsvc.domain.seal_acts import SealAct, SealState, rules_of
from certsvc.errors import ActNotAllowed, Forbidden, InvalidInput
from certsvc.store.embedded import EmbeddedServer
from certsvc.store.migrate import FOLDER, apply
from certsvc.store.register import PostgresRegister
from certsvc.store.seals import PostgresSeals

pytest_plugins = ["store_fixtures"]


def test_a_ceremony_enables_its_seals_by_the_people_it_names(database: Database) -> None:
    async def story(seals: PostgresSeals, register: PostgresRegister) -> None:
        await register.enrol_seals([SEAL], NOW)
        await register.enrol_seals([replace(SEAL, people=None, daily_quota=7)], NOW)
        assert told([*await seals.events("amr")]) == [
            ("apply", "applied", "申"),
            ("approve", "approved", "批"),
            ("make", "making", "管"),
            ("made", "made", "管"),
            ("enable", "enabled", "管"),
        ]
        found = await seals.seal("amr", NOW)
        assert rules_of(found.seal) == rules_of(SEAL), "opening the authority changes no rules"
        with pytest.raises(InvalidInput, match="does not name"):
            await register.enrol_seals([replace(SEAL, id="new", people=None)], NOW)
        people = replace(PEOPLE, approver="申")
        with pytest.raises(Forbidden):
            await register.enrol_seals([replace(SEAL, id="new", people=people)], NOW)
        await seals.act(ask("amr", SealAct.SUSPEND, "用"), NOW)
        await register.enrol_seals([SEAL], NOW)
        assert (await seals.seal("amr", NOW)).state is SealState.SUSPENDED, "opening the authority resumes nothing"

    run(database, story)


def test_processes_that_enrol_at_once_enrol_once(database: Database) -> None:
    async def story(seals: PostgresSeals, register: PostgresRegister) -> None:
        many = [replace(SEAL, id=f"seal-{number}") for number in range(5)]
        await asyncio.gather(*(register.enrol_seals(many, NOW) for _ in range(6)))
        assert [len(await seals.events(seal.id)) for seal in many] == [5] * 5

    run(database, story)


@pytest.mark.long
def test_seals_of_an_earlier_register_are_taken_over_and_go_on(server: EmbeddedServer, tmp_path: Path) -> None:
    database = fresh_database(server, empty=True)
    for path in sorted(FOLDER.glob("000[12]_*.sql")):
        shutil.copy(path, tmp_path)

    async def before() -> None:
        connection = await asyncpg.connect(database.uri)
        try:
            await apply(connection, tmp_path)
            await connection.execute(
                "insert into seal values ($1, $2, $3, $4::jsonb, $5, $6)",
                *(SEAL.id, SEAL.owner, SEAL.owner_uscc),
                '{"name": "云山市市场监督管理局", "diameter_mm": 42, "border_mm": 1.2, "centre": "star", '
                '"purpose": null, "code": null}',
                *(["business-licence"], NOW),
            )
            await apply(connection, FOLDER)
        finally:
            await connection.close()

    asyncio.run(before())

    async def story(seals: PostgresSeals, register: PostgresRegister) -> None:
        await register.enrol_seals([SEAL], NOW)
        now = datetime.now(UTC)
        found = await seals.seal("amr", now)
        assert (found.state, found.seal.design) == (SealState.ENABLED, SEAL.design)
        assert found.seal.certificate_types == {"business-licence"}
        (event,) = await seals.events("amr")
        assert (event.act, event.actor) == (SealAct.TAKE_OVER, "certsvc migrate")
        ref = (await register.reserve(licence())).ref
        await register.book_seal_use(ref, use(), "经办", now)
        approver = found.people.approver or ""
        await seals.act(ask("amr", SealAct.REPLACE_MANAGER, approver, successor="管"), now)
        await seals.act(ask("amr", SealAct.SUSPEND, "管"), now)
        with pytest.raises(ActNotAllowed):
            await seals.act(ask("amr", SealAct.SUSPEND, "管", key="again"), now)

    run(database, story)


def test_uses_of_an_earlier_register_stay_without_a_digest(server: EmbeddedServer, tmp_path: Path) -> None:
    """A use of before has none; the register says so and invents nothing."""
    database = fresh_database(server)

    async def story(seals: PostgresSeals, register: PostgresRegister) -> None:
        ref = await ready(seals, register)
        await register.book_seal_use(ref, use(), "经办", NOW)
        await execute(database.uri, "alter table seal_use drop constraint every_use_names_what_it_seals")
        await execute(
            database.uri,
            "insert into seal_use (slot, ref, seal_id, layout, actor, intended_at) "
            "select slot, ref, seal_id, layout, actor, intended_at - interval '5 minutes' from seal_use",
        )
        old = (await seals.uses("amr", None, 9))[-1]
        assert (old.digest, old.place) == (None, None)

    run(database, story)
