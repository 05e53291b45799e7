"""A small model of what may be done to a seal: written from the rules, not from the table of acts."""

from dataclasses import dataclass, field

TAKES = {
    "hand_over": "keeper",
    "replace_manager": "manager",
    "replace_auditor": "auditor",
    "replace_approver": "approver",
}
"""The duty that each of these acts gives to a successor."""


@dataclass
class Model:
    """One seal after its application: how far it is, who answers for it, and who ever did."""

    people: dict[str, str] = field(
        default_factory=lambda: {"applicant": "申", "manager": "管", "keeper": "用", "auditor": "审"}
    )
    state: str = "applied"
    busy: set[str] = field(default_factory=lambda: {"申", "管", "用"})
    audited: set[str] = field(default_factory=lambda: {"审"})

    def do(self, act: str, actor: str, successor: str | None, second: str | None) -> bool:
        """Whether the rules allow it; then it is done."""
        people, after, takes = dict(self.people), self._after(act), TAKES.get(act)
        people |= {"approver": actor} if act == "approve" else {}
        if after is None or not self._may(act, actor, second, people):
            return False
        if (takes is None) != (successor is None) or successor in (self.busy if takes == "auditor" else self.audited):
            return False
        people |= {takes: successor} if takes and successor else {}
        if not _apart(people):
            return False
        self.people, self.state = people, after
        self.audited |= {people["auditor"]}
        self.busy |= {actor, *([second] if second else []), *(people[duty] for duty in people if duty != "auditor")}
        return True

    def _may(self, act: str, actor: str, second: str | None, people: dict[str, str]) -> bool:
        """Whoever is entitled, with the consent that the act needs and no other; no auditor."""
        consent = {"destroy": "approver", "change_rules": "approver", "replace_approver": "keeper"}.get(act)
        entitled = actor in self._entitled(act, people) and self.people["auditor"] not in (actor, second)
        return entitled and second == (people.get(consent) if consent else None) and second != actor

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
            case "change_rules":
                return self.state if self.state in ("enabled", "suspended") else None
        return self.state if act in TAKES and exists else None

    @staticmethod
    def _entitled(act: str, people: dict[str, str]) -> set[str | None]:
        approver = people.get("approver")
        match act:
            case "approve" | "replace_manager" | "replace_auditor":
                return {approver}
            case "withdraw":
                return {people["applicant"]}
            case "suspend" | "change_rules":
                return {people["manager"], people["keeper"]}
            case "hand_over" | "replace_approver":
                return {people["manager"], approver}
        return {people["manager"]}


def _apart(people: dict[str, str]) -> bool:
    """Three duties, three people; who approves neither applied nor keeps nor manages it; who audits does nothing
    else."""
    approver, auditor = people.get("approver"), people["auditor"]
    return (
        len({people["manager"], people["keeper"], auditor}) == 3
        and approver not in (people["applicant"], people["keeper"], people["manager"])
        and auditor not in (people["applicant"], approver)
    )
