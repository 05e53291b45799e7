"""Talking to a remote signer: the CSC API version 2 over HTTPS, with every answer bounded in time and size.

The other end is trusted with a key, and with nothing else: its certificate is always verified, redirects are not
followed, and of its words only a code reaches ours. No token stands where a traceback would show it.
"""

import base64
import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPSConnection
from threading import Event, Timer
from typing import Annotated, Any, TypeVar
from urllib.parse import quote_plus, urlsplit

import msgspec

from certsvc.custody.secret import read_secret
from certsvc.errors import CustodyError

ANSWER_WITHIN = 20.0
"""Seconds for one question and its whole answer, however slowly it drips."""
MAX_ANSWER = 256 * 1024
BEARER = r"[A-Za-z0-9\-._~+/]+=*"
"""A bearer token (RFC 6750 section 2.1). It has no colon, which tells it from a client's id and secret."""
CLIENT_CREDENTIALS = b"grant_type=client_credentials&scope=service"
UNAUTHORIZED = 401

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Question:
    """A method of the API and its parameters, some of which nobody else may see."""

    method: str
    parameters: Mapping[str, Any] = field(repr=False)
    repeatable: bool = True
    """Whether it may be asked again when no answer came: not where a signature may have been made."""


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    content: bytes = field(repr=False)


class _Information(msgspec.Struct):
    oauth2: str = ""


class _AccessToken(msgspec.Struct):
    access_token: Annotated[str, msgspec.Meta(pattern=f"^{BEARER}$", max_length=8192)]


class _Refusal(msgspec.Struct):
    error: str = ""


@dataclass(slots=True)
class CscService:
    """A remote signer at its base address, and our access to it.

    `secret` refers to an access token, which is read anew for each question, so that whoever renews it may replace
    it; or to `client id:client secret`, with which tokens are fetched as needed (`oauth2client`, RFC 6749 section 4.4).
    """

    base: str
    secret: str
    context: ssl.SSLContext = field(repr=False)
    _token: str = field(default="", repr=False)

    def ask(self, question: Question, kind: type[T]) -> T:
        """The answer to `question`, as JSON of this kind.

        Raises:
            CustodyError: no answer in time, too long a one, a refusal, or not what was asked for.
        """
        answer = self._send(question, self._authorization())
        if isinstance(answer, _Answer) and answer.status == UNAUTHORIZED and self._is_client():
            self._token = ""  # it ran out; what was refused for that was not carried out
            answer = self._send(question, self._authorization())
        return self._read(question.method, answer, kind)

    def _send(self, question: Question, authorization: str) -> _Answer | str:
        headers = {"Authorization": authorization, "Content-Type": "application/json"}
        content = msgspec.json.encode(question.parameters)
        return self._post(f"{self.base}/{question.method}", headers, content, question.repeatable)

    def _post(self, url: str, headers: Mapping[str, str], content: bytes, repeatable: bool) -> _Answer | str:
        answer = _exchange(url, headers, content, self.context)
        if isinstance(answer, str) and repeatable:
            answer = _exchange(url, headers, content, self.context)
        return answer

    def _read(self, method: str, answer: _Answer | str, kind: type[T]) -> T:
        if isinstance(answer, str):
            raise self._failure(method, f"没有可用的回应（{answer}）", f"gave no answer that can be used: {answer}")
        if answer.status != 200:
            code = f"{answer.status} {_code(answer.content)}".rstrip()
            advice = ("；请更新访问凭据", "; renew our access to it") if answer.status == UNAUTHORIZED else ("", "")
            raise self._failure(method, f"拒绝：{code}{advice[0]}", f"refused: {code}{advice[1]}")
        try:
            return msgspec.json.decode(answer.content, type=kind)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise self._failure(
                method, "回应不合 CSC 格式", "answered with something else than the CSC API says"
            ) from None

    def _failure(self, method: str, zh: str, en: str) -> CustodyError:
        return CustodyError(f"{self.base}/{method} {zh}。", f"{self.base}/{method} {en}.")

    def _is_client(self) -> bool:
        return b":" in read_secret(self.secret)

    def _authorization(self) -> str:
        if not self._is_client():
            return _bearer(self.secret)
        self._token = self._token or self._fetch_token()
        return f"Bearer {self._token}"

    def _fetch_token(self) -> str:
        asked = self._post(f"{self.base}/info", {"Content-Type": "application/json"}, b"{}", True)
        place = self._read("info", asked, _Information).oauth2
        if not place.startswith("https://"):
            raise self._failure("info", "没有给出 OAuth 2.0 地址", "names no OAuth 2.0 service to get a token from")
        headers = {"Authorization": _basic(self.secret), "Content-Type": "application/x-www-form-urlencoded"}
        answer = self._post(f"{place.rstrip('/')}/oauth2/token", headers, CLIENT_CREDENTIALS, True)
        del headers  # tracebacks may show local names
        return self._read("oauth2/token", answer, _AccessToken).access_token


