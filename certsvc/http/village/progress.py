"""What `/apply/progress` shows: the form for the code; and how far a request is, for who has its code."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from litestar import Response

from certsvc.domain.approval import ApprovalState
from certsvc.domain.proof_acts import PROOF_ACTS, ProofAct, ProofState
from certsvc.domain.proof_request import Origin, Progress, ProofRequest
from certsvc.errors import CertsvcError, Conflict
from certsvc.http.language import Language
from certsvc.http.pages import Pages
from certsvc.http.routes import Asked
from certsvc.http.village.bundle import Villages
from certsvc.http.village.inbox import BY_ITSELF
from certsvc.http.village.lives import life_said
from certsvc.http.village.resident import new_form, resident_page
from certsvc.ids import ProgressCode
from certsvc.issuance.village.entering import form_of

PROGRESS = "/apply/progress"
LONGEST_CODE, LONGEST_FOUR, LONGEST_VERSION = 100, 40, 9
STEPS = ("handling", "approval", "sealing", "collecting")
LOOKS = {
    "draft": ("page", "clock"),
    "submitted": ("page", "clock"),
    "returned": ("hold", "arrow"),
    "approved": ("page", "clock"),
    "failed": ("hold", "clock"),
    "sealed": ("ok", "tick"),
    "withdrawn": ("old", "closed"),
    "cancelled": ("bad", "stop"),
}
"""Family and shape of each state, beside its word."""

AT_STEP = {
    ProofState.DRAFT: 0,
    ProofState.RETURNED: 0,
    ProofState.SUBMITTED: 1,
    ProofState.APPROVED: 2,
    ProofState.SEALED: 3,
}
CHANGEABLE, ENDED = frozenset(PROOF_ACTS[ProofAct.SAVE].leads), (ProofState.WITHDRAWN, ProofState.CANCELLED)


class ProgressPage:
    """The page, also after something that was asked there was done or refused."""

    def __init__(self, villages: Villages, pages: Pages) -> None:
        self._work, self._pages = villages.work, pages

    def code(self, request: Asked, typed: str = "") -> Response[bytes]:
        """The form for the code; with one that was typed, that nobody has it: the same for every code."""
        said = {"said": "", "failed": "", "done": ""}
        values: dict[str, Any] = {"found": None, "code": typed, "unknown": bool(typed), **said}
        return resident_page(self._pages, request, "apply_progress.html", 404 if typed else 200, **values)

    def status(
        self,
        request: Asked,
        code: ProgressCode,
        found: Progress,
        now: datetime,
        error: CertsvcError | None = None,
        done: str = "",
    ) -> Response[bytes]:
        """How far it is. `done` is what was done or, with `error`, the form with which it was asked and refused."""
        language = self._pages.language(request)
        kind = form_of(self._work, found.type_id).title
        failed = found.state is ProofState.APPROVED and found.outcome is ApprovalState.FAILED
        is_online, life = found.origin is Origin.ONLINE, life_said(found.life, language)
        is_open = found.state in PROOF_ACTS[ProofAct.WITHDRAW].leads
        values: dict[str, Any] = {
            "found": found,
            "code": code,
            "unknown": False,
            "title": language.pick(kind.zh, kind.en),
            "state": (state := "failed" if failed else str(found.state)),
            "look": (life.look, life.icon) if life else LOOKS[state],
            "word": life.title if life else language.words["apply_online"]["states"][state]["word"],
            "fetchable": found.state is ProofState.SEALED and (life is None or life.is_usable),
            "steps": [] if found.state in ENDED or life else STEPS,
            "step": AT_STEP.get(found.state, 0),
            "changeable": is_online and found.state in CHANGEABLE,
            "withdrawable": is_online and is_open,
            "at_counter": not is_online and is_open,
            "next": life.to_resident if life else _next(found, state, language),
            "opened_at": language.moment(found.opened_at),
            "changed_at": language.moment(found.changed_at),
            "due": language.day(found.due) if found.due else "",
            "said": language.pick(error.zh, error.en) if error else "",
            "failed": done if error else "",
            "done": "" if error else done,
            "token": new_form(self._work.issuing.cipher, now),
        }
        return resident_page(self._pages, request, "apply_progress.html", error.status if error else 200, **values)


def _next(found: Progress, state: str, language: Language) -> str:
    """What comes next, and what the resident does; while it waits for the seal, that it does, and whether that passes
    by itself."""
    words = language.words["apply_online"]
    if state == ProofState.APPROVED and found.waits:
        return str(words["waits"]["by_itself" if found.waits in BY_ITSELF else "for_somebody"])
    if state == ProofState.RETURNED and found.origin is not Origin.ONLINE:
        return str(words["returned_at_counter"])
    return str(words["states"][state]["next"])


def require_changeable(request: ProofRequest) -> None:
    """See that a resident may still change what they sent.

    Raises:
        Conflict: it is with those who approve, or done.
    """
    if request.state not in CHANGEABLE:
        raise Conflict(
            "现在不能修改了：已经交给审批人，或者已经办完。", "It cannot be changed any more: it is past the clerk."
        )


def version_seen(fields: Mapping[str, str]) -> int:
    """The version that was seen; 0, which none is, where it is no number."""
    text = fields.get("seen", "")[:LONGEST_VERSION]
    return int(text) if text.isascii() and text.isdigit() else 0
