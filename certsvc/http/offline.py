"""Verifying without network: the worker a browser keeps, the files that worker stores, and the pages that need them.

The answers themselves are worked out in the reader's browser (`verifier_web/static/verify-offline.js`): nothing here
knows what was asked. Everything a stored page needs stands under one version, so that no two versions ever mix.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from certsvc.http.headers import CONTENT_SECURITY_POLICY, no_powers_but
from certsvc.http.pages import ASSETS_PATH, Pages
from certsvc.http.routes import Asked, route
from certsvc.http.shared import FOR_EVER
from certsvc.http.site import Site
from certsvc.http.static import find_asset, no_such_file
from certsvc.http.verifier.offline import Kind, answer_words, camera_words, keeping_words

WORKER, RETREAT = "sw.js", "sw-off.js"
MODULES = (
    *("cbor.js", "token.js", "jws.js", "status-list.js", "verify-offline.js", "store.js", "words.js"),
    *("offline.js", "keeping.js", "scan.js", WORKER),
)
"""They name each other by plain names, so they stand in one folder, whose own name changes with any of them."""

LISTING, ANSWER = "shell.js", "answer"
SHOWN_WITH = ("style.css", "offline.css", "page.js", "mark.svg")
ICONS = {"icon-192.png": "192x192", "icon-512.png": "512x512"}
BRAND, GROUND = "#163a63", "#f3f5f7"
NO_CACHE = "no-cache"
"""May be stored, and is asked for anew each time: what the worker stores must never be `no-store`."""

WORKER_POLICY = "default-src 'none'; script-src 'self'; connect-src 'self'"
KEEPING_POLICY = CONTENT_SECURITY_POLICY + "; connect-src 'self'; manifest-src 'self'"


def offline_routes(kinds: Iterable[Kind], hosts: Iterable[str], site: Site, pages: Pages) -> list[HTTPRouteHandler]:
    """`/sw.js`, `/app.webmanifest`, `/offline`, `/scan`, and what the worker stores under `/offline/{version}/`.

    `hosts` are others that stand in QR codes of ours.
    """
    offline = _Offline(latest(kinds), sorted({site.host, *hosts}), site, pages)
    return [
        route("/sw.js", "worker", offline.worker),
        route("/app.webmanifest", "manifest", offline.manifest),
        route("/offline", "keeping", offline.keeping),
        route("/scan", "camera", offline.camera),
        route("/offline/{version:str}/{name:str}", "stored", offline.stored),
    ]


class _Offline:
    def __init__(self, kinds: Sequence[Kind], hosts: Sequence[str], site: Site, pages: Pages) -> None:
        self._kinds, self._hosts, self._site, self._pages = kinds, hosts, site, pages
        self._version = version_of(kinds, site, pages, hosts)
        self._base = f"/offline/{self._version}/"

    async def worker(self) -> Response[bytes]:
        """The one address that never changes. Switched off, it is a worker that takes every earlier one away."""
        begin = f'import "{self._base}{WORKER}";\n'.encode()
        content = begin if self._site.works_offline else self._asset(RETREAT)
        headers = {"Cache-Control": NO_CACHE, "Content-Security-Policy": WORKER_POLICY}
        return Response(content, media_type="text/javascript", headers=headers)

    async def manifest(self, request: Asked) -> Response[bytes]:
        words, keep = self._pages.language(request), request.query_params.get("lang")
        start = f"/scan?lang={words.code}" if keep == words.code else "/scan"
        said = {
            "id": "/",
            "name": words.words["site"]["name"],
            "short_name": words.words["site"]["name"],
            "lang": words.tag,
            "start_url": start,
            "scope": "/",
            "display": "minimal-ui",  # the address stays in sight: it is what a reader compares
            "theme_color": BRAND,
            "background_color": GROUND,
            "icons": list(self._icons()),
        }
        headers = {"Cache-Control": NO_CACHE, "Content-Language": words.tag}
        return Response(msgspec.json.encode(said), media_type="application/manifest+json", headers=headers)

    async def keeping(self, request: Asked) -> Response[bytes]:
        language = self._pages.language(request)
        kinds = sorted((str(language.pick(kind.zh, kind.en)), kind.type_number) for kind in self._kinds)
        said = _json(keeping_words(language, self._kinds))
        answer = self._pages.page(request, "keeping.html", base=self._base, kinds=kinds, said=said)
        answer.headers.update({"Cache-Control": NO_CACHE, "Content-Security-Policy": KEEPING_POLICY})
        return answer

    async def camera(self, request: Asked) -> Response[bytes]:
        said = _json(camera_words(self._pages.language(request), self._hosts))
        answer = self._pages.page(request, "scan.html", base=self._base, said=said)
        answer.headers.update({"Cache-Control": NO_CACHE, "Permissions-Policy": no_powers_but("camera")})
        return answer

    async def stored(self, request: Asked, version: FromPath[str], name: FromPath[str]) -> Response[bytes]:
        """A file of this version; of any other there is none, so that a worker never stores half of each."""
        if version != self._version:
            raise no_such_file()
        if name == ANSWER:
            return self._answer(request)
        if name == LISTING:
            content = self._listing()
        elif name in MODULES:
            content = self._asset(name)
        else:
            raise no_such_file()
        headers = {
            "Cache-Control": FOR_EVER,
            "Vary": "Accept-Encoding",
            "Content-Security-Policy": WORKER_POLICY,
        }
        return Response(content, media_type="text/javascript", headers=headers)

    def _answer(self, request: Asked) -> Response[bytes]:
        said = _json(answer_words(self._pages.language(request), self._kinds))
        answer = self._pages.page(request, "offline.html", base=self._base, said=said)
        answer.headers["Cache-Control"] = NO_CACHE
        return answer

    def _listing(self) -> bytes:
        """What the worker must know: its version, its languages, its files."""
        languages = [(language.code, language.tag) for language in self._pages.languages]
        files = [ASSETS_PATH + self._pages.asset_names[name] for name in SHOWN_WITH]
        files += [self._base + name for name in MODULES if name != WORKER]
        files += [f"{path}?lang={code}" for path in self._addresses() for code, _ in languages]
        said = {"version": self._version, "base": self._base, "languages": languages, "files": files}
        return b"".join(f"export const {name} = ".encode() + msgspec.json.encode(said[name]) + b";\n" for name in said)

    def _addresses(self) -> Iterator[str]:
        yield from (self._base + ANSWER, "/scan", "/offline")

    def _icons(self) -> Iterator[dict[str, str]]:
        svg = self._pages.asset_names["mark.svg"]
        yield {"src": ASSETS_PATH + svg, "sizes": "any", "type": "image/svg+xml"}
        for name, sizes in ICONS.items():
            src = ASSETS_PATH + self._pages.asset_names[name]
            yield {"src": src, "sizes": sizes, "type": "image/png", "purpose": "any maskable"}

    def _asset(self, name: str) -> bytes:
        return find_asset(self._pages.assets, self._pages.asset_names[name]).content


def latest(kinds: Iterable[Kind]) -> list[Kind]:
    """One of each type number, the newest version."""
    found: dict[int, Kind] = {}
    for kind in sorted(kinds, key=lambda kind: kind.version):
        found[kind.type_number] = kind
    return list(found.values())


def _json(said: Mapping[str, Any]) -> str:
    return msgspec.json.encode(said).decode()


def version_of(kinds: Sequence[Kind], site: Site, pages: Pages, hosts: Sequence[str] = ()) -> str:
    """A digest of everything that a stored page is made of: 16 characters."""
    said = [answer_words(language, kinds) for language in pages.languages]
    digest = hashlib.sha256(repr((site.host, hosts, site.is_demonstration, said)).encode())
    for path in sorted(_files(site.web_folder)):
        digest.update(repr((str(path.relative_to(site.web_folder)), path.read_bytes())).encode())
    return digest.hexdigest()[:16]


def _files(folder: Path) -> Iterator[Path]:
    for part in ("pages", "static", "words"):
        yield from (path for path in (folder / part).rglob("*") if path.is_file())
