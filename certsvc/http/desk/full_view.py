"""The full view of a proof: a form without script, and one page that is not kept."""

import math
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Redirect

from certsvc.domain.full_view import LONGEST_OFFICE, LONGEST_PURPOSE
from certsvc.errors import CertsvcError, FullViewRefused, InvalidInput, NoTryLeft, Problem, TooManyRequests
from certsvc.http.desk.bundle import Desk
from certsvc.http.form import read_form
from certsvc.http.language import CODES
from certsvc.http.negotiation import JSON, wants_page
from certsvc.http.rate import Buckets, address_of
from certsvc.http.routes import Asked, route
from certsvc.http.verifier.full_view import full_view
from certsvc.http.verifier.view import result_view
from certsvc.ids import Ref, parse_typed_code
from certsvc.issuance.full_view import Asked as Typed
from certsvc.issuance.full_view import Opened, open_full_view
from certsvc.verify.json import report_json
from certsvc.verify.report import Report
from certsvc.verify.scan import report_code

TRIES_PER_MINUTE = 10
"""How often one address may try, whichever proofs: a counter's queue, and not a search."""

LONGEST_CHARACTERS = 24
LIMITS = {"characters": LONGEST_CHARACTERS, "office": LONGEST_OFFICE, "purpose": LONGEST_PURPOSE}
"""The fields of the form, and how many characters each may have."""


def full_view_routes(desk: Desk) -> list[HTTPRouteHandler]:
    """`POST /C/{code}/full`; a GET leads back to the certificate, where the form is."""
    viewing = _FullViewing(desk)
    return [
        route("/C/{code:str}/full", "full_view_form", viewing.form),
        route("/C/{code:str}/full", "full_view", viewing.open, "POST"),
    ]


class _FullViewing:
    """`now` is taken here, once per request."""

    def __init__(self, desk: Desk) -> None:
        self._desk, self._buckets = desk, Buckets(TRIES_PER_MINUTE)

    async def form(self, request: Asked, code: FromPath[str]) -> Redirect:
        """Somebody who opens the address again: what was shown once is not shown by it."""
        language = request.query_params.get("lang")
        query = f"?lang={language}" if language in CODES else ""
        return Redirect(f"/C/{parse_typed_code(code).typed_code}{query}#full", status_code=303)

    async def open(self, request: Asked, code: FromPath[str]) -> Response[bytes]:
        """The content, once; or why not, with what was typed."""
        self._admit(request)
        ref, fields = parse_typed_code(code), await read_form(request)
        typed = {name: fields.get(name, "")[: 4 * limit] for name, limit in LIMITS.items()}
        if missing := _wrong(typed):
            return self._again(request, ref, typed, InvalidInput(missing[0].zh, missing[0].en, problems=missing))
        asked, now = Typed(**typed, address=address_of(request.scope)), datetime.now(UTC)
        try:
            opened = await open_full_view(self._desk.full_views, ref, asked, now)
        except (FullViewRefused, NoTryLeft) as error:
            return self._again(request, ref, typed, error)
        report = await report_code(self._desk.full_views.catalog, self._desk.register, ref, now)
        return self._shown(request, report, opened)

    def _admit(self, request: Asked) -> None:
        wait = math.ceil(self._buckets.wait(address_of(request.scope), time.monotonic()))
        if wait:
            raise TooManyRequests(
                f"从您的网络试得太频繁了，请过 {wait} 秒再试。",
                f"There are too many tries from your network: try again in {wait} seconds.",
                retry_after=wait,
            )

    def _again(self, request: Asked, ref: Ref, typed: Mapping[str, str], error: CertsvcError) -> Response[bytes]:
        """The form again, with what was typed but for the characters; the same for every proof."""
        if not wants_page(request):
            raise error
        locked = isinstance(error, NoTryLeft)
        language = self._desk.pages.language(request)
        values = {
            "code": ref.typed_code,
            "locked": locked,
            "said": language.pick(error.zh, error.en),
            "wrong": {each.field: language.pick(each.zh, each.en) for each in error.problems},
            "filled": {**typed, "characters": ""},
        }
        response = self._desk.pages.page(request, "full_again.html", error.status, **values)
        if isinstance(error, NoTryLeft):
            response.headers["Retry-After"] = str(error.retry_after)
        return response

    def _shown(self, request: Asked, report: Report, opened: Opened) -> Response[bytes]:
        if not wants_page(request):
            return Response(msgspec.json.encode(_json(report, opened)), media_type=JSON, status_code=200)
        language = self._desk.pages.language(request)
        view, full = result_view(report, language), full_view(report, opened, language)
        return self._desk.pages.page(request, "full.html", 200, view=view, full=full, file_name=None)


def _wrong(typed: Mapping[str, str]) -> list[Problem]:
    """What is missing or too long, by field."""
    names = {
        "characters": ("证明上印的六个字符", "the six characters printed on the proof"),
        "office": ("贵单位的名称", "the name of your office"),
        "purpose": ("查看的事由", "what you need it for"),
    }
    found = []
    for field, (zh, en) in names.items():
        if not typed[field]:
            found.append(Problem(field, "missing", f"请填写{zh}。", f"Fill in {en}."))
        elif len(typed[field]) > (most := LIMITS[field]):
            said = f"{zh}最多 {most} 个字。", f"Shorten {en}: {most} characters at most."
            found.append(Problem(field, "too_long", *said))
        elif not typed[field].isprintable():
            found.append(
                Problem(field, "unprintable", f"{zh}中有不能显示的字符。", f"Take out what cannot be shown in {en}.")
            )
    return found


def _json(report: Report, opened: Opened) -> Mapping[str, Any]:
    rows = opened.kind.rows(opened.payload)
    fields = [{"key": field.key, "zh": field.zh, "en": field.en, "value": text} for field, text in rows]
    return {**report_json(report), "full_view": fields}
