"""Answers: a page in the reader's language, or JSON."""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

import msgspec
from litestar import Request, Response
from markupsafe import Markup, escape

from certsvc.domain.token import Claims
from certsvc.errors import AnotherAddress, CertsvcError, NotFound
from certsvc.http.headers import POLICY_WITH_PICTURES
from certsvc.http.language import CODES, NAMES, TAGS, Language, load_languages
from certsvc.http.negotiation import HTML, JSON, PROBLEM, wanted_language, wants_page
from certsvc.http.offers import offer_of
from certsvc.http.problems import RETRY_AFTER_SECONDS, Shown, problem_json
from certsvc.http.report_links import report_address
from certsvc.http.routes import LONGEST_URL
from certsvc.http.site import Site
from certsvc.http.static import load_assets
from certsvc.http.templates import load_templates
from certsvc.http.verifier.files import files_view, has_pictures
from certsvc.http.verifier.history import history_view
from certsvc.http.verifier.listing import parse_show
from certsvc.http.verifier.progress import case_view
from certsvc.http.verifier.receipt import receipt_view
from certsvc.http.verifier.view import result_view
from certsvc.verify.case import CaseReport
from certsvc.verify.changed import Changed
from certsvc.verify.history import HistoryReport, history_json
from certsvc.verify.json import case_json, report_json
from certsvc.verify.report import Report

LANGUAGE_MARK = re.compile(r'<span lang="[A-Za-z-]*">|</span>')
IN_APP = re.compile(
    r"MicroMessenger|DingTalk|AlipayClient|QQ/|Weibo|Line/|FBAN|Instagram|WhatsApp|aweme|Lark", re.ASCII
)
"""Browsers inside chat apps: many open no camera, choose no file and download none. They are told the way out."""

ASSETS_PATH = "/static/"
DAY = re.compile(r"\d{4}-\d\d-\d\d|\d{4}年\d{1,2}月\d{1,2}日|\d{1,2} [A-Z][a-z]{2,8} \d{4},?", re.ASCII)


