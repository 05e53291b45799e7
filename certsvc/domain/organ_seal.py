"""The seal of an organ, as a handover of duties meets it: who may pass it on then, and who may keep it."""

from collections.abc import Iterator
from dataclasses import dataclass

from certsvc.domain.seal import SealPeople
from certsvc.domain.seal_acts import SEAL_ACTS, Duty, SealAct, SealState
from certsvc.errors import Problem

FIELD = "keeper"
"""Of a handover, which the problems here are about."""

RULE = SEAL_ACTS[SealAct.HAND_OVER]
NO_KEEPERS = {
    Duty.MANAGER: ("管理人", "manager"),
    Duty.APPROVER: ("批准人", "approver"),
    Duty.AUDITOR: ("监督人", "auditor"),
}
"""Who has one of these duties for a seal never keeps it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganSeal:
    """`audits` are all who audit it or ever did: they have no other duty for it, for ever. One that
    `needs_authorisation` stands still when it is passed on, until its new keeper opens it."""

    id: str
    state: SealState
    people: SealPeople
    needs_authorisation: bool = False
    audits: frozenset[str] = frozenset()

    def may_pass(self, person: str) -> bool:
        """Whether somebody may hand it over as it stands: its manager or its approver, by name."""
        return self.state in RULE.before and self._has_duty(person)

    def passing_problems(self, person: str, keeper: str) -> Iterator[Problem]:
        """What speaks against its passing to `keeper` by `person`, whatever duties they have in the organ."""
        if not self._has_duty(person):
            yield about_keeper("not_its_manager", *self._not_theirs())
        if self.state not in RULE.before:
            zh, en = "印章还没有制成，或者正在注销，不能移交。", "The seal is not made yet, or is being destroyed."
            yield about_keeper("not_in_hand", zh, en)
        if keeper == self.people.keeper:
            zh, en = f"印章现在就由{keeper}保管：不移交的，请留空。", f"{keeper} keeps it already: leave this empty."
            yield about_keeper("keeps_it", zh, en)
        for duty, (zh, en) in NO_KEEPERS.items():
            if keeper == getattr(self.people, duty):
                words = f"{keeper}是印章的{zh}，不能保管它。", f"{keeper} is the seal's {en}, and cannot keep it."
                yield about_keeper("other_duty", *words)
        if keeper in self.audits and keeper != self.people.auditor:
            words = f"{keeper}监督过印章，不能保管它。", f"{keeper} has audited the seal, and cannot keep it."
            yield about_keeper("has_audited", *words)

    def _has_duty(self, person: str) -> bool:
        return any(person == getattr(self.people, duty) for duty in RULE.by)

    def _not_theirs(self) -> tuple[str, str]:
        manager, approver = self.people.manager, self.people.approver or "—"
        return (
            f"印章由它的管理人（{manager}）或批准人（{approver}）移交，您不能办理：请留空。",
            f"The seal is handed over by its manager ({manager}) or its approver ({approver}): leave this empty.",
        )


def about_keeper(code: str, zh: str, en: str) -> Problem:
    """Something that speaks against who is to keep the seal."""
    return Problem(FIELD, code, zh, en)
