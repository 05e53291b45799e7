"""Public facts of trust as files: CRLs, certificates of authorities, trust anchors. Every role can serve them: they
are signed, and nobody has to trust the server."""

import asyncio
import re
from pathlib import Path

from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from certsvc.http.routes import route
from certsvc.http.site import Site
from certsvc.http.static import no_such_file, read_trust_file

FIVE_MINUTES = "public, max-age=300"
FIRST_ADDRESSES = re.compile(r"(?P<authority>root|issuing)\.(?P<kind>crl|cer)")
"""Under /trust/, in X.509 certificates of the first ceremonies."""

FOLDERS = {"crl": "crl", "cer": "ca"}


def static_trust_routes(site: Site) -> list[HTTPRouteHandler]:
    """`/crl/{name}.crl`, `/ca/{name}.cer` and `/trust/…`: everything in the folder of public facts."""
    facts = _Facts(site.trust_folder)
    return [
        route("/crl/{name:str}", "crl", facts.crl),
        route("/ca/{name:str}", "ca", facts.certificate),
        route("/trust/{name:path}", "trust", facts.any),
    ]


class _Facts:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def crl(self, name: FromPath[str]) -> Response[bytes]:
        return await self._file(f"crl/{name}", ".crl")

    async def certificate(self, name: FromPath[str]) -> Response[bytes]:
        return await self._file(f"ca/{name}", ".cer")

    async def any(self, name: FromPath[str]) -> Response[bytes]:
        path = name.lstrip("/")
        first = FIRST_ADDRESSES.fullmatch(path)
        return await self._file(f"{FOLDERS[first['kind']]}/{path}" if first else path, "")

    async def _file(self, path: str, suffix: str) -> Response[bytes]:
        if not path.endswith(suffix):
            raise no_such_file()
        found = await asyncio.to_thread(read_trust_file, self._folder, path)
        headers = {
            "Access-Control-Allow-Origin": "*",
            "Cache-Control": FIVE_MINUTES,
            "Cross-Origin-Resource-Policy": "cross-origin",
            "Vary": "Accept-Encoding",
        }
        return Response(found.content, media_type=found.media_type, headers=headers)
