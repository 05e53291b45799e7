"""An OpenID provider of our own making: as strict as a good one, and wrong in one way where a test says so."""

import base64
import hashlib
import hmac
import json
import secrets
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from certsvc.access.fetching import Fetched, not_answering
from certsvc.access.jwks import jwks_of

ISSUER, CLIENT_ID, SECRET = "https://id.example/city", "village console", "a secret: of ours/"
SUBJECT = "8f3a51-made-up"


def packed(raw: bytes) -> str:
    """Base64url."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@dataclass
class SigningKey:
    """A key of the provider."""

    private: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    @property
    def jwk(self) -> dict[str, Any]:
        """Its public half."""
        found: dict[str, Any] = json.loads(jwks_of(self.private.public_key()))["keys"][0]
        return found

    def sign(self, claims: Mapping[str, Any], **header: Any) -> str:
        """A token; `header` beside `kid` and `alg`."""
        return jwt.encode(dict(claims), self.private, "ES256", {"kid": self.jwk["kid"], **header})


@dataclass
class MadeUpProvider:
    """The provider: `claims` change what its tokens say, `said` what it says of itself; `down` it does not answer;
    `client` is our public key, where it knows us by that."""

    issuer: str = ISSUER
    key: SigningKey = field(default_factory=SigningKey)
    claims: dict[str, Any] = field(default_factory=dict)
    said: dict[str, Any] = field(default_factory=dict)
    down: bool = False
    client: Any = None
    asked: list[str] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def authorize(self, address: str, subject: str = SUBJECT) -> str:
        """Somebody comes from us and signs in; the query that they are sent back with."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert query["response_type"] == "code" and query["client_id"] == CLIENT_ID and "openid" in query["scope"]
        assert query["code_challenge_method"] == "S256" and len(query["code_challenge"]) == 43
        code = secrets.token_urlsafe(16)
        self.codes[code] = query | {"subject": subject}
        return urlencode({"code": code, "state": query["state"], "iss": self.issuer})

    async def fetch(self, url: str, headers: Mapping[str, str], body: bytes | None = None) -> Fetched:
        """Answers as over HTTP."""
        if self.down:
            raise not_answering()
        status, found = self.answer(urlsplit(url).path, headers, body)
        return Fetched(status, json.dumps(found).encode())

    def answer(self, path: str, headers: Mapping[str, str], body: bytes | None) -> tuple[int, Any]:
        """What it answers."""
        self.asked.append(path)
        if path.endswith("/.well-known/openid-configuration"):
            return 200, self.itself()
        if path.endswith("/keys"):
            rest = [{"kty": "oct", "k": "AAAA"}, {"kty": "RSA", "use": "enc", "kid": "x"}, "no key"]
            return 200, {"keys": [*rest, self.key.jwk]}
        if path.endswith("/token") and body is not None:
            return self._token(headers, {name: values[0] for name, values in parse_qs(body.decode()).items()})
        return 404, {}

    def itself(self) -> dict[str, Any]:
        """The discovery document."""
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "code_challenge_methods_supported": ["plain", "S256"],
            "authorization_response_iss_parameter_supported": True,
        } | self.said

    def _is_client(self, headers: Mapping[str, str], form: Mapping[str, str]) -> bool:
        if self.client is None:
            return _by_secret(headers)
        token, audience = form["client_assertion"], f"{self.issuer}/token"
        known = jwt.decode_complete(token, self.client, ["ES256"], {"verify_iat": False}, audience=audience)
        said = known["payload"]  # in some tests of a later time than ours
        return said["iss"] == said["sub"] == CLIENT_ID and said["exp"] - said["iat"] <= 300 and bool(said["jti"])

    def _token(self, headers: Mapping[str, str], form: Mapping[str, str]) -> tuple[int, Any]:
        """For a code that was given, once, to who has the verifier and our secret."""
        query = self.codes.pop(form.get("code", ""), None)
        challenge = packed(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if not self._is_client(headers, form):
            return 401, {"error": "invalid_client"}
        if query is None or challenge != query["code_challenge"] or form["redirect_uri"] != query["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        claims = good_claims(self.issuer, query["nonce"], query["subject"]) | self.claims
        return 200, {"access_token": "x", "token_type": "Bearer", "id_token": self.key.sign(claims)}


def _by_secret(headers: Mapping[str, str]) -> bool:
    shown = base64.b64decode(headers.get("Authorization", "").removeprefix("Basic "))
    name, _, password = shown.decode().partition(":")
    return (unquote(name), unquote(password)) == (CLIENT_ID, SECRET)


def good_claims(issuer: str, nonce: str, subject: str = SUBJECT, now: datetime | None = None) -> dict[str, Any]:
    """What a good token says."""
    made = now or datetime.now(UTC)
    ends = made + timedelta(minutes=5)
    times = {"iat": int(made.timestamp()), "exp": int(ends.timestamp())}
    return {"iss": issuer, "aud": CLIENT_ID, "sub": subject, "nonce": nonce, **times}


def with_shared_secret(claims: Mapping[str, Any], kid: str, secret: bytes) -> str:
    """A token by HS256, which our own library would not make with a public key."""
    head = packed(json.dumps({"alg": "HS256", "typ": "JWT", "kid": kid}).encode())
    signed = f"{head}.{packed(json.dumps(dict(claims)).encode())}"
    return f"{signed}.{packed(hmac.digest(secret, signed.encode(), 'sha256'))}"


def unsigned(claims: Mapping[str, Any], kid: str) -> str:
    """A token by nobody."""
    head = packed(json.dumps({"alg": "none", "kid": kid}).encode())
    return f"{head}.{packed(json.dumps(dict(claims)).encode())}.{packed(b'x')}"


@contextmanager
def served(provider: MadeUpProvider) -> Iterator[None]:
    """The provider on loopback, where its issuer is; its page for signing in sends everybody back at once."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            where = urlsplit(self.path)
            if where.path.endswith("/authorize"):
                back = parse_qs(where.query)["redirect_uri"][0]
                self.send_response(302)
                self.send_header("Location", f"{back}?{provider.authorize(self.path)}")
                self.end_headers()
            else:
                self._answer(provider.answer(where.path, dict(self.headers), None))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self._answer(provider.answer(urlsplit(self.path).path, dict(self.headers), body))

        def log_message(self, *_: Any) -> None:
            """Nothing is told."""

        def _answer(self, found: tuple[int, Any]) -> None:
            said = json.dumps(found[1]).encode()
            self.send_response(found[0])
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

    server = ThreadingHTTPServer(("127.0.0.1", urlsplit(provider.issuer).port or 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
