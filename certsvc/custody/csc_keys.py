"""`csc+https:` keys: with a remote signer that speaks the CSC API version 2 (Cloud Signature Consortium, 2.0.0.2).

`csc+https://host[:port]/csc/v2?credentialID=ID[&ca=/path/of/a/CA.pem]`; without `ca`, the authorities of this machine
(or of `SSL_CERT_FILE`) decide whom to believe. Credentials that ask a person each time cannot seal unattended and are
refused: `auth/mode` must be `implicit`.
"""

import base64
import binascii
import hashlib
import re
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn
from urllib.parse import parse_qsl, urlsplit

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec

from certsvc.custody.csc_client import CscService, Question
from certsvc.custody.protocol import Algorithm, OurPublicKey, our_kind, require_digest, verified
from certsvc.errors import CustodyError, MalformedDer
from certsvc.x509_reader import read_certificate

SHA256 = "2.16.840.1.101.3.4.2.1"
ECDSA_SHA256 = "1.2.840.10045.4.3.2"
RSA_SHA256 = "1.2.840.113549.1.1.11"
URI = re.compile(
    r"csc\+https:(?P<place>//[A-Za-z0-9.\-:\[\]]{1,255}(?:/[A-Za-z0-9._~\-]{1,64}){0,8})/?\?(?P<query>[!-\"$-~]{1,1024})"
)


@dataclass(frozen=True, slots=True)
class CscUri:
    """Which credential, with which signer; `authority` is the file of the CA that the signer's certificate is under."""

    base: str
    credential: str
    authority: str | None


class _Key(msgspec.Struct):
    status: str


class _Certificates(msgspec.Struct):
    certificates: list[str]
    status: str = "valid"


class _Auth(msgspec.Struct):
    mode: str


class _Credential(msgspec.Struct):
    """What `credentials/info` answers (section 11.5): the parts we judge by."""

    key: _Key
    cert: _Certificates
    auth: _Auth


class _Authorization(msgspec.Struct):
    SAD: str


class _Signatures(msgspec.Struct):
    signatures: list[str]


@dataclass(frozen=True, slots=True)
class CscKey:
    """A key with a remote signer."""

    public_key: OurPublicKey
    _service: CscService
    _id: str

    def sign(self, data: bytes) -> bytes:
        """Sign with SHA-256: ECDSA as DER, RSA as PKCS #1 v1.5. Only the digest leaves; it is authorised, then signed.

        Raises:
            CustodyError: the signer is out of reach or slow, refuses, or gives what does not verify.
        """
        return self.sign_digest(hashlib.sha256(data).digest())

    def sign_digest(self, digest: bytes) -> bytes:
        """The same signature, over data of which only the SHA-256 is known here.

        Raises:
            CustodyError: that is no SHA-256; or as `sign`.
        """
        asked = base64.b64encode(require_digest(digest)).decode("ascii")
        found = self._service.ask(self._signing(asked), _Signatures).signatures
        if len(found) != 1:
            raise CustodyError(
                f"{self._service.base} 应答的签名数不是一个。",
                f"{self._service.base} did not answer with one signature.",
            )
        return verified(self.public_key, digest, _decoded(found[0], self._service), self._service.base)

    def check(self) -> None:
        """Whether the signer answers, the credential is enabled, and its key is the one that was opened.

        Raises:
            CustodyError: one of them is not so.
        """
        if _public_key(self._service, self._id) != self.public_key:
            raise CustodyError(
                f"凭据 {self._id} 的密钥已换。",
                f"The credential {self._id} now has another key than when it was opened.",
            )

    def _signing(self, digest: str) -> Question:
        hashes = {"credentialID": self._id, "hashes": [digest], "hashAlgorithmOID": SHA256}
        authorized = self._service.ask(
            Question("credentials/authorize", {**hashes, "numSignatures": 1}), _Authorization
        )
        algorithm = ECDSA_SHA256 if isinstance(self.public_key, ec.EllipticCurvePublicKey) else RSA_SHA256
        return Question(
            "signatures/signHash", {**hashes, "SAD": authorized.SAD, "signAlgo": algorithm}, repeatable=False
        )


