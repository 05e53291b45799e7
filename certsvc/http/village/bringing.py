"""`/apply/evidence`: residents add photos and pages to what they sent in online, and remove them, while it is with its
clerk. Without script; one file after another.

Who has only the code sees nothing of it: each act asks for the last four characters of the number, as changing what was
typed does. Pictures have no address of their own, for anybody could open it who finds it: the small ones lie in the
answer itself, large ones are the clerk's to look at. A file is drawn only for who was let in.
"""

import base64
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.response import Redirect

from certsvc.domain.evidence import LONGEST_NAME, MOST_EVIDENCE, MOST_FILE, MOST_PAGES
from certsvc.domain.proof_request import ProofRequest
from certsvc.errors import (
    CertsvcError,
    Conflict,
    Forbidden,
    InvalidIdentifier,
    InvalidInput,
    NotFound,
    NoTryLeft,
    WorkersBusy,
)
from certsvc.http.form import read_form
from certsvc.http.headers import POLICY_WITH_PICTURES
from certsvc.http.pages import Pages
from certsvc.http.routes import Asked, route
from certsvc.http.upload import Sent, Uploads
from certsvc.http.village.asking import too_old
from certsvc.http.village.bundle import Villages
from certsvc.http.village.evidence import evidence_rows
from certsvc.http.village.progress import (
    LONGEST_CODE,
    LONGEST_FOUR,
    PROGRESS,
    ProgressPage,
    require_changeable,
    version_seen,
)
from certsvc.http.village.resident import Limits, moved, new_form, read_form_token, require_own_page, resident_page
from certsvc.ids import ProgressCode, parse_progress_code
from certsvc.issuance.village.entering import form_of
from certsvc.issuance.village.evidence import (
    Brought,
    attach_by_code,
    detach_by_code,
    evidence_of,
    own_evidence,
    too_large,
)
from certsvc.issuance.village.handing import open_by_code
from certsvc.issuance.village.reading import progress

