"""How far scopes reach in cases: who may open one, on which licence, and whose part is whose to decide."""

from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from case_desk import COUNTER, FOOD, HYGIENE, LICENCE, answers, at_work, now
from walked import Walks

from certsvc.domain.actor import Actor
from certsvc.domain.acts import Act
from certsvc.domain.case import DECISIONS, PartAct, PartGround
from certsvc.domain.life import Ground
from certsvc.errors import Conflict, Forbidden, InvalidInput, NotFound
from certsvc.ids import Ref, ref_from_bytes
from certsvc.issuance.acts import Acting, act
from certsvc.issuance.cases.applying import Opening, case_form, open_case
from certsvc.issuance.cases.decisions import Decision, decide
from certsvc.issuance.cases.view import list_parts, view_case
from certsvc.issuance.cases.work import CaseWork, decides

pytest_plugins = ["walk_fixtures"]
JOINT, SEALS = "joint-completion-acceptance", ("housing", "planning", "civil-defence")
"""A permit under three seals."""


def told(walks: Walks, story: Callable[[CaseWork], Coroutine[Any, Any, None]]) -> None:
    """Tell a story over the register."""

    async def work() -> None:
        async with at_work(walks) as (cases, _):
            await story(cases)

    walks.desk.run(work())


def somebody(*scopes: str, name: str = "somebody") -> Actor:
    """Somebody with these scopes."""
    return Actor(name=name, scopes=frozenset(scopes))


def an_opening(work: CaseWork, key: str) -> Opening:
    """A request for a licence and two permits."""
    types = (LICENCE, FOOD, HYGIENE)
    return Opening(key=key, types=types, licence=None, answers=answers(work.issuing.catalog, *types))


def one_of(walks: Walks, column: str, value: str) -> Ref:
    """A certificate of the demonstration."""
    return ref_from_bytes(walks.rows(f"select ref from certificate where {column} = $1 limit 1", value)[0]["ref"])


@pytest.mark.parametrize(
    ("scopes", "may"),
    [
        (["case:*"], True),
        (["case:*:*:4419"], True),
        (["case:*:*:4403"], False),
        ([f"case:{LICENCE}", f"case:{FOOD}"], False),
        ([f"case:{LICENCE}", f"case:{FOOD}", f"case:{HYGIENE}:*:4403"], False),
        ([f"case:{LICENCE}", f"case:{FOOD}", f"case:{HYGIENE}"], True),
        (["decide:*", "issue:*", "read:*"], False),
    ],
)
def test_a_case_is_opened_by_who_may_open_one_with_each_of_its_types_in_this_area(
    walks: Walks, scopes: list[str], may: bool
) -> None:
    async def story(work: CaseWork) -> None:
        actor, asked = somebody(*scopes), an_opening(work, f"open {scopes}"[:99])
        if may:
            assert (await open_case(work, actor, asked, now())).opened_by == actor.name
            return
        for refused in (
            lambda: open_case(work, actor, asked, now()),
            lambda: case_form(work, actor, asked.types, None, now()),
        ):
            with pytest.raises(Forbidden):
                await refused()

    told(walks, story)


@pytest.mark.parametrize(
    ("scopes", "there"),
    [
        (["read:*"], True),
        ([f"read:{LICENCE}:market:4419"], True),
        (["read:*:*:4403"], False),
        (["read:*:health"], False),
        ([f"read:{FOOD}"], False),
        ([f"view:{LICENCE}", f"change:{LICENCE}"], False),
    ],
)
def test_a_licence_that_one_may_not_read_is_not_there_to_hang_a_permit_on(
    walks: Walks, scopes: list[str], there: bool
) -> None:
    held = one_of(walks, "type_id", LICENCE)

    async def story(work: CaseWork) -> None:
        actor = somebody("case:*", *scopes)
        if there:
            assert (await case_form(work, actor, [FOOD], held, now())).licence is not None
            return
        asked = Opening(key="x", types=[FOOD], licence=held, answers={})
        for refused in (
            lambda: case_form(work, actor, [FOOD], held, now()),
            lambda: open_case(work, actor, asked, now()),
        ):
            with pytest.raises(NotFound, match="There is no"):
                await refused()

    told(walks, story)


def test_a_permit_hangs_on_a_licence_that_is_in_force_and_on_nothing_else(walks: Walks) -> None:
    permit, held = one_of(walks, "category", "permit"), one_of(walks, "type_id", "business-licence-cooperative")

    async def story(work: CaseWork) -> None:
        with pytest.raises(InvalidInput, match="is no licence"):
            await case_form(work, COUNTER, [FOOD], permit, now())
        assert (await case_form(work, COUNTER, [FOOD], held, now())).licence is not None
        one, other = somebody("suspend:*"), somebody("suspend:*", name="somebody else")
        ground = Ground(reason="查处", legal_basis="某法第一条", decision_number="云罚〔2026〕1号")
        asked = Acting(client="x", key="suspend", act=Act.SUSPEND, ref=held, confirmed_by=other, ground=ground)
        await act(work.issuing.register, work.issuing.catalog, one, asked, now())
        for refused in (
            lambda: case_form(work, COUNTER, [FOOD], held, now()),
            lambda: open_case(work, COUNTER, Opening(key="x", types=[FOOD], licence=held, answers={}), now()),
        ):
            with pytest.raises(Conflict, match="Suspended"):
                await refused()

    told(walks, story)


@pytest.mark.parametrize("done", [done for done in PartAct if done not in DECISIONS])
def test_a_department_decides_and_does_not_act_as_the_applicant_or_the_service(walks: Walks, done: PartAct) -> None:
    async def story(work: CaseWork) -> None:
        case = await open_case(work, COUNTER, an_opening(work, f"side {done}"), now())
        department = somebody(f"decide:{FOOD}", name="a department")
        decision = Decision(key=f"side {done}", act=done, ground=PartGround(reason="x"))
        with pytest.raises(InvalidInput, match="does not decide"):
            await decide(work, department, case.ref, FOOD, decision, now())

    told(walks, story)


@pytest.mark.long
@pytest.mark.parametrize("place", [f"{FOOD}:*:4403", f"{FOOD}:*:441999", f"{FOOD}:health", "drug-retail"])
def test_a_part_of_another_area_seal_or_type_is_not_there_to_be_decided(walks: Walks, place: str) -> None:
    async def story(work: CaseWork) -> None:
        case = await open_case(work, COUNTER, an_opening(work, f"elsewhere {place}"), now())
        elsewhere, here = [somebody(f"decide:{one}", name="a department") for one in (place, f"{FOOD}:market:4419")]
        accepted = Decision(key=f"accept {place}", act=PartAct.ACCEPT)
        for refused in (
            lambda: view_case(work, elsewhere, case.ref),
            lambda: decide(work, elsewhere, case.ref, FOOD, accepted, now()),
        ):
            with pytest.raises(NotFound, match="There is no case"):
                await refused()
        assert await list_parts(work, elsewhere, type_id=FOOD) == []
        assert set((await view_case(work, here, case.ref)).payloads) == {FOOD}
        assert case.ref in {one.case.ref for one in await list_parts(work, here, limit=100)}

    told(walks, story)


def test_a_part_under_several_seals_is_decided_by_who_may_under_each(walks: Walks) -> None:
    async def story(work: CaseWork) -> None:
        for missing in SEALS:
            assert not decides(work, somebody(*(f"decide:{JOINT}:{one}" for one in SEALS if one != missing)), JOINT)
        assert decides(work, somebody(*(f"decide:{JOINT}:{one}:4419" for one in SEALS)), JOINT)

    told(walks, story)
