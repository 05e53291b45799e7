"""Corrections: what is returned changes, what others review or decided does not, and a type's new version stands in
nobody's way."""

import sys
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema_rs
import msgspec
import pytest
from case_desk import COUNTER, FOOD, HEALTH, HYGIENE, LICENCE, MARKET, answers, at_work, now, states

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "issuance"))
from walked import Walks

from certsvc.catalog import Catalog, CertificateType
from certsvc.domain.actor import Actor
from certsvc.domain.case import Case, PartAct, PartGround
from certsvc.errors import KeyReused, MessageTooLarge, PayloadInvalid
from certsvc.ids import new_ref
from certsvc.issuance.cases.applying import Opening, correct, open_case
from certsvc.issuance.cases.decisions import Decision, decide
from certsvc.issuance.cases.view import view_case
from certsvc.issuance.cases.work import CaseWork, lock_away

pytest_plugins = ["walk_fixtures"]

RETURNED = PartGround(reason="名称写得不清楚")
REFUSED = PartGround(reason="不符", legal_basis="某条例", decision_number="云〔2026〕1号", remedies="申请复议")


def tell(walks: Walks, story: Callable[[CaseWork], Coroutine[Any, Any, None]]) -> None:
    async def told() -> None:
        async with at_work(walks) as (work, _):
            await story(work)

    walks.desk.run(told())


async def opened(work: CaseWork, key: str) -> Case:
    """A case for the licence and two permits."""
    types = (LICENCE, FOOD, HYGIENE)
    asked = Opening(key=key, types=types, licence=None, answers=answers(work.issuing.catalog, *types))
    return await open_case(work, COUNTER, asked, now())


async def decided(
    work: CaseWork, who: Actor, case: Case, type_id: str, act: PartAct, ground: PartGround = RETURNED
) -> Case:
    """A part returned, refused, or whatever the act is."""
    said = Decision(key=f"{case.ref.typed_code} {type_id} {act}", act=act, ground=ground)
    return await decide(work, who, case.ref, type_id, said, now())


def test_an_answer_that_other_parts_rest_on_changes_only_when_all_of_them_are_returned(walks: Walks) -> None:
    changed = {"business.name": "云山市岭南新名商贸有限公司"}

    async def story(work: CaseWork) -> None:
        case = await opened(work, "others")
        await decided(work, MARKET, case, FOOD, PartAct.RETURN)
        await decided(work, MARKET, case, LICENCE, PartAct.ACCEPT, PartGround())
        before = (await view_case(work, MARKET, case.ref)).payloads[LICENCE]
        with pytest.raises(PayloadInvalid) as caught:
            await correct(work, COUNTER, case.ref, changed, "c1", now())
        (problem,) = caught.value.problems
        assert (problem.field, problem.code) == ("business.name", "fills_other_parts")
        assert "营业执照" in problem.zh and "公共场所卫生许可证" in problem.zh and "食品" not in problem.zh
        assert LICENCE in problem.en and HYGIENE in problem.en
        assert (await view_case(work, MARKET, case.ref)).payloads[LICENCE] == before
        await decided(work, MARKET, case, LICENCE, PartAct.RETURN)
        await decided(work, HEALTH, case, HYGIENE, PartAct.REFUSE, REFUSED)
        found = await correct(work, COUNTER, case.ref, changed, "c2", now())
        assert states(found) == {LICENCE: "waiting", FOOD: "waiting", HYGIENE: "refused"}
        assert (await view_case(work, MARKET, case.ref)).payloads[LICENCE]["name"] == changed["business.name"]

    tell(walks, story)


def without(kind: CertificateType, key: str) -> CertificateType:
    """The type as its next version may be: without one of its fields."""
    schema = {
        **kind.schema,
        "properties": {name: part for name, part in kind.schema["properties"].items() if name != key},
        "required": [name for name in kind.schema["required"] if name != key],
    }
    fields = tuple(field for field in kind.definition.fields if field.key != key)
    definition = msgspec.structs.replace(kind.definition, fields=fields)
    validator = jsonschema_rs.Draft202012Validator(schema)
    return replace(kind, definition=definition, schema=schema, validator=validator)


def test_a_question_that_a_type_no_longer_asks_does_not_stand_in_the_way(walks: Walks) -> None:
    async def story(work: CaseWork) -> None:
        case = await opened(work, "next version")
        kinds = {(kind.id, kind.version): kind for kind in work.issuing.catalog}
        hygiene = work.issuing.catalog.latest(HYGIENE)
        kinds[HYGIENE, hygiene.version] = without(hygiene, "items")
        later = replace(work, issuing=replace(work.issuing, catalog=Catalog(work.issuing.catalog.folder, kinds)))
        await decided(later, MARKET, case, FOOD, PartAct.RETURN)
        changed = {"food-business.items": ["热食类食品制售"]}
        found = await correct(later, COUNTER, case.ref, changed, "c3", now())
        assert states(found)[FOOD] == "waiting"

    tell(walks, story)


def test_more_than_the_register_takes_of_one_case_is_refused_and_no_failure(walks: Walks) -> None:
    async def story(work: CaseWork) -> None:
        assert len(lock_away(work, new_ref(None), {"x": "a" * 1_000_000})) > 1_000_000
        with pytest.raises(MessageTooLarge):
            lock_away(work, new_ref(None), {"x": "a" * 1024 * 1024})

    tell(walks, story)


def test_a_request_to_open_sent_again_finds_its_case_whatever_changed_since(walks: Walks) -> None:
    async def story(work: CaseWork) -> None:
        case = await opened(work, "sent again")
        catalog = work.issuing.catalog
        filled = answers(catalog, LICENCE, FOOD, HYGIENE)
        empty = replace(work, issuing=replace(work.issuing, catalog=Catalog(catalog.folder, {})))
        types = (LICENCE, FOOD, HYGIENE)
        asked = Opening(key="sent again", types=types, licence=None, answers=filled)
        assert await open_case(empty, COUNTER, asked, now()) == case
        with pytest.raises(KeyReused):
            await open_case(empty, COUNTER, replace(asked, types=types[:1]), now())

    tell(walks, story)
