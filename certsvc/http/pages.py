"""Answers: a page in the reader's language, or JSON."""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

import jinja2
import msgspec
from litestar import Request, Response
from markupsafe import Markup, escape

from certsvc.domain.token import Claims
from certsvc.errors import CertsvcError, NotFound
from certsvc.http.language import Language, load_languages
from certsvc.http.negotiation import HTML, JSON, PROBLEM, wanted_language, wants_page
from certsvc.http.problems import Shown, problem_json
from certsvc.http.site import Site
from certsvc.http.static import load_assets
from certsvc.http.verifier.progress import case_view
from certsvc.http.verifier.view import result_view
from certsvc.verify.case import CaseReport
from certsvc.verify.json import case_json, report_json
from certsvc.verify.report import Report

ASSETS_PATH = "/static/"
DAY = re.compile(r"\d{4}-\d\d-\d\d|\d{4}年\d{1,2}月\d{1,2}日|\d{1,2} [A-Z][a-z]{2,8} \d{4}", re.ASCII)


class Pages:
    """Templates, words and assets of one site, loaded once; a missing one stops the start, not a reader."""

    def __init__(self, site: Site) -> None:
        self._languages = load_languages(site.web_folder / "words")
        self.asset_names, self.assets = load_assets(site.web_folder / "static")
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(site.web_folder / "pages"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters["days"] = keep_days_whole
        self._templates.globals["site"] = site
        self._templates.globals["asset"] = lambda name: ASSETS_PATH + self.asset_names[name]
        for name in self._templates.list_templates():
            self._templates.get_template(name)

    def language(self, request: Request[Any, Any, Any]) -> Language:
        """The language to answer in."""
        return self._languages[wanted_language(request)]

    def home(self, request: Request[Any, Any, Any]) -> Response[bytes]:
        """The start: scan, type or drop."""
        return self._page(request, "home.html", 200)

    def mistyped(self, request: Request[Any, Any, Any], typed: str, error: CertsvcError) -> Response[bytes]:
        """The start again, with what was typed and what is wrong with it."""
        return self._page(request, "home.html", error.status, typed=typed, message=self._said(request, error))

    def no_record(self, request: Request[Any, Any, Any], typed: str, error: NotFound) -> Response[bytes]:
        """The start again: nothing is wrong with the code typed, and no record has it. The same for every code."""
        still = self.language(request).words["problem"]["still_no_record"]
        return self._page(request, "home.html", 404, typed=typed, missing=self._said(request, error), still=still)

    def no_case(self, request: Request[Any, Any, Any], typed: str, error: NotFound) -> Response[bytes]:
        """The same for the code of a case."""
        still = self.language(request).words["problem"]["still_no_case"]
        return self._page(request, "home.html", 404, typed=typed, missing=self._said(request, error), still=still)

    def result(
        self,
        request: Request[Any, Any, Any],
        report: Report,
        status: int,
        *,
        claims: Claims | None = None,
        file_name: str | None = None,
    ) -> Response[bytes]:
        """A report, as a page or as JSON."""
        if not wants_page(request):
            named = {} if file_name is None else {"file": file_name}
            return _response(msgspec.json.encode({**named, **report_json(report)}), JSON, status)
        view = result_view(report, self.language(request), claims)
        return self._page(request, "result.html", status, view=view, file_name=file_name)

    def case(self, request: Request[Any, Any, Any], report: CaseReport) -> Response[bytes]:
        """How far a case has come, as a page or as JSON."""
        if not wants_page(request):
            return _response(msgspec.json.encode(case_json(report)), JSON, 200)
        return self._page(request, "case.html", 200, case=case_view(report, self.language(request)))

    def trusting(
        self, request: Request[Any, Any, Any], roots: Sequence[object], files: Mapping[str, bool]
    ) -> Response[bytes]:
        """How to trust us: the fingerprints of our roots, the steps, and the files that are published."""
        return self._page(request, "trusting.html", 200, roots=roots, files=files, day=self.language(request).day)

    def problem(self, request: Request[Any, Any, Any], shown: Shown) -> Response[bytes]:
        """A problem, as a page or as JSON (RFC 9457)."""
        if not wants_page(request):
            response = _response(msgspec.json.encode(problem_json(shown)), PROBLEM, shown.status)
            response.headers["Content-Language"] = self.language(request).tag
        else:
            response = self._page(request, "problem.html", shown.status, problem=shown)
        response.headers.update(shown.headers)
        return response

    def _said(self, request: Request[Any, Any, Any], error: CertsvcError) -> str:
        return self.language(request).pick(error.zh, error.en)

    def _page(self, request: Request[Any, Any, Any], name: str, status: int, **values: Any) -> Response[bytes]:
        language = self.language(request)
        asked = request.query_params.get("lang") == language.code
        known = {
            "w": language.words,
            "language": language.code,
            "keep": f"?lang={language.code}" if asked else "",
            "other": _address(request, lang=language.words["other"]["code"])
            or "/?lang=" + language.words["other"]["code"],
            "again": _address(request, **({"lang": language.code} if asked else {})),
            "typed": "",
            "message": "",
            "missing": "",
        }
        html = self._templates.get_template(name).render({**known, **values})
        response = _response(html.encode(), HTML, status)
        response.headers["Content-Language"] = language.tag
        return response


def keep_days_whole(text: str) -> Markup:
    """Text as HTML in which no date breaks over two lines."""
    return Markup(DAY.sub(r'<span class="day">\g<0></span>', str(escape(text))))  # noqa: S704  escaped just now


def _address(request: Request[Any, Any, Any], **query: str) -> str:
    """The address of this page, with this query; empty where there is none, as a checked file is not kept."""
    if request.method not in ("GET", "HEAD"):
        return ""
    path = quote("/" + request.scope["path"].lstrip("/"))  # two slashes would lead to another host
    typed = {name: value for name, value in request.query_params.items() if name == "code"}
    return path + ("?" + urlencode({**typed, **query}) if typed or query else "")


def _response(content: bytes, media_type: str, status: int) -> Response[bytes]:
    return Response(content, media_type=media_type, status_code=status)
