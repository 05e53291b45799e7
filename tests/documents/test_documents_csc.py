"""The CSC API: pyHanko's own client seals through it, unmodified, over HTTP; and what is refused."""

import asyncio
import base64
import hashlib
import io
from collections.abc import Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_der_x509_certificate
from document_desk import CERTIFICATES, DOCUMENTS, HEALTH
from document_service_room import ServiceRoom, open_service
from made_up_documents import letter
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import fields, signers
from pyhanko.sign.signers.csc_signer import (
    CSCAuthorizationInfo,
    CSCAuthorizationManager,
    CSCServiceSessionInfo,
    CSCSigner,
    fetch_certs_in_csc_credential,
)
from pyhanko.sign.validation import async_validate_pdf_signature
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko_certvalidator import ValidationContext

from certsvc.domain.seal_acts import SealAct, SealActRequest

pytest_plugins = ["document_fixtures"]

SHA256, ECDSA = "2.16.840.1.101.3.4.2.1", "1.2.840.10045.4.3.2"
ONE, TWO = (base64.b64encode(hashlib.sha256(text).digest()).decode() for text in (b"one", b"two"))


class Service:
    """A room in a loop of its own."""

    def __init__(self, runner: asyncio.Runner, room: ServiceRoom) -> None:
        self._runner, self.room = runner, room

    def run(self, work: Any) -> Any:
        """Do something there."""
        return self._runner.run(work)

    def ask(self, method: str, body: Any, **more: Any) -> httpx.Response:
        """Ask a method."""
        found: httpx.Response = self.run(self.room.csc(method, body, **more))
        return found

    def sad(self, *digests: str, seal: str = DOCUMENTS, **more: Any) -> str:
        """Leave to sign these."""
        body = {"credentialID": seal, "numSignatures": len(digests), "hashes": digests, "hashAlgorithmOID": SHA256}
        answer = self.ask("credentials/authorize", body, **more)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["SAD"])

    def sign(self, sad: str, *digests: str, seal: str = DOCUMENTS, **more: Any) -> httpx.Response:
        """Have them signed."""
        body = {"credentialID": seal, "SAD": sad, "hashes": digests, "hashAlgorithmOID": SHA256, "signAlgo": ECDSA}
        return self.ask("signatures/signHash", {**body, **more.pop("body", {})}, **more)


@pytest.fixture(scope="module")
def service(register_uri: str, folder: Path) -> Iterator[Service]:
    """The service of this module."""
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        room = runner.run(stack.enter_async_context(open_service(register_uri, folder)))
        yield Service(runner, room)
        runner.run(stack.aclose())


class AskingManager(CSCAuthorizationManager):
    """Asks the service for leave, as pyHanko leaves it to its users to do."""

    def __init__(self, session: aiohttp.ClientSession, *parts: Any) -> None:
        super().__init__(*parts)
        self._session = session

    async def authorize_signature(self, hash_b64s: list[str]) -> CSCAuthorizationInfo:
        """Leave to sign these."""
        url = self.csc_session_info.endpoint_url("credentials/authorize")
        asked = self.format_csc_auth_request(hash_b64s=hash_b64s)
        async with self._session.post(url, headers=self.auth_headers, json=asked, raise_for_status=True) as answer:
            return self.parse_csc_auth_response(await answer.json())


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_pyhanko_s_own_client_seals_through_it_unmodified(service: Service, version: str) -> None:
    async def seal() -> bytes:
        async with aiohttp.ClientSession() as session:
            info = CSCServiceSessionInfo(service.room.url, DOCUMENTS, oauth_token="department", api_ver=version)
            credential = await fetch_certs_in_csc_credential(session, info)
            assert credential.hash_pinning_required and credential.max_batch_size == 100
            signer = CSCSigner(session, AskingManager(session, info, credential))
            writer = IncrementalPdfFileWriter(io.BytesIO(letter(1)))
            meta = signers.PdfSignatureMetadata(
                field_name="Seal", md_algorithm="sha256", subfilter=fields.SigSeedSubFilter.PADES
            )
            out = await signers.async_sign_pdf(writer, meta, signer=signer, bytes_reserved=16384)
            return bytes(out.getbuffer())

    async def judge(sealed: bytes) -> Any:
        from asn1crypto import x509 as asn1

        root = service.room.desk.keys.certificate("root").public_bytes(Encoding.DER)
        context = ValidationContext(trust_roots=[asn1.Certificate.load(root)], allow_fetching=False)
        (signature,) = PdfFileReader(io.BytesIO(sealed)).embedded_signatures
        usage = KeyUsageConstraints(key_usage={"non_repudiation"})
        return await async_validate_pdf_signature(signature, context, key_usage_settings=usage)

    before = len(service.run(service.room.desk.fetch("select from seal_use")))
    status = service.run(judge(service.run(seal())))
    assert status.intact and status.valid and status.trusted
    assert len(service.run(service.room.desk.fetch("select from seal_use"))) == before + 1


