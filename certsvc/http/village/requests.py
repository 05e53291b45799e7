"""One request for a proof: what a clerk and an auditor see of it, the resident's slip, and the sealed file."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from certsvc.domain.approval import Approval, ApprovalState
from certsvc.domain.calendar import beijing_date
from certsvc.domain.looked_into import is_looked_into
from certsvc.domain.organ import Member, OrganDuty
from certsvc.domain.proof_acts import PROOF_ACTS, ProofAct, ProofState
from certsvc.domain.proof_doubt import open_needs
from certsvc.domain.proof_ground import CorrectionGround, decision_word
from certsvc.domain.proof_life import CANCELLABLE, USABLE
from certsvc.domain.proof_request import Difference, IdentityCheck, Origin, Turn, waits_for_cancelling
from certsvc.errors import CertsvcError, Forbidden, MissingGlyph, TextTooLong
from certsvc.http.language import Language
from certsvc.http.routes import Asked, route
from certsvc.http.village.console import AT, At, Console
from certsvc.http.village.evidence import evidence_rows
from certsvc.http.village.inbox import BY_ITSELF, STATE_LOOKS, wait_words
from certsvc.http.village.lives import life_said, why_not
from certsvc.http.village.showing import (
    DifferenceRow,
    difference_rows,
    handled_rows,
    label_of,
    looked_into,
    minute,
    need_name,
    payload_facts,
    problem_lines,
    sent_back,
    steps_of,
)
from certsvc.http.village.telling import tell_view
from certsvc.http.village.typed import new_key
from certsvc.issuance.village.authorising import waiting_for
from certsvc.issuance.village.doubts import doubt_about
from certsvc.issuance.village.evidence import evidence_of
from certsvc.issuance.village.faces import Kind
from certsvc.issuance.village.handing import handed_out
from certsvc.issuance.village.preview import sealed_file
from certsvc.issuance.village.reading import WITH_CLERK, ProofView, code_for, view
from certsvc.issuance.village.work import kind_of

Approving = Callable[[Console, Asked, At, ProofView, datetime], Awaitable[Response[bytes]]]
"""The page of who may decide a request; see `deciding.approval_page`."""

PDF = "application/pdf"
SEALED = frozenset({ProofState.SEALED, ProofState.CANCELLED})


@dataclass(frozen=True, slots=True)
class Refused:
    """A form that came to nothing: which part of the page, why, and what was typed."""

    form: str
    error: CertsvcError
    typed: Mapping[str, str] = field(default_factory=dict)
    seen: int | None = None


class RequestPage:
    """The page of one request, also after a form of it came to nothing."""

    def __init__(self, console: Console) -> None:
        self._console = console

    async def show(
        self, request: Asked, at: At, found: ProofView, now: datetime, refused: Refused | None = None
    ) -> Response[bytes]:
        """The page."""
        console, who, proof = self._console, at.member, found.request
        language, kind = console.pages.language(request), kind_of(console.work, proof.type_id)
        doubt = doubt_about(console.work, who.organ, proof.type_id, now)
        title, title_zh = language.titled(kind.zh, kind.en)
        look, icon = STATE_LOOKS[proof.state]
        values: dict[str, Any] = {
            "kind": kind,
            "title": title,
            "title_zh": title_zh,
            "proof": proof,
            "look": look,
            "icon": icon,
            "state": language.words["desk"]["tags"][proof.state],
            "steps": steps_of(found, language, await handed_out(console.villages.out, who, proof.id), now),
            "facts": payload_facts(kind, found.payload, language),
            "problems": problem_lines(found, kind, language),
            "looked": looked_into(found, language),
            "unlooked": not is_looked_into(found.content.notes),
            "handled": handled_rows(found, language),
            "since_round": _differing(found, found.since_round, kind, language),
            "since_last": _differing(found, found.since_last, kind, language),
            "sent_back": sent_back(found, language),
            "due": language.day(proof.due) if proof.due else "",
            "opened": minute(language, proof.opened_at),
            "code": code_for(who, proof, found.content),
            "is_online": proof.origin is Origin.ONLINE,
            **_choices(console, who, kind),
            "doubt": doubt
            and (language.pick(doubt.said.zh, doubt.said.en), language.pick(doubt.handling.zh, doubt.handling.en)),
            "needs": [(need, need_name(need, language)) for need in open_needs(found.needs, found.doubts)],
            "may": _may(who, found),
            "own": may_say(who, found) and who.account in await console.work.requests.makers(proof.id),
            "key": new_key(),
            "evidence_rows": evidence_rows(await evidence_of(console.work, proof), language),
            "tell": await tell_view(console, at, proof, language),
            **await self._sealing(found, language),
            **await self._life(found, language, now),
            **_said(refused, found, kind, language),
        }
        status = refused.error.status if refused else 200
        return console.page(request, at, "village_request.html", status, here="inbox", **values)

    async def _sealing(self, found: ProofView, language: Language) -> dict[str, Any]:
        """Why it is not sealed yet, or what came of it."""
        proof, approval = found.request, found.approval
        wait = None
        if proof.state is ProofState.APPROVED and proof.approval_id:
            wait = await waiting_for(self._console.villages.waits, proof.approval_id)
        return {
            "wait": wait_words(language, wait) if wait else "",
            "needs_somebody": wait is not None and wait.reason not in BY_ITSELF,
            "failed": _failure(approval, language) if proof.could_not_be_sealed else "",
            "typed_code": str((approval.result or {}).get("code", "")) if approval and proof.state in SEALED else "",
            "wish": waits_for_cancelling(found.cancellation),
        }

    async def _life(self, found: ProofView, language: Language, now: datetime) -> dict[str, Any]:
        """What became of it since it was sealed; or why it cannot be, whoever submits it."""
        proof, life, cancellation = found.request, found.life, found.cancellation
        failed = cancellation is not None and cancellation.state is ApprovalState.FAILED
        dead = proof.state in WITH_CLERK and await why_not(self._console.work, proof, ProofAct.SUBMIT, language, now)
        return {
            "life": life_said(life, language),
            "correcting": life.correction if life and life.state in USABLE else None,
            "cancel_failed": _failure(cancellation, language) if failed and proof.state is ProofState.SEALED else "",
            "dead": dead or "",
        }


def request_routes(console: Console, approving: Approving | None = None) -> list[HTTPRouteHandler]:
    """`…/requests/{id}`, its slip and its file."""
    one, readers = f"{AT}/requests/{{request_id:str}}", _Readers(console, approving)
    return [
        route(one, "village_request", readers.page),
        route(f"{one}/slip", "village_slip", readers.slip),
        route(f"{one}/file", "village_file", readers.file),
    ]


class _Readers:
    """What is read of one request; time is taken once."""

    def __init__(self, console: Console, approving: Approving | None) -> None:
        self._console, self._approving, self._shown = console, approving, RequestPage(console)

    async def page(self, request: Asked, organ: FromPath[str], request_id: FromPath[str]) -> Response[bytes]:
        """The request; who may decide it gets the page for that."""
        now, work = datetime.now(UTC), self._console.work
        at = await self._console.at(request, organ, now)
        found = await view(work, at.member, request_id, now)
        if self._approving is not None and decides(at.member, found, await work.requests.makers(request_id)):
            return await self._approving(self._console, request, at, found, now)
        return await self._shown.show(request, at, found, now)

    async def slip(self, request: Asked, organ: FromPath[str], request_id: FromPath[str]) -> Response[bytes]:
        """The code by which the resident follows what was asked for at the counter, for its clerk to print: nothing
        personal is on it."""
        now, console = datetime.now(UTC), self._console
        at = await console.at(request, organ, now)
        found = await view(console.work, at.member, request_id, now, is_whole=False)
        code = code_for(at.member, found.request, found.content)
        if not code:
            raise Forbidden(
                "查询码不在这里显示：网上申请的，只有申请人自己有；柜台申请的，由经办人打印。",
                "The code is not shown here: of a request made online its resident alone has it, of one made at the "
                "counter a clerk prints it.",
            )
        language, kind = console.pages.language(request), kind_of(console.work, found.request.type_id)
        title, title_zh = language.titled(kind.zh, kind.en)
        return console.page(
            request,
            at,
            "village_slip.html",
            here="inbox",
            proof=found.request,
            title=title,
            title_zh=title_zh,
            code=code,
            day=language.day(beijing_date(now)),
        )

    async def file(self, request: Asked, organ: FromPath[str], request_id: FromPath[str]) -> Response[bytes]:
        """The sealed file, for the clerk to print and hand over."""
        now = datetime.now(UTC)
        at = await self._console.at(request, organ, now)
        _, code, pdf = await sealed_file(self._console.work, at.member, request_id, now)
        name = f'inline; filename="{code.replace(" ", "")}.pdf"'
        return Response(pdf, media_type=PDF, headers={"Content-Disposition": name, "Cache-Control": "no-store"})


def identity_ways(console: Console) -> tuple[IdentityCheck, ...]:
    """How it can be seen here who asks."""
    has_provider = console.villages.signing.openid is not None
    return tuple(way for way in IdentityCheck if has_provider or way is not IdentityCheck.OPENID)


def _choices(console: Console, who: Member, kind: Kind) -> dict[str, Any]:
    """What the forms of a clerk let them choose from, and what the numbers of their decisions begin with."""
    return {
        "identity_ways": identity_ways(console),
        "correction_grounds": list(CorrectionGround),
        "bases": [each.text for each in kind.legal_basis],
        "decision_word": decision_word(who.organ),
    }


def decides(who: Member, found: ProofView, makers: frozenset[str]) -> bool:
    """Whether somebody may decide a request now, or a wish to cancel it."""
    return may_say(who, found) and who.account not in makers


def may_say(who: Member, found: ProofView) -> bool:
    """Whether it waits for the word of an approver, and they are one; who had a hand in it is told why they may not."""
    waits = found.request.turn is Turn.APPROVER or waits_for_approver(found.cancellation)
    return waits and who.has(OrganDuty.APPROVER)


def waits_for_approver(cancellation: Approval | None) -> bool:
    """Whether a wish to cancel waits for somebody's word."""
    return cancellation is not None and cancellation.state is ApprovalState.WAITING


