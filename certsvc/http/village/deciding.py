"""Approving one request: what has changed comes first, then the paper as it will be, what was checked, and the opinion.

Agreeing is confirmed with a passkey, or password and code, over exactly the version that is shown; returning is not,
for it only stops.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Redirect

from certsvc.domain.acts import Act
from certsvc.domain.proof_acts import ProofAct
from certsvc.domain.proof_ground import correction_on_record
from certsvc.domain.proof_request import ProofRequest
from certsvc.domain.sitting import Agreed, agreeing_to, digest_of_said, key_of_one
from certsvc.errors import CertsvcError, InvalidInput, NotFound, SignInRefused
from certsvc.http.language import Language
from certsvc.http.negotiation import wants_page
from certsvc.http.routes import Asked, route
from certsvc.http.verifier.notes import ground_said
from certsvc.http.village.console import AT, At, Console
from certsvc.http.village.evidence import evidence_rows
from certsvc.http.village.lives import why_not
from certsvc.http.village.session import back_route
from certsvc.http.village.showing import Handled, difference_rows, handled_rows, looked_into, payload_facts, steps_of
from certsvc.http.village.typed import new_key, seen_and_key, seen_if_any, typed_key, typed_version
from certsvc.issuance.approvals import open_request
from certsvc.issuance.village.checking import AutomaticCheck, Finding, automatic_checks
from certsvc.issuance.village.deciding import decide, decide_cancel
from certsvc.issuance.village.doubts import doubt_about
from certsvc.issuance.village.evidence import evidence_of
from certsvc.issuance.village.handing import handed_out
from certsvc.issuance.village.reading import ProofView, view
from certsvc.issuance.village.sitting import require_may_agree
from certsvc.issuance.village.work import MOST_REASON, kind_of, visible

MOST_OPINION = 32 * 1024
"""Bytes of a form with an opinion: a reason of the greatest length has nine for each Chinese character."""

LOOKS = {
    Finding.GOOD: ("ok", "tick"),
    Finding.HEED: ("hold", "info"),
    Finding.BAD: ("bad", "stop"),
    Finding.UNKNOWN: ("unk", "unsure"),
}
"""Colour and shape of a finding; its word stands beside them."""


@dataclass(frozen=True, slots=True)
class Line:
    """A check in words."""

    name: str
    word: str
    said: str
    look: str
    icon: str


@dataclass(frozen=True, slots=True)
class Refused:
    """An opinion that came to nothing: why, what was typed, and what happened since the page was shown."""

    error: CertsvcError
    fields: Mapping[str, str] = field(default_factory=dict)


def deciding_routes(console: Console) -> list[HTTPRouteHandler]:
    """`…/requests/{id}/decide`."""

    async def decided(request: Asked, organ: FromPath[str], request_id: FromPath[str]) -> Response[Any]:
        """An opinion on one request."""
        now = datetime.now(UTC)
        at, fields = await console.form_at(request, organ, now, most=MOST_OPINION)
        found = await visible(console.work, at.member, request_id)
        try:
            where = await _decided(console, request, at, found, fields, now)
        except CertsvcError as error:
            if error.status >= 500 or isinstance(error, NotFound) or not wants_page(request):
                raise
            seen = await view(console.work, at.member, request_id, now)
            return await approval_page(console, request, at, seen, now, Refused(error, fields))
        return where

    one = f"{AT}/requests/{{request_id:str}}"
    return [
        route(f"{one}/decide", "village_decide", decided, "POST"),
        back_route(f"{one}/decide", "village_decide_back", one),
    ]


async def approval_page(
    console: Console, request: Asked, at: At, found: ProofView, now: datetime, refused: Refused | None = None
) -> Response[bytes]:
    """The page of a request for who may decide it, which they have just been given to read by `reading.view`."""
    language = console.pages.language(request)
    shown = await shown_to_approver(console, at, found, language, now)
    said = said_of_refused(refused, found, language)
    status = refused.error.status if refused else 200
    return console.page(request, at, "village_approve.html", status, here="inbox", **shown, **said)


async def shown_to_approver(
    console: Console, at: At, found: ProofView, language: Language, now: datetime
) -> dict[str, Any]:
    """What `village_approving.html` shows of a request, on its own page or in a sitting."""
    work, proof = console.work, found.request
    kind = kind_of(work, proof.type_id)
    title, title_zh = language.titled(kind.zh, kind.en)
    doubt = doubt_about(work, at.member.organ, proof.type_id, now)
    one = Agreed(proof.id, proof.version, agreeing_to(proof))
    handings = await handed_out(console.villages.out, at.member, proof.id) if found.cancellation else ()
    checks = await automatic_checks(work, console.villages.authorisations, at.member, found, now)
    return {
        "proof": proof,
        "agreed": one,
        "is_cancelling": one.act is ProofAct.CONFIRM_CANCEL,
        "may": await _may(console, at, one, now),
        "cannot": await why_not(work, proof, one.act, language, now),
        "title": title,
        "title_zh": title_zh,
        "steps": steps_of(found, language, handings, now),
        "since_round": None if found.since_round is None else difference_rows(kind, found.since_round, language),
        "since_last": None if found.since_last is None else difference_rows(kind, found.since_last, language),
        "facts": payload_facts(kind, found.payload, language),
        "looked": looked_into(found, language),
        "handled": handled_rows(found, language),
        "evidence_shown": evidence_rows(await evidence_of(work, proof), language),
        "doubt": doubt and language.pick(doubt.handling.zh, doubt.handling.en),
        "ground": (ground := _ground(console, found, language)),
        "said_why": _said_why(found, ground),
        "correction": found.content.correction,
        "correction_public": _correction(found, language),
        "checks": [] if one.act is ProofAct.CONFIRM_CANCEL else [check_line(each, language) for each in checks],
        "keeper": await work.organs.keeper(at.organ),
        "submitted": language.moment(proof.changed_at),
        "digest": digest_of_said([one]).hex(),
        "key": new_key(),
        "most_reason": MOST_REASON,
    }


def check_line(check: AutomaticCheck, language: Language) -> Line:
    """A check in words."""
    words = language.words["approve"]
    values = dict(check.values)
    if "day" in values:
        values["day"] = language.day(values["day"])
    if "problems" in values:
        values = {"problems": " ".join(language.pick(each.zh, each.en) for each in values["problems"])}
    look, icon = LOOKS[check.finding]
    return Line(
        words["checks"][check.name],
        words["findings"][check.finding],
        words["said"][check.said].format(**values),
        look,
        icon,
    )


def said_of_refused(refused: Refused | None, found: ProofView, language: Language) -> dict[str, Any]:
    """Why an opinion came to nothing, what happened since it was formed, and what was typed."""
    if refused is None:
        return {"said": "", "about": "", "typed": "", "meanwhile": []}
    error, fields = refused.error, refused.fields
    since = sum(event.version > seen_if_any(fields) for event in found.events)
    meanwhile: list[Handled] = handled_rows(found, language)[:since]
    return {
        "said": language.pick(error.zh, error.en),
        "about": fields.get("opinion", ""),
        "typed": fields.get("reason", ""),
        "meanwhile": meanwhile,
    }


async def send_back(console: Console, at: At, found: ProofRequest, fields: Mapping[str, str], now: datetime) -> None:
    """Return a request, or refuse to cancel its proof, with the reason that was typed.

    Raises:
        see `issuance.village.deciding.decide`.
    """
    say = decide_cancel if agreeing_to(found) is ProofAct.CONFIRM_CANCEL else decide
    reason = fields.get("reason", "").replace("\r\n", "\n")
    await say(console.work, at.member, found.id, False, reason, *seen_and_key(fields), now)


async def _decided(
    console: Console, request: Asked, at: At, found: ProofRequest, fields: Mapping[str, str], now: datetime
) -> Redirect:
    if fields.get("opinion") == "return":
        await send_back(console, at, found, fields, now)
        return console.go(request, at, f"/requests/{found.id}")
    if fields.get("opinion") != "agree":
        raise InvalidInput("请选择意见。", "Choose an opinion.")
    done = await _agreed(console, request, at, found, fields, now)
    return console.go(request, at, f"/sitting?done={done}")


async def _agreed(
    console: Console, request: Asked, at: At, found: ProofRequest, fields: Mapping[str, str], now: datetime
) -> str:
    """Agree to one request; the confirmation by which that was done, also where it was before."""
    one, key = Agreed(found.id, typed_version(fields), agreeing_to(found)), typed_key(fields)
    if known := await given_before(console, at, key_of_one(found.id, key)):
        return known
    await require_may_agree(console.work, at.member, one, now)
    try:
        sure = (await console.sessions.confirm(request, at.signed, digest_of_said([one]), fields, now)).id
    except SignInRefused:
        if known := await given_before(console, at, key_of_one(found.id, key)):
            return known
        raise
    say = decide if one.act is ProofAct.APPROVE else decide_cancel
    await say(console.work, at.member, found.id, True, None, one.seen, key, now, sure)
    return sure


async def given_before(console: Console, at: At, key: str) -> str:
    """The confirmation that was given under a key of who asks; "" where there is none yet. What is sent twice has its
    code used up by the first time."""
    became = await console.work.requests.became(at.signed.account, key=key)
    return became[0] if became else ""


async def _may(console: Console, at: At, one: Agreed, now: datetime) -> bool:
    try:
        await require_may_agree(console.work, at.member, one, now)
    except CertsvcError:
        return False
    return True


def _correction(found: ProofView, language: Language) -> str:
    """What everybody will read of why a proof is corrected."""
    ground = correction_on_record(found.content.ground)
    return ground_said(Act.CORRECT, ground.reason_code, ground.reason, language) or ""


def _said_why(found: ProofView, ground: Mapping[str, str] | None) -> str:
    """What the clerk wrote beside the ground of a cancellation."""
    asked = [event.reason for event in found.events if event.act is ProofAct.ASK_CANCEL and event.reason]
    return asked[-1] if ground and asked else ""


def _ground(console: Console, found: ProofView, language: Language) -> Mapping[str, str] | None:
    """What everybody will read of why a proof is to be cancelled."""
    if found.cancellation is None or found.cancellation.asked.act is not Act.RESCIND:
        return None
    try:
        ground = dict(open_request(console.work.issuing, found.cancellation.asked).ground)
    except NotFound:
        return None
    said = ground_said(Act.RESCIND, ground.get("reason_code"), ground.get("reason"), language)
    return {**ground, "reason": said or ""}
