"""The tables of acts and states: national codes, two persons, what the database promises, and nothing unreachable."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from life_model import entry_of, would_do_something
from made_up_lives import do, record

from certsvc.domain.acts import ACTS, CONDITIONS, TWO_PERSONS, Act, Makes, Organ
from certsvc.domain.calendar import TermState
from certsvc.domain.certificate import Category
from certsvc.domain.life import Event, before, refusal, tell
from certsvc.domain.states import (
    EXPIRED,
    IN_FORCE,
    STATES,
    Condition,
    ConditionKind,
    Status,
    named_state,
    national_state,
)

SQL = Path(__file__).resolve().parents[2] / "certsvc" / "store" / "sql"
SCHEMA = (SQL / "schema" / "05_history.sql").read_text("utf-8")
WRITE = (SQL / "queries" / "write.sql").read_text("utf-8")

CERT_STATE = {
    "valid": "01",
    "renewal_pending": "01",
    "recheck_due": "01",
    "conditional": "01",
    "dormant": "01",
    "suspended": "02",
    "rescinded": "03",
    "closed": "04",
    "superseded": "05",
    "transferred_out": "06",
    "revoked": "07",
    "withdrawn": "99",
    "closing_due": "99",
    "unknown": "99",
}
"""certState of the national collection interface:
01 有效 02 暂扣 03 撤销 04 注销 05 失效 06 办理转出 07 吊销 99 其他."""

OPERATE_TYPE = {
    "issue": "01",
    "renew": "02",
    "suspend": "03",
    "revoke": "05",
    "rescind": "05",
    "withdraw": "05",
    "close": "05",
    "transfer_out": "05",
    "resume": "06",
    "transfer_in": "08",
    "change": "09",
    "correct": "09",
    "cancel_transfer": "10",
}
"""operateType: 01 新发 02 延续 03 暂扣 04 过期失效 05 注销（撤销、吊销、转出） 06 暂扣发还 08 转入 09 变更 10 取消转出;
whatever is not here is 07 其他业务."""

ENDED = {"revoked", "rescinded", "withdrawn", "closed", "superseded", "transferred_out"}


def listed(text: str) -> set[str]:
    """The quoted words in a piece of SQL."""
    return set(re.findall(r"'(\w+)'", text))


def in_schema(constraint: str) -> set[str]:
    """The quoted words of a constraint."""
    found = re.search(rf"constraint {constraint} check \((.*?)\)\)", SCHEMA, re.DOTALL)
    assert found is not None, constraint
    return listed(found[1])


# ---- national codes ----


def test_every_state_has_its_national_code_and_a_description_exactly_with_99() -> None:
    assert {status.value: row.code for status, row in STATES.items()} == CERT_STATE
    assert set(STATES) == set(Status)
    for row in (*STATES.values(), EXPIRED):
        assert (row.description is not None) == (row.code == "99")
        assert row.zh and row.en
    assert STATES[Status.WITHDRAWN].description == "撤回"
    assert len({row.zh for row in STATES.values()}) == len(Status)


@pytest.mark.parametrize("status", list(Status))
@pytest.mark.parametrize("term", list(TermState))
def test_a_term_that_is_over_is_expired_unless_something_graver_holds(status: Status, term: TermState) -> None:
    in_force = {"valid", "recheck_due", "conditional", "dormant"}  # and not with a renewal under review
    code = "05" if term is TermState.OVER and status.value in in_force else CERT_STATE[status.value]
    assert national_state(status, term).code == code


def test_every_act_has_its_national_code() -> None:
    assert {act.value: row.code for act, row in ACTS.items()} == {act.value: "07" for act in Act} | OPERATE_TYPE
    assert "04" not in {row.code for row in ACTS.values()}, "expiry is no act: it comes by itself"
    assert len({row.zh for row in ACTS.values()}) == len(Act)


# ---- what the database promises too ----


def test_two_persons_are_needed_for_the_same_acts_here_and_in_the_database() -> None:
    assert {act.value for act in TWO_PERSONS} == in_schema("acts_of_two_persons")
    assert {row.persons for row in ACTS.values()} == {1, 2}


def test_the_database_takes_every_state_that_an_event_can_lead_to() -> None:
    assert in_schema("event_status_check") == {status.value for status in Status} - {"unknown"}


def test_one_certificate_for_one_place_forgets_those_that_ended() -> None:
    query = WRITE.split("-- name: find_same_place")[1].split("-- name:")[0]
    assert listed(query.split("status in")[1]) == ENDED
    assert {status.value for status in Status} - ENDED == {s.value for s in IN_FORCE} | {
        *("suspended", "closing_due", "unknown")
    }


# ---- what the rows say ----


def test_who_may_end_what() -> None:
    by = {act: set(ACTS[act].by) for act in Act}
    assert [act for act in Act if Organ.ENFORCER in by[act]] == [Act.SUSPEND, Act.RESUME, Act.REVOKE]
    assert [act for act in Act if Organ.SUPERIOR in by[act]] == [Act.RESCIND]
    assert all(Organ.ISSUER in organs for organs in by.values())


def test_only_a_rescission_reaches_back() -> None:
    assert [act for act in Act if ACTS[act].retroactive] == [Act.RESCIND]


def test_what_takes_something_away_rests_on_a_decision() -> None:
    for act in (Act.SUSPEND, Act.REVOKE, Act.RESCIND, Act.WITHDRAW, Act.REFUSE_RENEWAL):
        assert ACTS[act].needs >= {"reason", "legal_basis", "decision_number"}
    for act, row in ACTS.items():
        ends = row.after is not None and row.after.value in ENDED | {"suspended"}
        assert not ends or row.persons == 2 or act is Act.TRANSFER_OUT


def test_a_reason_code_is_needed_exactly_where_there_are_some() -> None:
    for row in ACTS.values():
        assert ("reason_code" in row.needs) == bool(row.reasons)
    for act in (Act.ATTACH_CONDITION, Act.LIFT_CONDITION):
        assert set(ACTS[act].reasons) == set(CONDITIONS)
    assert len(set(ACTS[Act.RESCIND].reasons)) == 6, "行政许可法 art. 69: four cases, fraud, and the rest"


def test_what_has_no_licence_has_no_renewal_and_no_transfer() -> None:
    for act in (Act.RENEW, Act.ACCEPT_RENEWAL, Act.REFUSE_RENEWAL, Act.TRANSFER_IN, Act.TRANSFER_OUT):
        assert ACTS[act].categories == {Category.LICENCE, Category.PERMIT}
    assert {act for act in Act if ACTS[act].categories == {Category.LICENCE}} == {Act.GO_DORMANT, Act.END_DORMANCY}


def test_nothing_leads_back_from_an_end() -> None:
    from_end = {act: {status.value for status in row.before} & ENDED for act, row in ACTS.items()}
    assert from_end.pop(Act.CLOSE) == {"revoked", "rescinded", "withdrawn"}
    assert from_end.pop(Act.CANCEL_TRANSFER) == {"transferred_out"}
    assert set().union(*from_end.values()) == set()


def test_a_word_of_a_condition_names_only_what_is_valid() -> None:
    since = record(do("issue", 0))[0].effective
    for status in Status:
        for kind in ConditionKind:
            named = named_state(status, [Condition(kind=kind, since=since)])
            assert (named is status) == (status is not Status.VALID), (status, kind)
            assert status is not Status.VALID or named in IN_FORCE
    assert named_state(Status.VALID, []) is Status.VALID


# ---- everything can happen ----


def ways(code: str) -> Iterator[tuple[Act, list[Event]]]:
    """To each act, the shortest way from nothing, each act a day after the one before."""
    todo: list[list[Event]] = [[]]
    found: set[Act] = set()
    while todo and found != set(Act):
        done = todo.pop(0)
        for act in Act:
            struck = done[-1].id if act is Act.STRIKE and done else None
            way = record(*done, do(act, len(done), due=len(done) + 30, code=code, strikes=struck))
            if act in found or not would_do_something([entry_of(event) for event in done], entry_of(way[-1])):
                continue
            found.add(act)
            todo.append(way)
            yield act, way


WAYS, OTHER_WAYS = dict(ways("commitment")), dict(ways("documents"))


@pytest.mark.parametrize("act", list(Act))
def test_every_act_can_be_reached(act: Act) -> None:
    way = WAYS[act]
    assert refusal(way[-1], before(way[:-1], way[-1])) is None
    assert tell(way).void == frozenset()


def test_every_state_and_condition_can_be_reached() -> None:
    """But superseded, which is of a version, and unknown, which is of who asks."""
    met = [step for way in (*WAYS.values(), *OTHER_WAYS.values()) for _, step in tell(way).steps]
    assert {step.status for step in met} | IN_FORCE == set(Status) - {Status.SUPERSEDED, Status.UNKNOWN}
    assert {kind for step in met for kind in step.conditions} == set(ConditionKind)
    assert {act for act, row in ACTS.items() if row.makes is not Makes.NOTHING} == {
        *(Act.ISSUE, Act.TRANSFER_IN, Act.RENEW, Act.CHANGE, Act.REISSUE, Act.CORRECT)
    }
