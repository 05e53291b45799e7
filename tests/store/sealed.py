"""Made-up seals on record, and a small model of what may be done to one: written from the rules, not from the table."""

from dataclasses import dataclass, field, replace
from datetime import datetime

import asyncpg
from made_up import NOW, PEOPLE, SEAL

from certsvc.domain.seal import Seal
from certsvc.domain.seal_acts import SealAct, SealActRequest, SealEvent
from certsvc.errors import ActNotAllowed, Forbidden, InvalidInput
from certsvc.store.seals import PostgresSeals

REFUSALS = (ActNotAllowed, Forbidden, InvalidInput)
TO_ENABLED = {
    SealAct.APPROVE: "批",
    SealAct.MAKE: "管",
    SealAct.MADE: "管",
    SealAct.ENABLE: "管",
}


def applied(seal_id: str, **rules: object) -> Seal:
    """A seal that is applied for, with the people of `made_up.SEAL`."""
    return replace(SEAL, id=seal_id, people=replace(PEOPLE, approver=None), **rules)  # type: ignore[arg-type]


def ask(
    seal_id: str,
    act: SealAct,
    actor: str,
    key: str = "",
    *,
    successor: str | None = None,
    confirmed_by: str | None = None,
) -> SealActRequest:
    """A request; without a key it has one of its own kind."""
    name = key or f"{act} {actor} {successor} {confirmed_by}"
    return SealActRequest(
        client="test",
        key=f"{seal_id} {name}",
        seal_id=seal_id,
        act=act,
        actor=actor,
        reason="试",
        successor=successor,
        confirmed_by=confirmed_by,
    )


async def put_in_use(seals: PostgresSeals, seal: Seal, now: datetime = NOW) -> None:
    """Through all stages up to enabled."""
    await seals.apply(seal, ask(seal.id, SealAct.APPLY, "申"), now)
    for act, actor in TO_ENABLED.items():
        await seals.act(ask(seal.id, act, actor), now)


async def refusal(seals: PostgresSeals, request: SealActRequest) -> str | None:
    """What an act is answered when it is refused."""
    try:
        await seals.act(request, NOW)
    except REFUSALS as error:
        return f"{error.zh} {error.en}"
    return None


async def execute(uri: str, statement: str, *values: object) -> None:
    """As the owner of the tables, past our own code."""
    connection = await asyncpg.connect(uri)
    try:
        await connection.execute(statement, *values)
    finally:
        await connection.close()


@dataclass
class Model:
    """One seal after its application: how far it is, who answers for it, and who ever acted on it."""

    people: dict[str, str] = field(
        default_factory=lambda: {"applicant": "申", "manager": "管", "keeper": "用", "auditor": "审"}
    )
    state: str = "applied"
    acted: set[str] = field(default_factory=lambda: {"申"})

    def do(self, act: str, actor: str, successor: str | None, second: str | None) -> bool:
        """Whether the rules allow it; then it is done."""
        people, after = dict(self.people), self._after(act)
        takes = {"hand_over": "keeper", "replace_manager": "manager", "replace_auditor": "auditor"}.get(act)
        people |= {"approver": actor} if act == "approve" else {}
        if after is None or not self._may(act, actor, second, people):
            return False
        if (takes is None) != (successor is None) or (takes == "auditor" and successor in self.acted):
            return False
        people |= {takes: successor} if takes and successor else {}
        if not _apart(people):
            return False
        self.people, self.state = people, after
        self.acted |= {actor, *([second] if second else [])}
        return True

    def _may(self, act: str, actor: str, second: str | None, people: dict[str, str]) -> bool:
        """Whoever is entitled, with the approver's consent to destroy and nobody's to anything else; no auditor."""
        consent = people["approver"] if act == "destroy" else None
        entitled = actor in self._entitled(act, people) and self.people["auditor"] not in (actor, second)
        return entitled and second == consent and second != actor

    def _after(self, act: str) -> str | None:
        path = ["applied", "approved", "making", "made", "enabled"]
        if act in (steps := ["approve", "make", "made", "enable"]):
            place = steps.index(act)
            return path[place + 1] if self.state == path[place] else None
        exists = self.state in ("made", "enabled", "suspended")
        match act:
            case "suspend":
                return "suspended" if self.state == "enabled" else None
            case "resume":
                return "enabled" if self.state == "suspended" else None
            case "withdraw":
                return "destroyed" if self.state in ("applied", "approved") else None
            case "destroy":
                return "destroying" if exists or self.state == "making" else None
            case "destroyed":
                return "destroyed" if self.state == "destroying" else None
            case "hand_over" | "replace_manager" | "replace_auditor":
                return self.state if exists else None
        return None

    @staticmethod
    def _entitled(act: str, people: dict[str, str]) -> set[str | None]:
        approver = people.get("approver")
        match act:
            case "approve" | "replace_manager" | "replace_auditor":
                return {approver}
            case "withdraw":
                return {people["applicant"]}
            case "suspend":
                return {people["manager"], people["keeper"]}
            case "hand_over":
                return {people["manager"], approver}
        return {people["manager"]}


def _apart(people: dict[str, str]) -> bool:
    """Three duties, three people; who approves neither applied nor keeps it; who audits does nothing else."""
    approver, auditor = people.get("approver"), people["auditor"]
    return (
        len({people["manager"], people["keeper"], auditor}) == 3
        and approver not in (people["applicant"], people["keeper"])
        and auditor not in (people["applicant"], approver)
    )


def told(events: list[SealEvent]) -> list[tuple[str, str, str]]:
    """Act, state and person of each event."""
    return [(event.act.value, event.state.value, event.actor) for event in events]