def test_info_needs_no_token_and_says_which_version_it_is(service: Service) -> None:
    two, one = (service.ask("info", {}, token=None, version=version).json() for version in ("v2", "v1"))
    assert (two["specs"], one["specs"]) == ("2.0.0.2", "1.0.4.0")
    assert two["methods"] == one["methods"] and "signatures/signHash" in two["methods"]
    assert two["oauth2Issuer"] == service.room.url


def test_a_client_sees_its_own_credentials_alone(service: Service) -> None:
    assert service.ask("credentials/list", {}).json()["credentialIDs"] == [HEALTH, DOCUMENTS]
    assert service.ask("credentials/list", {}, token="stranger").json()["credentialIDs"] == [HEALTH]
    for token in ("nobody", "elsewhere"):
        assert service.ask("credentials/list", {}, token=token).json()["credentialIDs"] == []
    unknown = {"error": "invalid_request", "error_description": "Invalid parameter credentialID"}
    for seal, token in (
        *((DOCUMENTS, other) for other in ("stranger", "nobody", "elsewhere")),
        *((CERTIFICATES, "department"), ("none-such", "department")),
    ):
        asked = {"credentialID": seal, "hashes": [ONE], "hashAlgorithmOID": SHA256, "numSignatures": 1}
        for method in ("credentials/info", "credentials/authorize"):
            answer = service.ask(method, asked if method.endswith("authorize") else {"credentialID": seal}, token=token)
            assert (answer.status_code, answer.json()) == (400, unknown)
        answer = service.sign("made up", ONE, seal=seal, token=token)
        assert (answer.status_code, answer.json()) == (400, unknown)


def test_a_suspended_seal_is_told_to_be_and_is_not_among_those_that_can_sign(service: Service) -> None:
    def act(done: SealAct) -> None:
        key = service.room.desk.key()
        asked = SealActRequest(client="t", key=key, seal_id=DOCUMENTS, act=done, actor="演示管理人", reason="试")
        service.run(service.room.desk.seals.act(asked, datetime.now(UTC)))

    act(SealAct.SUSPEND)
    try:
        assert service.ask("credentials/list", {"onlyValid": True}).json()["credentialIDs"] == [HEALTH]
        assert service.ask("credentials/list", {}).json()["credentialIDs"] == [HEALTH, DOCUMENTS]
        told = service.ask("credentials/info", {"credentialID": DOCUMENTS}).json()
        assert told["key"]["status"] == "disabled"
    finally:
        act(SealAct.RESUME)
    assert service.ask("credentials/list", {"onlyValid": True}).json()["credentialIDs"] == [HEALTH, DOCUMENTS]


def test_a_credential_is_told_with_its_chain(service: Service) -> None:
    found = service.ask(
        "credentials/info", {"credentialID": DOCUMENTS, "certificates": "chain", "certInfo": True, "authInfo": True}
    ).json()
    chain = [load_der_x509_certificate(base64.b64decode(one)) for one in found["cert"]["certificates"]]
    assert chain == [*service.room.desk.keys.seal_certificates(DOCUMENTS)]
    assert (found["key"]["status"], found["key"]["algo"], found["key"]["len"]) == ("enabled", [ECDSA], 256)
    assert (found["auth"]["mode"], found["SCAL"], found["cert"]["status"]) == ("implicit", "2", "valid")
    listed = service.ask("credentials/list", {"credentialInfo": True, "onlyValid": True}).json()
    assert [one["credentialID"] for one in listed["credentialInfos"]] == listed["credentialIDs"]


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_digests_are_signed_in_their_order_under_the_names_of_both_versions(service: Service, version: str) -> None:
    names = {"v1": ("hash", "hashAlgo"), "v2": ("hashes", "hashAlgorithmOID")}[version]
    asked = {"credentialID": DOCUMENTS, names[0]: [ONE, TWO], names[1]: SHA256}
    sad = service.ask("credentials/authorize", {**asked, "numSignatures": 2}, version=version).json()["SAD"]
    answer = service.ask("signatures/signHash", {**asked, "SAD": sad, "signAlgo": ECDSA}, version=version)
    public = service.room.desk.keys.sealing(DOCUMENTS).certificate.public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    for digest, signature in zip((ONE, TWO), answer.json()["signatures"], strict=True):
        public.verify(base64.b64decode(signature), base64.b64decode(digest), ec.ECDSA(Prehashed(hashes.SHA256())))


