"""Readers that go online: pyHanko seals with a timestamp over HTTP, and pyHanko and pdfsig ask the service for OCSP
and CRLs, with our root as their only anchor."""

import asyncio
import io
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from asn1crypto import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import SigSeedSubFilter
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner, Signer
from pyhanko.sign.timestamps import HTTPTimeStamper
from pyhanko.sign.validation import async_validate_pdf_signature
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.fetchers.aiohttp_fetchers import AIOHttpFetcherBackend
from pyhanko_certvalidator.registry import SimpleCertificateStore
from trust_pki import Pki, make_pki
from trust_served import free_loopback_port, served_trust

pytestmark = pytest.mark.long


class Sealer(Signer):
    """Signs for pyHanko with a key of ours."""

    def __init__(self, pki: Pki, name: str) -> None:
        known = SimpleCertificateStore.from_certs([loaded(pki, "issuing")])  # type: ignore[no-untyped-call]
        super().__init__(signing_cert=loaded(pki, name), cert_registry=known, embed_roots=False)
        self._key = pki.keys[name]

    async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:
        """ECDSA with SHA-256."""
        assert digest_algorithm == "sha256"
        return bytes(72) if dry_run else self._key.sign(data)


def loaded(pki: Pki, name: str) -> x509.Certificate:
    """A certificate as pyHanko takes it."""
    return x509.Certificate.load(pki.certificates[name].public_bytes(Encoding.DER))


@dataclass
class Service:
    """A running trust role and the authority behind it."""

    url: str
    pki: Pki
    log: Path

    def routes(self) -> set[str]:
        """The routes that were asked for and answered so far."""
        lines = [json.loads(line) for line in self.log.read_text("utf-8").splitlines() if line.startswith("{")]
        return {line["route"] for line in lines if line.get("status") == 200}

    def sealed(self, name: str) -> bytes:
        """A page sealed with this certificate's key, timestamped by the service."""
        page = io.BytesIO()
        with pikepdf.new() as pdf:
            pdf.add_blank_page()
            pdf.save(page)
        metadata = PdfSignatureMetadata(field_name="Seal", md_algorithm="sha256", subfilter=SigSeedSubFilter.PADES)
        signer = PdfSigner(metadata, Sealer(self.pki, name), timestamper=HTTPTimeStamper(f"{self.url}/tsa"))
        sealed = asyncio.run(signer.async_sign_pdf(IncrementalPdfFileWriter(page)))
        return bytes(sealed.getvalue())

    def validated(self, sealed: bytes) -> Any:
        """What pyHanko says online, with our root as its only anchor and revocation required."""

        async def validate() -> Any:
            backend = AIOHttpFetcherBackend()
            context = ValidationContext(
                trust_roots=[loaded(self.pki, "root")],
                allow_fetching=True,
                fetcher_backend=backend,
                revocation_mode="require",
            )
            (signature,) = PdfFileReader(io.BytesIO(sealed)).embedded_signatures
            try:
                return await async_validate_pdf_signature(
                    signature, signer_validation_context=context, ts_validation_context=context
                )
            finally:
                await backend.close()  # type: ignore[no-untyped-call]

        return asyncio.run(validate())


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One service for this file."""
    folder, port = tmp_path_factory.mktemp("trust"), free_loopback_port()
    pki = make_pki(folder / "home", f"http://127.0.0.1:{port}")
    pki.issue("revoked", "seal")
    with served_trust(pki.folder, port, log=folder / "log") as url:
        yield Service(url, pki, folder / "log")


def test_a_seal_with_our_timestamp_is_trusted_online(service: Service) -> None:
    status = service.validated(service.sealed("seal"))
    assert status.bottom_line, status.summary()
    assert status.intact and status.valid and status.trusted and not status.revoked
    stamp = status.timestamp_validity
    assert stamp is not None
    assert stamp.valid and stamp.trusted
    assert {"tsa", "crl"} < service.routes()
    assert service.routes() & {"ocsp", "ocsp_get"}


def test_a_seal_whose_certificate_was_revoked_is_not(service: Service) -> None:
    sealed = service.sealed("revoked")
    assert service.validated(sealed).bottom_line
    service.pki.revoke(service.pki.certificates["revoked"].serial_number)
    status = service.validated(sealed)
    assert status.revoked
    assert not status.bottom_line


def test_without_current_revocation_data_nothing_is_trusted(service: Service) -> None:
    sealed = service.sealed("seal")
    crl = service.pki.public / "crl" / "issuing.crl"
    kept = crl.read_bytes()
    crl.unlink()
    try:
        assert not service.validated(sealed).bottom_line
    finally:
        crl.write_bytes(kept)
    assert service.validated(sealed).bottom_line


@pytest.mark.needs("pdfsig", "certutil")
def test_pdfsig_trusts_a_seal_with_the_address_of_ocsp_until_it_is_revoked(service: Service, tmp_path: Path) -> None:
    service.pki.issue("shop", "seal")
    (tmp_path / "sealed.pdf").write_bytes(service.sealed("shop"))
    store = f"sql:{tmp_path}"
    for command in (["-N", "--empty-password"], ["-A", "-n", "root", "-t", "C,C,C", "-i", service.pki.path("root")]):
        subprocess.run(["certutil", "-d", store, *command], check=True, timeout=60)

    def said() -> str:
        command = ["pdfsig", "-nssdir", store, "sealed.pdf"]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60).stdout

    assert "Signature is Valid." in said()
    assert "Certificate is Trusted." in said()
    service.pki.revoke(service.pki.certificates["shop"].serial_number)
    assert "Certificate has been Revoked." in said()
