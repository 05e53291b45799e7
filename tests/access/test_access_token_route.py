"""`/oauth/token` as programs that know OAuth expect it (RFC 6749 section 5), and where that is told (RFC 8414)."""

import re
from typing import Any
from urllib.parse import urlencode

import pytest
from office_door import Door
from signing import ISSUER, TOKEN_URL, World, make_world

from certsvc.access.service import Access
from certsvc.domain.client import ClientId, RegisteredClient
from certsvc.errors import RegisterUnavailable
from certsvc.http.office.tokens import ASSERTION

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
DESCRIPTION = re.compile(r"[\x20-\x21\x23-\x5b\x5d-\x7e]+")


@pytest.fixture(scope="module")
def world() -> World:
    return make_world()


@pytest.fixture(scope="module")
def door(world: World) -> Door:
    return Door(world)


def good_form(world: World, **changes: str) -> dict[str, str]:
    """The parameters of a good request, with changes; an empty one is left out."""
    good = {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION,
        "client_assertion": world.assertion(),
    }
    return {name: value for name, value in (good | changes).items() if value}


def require_error(answer: Any, status: int, error: str) -> str:
    """It is an error as RFC 6749 section 5.2 has it; the description."""
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.json().keys() == {"error", "error_description"}
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    description: str = answer.json()["error_description"]
    assert DESCRIPTION.fullmatch(description)
    return description


def test_a_token_is_given_as_the_standard_says(door: Door, world: World) -> None:
    answer = door.ask(world.assertion())
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert (answer.headers["cache-control"], answer.headers["pragma"]) == ("no-store", "no-cache")
    told = answer.json()
    assert told.keys() == {"access_token", "token_type", "expires_in", "scope"}
    assert (told["token_type"], told["expires_in"]) == ("Bearer", 300)
    assert told["scope"] == "issue:food-business read:*:*:4419"


@pytest.mark.parametrize(
    ("asked", "granted"),
    [
        ("", "issue:food-business read:*:*:4419"),
        ("read:*:*:4419", "read:*:*:4419"),
        ("read:food-business:*:441900", "read:food-business:*:441900"),
        ("read:drug-retail:*:4419 issue:food-business:market", "issue:food-business:market read:drug-retail:*:4419"),
        ("issue:food-business:*:*", "issue:food-business"),
        ("  issue:food-business   issue:food-business ", "issue:food-business"),
    ],
)
def test_scopes_asked_for_are_given_where_they_are_within_those_registered(
    door: Door, world: World, asked: str, granted: str
) -> None:
    assert door.ask(world.assertion(), scope=asked).json()["scope"] == granted


@pytest.mark.parametrize(
    "asked",
    [
        "read:*",
        "read:*:*:44",
        "read:*:*:4403",
        "issue:*",
        "issue:food-business revoke:food-business",
        "read:*:*:4",
        "openid",
        'issue:"x"\\',
        "签发:*",
        "approve:food-business",
        ":",
        "issue:food-business " * 101,
    ],
)
def test_a_scope_beyond_those_registered_is_invalid(door: Door, world: World, asked: str) -> None:
    answer = door.ask(world.assertion(), scope=asked)
    require_error(answer, 400, "invalid_scope")


def test_who_is_refused_as_a_client_is_told_nothing_of_scopes(door: Door, world: World) -> None:
    require_error(door.ask(world.assertion(exp=1), scope="nonsense"), 401, "invalid_client")


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"grant_type": ""}, 400, "invalid_request"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": "authorization_code"}, 400, "unsupported_grant_type"),
        ({"client_assertion": ""}, 401, "invalid_client"),
        ({"client_assertion_type": ""}, 401, "invalid_client"),
        ({"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"}, 401, "invalid_client"),
        ({"client_secret": "guess"}, 400, "invalid_request"),
        ({f"p{number}": "x" for number in range(30)}, 400, "invalid_request"),
    ],
    ids=str,
)
def test_what_is_wrong_with_a_request_is_said_in_oauths_words(
    door: Door, world: World, changes: dict[str, str], status: int, error: str
) -> None:
    require_error(door.client.post("/oauth/token", data=good_form(world, **changes)), status, error)


