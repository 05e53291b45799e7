"""A service that answers what a test tells it to, and remembers what it was asked."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import httpx
from cryptography.hazmat.primitives.asymmetric import ec

from certsvc.client import Client, Retries
from certsvc.client.access import PrivateKey

Answer = httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]
KEY = ec.generate_private_key(ec.SECP256R1())


class PretendedService:
    """`answers` are given in turn, and after them empty pages; time passes only when it is told to."""

    url, client_id = "http://service.test", "c-aaaaaaaaaaaaaaaaaaaa"

    def __init__(self, expires_in: int = 300) -> None:
        self.clock, self.expires_in = 1_800_000_000.0, expires_in
        self.answers: list[Answer] = []
        self.token_answers: list[httpx.Response] = []
        self.forms: list[dict[str, str]] = []
        self.asked: list[httpx.Request] = []
        self.slept: list[float] = []

    def client(self, key: PrivateKey = KEY, most: int = 6) -> Client:
        """A client of this service."""
        retries = Retries(most=most, sleep=self._sleep)
        made = Client(self.url, self.client_id, key, retries=retries, transport=httpx.MockTransport(self._answer))
        made.access.clock = lambda: self.clock
        return made

    @staticmethod
    def page(*items: Any, following: str | None = None) -> httpx.Response:
        """A page of a list."""
        return httpx.Response(200, json={"items": list(items), "next": following})

    @staticmethod
    def problem(status: int, code: str) -> dict[str, Any]:
        """A problem document."""
        return {"type": f"urn:certsvc:problem:{code}", "title": code, "status": status, "detail": code, "code": code}

    def refusal(self, status: int, code: str, **headers: str) -> httpx.Response:
        """A problem as an answer."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return httpx.Response(status, json=self.problem(status, code), headers=named)

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.clock += seconds

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/oauth/token":
            self.forms.append({name: value[0] for name, value in parse_qs(request.content.decode()).items()})
            given = {"access_token": f"token-{len(self.forms)}", "expires_in": self.expires_in}
            return self.token_answers.pop(0) if self.token_answers else httpx.Response(200, json=given)
        assert request.headers["authorization"] == f"Bearer token-{len(self.forms)}"
        self.asked.append(request)
        answer = self.answers.pop(0) if self.answers else self.page(following=None)
        if isinstance(answer, Exception):
            raise answer
        return answer(request) if callable(answer) else answer

    @property
    def bodies(self) -> list[Any]:
        """The bodies that came."""
        return [json.loads(request.content) for request in self.asked if request.content]
