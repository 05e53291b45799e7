"""What every page for residents begins with: the language, large print, how often one may ask, and whose form it is.

Nobody signs in here. A form has a token that is bound to the time at which it was shown: it makes what is sent twice
one request, and whoever sends many has to fetch a page for each.
"""

import hmac
import io
import math
import re
import secrets
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import segno
from litestar import Response
from litestar.response import Redirect
from markupsafe import Markup

from certsvc.errors import Forbidden, TooManyRequests
from certsvc.http.language import CODES, NAMES, TAGS
from certsvc.http.pages import Pages, asked_again, is_read_again
from certsvc.http.rate import Buckets, address_of, is_this_machine
from certsvc.http.routes import Asked
from certsvc.services import PayloadCipher

LARGE = "large"
SENT_PER_MINUTE, ASKED_PER_MINUTE, SENT_BY_ALL = 20, 60, 300
"""How often one address may send a request, and ask with a code, and how many all together may send, in a minute. A
counter with a terminal and its visitors are one address."""

FORM_LASTS = timedelta(hours=24)
FORM = re.compile(r"([A-Za-z0-9_-]{24})\.([0-9]{1,12})\.([0-9a-f]{32})", re.ASCII)

KEPT = frozenset({"organ", "town", "place", "name"})
"""What of a query belongs to what is shown, beside language and size."""


def is_large(request: Asked) -> bool:
    """Whether large print is asked for: it stays from page to page."""
    return request.query_params.get("size") == LARGE


def kept_query(request: Asked, **changes: str) -> dict[str, str]:
    """What goes with every link: language and size, where they were asked for."""
    lang, size = request.query_params.get("lang", ""), LARGE if is_large(request) else ""
    kept = {"lang": lang if lang in CODES else "", "size": size} | changes
    return {name: value for name, value in kept.items() if value}


def address_with(path: str, query: Mapping[str, str]) -> str:
    """An address with its query, if there is any."""
    return f"{path}?{urlencode(query)}" if query else path


def moved(request: Asked, path: str, **more: str) -> Redirect:
    """To another address of these pages, in the same language and size."""
    return Redirect(address_with(path, kept_query(request, **more)), status_code=303)


def resident_page(
    pages: Pages, request: Asked, name: str, status: int = 200, *, large: bool | None = None, **values: Any
) -> Response[bytes]:
    """A page for residents; its template extends `apply_layout.html`. `large` prints it so, whatever is asked for; with
    `alone` among the values the frame leads nowhere else."""
    language, kept = pages.language(request), kept_query(request)

    def again(**changes: str) -> str:
        """As it was asked for; but a code that somebody put into the address goes into no other."""
        strange = {*request.query_params} - KEPT
        return asked_again(request, [*strange], kept_query(request, **changes))

    known: dict[str, Any] = {
        "keep": address_with("", kept),
        "kept": kept,
        "others": [
            (again(lang=code), TAGS[code], NAMES[code])
            for code in CODES
            if code != language.code and is_read_again(request)
        ],
        "large": is_large(request) if large is None else large,
        "always_large": large is not None,
        "alone": False,
        "sized": again(size="" if is_large(request) else LARGE) if is_read_again(request) else "",
    }
    return pages.page(request, name, status, **{**known, **values})


class Limits:
    """How often residents may send and ask; one for all pages of a process. Requests of this machine itself, which come
    past the proxy, have no limit."""

    def __init__(self, sent: int = SENT_PER_MINUTE, asked: int = ASKED_PER_MINUTE, by_all: int = SENT_BY_ALL) -> None:
        self._sent, self._asked = (Buckets(sent), sent), (Buckets(asked), asked)
        self._by_all = Buckets(by_all), by_all

    def admit_sent(self, request: Asked) -> None:
        """Let a request for a proof in.

        Raises:
            TooManyRequests: this address, or all together, sent too many.
        """
        if not is_this_machine(request.scope):
            _take(self._sent, address_of(request.scope))
            _take(self._by_all, "all")

    def admit_asked(self, request: Asked) -> None:
        """Let a question with a code in.

        Raises:
            TooManyRequests: this address asked too often.
        """
        if not is_this_machine(request.scope):
            _take(self._asked, address_of(request.scope))


def require_own_page(request: Asked) -> None:
    """Browsers say where a form was sent from: another site's page asks for nothing in its visitors' names.

    Raises:
        Forbidden: it was sent from another site.
    """
    if request.headers.get("sec-fetch-site", "") == "cross-site":
        raise Forbidden("请从本网站的页面提交。", "Send the form from the page of this site.")


def new_form(cipher: PayloadCipher, now: datetime) -> str:
    """The token of a form that is shown now."""
    key, at = secrets.token_urlsafe(18), str(int(now.timestamp()))
    return f"{key}.{at}.{_mark(cipher, key, at)}"


def read_form_token(cipher: PayloadCipher, token: str, now: datetime) -> str | None:
    """What names the request that a form makes; None where the token is none of ours, or too old."""
    found = FORM.fullmatch(token)
    if found is None or not hmac.compare_digest(found[3], _mark(cipher, found[1], found[2])):
        return None
    age = now.timestamp() - int(found[2])
    return found[1] if -60 <= age <= FORM_LASTS.total_seconds() else None


def qr_picture(text: str) -> Markup:
    """A QR as SVG in the page: it lies in no file and no cache."""
    out = io.BytesIO()
    segno.make(text, error="m", micro=False).save(
        out, kind="svg", xmldecl=False, svgns=False, omitsize=True, border=4, dark="#000", light="#fff"
    )
    return Markup(out.getvalue().decode("ascii"))  # noqa: S704  made here from figures


def _mark(cipher: PayloadCipher, key: str, at: str) -> str:
    return cipher.look_up(f"apply form {key} {at}").hex()[:32]


def _take(limited: tuple[Buckets, int], name: str) -> None:
    buckets, per_minute = limited
    wait = math.ceil(buckets.wait(name, time.monotonic()))
    if wait:
        raise TooManyRequests(
            f"每分钟最多 {per_minute} 次，请过 {wait} 秒再试，填写的内容在返回上一页后仍在。",
            f"At most {per_minute} a minute: try again in {wait} seconds. What you typed is on the page before.",
            retry_after=wait,
        )
