"""How often one address may ask: enough for a counter and its queue, and kind words beyond."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from public_site import licence_with_permits, make_site

from certsvc.errors import TooManyRequests
from certsvc.http.turnstile import READS_PER_MINUTE, WITHOUT_DATABASE, WRITES_PER_MINUTE, Turnstiles
from certsvc.ids import new_ref

Client = TestClient[Litestar]
CODE = new_ref().typed_code


@pytest.fixture
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with TestClient(make_site(tmp_path_factory.mktemp("public"), list(licence_with_permits())).app) as opened:
        yield opened


def ask_until_refused(client: Client, lang: str = "zh", accept: str = "text/html") -> tuple[list[int], Any]:
    """How a stranger is answered who asks without a pause, and the last answer: the limit fills up again meanwhile, a
    little."""
    statuses: list[int] = []
    while 429 not in statuses and len(statuses) < 3 * READS_PER_MINUTE:
        answer = client.get(f"/code?code=x&lang={lang}", headers={"Accept": accept})
        statuses.append(answer.status_code)
    return statuses, answer


def test_an_address_that_asks_too_often_is_told_when_to_come_again(client: Client) -> None:
    statuses, late = ask_until_refused(client)
    assert len(statuses) > READS_PER_MINUTE and set(statuses[:-1]) == {400} and statuses[-1] == 429
    assert int(late.headers["retry-after"]) >= 1
    assert "请过" in late.text and "这与证照的真伪无关" in late.text
    assert "says nothing about the certificate" in ask_until_refused(client, "en")[1].text
    assert ask_until_refused(client, accept="application/json")[1].json()["code"] == "too_many_requests"


@pytest.mark.long
def test_what_needs_no_database_is_there_for_who_asked_too_often(client: Client) -> None:
    assert ask_until_refused(client)[0][-1] == 429
    for path in ("/", "/health"):
        assert client.get(path).status_code == 200


def test_what_is_sent_has_a_limit_of_its_own(client: Client) -> None:
    answers = [
        client.post("/verify", headers={"Accept": "text/html"}).status_code for _ in range(WRITES_PER_MINUTE + 1)
    ]
    assert answers[-1] == 429 and 429 not in answers[:-1]
    assert client.get("/code?code=x").status_code == 400


def test_every_route_that_is_not_limited_is_there(client: Client) -> None:
    routes = {handler.name for route in client.app.routes for handler in getattr(route, "route_handlers", ())}
    assert {"static", "health", "home"} <= WITHOUT_DATABASE & routes
    assert {"scan", "code", "case", "typed", "file"} <= routes - WITHOUT_DATABASE


class Scoped:
    """A request as the hook sees it."""

    def __init__(self, client: tuple[str, int] | None, forwarded: str | None = None, path: str = "/C/x") -> None:
        headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
        self.scope = {"path": path, "client": client, "headers": headers}
        self.method = "GET"


async def let_in(turnstiles: Turnstiles, request: Scoped, times: int) -> int:
    """How many of so many requests are let in."""
    inside = 0
    for _ in range(times):
        try:
            await turnstiles(request)  # type: ignore[arg-type]
            inside += 1
        except TooManyRequests:
            pass
    return inside


def test_the_proxy_names_the_address_and_this_machine_itself_has_no_limit() -> None:
    async def story() -> list[int]:
        turnstiles = Turnstiles(reads=5, writes=5)
        return [
            await let_in(turnstiles, Scoped(("127.0.0.1", 1), "192.0.2.1"), 9),
            await let_in(turnstiles, Scoped(("127.0.0.1", 1), "192.0.2.2"), 9),
            await let_in(turnstiles, Scoped(("127.0.0.1", 1)), 9),
            await let_in(turnstiles, Scoped(("192.0.2.3", 1), "127.0.0.1"), 9),
            await let_in(turnstiles, Scoped(("192.0.2.3", 1), "192.0.2.9"), 9),
            await let_in(turnstiles, Scoped(("192.0.2.4", 1), path="/v1/certificates"), 9),
            await let_in(turnstiles, Scoped(("192.0.2.4", 1), path="/v1/public/licences/x"), 9),
        ]

    assert asyncio.run(story()) == [5, 5, 9, 5, 0, 9, 5]
