"""Who may ask for timestamps and how often: known clients by token, strangers by address, in bounded memory."""

import base64
import hashlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certsvc.errors import SettingsError, TooManyRequests, WrongCredentials
from certsvc.http.rate import Buckets, Clients, Gate, address_of, parse_clients

TOKEN = "p4cS7vQ-registry"
OTHER = "kJ82hsd-archives"
HOME = "198.51.100.7"


def clients() -> Clients:
    """Two known clients."""
    lines = [f"{name} {hashlib.sha256(token.encode()).hexdigest()}" for name, token in NAMED.items()]
    return parse_clients("# who may ask\n\n" + "\n".join(lines) + "\n")


NAMED = {"registry": TOKEN, "city-archives": OTHER}


def basic(name: str, token: str) -> str:
    """An Authorization header of HTTP Basic."""
    return "Basic " + base64.b64encode(f"{name}:{token}".encode()).decode()


@pytest.mark.parametrize(
    ("authorization", "name"),
    [
        (f"Bearer {TOKEN}", "registry"),
        (f"bearer {OTHER}", "city-archives"),
        (basic("registry", TOKEN), "registry"),
        (basic("city-archives", OTHER).replace("Basic", "BASIC"), "city-archives"),
    ],
)
def test_a_known_client_is_known_by_its_token(authorization: str, name: str) -> None:
    assert clients().name_of(authorization) == name


@pytest.mark.parametrize(
    "authorization",
    [
        pytest.param("", id="nothing"),
        pytest.param("Bearer", id="no-token"),
        pytest.param("Bearer ", id="empty-token"),
        pytest.param(f"Bearer {TOKEN}x", id="another-token"),
        pytest.param(f"Bearer {hashlib.sha256(TOKEN.encode()).hexdigest()}", id="the-digest-instead"),
        pytest.param(basic("city-archives", TOKEN), id="somebody-elses-name"),
        pytest.param(basic("registry", ""), id="no-password"),
        pytest.param(basic("", TOKEN), id="no-name"),
        pytest.param("Basic " + base64.b64encode(TOKEN.encode()).decode(), id="token-for-a-name"),
        pytest.param("Basic !!!", id="no-base64"),
        pytest.param("Basic " + base64.b64encode(b"\xff:\xff").decode(), id="no-utf-8"),
        pytest.param("Basic \xe9", id="no-ascii"),
        pytest.param(f"Digest {TOKEN}", id="another-scheme"),
        pytest.param("Bearer " + TOKEN * 1000, id="too-long"),
        pytest.param("Bearer \udcff", id="no-text"),
        pytest.param("Bearer \ud800", id="half-a-character"),
    ],
)
def test_everything_else_is_wrong(authorization: str) -> None:
    with pytest.raises(WrongCredentials):
        clients().name_of(authorization)


@given(st.sampled_from(["Basic ", "basic", "Bearer ", ""]), st.text(st.characters(max_codepoint=255)))
def test_whatever_bytes_a_stranger_sends_are_wrong(scheme: str, given: str) -> None:
    with pytest.raises(WrongCredentials):
        clients().name_of(scheme + given)


def test_nobody_is_known_where_there_are_no_clients() -> None:
    with pytest.raises(WrongCredentials):
        parse_clients("").name_of("Bearer ")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param(f"registry {TOKEN}", 1, id="the-token-itself"),
        pytest.param("registry", 1, id="no-digest"),
        pytest.param("Registry! " + "0" * 64, 1, id="no-name"),
        pytest.param(f"a {'0' * 64}\n\na {'1' * 64}", 3, id="name-twice"),
        pytest.param(f"a {'0' * 64}\nb {'0' * 64}", 2, id="token-twice"),
        pytest.param(f"a {'0' * 64} and more", 1, id="something-after-it"),
    ],
)
def test_a_wrong_file_of_clients_is_refused_by_line_and_shows_no_token(text: str, line: int) -> None:
    with pytest.raises(SettingsError, match=f"Line {line} of timestamp.clients") as caught:
        parse_clients(text)
    assert TOKEN not in str(caught.value) + caught.value.zh


