"""`POST /receipts`: the check is run once more, here, and what it finds is signed. Nothing is stored."""

import functools
import math
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import msgspec
from litestar import Response
from litestar.handlers import HTTPRouteHandler
from structlog.typing import FilteringBoundLogger

from certsvc.domain.receipt import MOST_JWS, Maker, Receipt, parse_purpose
from certsvc.domain.token import Claims, parse_digits
from certsvc.errors import InvalidInput, TooManyRequests, Unavailable, WrongMediaType
from certsvc.http.form import FORM, read_form
from certsvc.http.messages import read_message
from certsvc.http.negotiation import HTML, JSON, best_of
from certsvc.http.pages import Pages
from certsvc.http.rate import Buckets, address_of
from certsvc.http.routes import Asked, route
from certsvc.http.site import Site
from certsvc.http.threads import KeyThreads
from certsvc.http.upload import Sent, Uploads
from certsvc.http.verifier.alarms import raise_alarms
from certsvc.http.verifier.receipt import receipt_view
from certsvc.http.verifier.shown import shown_page
from certsvc.ids import parse_typed_code
from certsvc.issuance.receipts import ReceiptPress
from certsvc.services import ReceiptPages
from certsvc.verify.photo import examine_upload
from certsvc.verify.receipt import verify_receipt
from certsvc.verify.receipt_content import Brought, receipt_of
from certsvc.verify.report import Report, Soundness
from certsvc.verify.scan import verify_code, verify_scan
from certsvc.verify.service import Verifying

PDF, JOSE, MULTIPART = "application/pdf", "application/jose", "multipart/form-data"
OFFERED = [JSON, PDF, JOSE, HTML]
WANTED = {"page": HTML, "json": JSON, "pdf": PDF, "jws": JOSE}
"""What a form's button asks for, by its value."""

MOST_FORM, LONGEST_QR = MOST_JWS + 16 * 1024, 1000
SECONDS = 20.0
"""A record is signed, or its pages are sealed and stamped, in this time."""

QR_ADDRESS = re.compile(r"https?://(?P<host>[^/]{1,200})/Q/(?P<digits>[0-9]{1,700})", re.ASCII | re.IGNORECASE)
SOURCES = ("code", "qr", "file", "receipt")


class Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a program sends as JSON: one of the three, and what is to be printed."""

    code: str | None = None
    qr: str | None = None
    receipt: str | None = None
    purpose: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipting:
    """What making receipts needs. `press` is asked for at every request, because keys come and go, and is None while
    the key cannot be used; `pages` sets what is printed; `program` is name and version of what runs here. One address
    may ask `per_minute` times."""

    verifying: Verifying
    press: Callable[[datetime], ReceiptPress | None]
    pages: ReceiptPages
    program: str
    per_minute: int


@dataclass(frozen=True, slots=True)
class _Checked:
    """A report, what it is about, and the claims of a token that is sound."""

    report: Report
    brought: Brought
    claims: Claims | None = None


def receipt_routes(
    receipting: Receipting | None, site: Site, pages: Pages, log: FilteringBoundLogger
) -> list[HTTPRouteHandler]:
    """`/receipts`: GET for the forms, POST for a receipt. Without `receipting` it says that there are none here."""
    receipts = _Receipts(receipting, site, pages, log)
    return [
        route("/receipts", "receipt_forms", receipts.forms),
        route("/receipts", "receipt", receipts.make, "POST"),
    ]


class _Receipts:
    """What the routes do. `now` is taken here, once per request."""

    def __init__(self, receipting: Receipting | None, site: Site, pages: Pages, log: FilteringBoundLogger) -> None:
        self._receipting, self._site, self._pages, self._log = receipting, site, pages, log
        self._uploads, self._threads = Uploads(), KeyThreads("receipt", seconds=SECONDS)
        self._buckets = Buckets(receipting.per_minute if receipting else 1)

    async def forms(self, request: Asked) -> Response[bytes]:
        return self._pages.page(request, "receipts.html")

    async def make(self, request: Asked) -> Response[bytes]:
        receipting = self._require_open()
        self._admit(request, receipting)
        sent, now = await self._read(request), datetime.now(UTC)
        wanted = WANTED.get(sent.fields.get("as", "")) or best_of(OFFERED, request.headers.get("accept", "*/*"))
        press = await self._threads.run(functools.partial(receipting.press, now))
        if press is None:
            raise Unavailable("回执的密钥用不了，现在不能出具回执。", "The key of receipts cannot be used now.")
        if sent.fields.get("receipt"):
            receipt, jws = self._read_again(receipting, sent.fields["receipt"], now)
        else:
            purpose = parse_purpose(sent.fields.get("purpose", ""))
            checked = await self._check(receipting, sent, now)
            raise_alarms(self._log, checked.report, request.scope)
            receipt = self._receipt(receipting, press, checked, purpose)
            jws = await self._threads.run(functools.partial(press.sign, msgspec.to_builtins(receipt)))
        return await self._answer(request, press, receipt, jws, wanted, now)

    def _require_open(self) -> Receipting:
        if self._receipting is None:
            raise Unavailable(
                "这里没有连接登记簿，不出具回执。", "No register is connected here: receipts are unavailable."
            )
        return self._receipting

    def _admit(self, request: Asked, receipting: Receipting) -> None:
        wait = math.ceil(self._buckets.wait(address_of(request.scope), time.monotonic()))
        if wait:
            raise TooManyRequests(
                f"每分钟最多出具 {receipting.per_minute} 份回执，请过 {wait} 秒再试。",
                f"At most {receipting.per_minute} receipts a minute: try again in {wait} seconds.",
                retry_after=wait,
            )

    async def _read(self, request: Asked) -> Sent:
        kind, _ = request.content_type
        if kind == MULTIPART:
            return _one_source(await self._uploads.read_form(request))
        if kind == JSON:
            body = _body(await read_message(request, JSON, MOST_FORM))
            return _one_source(Sent(None, {name: text for name, text in msgspec.structs.asdict(body).items() if text}))
        if kind != FORM:
            raise WrongMediaType(f"请用 {FORM}、{MULTIPART} 或 {JSON}。", f"Use {FORM}, {MULTIPART} or {JSON}.")
        return _one_source(Sent(None, await read_form(request, MOST_FORM)))

    async def _check(self, receipting: Receipting, sent: Sent, now: datetime) -> _Checked:
        """The verdict of this process, at this time: only that is signed."""
        verifying, fields = receipting.verifying, sent.fields
        if sent.file is not None:
            examined = await examine_upload(verifying, sent.file.content, now)
            report = examined.report
            if report.receipt is not None:
                raise InvalidInput(
                    "这本身就是一份回执，不再出具回执。", "This is a receipt itself: there is none of it."
                )
            by = "photo" if report.source == "photo" else "file"
            return _Checked(report, Brought(by, sent.file.content), _claims(report, examined.digits))
        if "code" in fields:
            code = parse_typed_code(fields["code"]).typed_code
            return _Checked(await verify_code(verifying, code, now), Brought("code", code.encode("ascii"), code))
        digits = self._digits(fields["qr"])
        report = await verify_scan(verifying, digits, now)
        claims = _claims(report, digits)
        return _Checked(
            report, Brought("qr", digits.encode("ascii"), claims.ref.typed_code if claims else None), claims
        )

    def _digits(self, text: str) -> str:
        found = QR_ADDRESS.fullmatch(text := text[:LONGEST_QR].strip())
        if found is None:
            return text
        if found["host"].lower() != self._site.host.lower():
            raise InvalidInput(
                f"这个二维码指向别的网址（{found['host']}），不是 {self._site.host}。",
                f"This QR leads to another host ({found['host']}), not to {self._site.host}.",
            )
        return found["digits"]

    def _receipt(self, receipting: Receipting, press: ReceiptPress, checked: _Checked, purpose: str | None) -> Receipt:
        languages = {language.code: language for language in self._pages.languages}
        maker = Maker(press.authority, self._site.public_url, receipting.program, press.is_demonstration)
        page = shown_page(checked.report, languages, checked.claims)
        return receipt_of(checked.report, checked.brought, page, maker, purpose)

    def _read_again(self, receipting: Receipting, jws: str, now: datetime) -> tuple[Receipt, str]:
        """A receipt that was made before and comes back for its pages: only a genuine one has any."""
        report = verify_receipt(receipting.verifying, jws.encode("ascii", "replace"), now)
        if report.receipt is None or report.receipt.receipt is None:
            raise InvalidInput(
                "这份回执的签名核对不上，不出具 PDF。",
                "The signature of this receipt does not hold: no PDF is made of it.",
            )
        return report.receipt.receipt, jws.strip()

    async def _answer(
        self, request: Asked, press: ReceiptPress, receipt: Receipt, jws: str, wanted: str, now: datetime
    ) -> Response[bytes]:
        if wanted == HTML:
            view = receipt_view(receipt, self._pages.language(request))
            return self._pages.page(request, "receipt.html", receipt=view, jws=jws)
        if wanted == JSON:
            content = msgspec.json.encode({"receipt": receipt, "jws": jws})
            return Response(content, media_type=JSON)
        if wanted == JOSE:
            return Response(jws.encode("ascii"), media_type=JOSE, headers=_named(receipt, "jws"))
        pages = await self._require_open().pages.set(receipt, jws)
        pdf = await self._threads.run(functools.partial(press.seal, pages, receipt, jws, now))
        return Response(pdf, media_type=PDF, headers=_named(receipt, "pdf"))


def _claims(report: Report, digits: str | None) -> Claims | None:
    """What a token says, only when its signature was found to be ours."""
    return parse_digits(digits).claims if digits and report.document is Soundness.SOUND else None


def _one_source(sent: Sent) -> Sent:
    """The form, if it brings one thing to be checked.

    Raises:
        InvalidInput: none, or several.
    """
    fields = {name: text.strip() for name, text in sent.fields.items()}
    given = [name for name in SOURCES if fields.get(name)] + (["file"] if sent.file is not None else [])
    if len(given) != 1:
        raise InvalidInput(
            "请给出查验码、二维码内容或者 PDF 文件，三样中的一样。",
            "Give one of these: a typed code, the content of a QR, or a PDF file.",
        )
    return Sent(sent.file, {name: text for name, text in fields.items() if text})


def _body(data: bytes) -> Body:
    try:
        return msgspec.json.decode(data, type=Body)
    except msgspec.DecodeError as error:
        raise InvalidInput(f"请求的内容不合要求：{error}", f"The body is not acceptable: {error}.") from None


def _named(receipt: Receipt, ending: str) -> dict[str, Any]:
    """The name under which a browser keeps the file (RFC 6266)."""
    short = receipt.id[:8].upper()
    name = quote(f"查验回执-{short}.{ending}")
    return {"Content-Disposition": f"attachment; filename=\"receipt-{short}.{ending}\"; filename*=UTF-8''{name}"}
