"""How others come to trust us: the page `/trust` in plain words, and the signed list and anchors as files."""

import asyncio
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID
from litestar import Response
from litestar.handlers import HTTPRouteHandler

from certsvc.domain.calendar import beijing_date
from certsvc.errors import NotFound, Unavailable
from certsvc.http.facts import FIVE_MINUTES
from certsvc.http.pages import Pages
from certsvc.http.routes import Asked, route
from certsvc.http.static import read_trust_file

LIST, PEM, PKCS7, PRACTICE = "list.json", "anchors.pem", "anchors.p7b", "practice.md"
VERIFIER = "verifier.json"
"""The keys for a reader that builds no X.509 paths: pages read it, so the page on trust does not offer it."""

ROOTS = re.compile(r"root(?:\.([1-9][0-9]{0,3}))?\.pem", re.ASCII)
MOST_ROOTS = 20


@dataclass(frozen=True, slots=True)
class ShownRoot:
    """One of our roots as the page shows it; `address` is where its certificate (DER) is, under `file`'s name."""

    organisation: str
    fingerprint: tuple[str, ...]
    first: date
    last: date
    address: str
    file: str


def trusting_routes(folder: Path, pages: Pages) -> list[HTTPRouteHandler]:
    """`/trust`, and under it what is published in `trust/` of the folder of public facts."""
    trusting = _Trusting(folder, pages)
    files = [f"/trust/{name}" for name in (LIST, PEM, PKCS7, PRACTICE, VERIFIER)]
    return [route("/trust", "trusting", trusting.page), route(files, "trust_files", trusting.file)]


class _Trusting:
    def __init__(self, folder: Path, pages: Pages) -> None:
        self._folder, self._pages = folder, pages

    async def page(self, request: Asked) -> Response[bytes]:
        roots, files = await asyncio.to_thread(self._published)
        return self._pages.trusting(request, roots, files)

    async def file(self, request: Asked) -> Response[bytes]:
        found = await asyncio.to_thread(read_trust_file, self._folder, request.scope["path"].lstrip("/"))
        headers = {
            "Access-Control-Allow-Origin": "*",
            "Cache-Control": FIVE_MINUTES,
            "Cross-Origin-Resource-Policy": "cross-origin",
            "Vary": "Accept-Encoding",
        }
        return Response(found.content, media_type=found.media_type, headers=headers)

    def _published(self) -> tuple[list[ShownRoot], Mapping[str, bool]]:
        roots = list(self._roots())
        if not roots:
            raise Unavailable("根证书现在读不到。", "The root certificate cannot be read now.")
        return roots, {name: (self._folder / "trust" / name).is_file() for name in (LIST, PEM, PKCS7, PRACTICE)}

    def _roots(self) -> Iterator[ShownRoot]:
        """Our roots, the newest first."""
        folder = self._folder / "anchors"
        found = [match for path in folder.glob("root*.pem") if (match := ROOTS.fullmatch(path.name))]
        for match in sorted(found, key=lambda match: -int(match[1] or 1))[:MOST_ROOTS]:
            try:
                certificate = x509.load_pem_x509_certificate(read_trust_file(folder, match[0]).content)
            except (NotFound, ValueError):
                continue
            yield _shown(certificate, Path(match[0]).stem)


def _shown(certificate: x509.Certificate, name: str) -> ShownRoot:
    organisations = certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    return ShownRoot(
        organisation=str(organisations[0].value) if organisations else "",
        fingerprint=tuple(certificate.fingerprint(hashes.SHA256()).hex(" ", 2).upper().split(" ")),
        first=beijing_date(certificate.not_valid_before_utc),
        last=beijing_date(certificate.not_valid_after_utc),
        address=f"/ca/{name}.cer",
        file=f"{name}.cer",
    )