EVIDENCE = "/apply/evidence"
Act = Callable[[ProgressCode, int, str, datetime], Awaitable[object]]
"""What is done with a code, the version that was seen, the key of the form, now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LetIn:
    """Who was let in, with what, and what came of what they asked."""

    code: ProgressCode
    four: str
    now: datetime
    done: str = ""
    error: CertsvcError | None = None
    name: str = ""


def bringing_routes(villages: Villages, pages: Pages, limits: Limits) -> list[HTTPRouteHandler]:
    """`/apply/evidence` and what adds to it; opened by their address they lead to where the code is typed."""
    bringing = _Bringing(villages, pages, limits)
    return [
        route(EVIDENCE, "apply_evidence_form", bringing.form),
        route(EVIDENCE, "apply_evidence", bringing.show, "POST"),
        route(f"{EVIDENCE}/add", "apply_evidence_add_form", bringing.form),
        route(f"{EVIDENCE}/add", "apply_evidence_add", bringing.add, "POST"),
    ]


class _Bringing:
    """What the routes do. `now` is taken here, once per request."""

    def __init__(self, villages: Villages, pages: Pages, limits: Limits) -> None:
        self._villages, self._pages, self._limits = villages, pages, limits
        self._work, self._cipher = villages.work, villages.work.issuing.cipher
        self._shown, self._uploads = ProgressPage(villages, pages), Uploads(most=MOST_FILE)

    async def form(self, request: Asked) -> Redirect:
        """A code comes in no address."""
        return moved(request, PROGRESS)

    async def show(self, request: Asked) -> Response[bytes]:
        """What was added; with `remove` one less."""
        require_own_page(request)
        self._limits.admit_asked(request)
        fields = await read_form(request)
        evidence = fields.get("remove", "")[: 2 * LONGEST_NAME]

        async def remove(code: ProgressCode, seen: int, key: str, now: datetime) -> None:
            await detach_by_code(self._work, code, evidence, seen, key, now)

        return await self._done(request, fields, remove if evidence else None, "removed")

    async def add(self, request: Asked) -> Response[bytes]:
        """One file more; or what is wrong with it, with what was typed."""
        require_own_page(request)
        self._limits.admit_sent(request)
        sent = await self._uploads.read_form(request, keeps_texts=True)

        async def add(code: ProgressCode, seen: int, key: str, now: datetime) -> None:
            brought = _brought(sent)
            await attach_by_code(self._work, self._villages.drawer, code, brought, seen, key, now)

        return await self._done(request, sent.fields, add, "added")

    async def _done(self, request: Asked, fields: Mapping[str, str], act: Act | None, done: str) -> Response[bytes]:
        """Let in, do what was asked, and show what there is then."""
        now, typed, four = datetime.now(UTC), fields.get("code", "")[:LONGEST_CODE], fields.get("four", "")
        try:
            code = parse_progress_code(typed)
            found = await progress(self._work, code, now)
        except (InvalidIdentifier, NotFound):
            return self._shown.code(request, typed)
        try:
            known, _ = await open_by_code(self._villages.out, code, four[:LONGEST_FOUR], now)
            require_changeable(known)
        except (Forbidden, NoTryLeft, Conflict, NotFound) as error:
            return self._shown.status(request, code, found, now, error, "open")
        let_in = LetIn(code=code, four=four[:LONGEST_FOUR], now=now)
        if act is None:
            return await self._page(request, known, let_in)
        name = fields.get("name", "")[: 2 * LONGEST_NAME]
        refusal = await self._refusal(act, code, fields, now)
        known = await self._work.requests.request(known.id)
        after = LetIn(code=code, four=let_in.four, now=now, done="" if refusal else done, error=refusal, name=name)
        return await self._page(request, known, after)

    async def _refusal(
        self, act: Act, code: ProgressCode, fields: Mapping[str, str], now: datetime
    ) -> CertsvcError | None:
        """Do it, or say why not."""
        key = read_form_token(self._cipher, fields.get("form", ""), now)
        try:
            if key is None:
                raise too_old()
            await act(code, version_seen(fields), key, now)
        except CertsvcError as error:
            if error.status >= 500 and not isinstance(error, WorkersBusy):
                raise
            return error
        return None

    async def _page(self, request: Asked, known: ProofRequest, let_in: LetIn) -> Response[bytes]:
        language, title = self._pages.language(request), form_of(self._work, known.type_id).title
        own, error = await own_evidence(self._work, known), let_in.error
        rows = evidence_rows([one for one, _ in own], language)
        count = len(await evidence_of(self._work, known))
        values: dict[str, Any] = {
            "code": let_in.code,
            "four": let_in.four,
            "title": language.pick(title.zh, title.en),
            "organ": await self._work.organs.organ(known.organ),
            "rows": [(row, _source(small)) for row, (_, small) in zip(rows, own, strict=True)],
            "by_clerk": count - len(own),
            "has_room": count < MOST_EVIDENCE,
            "seen": known.version,
            "new_form": lambda: new_form(self._cipher, let_in.now),
            "said": language.pick(error.zh, error.en) if error else "",
            "typed_name": let_in.name if error else "",
            "done": let_in.done,
            "most": MOST_EVIDENCE,
            "most_mb": MOST_FILE // 1024 // 1024,
            "most_pages": MOST_PAGES,
        }
        answer = resident_page(self._pages, request, "apply_evidence.html", error.status if error else 200, **values)
        answer.headers["Content-Security-Policy"] = POLICY_WITH_PICTURES
        return answer


def _brought(sent: Sent) -> Brought:
    if sent.too_large is not None:
        raise too_large()
    if sent.file is None or not sent.file.content:
        raise InvalidInput("还没有选择照片或 PDF 文件。", "Choose a photo or a PDF first.")
    return Brought(sent.fields.get("name", "")[: 2 * LONGEST_NAME], sent.file.name, sent.file.content)


def _source(picture: bytes) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(picture).decode('ascii')}"