def _exchange(url: str, headers: Mapping[str, str], content: bytes, context: ssl.SSLContext) -> _Answer | str:
    """One question and its answer, or why there is none. It raises nothing: its local names are secrets."""
    late = Event()
    try:
        parts = urlsplit(url)
        connection = HTTPSConnection(parts.hostname or "", parts.port, context=context)
        with _connected(connection, context, late):
            connection.request("POST", parts.path, content, dict(headers))
            response = connection.getresponse()
            answer = _Answer(response.status, response.read(MAX_ANSWER + 1))
    except (OSError, HTTPException, ValueError) as error:
        return "too slow" if late.is_set() else _why(error)
    if late.is_set():
        return "too slow"
    return answer if len(answer.content) <= MAX_ANSWER else "too long"


@contextmanager
def _connected(connection: HTTPSConnection, context: ssl.SSLContext, late: Event) -> Iterator[None]:
    """Connect, and end the connection under whoever waits for it when the time is up.

    A time limit on each read alone would let an answer, or the handshake, drip for ever.
    """
    plain = socket.create_connection((connection.host, connection.port), ANSWER_WITHIN)
    with context.wrap_socket(plain, server_hostname=connection.host, do_handshake_on_connect=False) as secure:
        watchdog = Timer(ANSWER_WITHIN, _cut, (secure, late))
        watchdog.daemon = True
        watchdog.start()
        try:
            secure.do_handshake()
            connection.sock = secure
            yield
        finally:
            watchdog.cancel()


def _cut(secure: ssl.SSLSocket, late: Event) -> None:
    late.set()
    with suppress(OSError):
        socket.socket.shutdown(secure, socket.SHUT_RDWR)


def _why(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not accepted: {error.verify_message}"
    if isinstance(error, TimeoutError):
        return "too slow"
    return type(error).__name__


def _code(content: bytes) -> str:
    """The error code of a refusal, where it is one."""
    try:
        code = msgspec.json.decode(content, type=_Refusal).error
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return ""
    return code if re.fullmatch(r"[A-Za-z_]{1,64}", code) else ""


def _bearer(secret: str) -> str:
    token = read_secret(secret).decode("latin-1")
    if not re.fullmatch(BEARER, token):
        del token  # tracebacks may show local names
        raise CustodyError(
            f"{secret} 既不是访问令牌，也不是 客户端标识:密钥。",
            f"{secret} is neither an access token nor client id:secret.",
        )
    return f"Bearer {token}"


def _basic(secret: str) -> str:
    """HTTP Basic with both parts form-encoded first (RFC 6749 section 2.3.1)."""
    client, _, password = read_secret(secret).decode("utf-8", "replace").partition(":")
    both = f"{quote_plus(client)}:{quote_plus(password)}"
    return f"Basic {base64.b64encode(both.encode('ascii')).decode('ascii')}"
