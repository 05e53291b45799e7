"""A remote signer of the tests' own: the part of the CSC API that keys need, over real HTTPS on the loopback."""

import base64
import json
import secrets
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import quote

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.x509.oid import NameOID

SHA256 = "2.16.840.1.101.3.4.2.1"
CLIENT = "desk-7:a secret+of/a client"
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
Reply = tuple[int, Any]


@dataclass
class Refused(Exception):
    """An answer that is no success."""

    status: int
    error: str


@dataclass
class Credential:
    """A key and what the signer says of it."""

    key: Key
    status: str = "enabled"
    mode: str = "implicit"
    certificate: bytes = b""


def make_certificate(key: Key, name: str, issuer: tuple[x509.Name, Key] | None, host: str = "") -> x509.Certificate:
    """A certificate for a year around now; with `host`, for a server."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(
        issuer[0] if issuer else subject,
        subject,
        key.public_key(),
        x509.random_serial_number(),
        now - timedelta(days=1),
        now + timedelta(days=365),
    ).add_extension(x509.BasicConstraints(issuer is None, None), critical=True)
    if host:
        builder = builder.add_extension(x509.SubjectAlternativeName([_name(host)]), critical=False)
    return builder.sign(issuer[1] if issuer else key, hashes.SHA256())


def _name(host: str) -> x509.GeneralName:
    return x509.IPAddress(ip_address(host)) if host[0].isdigit() else x509.DNSName(host)


@dataclass
class RemoteSigner:
    """The service. `instead` gives a method another answer; `asked` is what it was asked, in order."""

    folder: Path
    host: str = "127.0.0.1"
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    credentials: dict[str, Credential] = field(default_factory=dict)
    instead: dict[str, Callable[[BaseHTTPRequestHandler], None]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    signatures: int = 0
    _authorized: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        authority = make_certificate(ca_key, "Loopback CA", None)
        self._ca = (authority.subject, ca_key)
        self.ca_file = self.folder / "ca.pem"
        self.ca_file.write_bytes(authority.public_bytes(serialization.Encoding.PEM))
        chain = self.folder / "server.pem"
        certificate = make_certificate(key, "Remote signer", self._ca, self.host)
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        chain.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.server.daemon_threads = True
        Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def base(self) -> str:
        """Where it is, without a scheme."""
        return f"127.0.0.1:{self.server.server_port}/csc/v2"

    def uri(self, name: str) -> str:
        """The URI of a key with this signer."""
        return f"csc+https://{self.base}?credentialID={quote(name)}&ca={quote(str(self.ca_file))}"

    def order(self, name: str, key: Key) -> Credential:
        """A credential, as its owner orders it."""
        certificate = make_certificate(key, name, self._ca).public_bytes(serialization.Encoding.DER)
        self.credentials[name] = Credential(key, certificate=certificate)
        return self.credentials[name]

    def close(self) -> None:
        """Be gone."""
        self.server.shutdown()
        self.server.server_close()

    def answer(self, method: str, authorization: str, content: bytes) -> Any:
        """What the service says."""
        if method == "info":
            return {"specs": "2.0.0.2", "oauth2": f"https://{self.base.partition('/')[0]}"}
        if method == "oauth2/token":
            return self._log_in(authorization, content)
        if authorization != f"Bearer {self.token}":
            raise Refused(401, "invalid_token")
        asked = json.loads(content)
        if (credential := self.credentials.get(asked["credentialID"])) is None:
            raise Refused(400, "invalid_request")
        if method == "credentials/info":
            certificates = [base64.b64encode(credential.certificate).decode()]
            return {
                "key": {"status": credential.status, "algo": ["1.2.840.10045.4.3.2"], "len": 256},
                "cert": {"status": "valid", "certificates": certificates},
                "auth": {"mode": credential.mode},
                "multisign": 1,
            }
        assert asked["hashAlgorithmOID"] == SHA256
        (digest,) = asked["hashes"]
        if method == "credentials/authorize":
            sad = secrets.token_urlsafe(16)
            self._authorized[sad] = digest
            return {"SAD": sad, "expiresIn": 60}
        if self._authorized.pop(asked["SAD"], None) != digest:
            raise Refused(400, "invalid_request")
        self.signatures += 1
        return {"signatures": [base64.b64encode(_signed(credential.key, base64.b64decode(digest))).decode()]}

    def _log_in(self, authorization: str, content: bytes) -> Any:
        client, _, secret = CLIENT.partition(":")
        expected = base64.b64encode(f"{quote(client)}:{quote(secret, safe='').replace('%20', '+')}".encode()).decode()
        if authorization != f"Basic {expected}" or b"grant_type=client_credentials" not in content:
            raise Refused(401, "invalid_client")
        self.token = secrets.token_urlsafe(24)
        return {"access_token": self.token, "token_type": "Bearer", "expires_in": 60}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        signer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                content = self.rfile.read(int(self.headers["Content-Length"]))
                method = self.path.removeprefix("/csc/v2").strip("/")
                signer.asked.append(method)
                if method in signer.instead:
                    signer.instead[method](self)
                    return
                try:
                    reply(self, 200, signer.answer(method, self.headers.get("Authorization", ""), content))
                except Refused as refused:
                    reply(self, refused.status, {"error": refused.error, "error_description": "a long story"})

            def log_message(self, *_: Any) -> None:
                """Nothing."""

        return Handler


def reply(handler: BaseHTTPRequestHandler, status: int, content: Any) -> None:
    """Answer with JSON, or with bytes as they are."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def _signed(key: Key, digest: bytes) -> bytes:
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(digest, ec.ECDSA(Prehashed(hashes.SHA256())))
    return key.sign(digest, padding.PKCS1v15(), Prehashed(hashes.SHA256()))