def create_key(uri: str, secret: str, algorithm: Algorithm = "p256") -> CscKey:
    """The key at `uri`, which must be there: a remote signer makes its keys itself.

    Raises:
        CustodyError: as `open_key`, with the advice to order a credential.
    """
    try:
        return open_key(uri, secret)
    except CustodyError as error:
        zh, en = error.zh, error.en
    raise CustodyError(
        f"远程签名服务的密钥不由我们生成，请向服务方申请凭据。{zh}",
        f"Keys of a remote signer are not made by us: order a credential there. {en}",
    )


def open_key(uri: str, secret: str) -> CscKey:
    """The credential that `uri` names; `secret` refers to an access token, or to `client id:client secret`.

    Raises:
        CustodyError: the URI is wrong, the signer cannot be reached or believed, refuses us, or the credential is not
            enabled, asks a person, or is no kind of ours.
    """
    parsed = parse_csc_uri(uri)
    service = CscService(parsed.base, secret, _context(parsed.authority))
    return CscKey(_public_key(service, parsed.credential), service, parsed.credential)


def destroy_key(uri: str, secret: str) -> NoReturn:
    """Raise `CustodyError`, always: whoever keeps the key destroys it."""
    raise CustodyError(
        "远程签名服务的密钥只能由服务方销毁；请向其申请并保存书面确认。",
        "Only the remote signer can destroy its key: ask for it there, and keep the confirmation.",
    )


def _public_key(service: CscService, credential: str) -> OurPublicKey:
    asked = Question("credentials/info", {"credentialID": credential, "certificates": "single", "authInfo": True})
    found = service.ask(asked, _Credential)
    if found.key.status != "enabled" or found.cert.status != "valid":
        raise CustodyError(
            f"凭据 {credential} 未启用，或证书已失效；请询问服务方。",
            f"The credential {credential} is not enabled, or its certificate is not valid: ask the remote signer.",
        )
    if found.auth.mode != "implicit":
        raise CustodyError(
            f"凭据 {credential} 每次签名都要人工授权，不能自动用印；请申请 implicit 方式的凭据。",
            f"The credential {credential} asks a person for each signature: order one with auth/mode implicit.",
        )
    try:
        certificate = read_certificate(_decoded((found.cert.certificates or [""])[0], service))
    except MalformedDer:
        raise CustodyError(
            f"凭据 {credential} 的证书读不出来。", f"The certificate of the credential {credential} cannot be read."
        ) from None
    return our_kind(certificate.public_key(), credential)


def _decoded(text: str, service: CscService) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise CustodyError(f"{service.base} 的应答不是 Base64。", f"{service.base} did not answer in Base64.") from None


def parse_csc_uri(uri: str) -> CscUri:
    """Parse the URI of a key with a remote signer.

    Raises:
        CustodyError: it is not one.
    """
    found = URI.fullmatch(uri)
    if found is None:
        raise _wrong_uri()
    base = f"https:{found['place']}"
    try:
        place, pairs = urlsplit(base), parse_qsl(found["query"], strict_parsing=True)
        reachable = bool(place.hostname) and place.port != 0
    except ValueError:
        raise _wrong_uri() from None
    named = dict(pairs)
    if not reachable or len(named) != len(pairs) or not {"credentialID"} <= set(named) <= {"credentialID", "ca"}:
        raise _wrong_uri()
    return CscUri(base, named["credentialID"], named.get("ca"))


def _wrong_uri() -> CustodyError:
    return CustodyError(
        "密钥地址应为 csc+https://主机/csc/v2?credentialID=标识，至多再加 &ca=路径。",
        "The key URI should be csc+https://host/csc/v2?credentialID=ID, with &ca=PATH at most.",
    )


def _context(authority: str | None) -> ssl.SSLContext:
    try:
        if authority is not None and not Path(authority).is_absolute():
            raise OSError("ca is not a full path")
        return ssl.create_default_context(cafile=authority)
    except OSError as error:
        raise CustodyError(
            f"CA 文件 {authority} 无法使用：{error}", f"The CA file {authority} cannot be used: {error}"
        ) from None
