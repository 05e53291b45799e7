"""Signed lists of states as files: every role can serve them, and any cache or mirror."""

import asyncio
import hashlib
from pathlib import Path

from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from certsvc.domain.status_list import FRESH_FOR, INDEX, NAME, list_file
from certsvc.http.routes import Asked, route
from certsvc.http.site import Site
from certsvc.http.static import StaticFile, no_such_file, read_trust_file

FRESH = f"public, max-age={FRESH_FOR.total_seconds():.0f}"
PUBLIC = {
    "Access-Control-Allow-Origin": "*",
    "Cache-Control": FRESH,
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Vary": "Accept-Encoding",
}


def status_list_routes(site: Site) -> list[HTTPRouteHandler]:
    """`/status`, which lists there are, and `/status/{list}`. States of the past are not kept: `time` is passed over,
    as by a folder of files, and a reader goes by what the list says of itself (draft, "Historical Resolution")."""
    lists = _Lists(site.trust_folder)
    return [route("/status", "status", lists.index), route("/status/{name:str}", "status_list", lists.one)]


class _Lists:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def index(self, request: Asked) -> Response[bytes]:
        found = await asyncio.to_thread(read_trust_file, self._folder, INDEX)
        return _answer(request, StaticFile(found.content, "application/json"))

    async def one(self, request: Asked, name: FromPath[str]) -> Response[bytes]:
        if not NAME.fullmatch(name):
            raise no_such_file()
        return _answer(request, await asyncio.to_thread(read_trust_file, self._folder, list_file(name)))


def _answer(request: Asked, found: StaticFile) -> Response[bytes]:
    tag = f'"{hashlib.sha256(found.content).hexdigest()}"'
    headers = {**PUBLIC, "ETag": tag}
    if tag in _tags(request.headers.get("if-none-match", "")):
        return Response(b"", status_code=304, headers=headers)
    return Response(found.content, media_type=found.media_type, headers=headers)


def _tags(header: str) -> set[str]:
    """The tags asked for; caches that compress make ours weak."""
    return {tag.strip().removeprefix("W/") for tag in header.split(",")}
