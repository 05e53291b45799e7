"""`/openapi.json` and `/docs`: the contract, and a page to read it and try it. Nothing on it comes from elsewhere."""

import hashlib
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from string import Template

import msgspec
from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from certsvc.errors import MachineProblem
from certsvc.http.negotiation import HTML, JSON
from certsvc.http.office.bundle import Office
from certsvc.http.office.contract import make_contract
from certsvc.http.office.examples import load_examples
from certsvc.http.routes import Asked, route
from certsvc.http.shared import FOR_EVER
from certsvc.http.static import StaticFile, find_asset

CONTRACT_PATH, DOCS_PATH = "/openapi.json", "/docs"
KEPT = {"Cache-Control": "public, max-age=300", "Cross-Origin-Resource-Policy": "same-origin"}
VIEWER = {"style": "swagger-ui.css", "viewer": "swagger-ui-bundle.js"}
OWN = {"own_style": "docs.css", "start": "start.js"}
MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript"}
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "style-src 'self'",
        "script-src 'self'",
        "img-src data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
"""Of the page alone. The viewer draws with `data:` pictures and writes HTML as text, which trusted types forbid."""


def reference_routes(operations: Sequence[HTTPRouteHandler], office: Office) -> list[HTTPRouteHandler]:
    """The contract of these operations, and the page.

    Raises:
        MachineProblem: the files of the viewer are not installed.
    """
    contract = make_contract(operations, office.access.tokens.issuer, load_examples(office.issuing))
    reference = _Reference(msgspec.json.encode(contract), office.site.web_folder / "docs")
    return [
        route(CONTRACT_PATH, "contract", reference.contract),
        route(DOCS_PATH, "docs", reference.page),
        route(DOCS_PATH + "/{name:str}", "docs_file", reference.file),
    ]


class _Reference:
    """What the routes answer: always the same."""

    def __init__(self, contract: bytes, folder: Path) -> None:
        self._contract, self._etag = contract, f'"{hashlib.sha256(contract).hexdigest()[:32]}"'
        viewer = _viewer_folder()
        paths = {role: viewer / name for role, name in VIEWER.items()} | {r: folder / n for r, n in OWN.items()}
        self._files, addresses = {}, {}
        for role, path in paths.items():
            content = path.read_bytes()
            name = f"{path.stem}.{hashlib.sha256(content).hexdigest()[:16]}{path.suffix}"
            self._files[name] = StaticFile(content, MEDIA_TYPES[path.suffix])
            addresses[role] = f"{DOCS_PATH}/{name}"
        self._page = Template((folder / "page.html").read_text("utf-8")).substitute(addresses).encode()

    async def contract(self, request: Asked) -> Response[bytes]:
        headers = {**KEPT, "ETag": self._etag, "Vary": "Accept-Encoding"}
        if self._etag in request.headers.get("if-none-match", ""):
            return Response(b"", status_code=304, headers=headers, media_type=JSON)
        return Response(self._contract, media_type=JSON, headers=headers)

    async def page(self) -> Response[bytes]:
        headers = {**KEPT, "Content-Security-Policy": CONTENT_SECURITY_POLICY}
        return Response(self._page, media_type=HTML, headers=headers)

    async def file(self, name: FromPath[str]) -> Response[bytes]:
        found = find_asset(self._files, name)
        headers = {**KEPT, "Cache-Control": FOR_EVER, "Vary": "Accept-Encoding"}
        return Response(found.content, media_type=found.media_type, headers=headers)


def _viewer_folder() -> Path:
    """Where Swagger UI is installed: the files of the wheel `swagger-ui-py`, whose code is not loaded."""
    found = find_spec("swagger_ui")
    if found is None or found.origin is None:
        raise MachineProblem("缺少 swagger-ui-py。", "The package swagger-ui-py is missing.")
    return Path(found.origin).parent / "static"
