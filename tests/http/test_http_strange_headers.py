"""Whatever stands in a stranger's headers, nobody gets a 500: what cannot be read counts as not said."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from litestar import Litestar
from public_site import HOST, ROOT, make_site

from certsvc.authority.timestamp_responder import OUT_OF_ORDER, TimestampResponder
from certsvc.http.rate import Gate, parse_clients
from certsvc.http.site import Site
from certsvc.http.trust import TrustServices, create_trust_app

Header = tuple[bytes, bytes]
LATIN = st.binary(max_size=40)
QUALITIES = [b"inf", b"-inf", b"nan", b"1e999", b"-1e999", b"1e308", b"9" * 400, b"0x1", b"", b"1_0", b"\xb2", b"\xff"]


@dataclass
class Answer:
    """What an application said."""

    status: int
    headers: dict[bytes, bytes]
    content: bytes


def ask(app: Litestar, method: str, path: str, headers: Sequence[Header], body: bytes = b"") -> Answer:
    """Ask as a server does, with bytes that no client library would send."""
    scope: Any = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": list(headers),
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 8000),
        "extensions": {},
    }
    answer = Answer(0, {}, b"")

    async def receive() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            answer.status, answer.headers = message["status"], dict(message["headers"])
        else:
            answer.content += message.get("body", b"")

    asyncio.run(cast(Any, app)(scope, receive, send))
    return answer


class _NoTimestamps:
    """A responder that is out of order, so that no key is needed here."""

    def respond(self, message: bytes, now: object) -> object:
        return OUT_OF_ORDER


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Litestar:
    """The public role, with an empty register."""
    return make_site(tmp_path_factory.mktemp("public")).app


@pytest.fixture(scope="module")
def trust(tmp_path_factory: pytest.TempPathFactory) -> Litestar:
    """The trust role, with a gate and no keys."""
    site = Site(HOST, f"http://{HOST}", ROOT / "verifier_web", tmp_path_factory.mktemp("trust"), True)
    responder = cast(TimestampResponder, _NoTimestamps())
    gate = Gate(parse_clients(""), 1_000_000)
    services = TrustServices(ocsp=cast(Any, None), timestamps=lambda now: responder, gate=gate)
    return create_trust_app(services, site)


PUBLIC = [
    pytest.param("GET", "/", 200, id="home"),
    pytest.param("GET", "/Q/123", 400, id="scan"),
    pytest.param("GET", "/C/ABC", 400, id="code"),
    pytest.param("GET", "/code", 400, id="typed"),
    pytest.param("POST", "/verify", 415, id="file"),
    pytest.param("GET", "/crl/none.crl", 404, id="crl"),
    pytest.param("GET", "/static/none.css", 404, id="static"),
    pytest.param("GET", "/health", 200, id="health"),
    pytest.param("GET", "/none", 404, id="no-page"),
    pytest.param("DELETE", "/", 405, id="wrong-method"),
]
TRUST = [
    pytest.param("POST", "/tsa", 415, id="tsa"),
    pytest.param("POST", "/ocsp", 415, id="ocsp"),
    pytest.param("GET", "/crl/none.crl", 404, id="crl"),
    pytest.param("GET", "/none", 404, id="no-page"),
]
WRONG_KIND = (b"content-type", b"text/plain")


def with_odd_weights(app: Litestar, method: str, path: str) -> set[int]:
    """What an address says to odd weights."""
    weights = ((b"accept", b"text/html;q=" + quality) for quality in QUALITIES)
    return {ask(app, method, path, [WRONG_KIND, weight]).status for weight in weights}


@pytest.mark.parametrize(("method", "path", "status"), PUBLIC)
def test_an_odd_weight_in_accept_changes_no_answer(public: Litestar, method: str, path: str, status: int) -> None:
    assert with_odd_weights(public, method, path) == {status}


@pytest.mark.parametrize(("method", "path", "status"), TRUST)
def test_nor_in_the_trust_role(trust: Litestar, method: str, path: str, status: int) -> None:
    assert with_odd_weights(trust, method, path) == {status}


def test_an_accept_that_cannot_be_read_counts_as_none(public: Litestar) -> None:
    for method, path in (("GET", "/none"), ("POST", "/verify")):
        found = [
            ask(public, method, path, [WRONG_KIND, *accept]).headers[b"content-type"]
            for accept in ([], [(b"accept", b"application/json;q=0.9, text/html;q=inf")])
        ]
        assert found[0] == found[1]
        assert found[0].startswith(b"text/html" if method == "GET" else b"application/problem+json")


@pytest.mark.parametrize("scheme", [b"Basic ", b"BASIC ", b"Bearer ", b"Digest ", b"", b"Basic"])
@pytest.mark.parametrize("given", [b"\xe9", b"\xff\xfe", b"!!!", b"YQ\xa0==", b"\xc3\xa9:x"])
def test_credentials_that_are_no_ascii_are_an_unknown_clients(trust: Litestar, scheme: bytes, given: bytes) -> None:
    answer = ask(trust, "POST", "/tsa", [(b"authorization", scheme + given)])
    assert answer.status == 401
    assert b"www-authenticate" in answer.headers


def weighed(kinds: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """A header of preferences: kinds with weights, some of them odd."""
    weight = st.one_of(
        st.just(b""),
        st.sampled_from(QUALITIES).map(b";q=".__add__),
        st.floats().map(lambda number: f"; q={number}".encode()),
        LATIN.map(b";".__add__),
    )
    return st.lists(st.tuples(kinds, weight).map(b"".join), max_size=6).map(b",".join)


MEDIA = st.one_of(
    st.sampled_from([b"text/html", b"application/json", b"*/*", b"text/*", b"*", b"/", b"application/problem+json"]),
    LATIN,
)
KINDS = st.one_of(
    st.sampled_from(
        [
            b"multipart/form-data; boundary=x",
            b"multipart/form-data; boundary=\xe9",
            b"multipart/form-data; boundary=x; charset=none",
            b"text/plain; q=",
        ]
    ),
    st.sampled_from([b"multipart/form-data;", b"text/plain;", b"application/timestamp-query;"]).flatmap(
        lambda kind: LATIN.map(kind.__add__)
    ),
    LATIN,
)
VALUES = {
    b"accept": weighed(MEDIA),
    b"accept-language": weighed(st.one_of(st.sampled_from([b"zh", b"en", b"zh-Hans-CN", b"*"]), LATIN)),
    b"accept-encoding": weighed(LATIN),
    b"authorization": st.sampled_from([b"Basic ", b"Bearer ", b""]).flatmap(lambda scheme: LATIN.map(scheme.__add__)),
    b"content-type": KINDS,
    b"content-length": st.one_of(st.integers().map(lambda number: str(number).encode()), LATIN),
    b"cookie": LATIN,
    b"host": LATIN,
    b"if-modified-since": LATIN,
    b"if-none-match": LATIN,
    b"range": st.one_of(st.just(b"bytes=5-1"), LATIN.map(b"bytes=".__add__)),
    b"x-forwarded-for": st.one_of(st.sampled_from([b"fe80::1%x", b"::ffff:1.2.3.4%x"]), LATIN),
}
STRANGE = st.lists(
    st.sampled_from(sorted(VALUES)).flatmap(lambda name: st.tuples(st.just(name), VALUES[name])), max_size=5
)
BODIES = st.one_of(
    st.just(b""),
    LATIN.map(
        lambda odd: b'--x\r\nContent-Disposition: form-data; name="file"; filename="' + odd + b'"\r\n\r\n%PDF\r\n--x--'
    ),
    LATIN.map(lambda odd: b"--x\r\n" + odd + b"\r\n\r\n%PDF\r\n--x--"),
)
MANY = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.long
@MANY
@given(st.sampled_from([each.values[:2] for each in PUBLIC]), STRANGE, BODIES)
@example(("GET", "/Q/123"), [(b"accept", b"text/html;q=inf")], b"")
def test_no_header_of_a_stranger_breaks_the_public_role(
    public: Litestar, where: tuple[str, str], headers: list[Header], body: bytes
) -> None:
    assert ask(public, *where, headers, body).status < 500


@pytest.mark.long
@MANY
@given(st.sampled_from([each.values[:2] for each in TRUST if each.values[1] != "/ocsp"]), STRANGE, BODIES)
@example(("POST", "/tsa"), [(b"authorization", b"Basic \xe9")], b"")
def test_nor_the_trust_role(trust: Litestar, where: tuple[str, str], headers: list[Header], body: bytes) -> None:
    assert ask(trust, *where, headers, body).status < 500