def test_a_stranger_has_so_many_a_minute_and_is_told_when_to_come_back() -> None:
    gate = Gate(clients(), 3)
    for _ in range(3):
        gate.admit(None, HOME, 100.0)
    with pytest.raises(TooManyRequests) as caught:
        gate.admit(None, HOME, 101.0)
    assert caught.value.retry_after == 19
    gate.admit(None, "198.51.100.8", 101.0)
    gate.admit(None, HOME, 101.0 + caught.value.retry_after)
    with pytest.raises(TooManyRequests):
        gate.admit(None, HOME, 101.0 + caught.value.retry_after)


def test_a_known_client_has_no_limit_and_a_wrong_token_makes_no_stranger() -> None:
    gate = Gate(clients(), 1)
    for _ in range(100):
        gate.admit(f"Bearer {TOKEN}", HOME, 0.0)
    with pytest.raises(WrongCredentials):
        gate.admit("Bearer wrong", HOME, 0.0)
    gate.admit(None, HOME, 0.0)


def test_where_no_strangers_are_let_in_only_known_clients_are() -> None:
    gate = Gate(clients(), 0)
    with pytest.raises(WrongCredentials, match="known clients"):
        gate.admit(None, HOME, 0.0)
    gate.admit(basic("registry", TOKEN), HOME, 0.0)


@given(st.integers(1, 30), st.lists(st.floats(0, 20), max_size=60))
def test_in_no_minute_more_than_twice_the_rate_is_let_in(per_minute: int, pauses: list[float]) -> None:
    """A full bucket at its beginning, and what runs in meanwhile."""
    buckets, now, admitted = Buckets(per_minute), 0.0, []
    for pause in pauses:
        now += pause
        if buckets.wait(HOME, now) == 0:
            admitted.append(now)
    assert all(sum(start <= at < start + 60 for at in admitted) <= 2 * per_minute for start in admitted)


@given(st.integers(1, 30), st.lists(st.floats(0, 20), max_size=60))
def test_who_waits_as_told_is_let_in(per_minute: int, pauses: list[float]) -> None:
    buckets, now = Buckets(per_minute), 0.0
    for pause in pauses:
        now += pause
        wait = buckets.wait(HOME, now)
        if wait:
            now += wait + 1e-6
            assert buckets.wait(HOME, now) == 0


def test_memory_is_bounded_whoever_asks() -> None:
    buckets = Buckets(1, most=100)
    for number in range(1000):
        buckets.wait(f"address {number}", float(number))
    assert len(buckets._filled) == 100
    assert buckets.wait("address 999", 999.0) > 0


def scope(peer: str | None, *forwarded: str) -> dict[str, Any]:
    """What a server tells of a connection."""
    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    return {"client": (peer, 1234) if peer else None, "headers": headers}


@pytest.mark.parametrize(
    ("told", "address"),
    [
        pytest.param(scope(HOME), HOME, id="direct"),
        pytest.param(scope(HOME, "192.0.2.1"), HOME, id="nobody-else-is-believed"),
        pytest.param(scope("127.0.0.1"), "127.0.0.1", id="this-machine"),
        pytest.param(scope("127.0.0.1", HOME), HOME, id="our-proxy"),
        pytest.param(scope("127.0.0.1", f"192.0.2.1, {HOME}"), HOME, id="what-our-proxy-added-last"),
        pytest.param(scope("127.0.0.1", "192.0.2.1", HOME), HOME, id="two-headers"),
        pytest.param(scope("::1", "garbage"), "::/64", id="our-proxy-says-nonsense"),
        pytest.param(scope("::ffff:198.51.100.7"), HOME, id="ipv4-in-ipv6"),
        pytest.param(scope("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64", id="a-household-has-a-network"),
        pytest.param(scope(None), "None", id="unknown"),
    ],
)
def test_the_address_of_a_stranger(told: dict[str, Any], address: str) -> None:
    assert address_of(told) == address
