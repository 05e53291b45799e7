"""`/apply/file` and `/apply/terminal`: the sealed file, for who has the code and the number that was handed over.

A terminal stands where many pass: it is in large print, prints the pages as pictures so that it needs no reader of
files, and forgets everything by itself after a minute, with or without a script.
"""

import base64
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from litestar import Response
from litestar.handlers import HTTPRouteHandler

from certsvc.domain.handing import Handed, TryPlace
from certsvc.errors import (
    ActNotAllowed,
    CertsvcError,
    HandingRefused,
    InvalidIdentifier,
    NotFound,
    StoreError,
    UnreadableFile,
    WorkersBusy,
)
from certsvc.http.form import read_form
from certsvc.http.headers import POLICY_WITH_PICTURES
from certsvc.http.pages import Pages
from certsvc.http.routes import Asked, route
from certsvc.http.village.bundle import Villages
from certsvc.http.village.resident import Limits, require_own_page, resident_page
from certsvc.ids import parse_progress_code
from certsvc.issuance.village.handing import fetch

FILE, TERMINAL = "/apply/file", "/apply/terminal"
LONGEST = {"code": 100, "secret": 40}
PDF = "application/pdf"
FORGETS_AFTER_SECONDS = 60


def fetching_routes(villages: Villages, pages: Pages, limits: Limits) -> list[HTTPRouteHandler]:
    """`/apply/file` on the own device, `/apply/terminal` on one that others use."""
    fetching = _Fetching(villages, pages, limits)
    return [
        route(FILE, "apply_file_form", fetching.form),
        route(FILE, "apply_file", fetching.file, "POST"),
        route(TERMINAL, "apply_terminal_form", fetching.terminal_form),
        route(TERMINAL, "apply_terminal", fetching.terminal, "POST"),
    ]


class _Fetching:
    """What the routes do. `now` is taken here, once per request."""

    def __init__(self, villages: Villages, pages: Pages, limits: Limits) -> None:
        self._villages, self._pages, self._limits = villages, pages, limits

    async def form(self, request: Asked) -> Response[bytes]:
        """Where code and number are typed."""
        return self._file_page(request, {}, None)

    async def file(self, request: Asked) -> Response[bytes]:
        """The file, to keep."""
        fields = await self._sent(request)
        try:
            handed = await self._fetched(fields, TryPlace.PAGE)
        except (HandingRefused, ActNotAllowed, NotFound, StoreError) as error:
            return self._file_page(request, fields, error)
        return _pdf(handed, "attachment")

    async def terminal_form(self, request: Asked) -> Response[bytes]:
        """The same at a terminal."""
        return self._terminal_page(request, {}, None)

    async def terminal(self, request: Asked) -> Response[bytes]:
        """The pages to print; or, where `as` is `pdf`, the file, for a terminal with a reader."""
        fields = await self._sent(request)
        try:
            handed = await self._fetched(fields, TryPlace.TERMINAL)
            if fields.get("as") == "pdf":
                return _pdf(handed, "inline")
            drawn = await self._villages.drawer.draw(handed.pdf)
        except (HandingRefused, ActNotAllowed, NotFound, StoreError, UnreadableFile, WorkersBusy) as error:
            return self._terminal_page(request, fields, error)
        pictures = [f"data:image/jpeg;base64,{base64.b64encode(page).decode('ascii')}" for page in drawn.pages]
        return self._terminal_page(request, fields, None, pictures)

    async def _sent(self, request: Asked) -> Mapping[str, str]:
        require_own_page(request)
        self._limits.admit_asked(request)
        fields = await read_form(request)
        return {name: fields.get(name, "")[:most] for name, most in {**LONGEST, "as": 3}.items()}

    async def _fetched(self, fields: Mapping[str, str], place: TryPlace) -> Handed:
        try:
            code = parse_progress_code(fields["code"])
        except InvalidIdentifier:
            raise HandingRefused.at_all() from None
        return await fetch(self._villages.out, code, fields["secret"], place, datetime.now(UTC))

    def _file_page(self, request: Asked, fields: Mapping[str, str], error: CertsvcError | None) -> Response[bytes]:
        """The form; the number is typed anew."""
        language = self._pages.language(request)
        said = language.pick(error.zh, error.en) if error else ""
        status, code = error.status if error else 200, fields.get("code", "")
        return resident_page(self._pages, request, "apply_file.html", status, code=code, said=said)

    def _terminal_page(
        self, request: Asked, fields: Mapping[str, str], error: CertsvcError | None, pictures: list[str] | None = None
    ) -> Response[bytes]:
        language = self._pages.language(request)
        values: dict[str, Any] = {
            "code": fields.get("code", ""),
            "secret": fields.get("secret", "") if pictures else "",
            "said": language.pick(error.zh, error.en) if error else "",
            "pictures": pictures or [],
            "alone": bool(pictures),  # a link elsewhere would leave the form that was sent to go back to
            "seconds": FORGETS_AFTER_SECONDS,
        }
        status = error.status if error else 200
        answer = resident_page(self._pages, request, "apply_terminal.html", status, large=True, **values)
        if pictures:
            answer.headers["Content-Security-Policy"] = POLICY_WITH_PICTURES
        return answer


def _pdf(handed: Handed, disposition: str) -> Response[bytes]:
    """A file under its typed code: there is nothing personal in its name."""
    headers = {"Content-Disposition": f'{disposition}; filename="{handed.ref.typed_code}.pdf"'}
    return Response(handed.pdf, media_type=PDF, status_code=200, headers=headers)
