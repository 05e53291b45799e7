"""Evidence of a request: looked at by who reads the request, added and removed by its clerk while it is with them.

Adding works without script, one file after another; with it several are sent one by one, photos made smaller before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from certsvc.domain.evidence import MOST_EVIDENCE, MOST_FILE, MOST_PAGES, Evidence, EvidenceKind
from certsvc.domain.organ import OrganDuty
from certsvc.domain.proof_request import ProofRequest
from certsvc.errors import CertsvcError, InvalidInput, NotFound
from certsvc.http.language import Language
from certsvc.http.negotiation import wants_page
from certsvc.http.routes import Asked, route
from certsvc.http.upload import Sent, Uploads
from certsvc.http.village.console import AT, At, Console
from certsvc.http.village.session import FORM_TOKEN, back_route
from certsvc.http.village.sign_in import json_answer
from certsvc.http.village.typed import new_key, seen_and_key
from certsvc.issuance.village.evidence import Brought, attach, detach, evidence_of, picture
from certsvc.issuance.village.reading import WITH_CLERK
from certsvc.issuance.village.work import kind_of, visible

EVIDENCE = f"{AT}/requests/{{request_id:str}}/evidence"
RUNS_NOTHING = "default-src 'none'; sandbox; frame-ancestors 'none'"
"""The policy of a picture that is opened by itself."""


@dataclass(frozen=True, slots=True)
class EvidenceRow:
    """Evidence as `evidence_list.html` shows it; `said` tells what kind it is and how many pages it has."""

    id: str
    name: str
    said: str
    pages: int
    person: str
    at: str


def evidence_rows(items: Sequence[Evidence], language: Language) -> list[EvidenceRow]:
    """What `evidence_of` gives, in words."""
    words = language.words["evidence"]
    return [
        EvidenceRow(
            id=one.id,
            name=one.name or words["unnamed"],
            said=words["photo"] if one.kind is EvidenceKind.PHOTO else words["pdf"].format(n=one.pages),
            pages=one.pages,
            person=one.person,
            at=language.moment(one.at),
        )
        for one in items
    ]


def evidence_routes(console: Console) -> list[HTTPRouteHandler]:
    """`…/requests/{id}/evidence` and below."""
    pages = _EvidencePages(console)
    return [
        route(EVIDENCE, "village_evidence", pages.listed),
        route(EVIDENCE, "village_evidence_add", pages.add, "POST"),
        route(f"{EVIDENCE}/{{evidence:str}}", "village_evidence_one", pages.one),
        route(f"{EVIDENCE}/{{evidence:str}}/remove", "village_evidence_remove", pages.remove, "POST"),
        back_route(f"{EVIDENCE}/{{evidence:str}}/remove", "village_evidence_remove_back", EVIDENCE),
        route(f"{EVIDENCE}/{{evidence:str}}/{{page:int}}", "village_evidence_picture", pages.picture),
    ]


class _EvidencePages:
    """Time is taken once per request."""

    def __init__(self, console: Console) -> None:
        self._console, self._work, self._drawer = console, console.work, console.villages.drawer
        self._uploads = Uploads(most=MOST_FILE)

    async def listed(self, request: Asked, organ: FromPath[str], request_id: FromPath[str]) -> Response[bytes]:
        """What there is, and the form to add more."""
        at = await self._console.at(request, organ, datetime.now(UTC))
        return await self._shown(request, at, request_id)

    async def add(self, request: Asked, organ: FromPath[str], request_id: FromPath[str]) -> Response[Any]:
        """One file more; or what is wrong with it, above the form, with what was typed."""
        now = datetime.now(UTC)
        self._console.sessions.require_own(request)
        at = await self._console.at(request, organ, now)
        await visible(self._work, at.member, request_id)
        sent: Sent | None = None
        try:
            sent = await self._uploads.read_form(request)
            self._console.sessions.require_token(request, sent.fields.get(FORM_TOKEN, ""))
            added = await self._added(at, request_id, sent, now)
        except CertsvcError as error:
            typed = sent.fields.get("name", "") if sent else ""
            return await self._refused(request, at, request_id, error, typed)
        if wants_page(request):
            return self._console.go(request, at, f"/requests/{request_id}/evidence?done=added#evidence")
        return json_answer({"version": added.version})

    async def remove(
        self, request: Asked, organ: FromPath[str], request_id: FromPath[str], evidence: FromPath[str]
    ) -> Response[Any]:
        """One file less."""
        now = datetime.now(UTC)
        at, fields = await self._console.form_at(request, organ, now)
        try:
            await detach(self._work, at.member, request_id, evidence, *seen_and_key(fields), now)
        except NotFound:
            raise
        except CertsvcError as error:
            return await self._refused(request, at, request_id, error, "")
        return self._console.go(request, at, f"/requests/{request_id}/evidence?done=removed#evidence")

    async def one(
        self, request: Asked, organ: FromPath[str], request_id: FromPath[str], evidence: FromPath[str]
    ) -> Response[bytes]:
        """All pages of one file, large enough to be read."""
        at = await self._console.at(request, organ, datetime.now(UTC))
        found = await visible(self._work, at.member, request_id)
        items = [one for one in await evidence_of(self._work, found) if one.id == evidence]
        if not items:
            raise NotFound("没有这个附件，或者已经删去。", "There is no such attachment, or it was removed.")
        (row,) = evidence_rows(items, self._console.pages.language(request))
        return self._console.page(request, at, "evidence_one.html", request_id=request_id, row=row)

    async def picture(
        self,
        request: Asked,
        organ: FromPath[str],
        request_id: FromPath[str],
        evidence: FromPath[str],
        page: FromPath[int],
    ) -> Response[bytes]:
        """One page as a picture, 0 is the small one: it is shown, kept nowhere, and runs nothing."""
        now = datetime.now(UTC)
        at = await self._console.at(request, organ, now)
        found = await picture(self._work, at.member, request_id, evidence, page, now)
        headers = {
            "Content-Security-Policy": RUNS_NOTHING,
            "Content-Disposition": 'inline; filename="evidence.jpg"',
        }
        return Response(found, media_type="image/jpeg", status_code=200, headers=headers)

    async def _added(self, at: At, request_id: str, sent: Sent, now: datetime) -> ProofRequest:
        if sent.file is None or not sent.file.content:
            raise InvalidInput("还没有选择照片或 PDF 文件。", "Choose a photo or a PDF first.")
        brought = Brought(sent.fields.get("name", ""), sent.file.name, sent.file.content)
        values = at.member, request_id, brought, *seen_and_key(sent.fields)
        return await attach(self._work, self._drawer, *values, now)

    async def _refused(
        self, request: Asked, at: At, request_id: str, error: CertsvcError, typed: str
    ) -> Response[bytes]:
        if error.status >= 500 or not wants_page(request):
            raise error
        return await self._shown(request, at, request_id, error, typed)

    async def _shown(
        self, request: Asked, at: At, request_id: str, error: CertsvcError | None = None, typed: str = ""
    ) -> Response[bytes]:
        found = await visible(self._work, at.member, request_id)
        items, language = await evidence_of(self._work, found), self._console.pages.language(request)
        kind, may_change = kind_of(self._work, found.type_id), _may_change(at, found)
        return self._console.page(
            request,
            at,
            "evidence.html",
            error.status if error else 200,
            request_id=request_id,
            type_title=language.pick(kind.zh, kind.en),
            rows=evidence_rows(items, language),
            may_change=may_change,
            has_room=len(items) < MOST_EVIDENCE,
            seen=found.version,
            new_key=new_key,
            said=language.pick(error.zh, error.en) if error else "",
            typed_name=typed,
            done=request.query_params.get("done", "") if request.method == "GET" else "",
            most=MOST_EVIDENCE,
            most_mb=MOST_FILE // 1024 // 1024,
            most_pages=MOST_PAGES,
        )


def _may_change(at: At, request: ProofRequest) -> bool:
    return at.member.has(OrganDuty.CLERK) and request.state in WITH_CLERK
