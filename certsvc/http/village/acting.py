"""The acts of a clerk on one request, each a form of its page. Sent twice it is done once; what is refused leaves the
page as it stands now, with the reason above it and at its form, and with what was typed."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import TypeVar

from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Redirect

from certsvc.domain.life import Ground
from certsvc.domain.organ import OrganDuty
from certsvc.domain.proof_doubt import DoubtNeed
from certsvc.domain.proof_ground import CorrectionGround
from certsvc.domain.proof_request import IdentityCheck
from certsvc.errors import CertsvcError, Forbidden, InvalidInput, NotFound, NotSignedIn
from certsvc.http.negotiation import wants_page
from certsvc.http.routes import Asked, route
from certsvc.http.village.console import AT, At, Console
from certsvc.http.village.requests import Refused, RequestPage, identity_ways
from certsvc.http.village.session import back_route
from certsvc.http.village.typed import MOST_TYPED, seen_and_key, seen_if_any, typed_key
from certsvc.ids import parse_typed_code
from certsvc.issuance.village.deciding import cancel, certificate_of, reopen, submit, withdraw
from certsvc.issuance.village.doubts import record_doubt
from certsvc.issuance.village.drafts import Opening, open_at_counter, record_identity
from certsvc.issuance.village.reading import view
from certsvc.issuance.village.work import Said

Fields = Mapping[str, str]
Act = Callable[[At, str, Fields, datetime], Awaitable[str]]
"""Does an act on the request of this id; the address to go to then, within the organ."""

Word = TypeVar("Word", bound=StrEnum)


def acting_routes(console: Console) -> list[HTTPRouteHandler]:
    """`…/requests/{id}/{act}`; opened by its address it leads to the request."""
    acts = _Acts(console)
    names: Mapping[str, Act] = {
        "identity": acts.identity,
        "doubt": acts.doubt,
        "submit": acts.submit,
        "withdraw": acts.withdraw,
        "reopen": acts.reopen,
        "cancel": acts.cancel,
        "correct": acts.correct,
    }
    one, shown = f"{AT}/requests/{{request_id:str}}", RequestPage(console)

    def acting(name: str, act: Act) -> Callable[..., Awaitable[Response[bytes] | Redirect]]:
        async def handle(request: Asked, organ: FromPath[str], request_id: FromPath[str]) -> Response[bytes] | Redirect:
            now = datetime.now(UTC)
            at, fields = await console.form_at(request, organ, now, MOST_TYPED)
            try:
                _require_clerk(at)
                return console.go(request, at, await act(at, request_id, fields, now))
            except (NotSignedIn, NotFound, Forbidden):
                raise
            except CertsvcError as error:
                if error.status >= 500 or not wants_page(request):
                    raise
                found = await view(console.work, at.member, request_id, now)
                refused = Refused(_section(name, fields), error, fields, seen_if_any(fields))
                return await shown.show(request, at, found, now, refused)

        return handle

    return [
        each
        for name, act in names.items()
        for each in (
            route(f"{one}/{name}", f"village_{name}", acting(name, act), "POST"),
            back_route(f"{one}/{name}", f"village_{name}_back", one),
        )
    ]


class _Acts:
    """What each form asks for, parsed."""

    def __init__(self, console: Console) -> None:
        self._work, self._ways = console.work, identity_ways(console)

    async def identity(self, at: At, request_id: str, fields: Fields, now: datetime) -> str:
        """How it was seen who asks."""
        how = _word(IdentityCheck, fields, "how")
        if how not in self._ways:
            raise InvalidInput("这里没有统一身份认证，请当面或者上门核验。", "There is no identity provider here.")
        done = await record_identity(self._work, at.member, request_id, how, *seen_and_key(fields), now)
        return f"/requests/{done.id}"

    async def doubt(self, at: At, request_id: str, fields: Fields, now: datetime) -> str:
        """What was found about a doubt in law."""
        need, said = _word(DoubtNeed, fields, "need"), fields.get("said", "")
        await record_doubt(self._work, at.member, request_id, need, said, *seen_and_key(fields), now)
        return f"/requests/{request_id}"

    async def submit(self, at: At, request_id: str, fields: Fields, now: datetime) -> str:
        """Put it before those who approve."""
        done = await submit(self._work, at.member, request_id, *seen_and_key(fields), now)
        return f"/requests/{done.id}"

    async def withdraw(self, at: At, request_id: str, fields: Fields, now: datetime) -> str:
        """Take it back for the resident."""
        reason = _text(fields, "reason")
        done = await withdraw(self._work, at.member, request_id, reason, *seen_and_key(fields), now)
        return f"/requests/{done.id}"

    async def reopen(self, at: At, request_id: str, fields: Fields, now: datetime) -> str:
        """Take up again what was approved and could not be done."""
        reason = _text(fields, "reason")
        done = await reopen(self._work, at.member, request_id, reason, *seen_and_key(fields), now)
        return f"/requests/{done.id}"

    async def cancel(self, at: At, request_id: str, fields: Fields, now: datetime) -> str:
        """Ask that the proof be rescinded."""
        ground = Ground(
            reason_code=_text(fields, "reason_code"),
            reason=_text(fields, "reason"),
            legal_basis=_text(fields, "legal_basis"),
            decision_number=_text(fields, "decision_number"),
        )
        done = await cancel(self._work, at.member, request_id, ground, *seen_and_key(fields), now)
        return f"/requests/{done.id}"

    async def correct(self, at: At, request_id: str, fields: Fields, now: datetime) -> str:
        """Open another request, filled in with what stands on the mistaken proof. What the resident consents to, and
        who they are, is recorded anew."""
        reason, found = _text(fields, "reason"), await view(self._work, at.member, request_id, now, is_whole=False)
        asked = Opening(
            key=typed_key(fields),
            type_id=found.request.type_id,
            said=Said(payload=found.payload, contact=found.content.contact, notes=found.content.notes),
            corrects=parse_typed_code(await certificate_of(self._work, found.request)),
            correction=reason,
            ground=_word(CorrectionGround, fields, "ground"),
        )
        opened = await open_at_counter(self._work, at.member, asked, now)
        return f"/requests/{opened.request.id}/form"


def _require_clerk(at: At) -> None:
    """An auditor reads, and nothing else; whoever forges a form is told before anything is looked at."""
    if not at.member.has(OrganDuty.CLERK):
        raise Forbidden(
            f"{at.member.name} 在{at.member.organ.name}不是经办人，不能办理。",
            f"{at.member.name} is no clerk of {at.member.organ.name}, and cannot do this.",
        )


def _section(name: str, fields: Fields) -> str:
    """The part of the page whose form it was."""
    return f"{name}-{fields.get('need', '')}" if name == "doubt" else name


def _text(fields: Fields, name: str) -> str:
    """A text that must be given, in the words of the form."""
    text = fields.get(name, "").strip()
    if not text:
        raise InvalidInput("请把必填的内容写全。", "Fill in everything that is asked for.")
    return text


def _word(kind: type[Word], fields: Fields, name: str) -> Word:
    try:
        return kind(fields.get(name, ""))
    except ValueError:
        raise InvalidInput("请选一项。", "Choose one.") from None