def test_a_form_may_name_its_character_set(door: Door, world: World) -> None:
    kind = {"Content-Type": "Application/X-WWW-Form-Urlencoded; charset=UTF-8"}
    answer = door.client.post("/oauth/token", content=urlencode(good_form(world)), headers=kind)
    assert answer.status_code == 200


def test_parameters_that_nobody_knows_are_passed_over(door: Door, world: World) -> None:
    form = good_form(world, resource="https://yz.example/v1", audience="x")
    assert door.client.post("/oauth/token", data=form).status_code == 200


@pytest.mark.parametrize("name", ["grant_type", "client_assertion", "scope", "anything"])
def test_a_parameter_that_is_there_twice_is_refused(door: Door, world: World, name: str) -> None:
    body = urlencode(good_form(world)) + f"&{name}=client_credentials&{name}=client_credentials"
    require_error(door.client.post("/oauth/token", content=body, headers=FORM), 400, "invalid_request")


@pytest.mark.parametrize("body", [b"&", b"a", b"grant_type=%ff%fe", b"grant_type=\xe4\xb8\xad", b"%00", b"x" * 20_000])
def test_what_is_no_form_is_refused(door: Door, body: bytes) -> None:
    require_error(door.client.post("/oauth/token", content=body, headers=FORM), 400, "invalid_request")


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "multipart/form-data; boundary=x", "", "nonsense"])
def test_what_is_not_called_a_form_is_refused(door: Door, world: World, kind: str) -> None:
    body = urlencode(good_form(world))
    answer = door.client.post("/oauth/token", content=body, headers={"Content-Type": kind})
    require_error(answer, 400, "invalid_request")


def test_an_authorization_header_beside_an_assertion_is_refused(door: Door, world: World) -> None:
    answer = door.client.post("/oauth/token", data=good_form(world), headers={"Authorization": "Basic YTpi"})
    require_error(answer, 400, "invalid_request")


def test_parameters_in_the_address_count_for_nothing(door: Door, world: World) -> None:
    answer = door.client.post(f"/oauth/token?{urlencode(good_form(world))}", headers=FORM)
    assert answer.status_code in (400, 414)


def test_a_token_is_not_got_by_get(door: Door) -> None:
    assert door.client.get("/oauth/token").status_code == 405


def test_an_assertion_used_up_by_a_wrong_scope_is_used_up(door: Door, world: World) -> None:
    assertion = world.assertion()
    require_error(door.ask(assertion, scope="issue:*"), 400, "invalid_scope")
    require_error(door.ask(assertion), 401, "invalid_client")


def test_who_asks_too_often_waits() -> None:
    world = make_world()
    door = Door(world, per_minute=3)
    statuses = [door.ask(world.assertion()).status_code for _ in range(4)]
    assert statuses == [200, 200, 200, 429]
    slow = door.ask(world.assertion())
    require_error(slow, 429, "slow_down")
    assert int(slow.headers["retry-after"]) > 0


class Down:
    """A register that does not answer."""

    async def client(self, client_id: ClientId) -> RegisteredClient | None:
        raise RegisterUnavailable("查不了。", "The register cannot be asked now.")

    async def use_assertion(self, *_: object) -> bool:
        raise RegisterUnavailable("查不了。", "The register cannot be asked now.")


@pytest.mark.long
def test_a_register_that_does_not_answer_refuses_nobody_for_good(world: World) -> None:
    class DownWorld(World):
        """Its register is down."""

        @property
        def access(self) -> Access:
            return Access(clients=Down(), tokens=super().access.tokens)

    down = DownWorld(world.now, world.shelf, world.us, world.them, world.cut)
    answer = Door(down).ask(down.assertion())
    require_error(answer, 503, "temporarily_unavailable")
    assert answer.headers["retry-after"]


def test_the_metadata_names_the_real_endpoints(door: Door) -> None:
    told = door.client.get("/.well-known/oauth-authorization-server")
    assert told.headers["content-type"] == "application/json"
    assert told.json() == {
        "issuer": ISSUER,
        "token_endpoint": TOKEN_URL,
        "response_types_supported": [],
        "grant_types_supported": ["client_credentials"],
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["ES256", "ES384", "PS256", "RS256", "EdDSA"],
        "service_documentation": f"{ISSUER}/docs",
    }
    path = told.json()["token_endpoint"].removeprefix(ISSUER)
    assert path in {route.path for route in door.app.routes}