def _may(who: Member, found: ProofView) -> Mapping[str, bool]:
    """Which forms and links a clerk has; an auditor and an approver have none."""
    state, clerk = found.request.state, who.has(OrganDuty.CLERK)
    sealed, life = clerk and state is ProofState.SEALED, found.life
    alone = sealed and life is not None and life.correction is None and not waits_for_cancelling(found.cancellation)
    return {
        "edit": clerk and state in WITH_CLERK,
        "withdraw": clerk and state in PROOF_ACTS[ProofAct.WITHDRAW].leads,
        "reopen": clerk and found.request.could_not_be_sealed,
        "correct": alone and life is not None and life.state in USABLE,
        "cancel": alone and life is not None and life.state in CANCELLABLE,
        "take": sealed and life is not None and life.state in USABLE,
    }


def _differing(
    found: ProofView, differing: Sequence[Difference] | None, kind: Kind, language: Language
) -> list[DifferenceRow] | None:
    """What differs, while somebody has to look at it; nothing where there is nothing to compare with."""
    if differing is None or found.request.turn is None:
        return None
    return difference_rows(kind, differing, language)


def _failure(approval: Approval | None, language: Language) -> str:
    error = ((approval.result if approval else None) or {}).get("error") or {}
    return str(language.pick(str(error.get("zh", "")), str(error.get("en", ""))))


def _said(refused: Refused | None, found: ProofView, kind: Kind, language: Language) -> dict[str, Any]:
    """What the page says of a form that came to nothing; after a stale one also what happened since it was shown."""
    if refused is None:
        return {"refused": "", "said": "", "typed": {}, "meanwhile": [], "refused_problems": []}
    error = refused.error
    seen = refused.seen
    stale = seen is not None and error.code == "changed_meanwhile"
    since = [event for event in found.events if stale and seen is not None and event.version > seen]
    kept = handled_rows(found, language)[: len(since)]
    unprintable = isinstance(error, (MissingGlyph, TextTooLong))
    problems = []
    for each in error.problems:
        at, text = each.field.partition(".")[0], language.pick(each.zh, each.en)
        named = label_of(kind, at, language)[0] + language.words["desk"]["colon"] if unprintable else ""
        problems.append((at, named + text))
    return {
        "refused": refused.form,
        "said": language.pick(error.title_zh, error.title()) if unprintable else language.pick(error.zh, error.en),
        "typed": refused.typed,
        "meanwhile": kept,
        "refused_problems": problems,
    }