def refused(answer: httpx.Response) -> bool:
    """Whether it was refused in the API's own form, and nothing was signed."""
    told = answer.json()
    return (
        answer.status_code == 400 and told["error"] == "invalid_request" and set(told) == {"error", "error_description"}
    )


def test_sad_that_was_used_is_refused(service: Service) -> None:
    sad = service.sad(ONE)
    assert service.sign(sad, ONE).status_code == 200
    assert refused(service.sign(sad, ONE))


def test_sad_is_refused_for_other_digests_other_seals_and_other_clients(service: Service) -> None:
    assert refused(service.sign(service.sad(ONE), TWO))
    assert refused(service.sign(service.sad(ONE), ONE, TWO))
    assert refused(service.sign(service.sad(ONE, TWO), ONE))
    assert refused(service.sign(service.sad(ONE, TWO), TWO, ONE))
    assert refused(service.sign(service.sad(ONE, seal=HEALTH), ONE))
    assert refused(service.sign(service.sad(ONE, seal=HEALTH), ONE, seal=HEALTH, token="stranger"))
    assert refused(service.sign("made up", ONE))


def test_two_who_use_one_sad_at_once_get_one_signature(service: Service) -> None:
    sad = service.sad(ONE)
    body = {"credentialID": DOCUMENTS, "SAD": sad, "hashes": [ONE], "hashAlgorithmOID": SHA256, "signAlgo": ECDSA}

    async def story() -> list[int]:
        asked = [service.room.csc("signatures/signHash", body) for _ in range(4)]
        return sorted(answer.status_code for answer in await asyncio.gather(*asked))

    assert service.run(story()) == [200, 400, 400, 400]


WRONG: dict[str, dict[str, Any]] = {
    "number_of_signatures": {"numSignatures": 2},
    "sha1": {"hashAlgorithmOID": "1.3.14.3.2.26"},
    "digest_of_another_length": {"hashes": [base64.b64encode(b"x" * 20).decode()]},
    "no_base64": {"hashes": ["zz!"]},
    "no_digests": {"hashes": [], "numSignatures": 1},
    "digests_under_both_names": {"hash": [ONE]},
    "too_many_digests": {"hashes": [ONE] * 101, "numSignatures": 101},
    "no_credential": {"credentialID": None},
    "credential_with_a_nul": {"credentialID": "a\0b"},
    "algorithm_with_a_nul": {"hashAlgorithmOID": "1\0"},
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_authorised_is_refused_in_the_api_s_own_form(service: Service, name: str) -> None:
    body = {"credentialID": DOCUMENTS, "numSignatures": 1, "hashes": [ONE], "hashAlgorithmOID": SHA256}
    assert refused(service.ask("credentials/authorize", {**body, **WRONG[name]}))


def test_a_wrong_algorithm_or_mode_is_refused_and_uses_up_no_sad(service: Service) -> None:
    sad = service.sad(ONE)
    assert refused(service.sign(sad, ONE, body={"signAlgo": "1.2.840.113549.1.1.11"}))
    assert refused(service.sign(sad, ONE, body={"operationMode": "A"}))
    assert service.sign(sad, ONE).status_code == 200


def test_who_has_no_token_is_told_so_in_the_api_s_own_form(service: Service) -> None:
    for token in (None, "forged"):
        answer = service.ask("credentials/list", {}, token=token)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")
        assert answer.headers["www-authenticate"].startswith("Bearer")


def test_what_is_no_json_or_too_long_is_refused(service: Service) -> None:
    async def send(content: bytes) -> httpx.Response:
        headers = {"Authorization": "Bearer department", "Content-Type": "application/json"}
        url = f"{service.room.url}/csc/v2/credentials/info"
        return await service.room.http.post(url, content=content, headers=headers)

    for content in (b"{", b"[]", b"\xff", b'{"credentialID": "' + b"x" * 100_000 + b'"}'):
        assert refused(service.run(send(content)))


def test_a_signature_that_does_not_come_in_time_is_never_made(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    from certsvc.errors import CustodyError

    class Away:
        def __init__(self, key: Any) -> None:
            self.public_key = key.public_key

        def sign_digest(self, digest: bytes) -> bytes:
            raise CustodyError("令牌不在", "the token is away")

    keys = service.room.desk.keys
    sealing = keys.sealing(DOCUMENTS)

    class Credential:
        key, certificate, chain = Away(sealing.key), sealing.certificate, sealing.chain

    with monkeypatch.context() as patched:
        patched.setattr(keys, "sealing", lambda seal_id: Credential())
        answer = service.sign(service.sad(ONE), ONE)
    assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")
    newest = "select state, failure ->> 'code' as code from sealing_request order by id desc limit 1"
    assert service.run(service.room.desk.fetch(newest)) == [{"state": "failed", "code": "not_in_time"}]
    assert datetime.now(UTC)
