"""Acts on many certificates: checked one by one, approved by other persons, done in the sender's name."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from batched import (
    FOOD,
    GROUND,
    LICENCE,
    OFFICER,
    OTHER,
    SCOPES,
    SENDER,
    Batches,
    Parts,
    code_of,
    food,
    licence,
    ndjson,
    payloads,
    pieces,
    states,
    wanted,
    worked,
)

from certsvc.domain.actor import Actor
from certsvc.domain.acts import Act
from certsvc.domain.batch import BatchMove, BatchState, Form
from certsvc.errors import (
    ActNotAllowed,
    Forbidden,
    NotFound,
)
from certsvc.issuance.batches import requests as office_work

pytest_plugins = ["batch_fixtures"]
NOW = datetime.now(UTC)


@pytest.mark.long
def test_suspending_many_waits_for_two_other_persons_and_is_done_in_their_name(batches: Batches) -> None:
    async def story(parts: Parts) -> Any:
        issued = await worked(parts, wanted("to suspend"), payloads(food(301), food(302)))
        codes = [code_of(row) for row in await parts.rows(issued)]
        lines = [{"code": code, "ground": GROUND} for code in codes]
        request = wanted("suspend", act=Act.SUSPEND)
        batch = await worked(parts, request, ndjson(lines))
        assert (batch.state, batch.needed) == (BatchState.AWAITING_APPROVAL, 2)
        sender = Actor(name=SENDER, scopes=SCOPES | {"approve:*"})
        with pytest.raises(Forbidden, match="of their own"):
            await office_work.approve_batch(parts.office, sender, batch.id, NOW)
        nobody = Actor(name="x", scopes=frozenset({"approve:tobacco-retail"}))
        with pytest.raises(NotFound):
            await office_work.approve_batch(parts.office, nobody, batch.id, NOW)
        for actor, after in ((OFFICER, "awaiting_approval"), (OFFICER, "awaiting_approval"), (OTHER, "running")):
            batch = await office_work.approve_batch(parts.office, actor, batch.id, datetime.now(UTC))
            assert batch.state == after
        assert (await office_work.approve_batch(parts.office, OTHER, batch.id, NOW)).state == "running"
        third = Actor(name="第三人", scopes=frozenset({"approve:*"}))
        with pytest.raises(ActNotAllowed):
            await office_work.approve_batch(parts.office, third, batch.id, NOW)
        batch = await parts.work(batch)
        again = await worked(parts, wanted("suspend again", act=Act.SUSPEND), ndjson(lines))
        return batch, await parts.rows(batch), again, await parts.rows(again)

    batch, rows, again, refused = batches.run(story)
    assert (batch.state, states(rows)) == (BatchState.FINISHED, ["done", "done"])
    assert batch.approved_by == (OFFICER.name, OTHER.name)
    for row in rows:
        (event,) = batches.fetch(
            "select act, actor, confirmed_by, id from event where ref = $1 and act = 'suspend'", row.ref.to_bytes()
        )
        assert event == ("suspend", SENDER, OFFICER.name, row.event)
        assert row.documents == ()
    assert again.state is BatchState.REFUSED
    assert {row.error.code for row in refused} == {"act_not_allowed"}


def test_who_may_not_approve_under_every_seal_that_rows_may_get_sees_no_batch(batches: Batches) -> None:
    async def story(parts: Parts) -> None:
        request, lines = wanted("beyond", LICENCE, Act.REVOKE), ndjson([{"code": "x", "ground": GROUND}])
        batch = await parts.send(request, lines)
        for place in ("*:4403", "market", "market-external"):
            beyond = Actor(name="x", scopes=frozenset({f"approve:{LICENCE}:{place}"}))
            with pytest.raises(NotFound):
                await office_work.find(parts.office, beyond, batch.id)
            with pytest.raises(NotFound):
                await office_work.approve_batch(parts.office, beyond, batch.id, NOW)
            assert await office_work.listed(parts.office, beyond, None, 100) == []
        both = Actor(name="x", scopes=frozenset({f"approve:{LICENCE}:market", f"approve:{LICENCE}:market-external"}))
        assert (await office_work.find(parts.office, both, batch.id)).id == batch.id
        await parts.work(batch)

    batches.run(story)


@pytest.mark.parametrize(
    ("act", "name", "scope"),
    [
        (Act.ISSUE, SENDER, f"issue:{FOOD}:*:4403"),
        (Act.ISSUE, SENDER, f"issue:{FOOD}:health"),
        (Act.ISSUE, SENDER, f"issue:{LICENCE}"),
        (Act.ISSUE, SENDER, f"change:{FOOD}"),
        (Act.ISSUE, "演示管理人", "issue:*"),
        (Act.ISSUE, "演示监督人", "issue:*"),
        (Act.REVOKE, SENDER, f"issue:{FOOD}"),
        (Act.REVOKE, SENDER, f"revoke:{LICENCE}"),
    ],
)
def test_what_no_row_could_mend_is_said_before_the_first_comes_in(
    batches: Batches, act: Act, name: str, scope: str
) -> None:
    """Another area, another seal, another type or act; and who manages or audits the seal."""

    async def story(parts: Parts) -> None:
        request, actor = wanted(f"{name} {scope}", act=act), Actor(name=name, scopes=frozenset({scope}))
        with pytest.raises(Forbidden):
            await office_work.receive(parts.office, actor, request, pieces(payloads(food(399))), NOW)

    batches.run(story)
    assert batches.fetch("select from batch where key = $1", f"{name} {scope}") == []


def test_who_sent_a_batch_makes_no_move_that_is_the_services_or_an_approvers(batches: Batches) -> None:
    by_sender = {BatchMove.PAUSE, BatchMove.RESUME, BatchMove.CANCEL, BatchMove.RETRY}

    async def story(parts: Parts) -> None:
        batch = await parts.send(wanted("not theirs", act=Act.REVOKE), ndjson([{"code": "x", "ground": GROUND}]))
        sender = Actor(name=SENDER, scopes=SCOPES)
        for asked in set(BatchMove) - by_sender:
            with pytest.raises(Forbidden, match="Only who sent"):
                await office_work.move(parts.office, sender, batch.id, asked, NOW)
        await parts.work(batch)

    batches.run(story)


@pytest.mark.long
@pytest.mark.parametrize(("act", "persons"), [(Act.ISSUE, 0), (Act.CHANGE, 1), (Act.RECHECK, 1), (Act.CLOSE, 2)])
def test_acts_on_many_take_one_person_more_than_on_one_and_first_issues_do_not(
    batches: Batches, act: Act, persons: int
) -> None:
    async def story(parts: Parts) -> Any:
        batch = await parts.send(wanted(f"persons for {act}", act=act), ndjson([{"code": "x"}]))
        await parts.work(batch)
        return batch

    assert batches.run(story).needed == persons


@pytest.mark.long
def test_acts_are_checked_one_by_one_and_only_on_the_batchs_own_type(batches: Batches) -> None:
    async def story(parts: Parts) -> Any:
        issued = await worked(parts, wanted("to recheck"), payloads(food(311)))
        mine = code_of((await parts.rows(issued))[0])
        other = await worked(parts, wanted("another type", LICENCE), payloads(licence(311)))
        foreign = code_of((await parts.rows(other))[0])
        nothing = mine[:-1] + ("0" if mine[-1] != "0" else "1")
        lines = [
            {"code": mine, "ground": GROUND},
            {"code": foreign, "ground": GROUND},
            {"code": nothing, "ground": GROUND},
            {"code": mine, "ground": {"reason": "x"}},
            {"code": "0000-0000-0000-0000-0", "ground": GROUND},
        ]
        batch = await worked(parts, wanted("mixed", act=Act.REVOKE), ndjson(lines))
        return batch, await parts.rows(batch)

    batch, rows = batches.run(story)
    assert batch.state is BatchState.REFUSED
    assert [row.error and row.error.code for row in rows] == [
        None,
        "payload_invalid",
        "wrong_check_character",
        "invalid_input",
        "not_found",
    ]


@pytest.mark.long
@pytest.mark.parametrize("act", [Act.REVOKE, Act.REISSUE])
def test_a_certificate_of_another_department_is_to_a_row_as_if_it_were_none(batches: Batches, act: Act) -> None:
    async def story(parts: Parts) -> Any:
        other = await worked(parts, wanted(f"theirs {act}", LICENCE), payloads(licence(331 + len(act))))
        theirs, none = code_of((await parts.rows(other))[0]), "0000-0000-0000-0000-0"
        lines = ndjson([{"code": code, "ground": {**GROUND, "reason_code": "lost"}} for code in (theirs, none)])
        request = replace(wanted(f"ours {act}", act=act), scopes=frozenset({f"{act}:{FOOD}"}))
        return theirs, await parts.rows(await worked(parts, request, lines))

    theirs, rows = batches.run(story)
    answers = [(row.error.code, row.error.zh, row.error.en) for row in rows]
    assert answers[0][0] == "not_found"
    assert [word.replace(theirs, "0000-0000-0000-0000-0") for word in answers[0]] == [*answers[1]]


@pytest.mark.long
def test_reissuing_many_needs_no_content_and_makes_the_next_version_of_each(batches: Batches) -> None:
    async def story(parts: Parts) -> Any:
        issued = await worked(parts, wanted("to reissue"), payloads(food(321), food(322)))
        old = await parts.rows(issued)
        table = "_code,_reason_code\r\n" + "".join(f"{code_of(row)},new_form\r\n" for row in old)
        batch = await worked(parts, wanted("reissue", act=Act.REISSUE, form=Form.CSV), table.encode())
        while batch.state is BatchState.AWAITING_APPROVAL:
            batch = await office_work.approve_batch(parts.office, OFFICER, batch.id, NOW)
        batch = await parts.work(batch)
        return batch, old, await parts.rows(batch)

    batch, old, new = batches.run(story)
    assert batch.state is BatchState.FINISHED
    assert [row.number for row in new] == [row.number for row in old]
    versions = batches.fetch("select version from certificate where ref = any($1)", [row.ref.to_bytes() for row in new])
    assert versions == [(2,), (2,)]