class Pages:
    """Templates, words and assets of one site, loaded once; a missing one stops the start, not a reader."""

    def __init__(self, site: Site) -> None:
        self._languages = load_languages(site.web_folder / "words")
        self.asset_names, self.assets = load_assets(site.web_folder / "static")
        self._templates = load_templates(site.web_folder / "pages")
        self._templates.filters["days"] = keep_days_whole
        self._templates.filters["plain"] = without_marks
        self._templates.globals["site"] = site
        self._templates.globals["asset"] = lambda name: ASSETS_PATH + self.asset_names[name]
        for name in self._templates.list_templates():
            self._templates.get_template(name)

    def language(self, request: Request[Any, Any, Any]) -> Language:
        """The language to answer in."""
        return self._languages[wanted_language(request)]

    @property
    def languages(self) -> Sequence[Language]:
        """Every language there is."""
        return tuple(self._languages.values())

    def page(self, request: Request[Any, Any, Any], name: str, status: int = 200, **values: Any) -> Response[bytes]:
        """A page by the name of its template, for parts that choose their own words."""
        return self._page(request, name, status, **values)

    def home(self, request: Request[Any, Any, Any]) -> Response[bytes]:
        """The start: scan, type or drop."""
        return self._page(request, "home.html", 200)

    def mistyped(self, request: Request[Any, Any, Any], typed: str, error: CertsvcError) -> Response[bytes]:
        """The start again, with what was typed and what is wrong with it."""
        kind = "elsewhere" if isinstance(error, AnotherAddress) else "mistyped"
        return self._page(
            request, "home.html", error.status, typed=typed, message=self._said(request, error), kind=kind
        )

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
        file_sha256: str | None = None,
        changed: Changed | None = None,
    ) -> Response[bytes]:
        """A report, as a page or as JSON; `changed` is what was found to differ in a file."""
        if not wants_page(request):
            named = {} if file_name is None else {"file": file_name}
            return _response(msgspec.json.encode({**named, **report_json(report)}), JSON, status)
        language = self.language(request)
        show = parse_show(request.query_params.get("show"))
        view = result_view(report, language, claims, show=show, address=self._open_query(request, language))
        said = report.receipt.receipt if report.receipt else None
        receipt = receipt_view(said, language, report.receipt.sealed_at, past=True) if report.receipt and said else None
        offer = offer_of(request, report)
        wrong = report_address(request, report, file_sha256)
        files = files_view(report, changed, language)
        more = {"file_name": file_name, "receipt": receipt, "offer": offer, "report_address": wrong, "files": files}
        response = self._page(request, "result.html", status, view=view, **more)
        if has_pictures(files):
            response.headers["Content-Security-Policy"] = POLICY_WITH_PICTURES
        return response

    def answer(self, request: Request[Any, Any, Any], report: Report, claims: Claims | None = None) -> Response[bytes]:
        """What the register says of a QR, a code or a number; 503 where it did not answer."""
        response = self.result(request, report, 503 if report.register_failed else 200, claims=claims)
        if report.register_failed:
            response.headers["Retry-After"] = RETRY_AFTER_SECONDS
        return response

    def history(self, request: Request[Any, Any, Any], report: HistoryReport) -> Response[bytes]:
        """Everything that happened to a certificate, as a page or as JSON."""
        if not wants_page(request):
            return _response(msgspec.json.encode(history_json(report)), JSON, 200)
        return self._page(request, "history.html", 200, history=history_view(report, self.language(request)))

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
            response.headers["Content-Language"] = "en" if self.language(request).code == "en" else "zh-Hans"
        else:
            response = self._page(request, "problem.html", shown.status, problem=shown)
        response.headers.update(shown.headers)
        return response

    def _open_query(self, request: Request[Any, Any, Any], language: Language) -> str:
        """The address of this page with a query that may go on; empty where there is none."""
        asked = {"lang": language.code} if request.query_params.get("lang") == language.code else {}
        address = _address(request, without=("show",), **asked)
        return address and address + ("&" if "?" in address else "?")

    def _said(self, request: Request[Any, Any, Any], error: CertsvcError) -> str:
        return self.language(request).pick(error.zh, error.en)

    def _page(self, request: Request[Any, Any, Any], name: str, status: int, **values: Any) -> Response[bytes]:
        language = self.language(request)
        asked = request.query_params.get("lang") == language.code
        known = {
            "w": language.words,
            "language": language.code,
            "keep": f"?lang={language.code}" if asked else "",
            "tag": language.tag,
            "others": [
                (_address(request, lang=code), TAGS[code], NAMES[code])
                for code in CODES
                if code != language.code and is_read_again(request)
            ],
            "again": _address(request, **({"lang": language.code} if asked else {})),
            "in_app": IN_APP.search(request.headers.get("user-agent", "")[:1000]) is not None,
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


def without_marks(html: str) -> Markup:
    """HTML without the marks of language that a tab's title cannot have."""
    return Markup(LANGUAGE_MARK.sub("", html))  # noqa: S704  a template wrote it, and escaped what it put in


def is_read_again(request: Request[Any, Any, Any]) -> bool:
    """Whether a page may be asked for once more, in another language: what answers a form would lose what was typed."""
    return request.method in ("GET", "HEAD")


def asked_again(request: Request[Any, Any, Any], without: Sequence[str], query: Mapping[str, str]) -> str:
    """The address of this page as it was asked for, but for what is in `without` and in `query`, which is added; the
    page as it begins, where that would be longer than an address may be."""
    path = quote("/" + request.scope["path"].lstrip("/"))  # two slashes would lead to another host
    changed = {*without, *query}
    query_string = request.scope["query_string"].decode("latin-1")
    asked = [(name, value) for name, value in parse_qsl(query_string, True) if name not in changed]

    def address(pairs: Sequence[tuple[str, str]]) -> str:
        return f"{path}?{urlencode(pairs, quote_via=quote)}" if pairs else path

    whole, begins = address([*asked, *query.items()]), address([*query.items()])
    return whole if len(whole) <= LONGEST_URL else begins


def _address(request: Request[Any, Any, Any], without: Sequence[str] = (), **query: str) -> str:
    """The address of this page, with this query; empty where there is none, as a checked file is not kept."""
    return asked_again(request, ("lang", *without), query) if is_read_again(request) else ""


def _response(content: bytes, media_type: str, status: int) -> Response[bytes]:
    return Response(content, media_type=media_type, status_code=status)
