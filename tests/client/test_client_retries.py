"""What the client does when something passes by: the same request again, under the same key, so often and no more."""

import asyncio
from typing import Any

import httpx
import pytest
from pretended import Answer, PretendedService

from certsvc.client import ApiError, NotReached, Retries

CERTIFICATE: dict[str, Any] = {
    "code": "G63J-X1XQ-WC6E-VKRW-E",
    "state": "issued",
    "type": "food-business",
    "type_version": 1,
    "number": "JY1",
    "version": 1,
    "identifier": "1.2.156",
    "issuer": {"name": "局", "uscc": "11441900007330010D"},
    "term": {"start": "2026-01-01", "end": None},
    "subject": None,
    "act": "issue",
    "something_new": {"later": True},
}
PASSING: dict[str, Answer] = {
    "in progress": httpx.Response(409, json=PretendedService.problem(409, "request_in_progress")),
    "too many": httpx.Response(429, json=PretendedService.problem(429, "too_many_requests")),
    "unavailable": httpx.Response(503, json=PretendedService.problem(503, "register_unavailable")),
    "a proxy without it": httpx.Response(502, text="<html>Bad Gateway"),
    "not reached": httpx.ConnectError("refused"),
    "broken off": httpx.RemoteProtocolError("server disconnected"),
    "no answer": httpx.ReadTimeout("late"),
}


def issue(service: PretendedService, **more: Any) -> Any:
    """Issue with a fresh client."""

    async def story() -> Any:
        async with service.client() as api:
            return await api.certificates.issue("food-business", {"name": "店"}, **more)

    return asyncio.run(story())


@pytest.mark.parametrize("case", PASSING)
def test_a_write_is_sent_again_with_the_same_key_and_body(case: str) -> None:
    service = PretendedService()
    service.answers = [PASSING[case], PASSING[case], httpx.Response(201, json=CERTIFICATE, headers={"ETag": '"1-1-1"'})]
    made = issue(service)
    assert (made.code, made.etag) == (CERTIFICATE["code"], '"1-1-1"')
    keys = {request.headers["idempotency-key"] for request in service.asked}
    assert len(service.asked) == 3 and len(keys) == 1 and len({str(body) for body in service.bodies}) == 1
    assert len(service.slept) == 2


def test_each_write_has_a_key_of_its_own_unless_it_is_given_one() -> None:
    service = PretendedService()
    service.answers = [httpx.Response(201, json=CERTIFICATE)] * 3
    issue(service)
    issue(service)
    issue(service, key="application-18")
    first, second, third = (request.headers["idempotency-key"] for request in service.asked)
    assert first != second and third == "application-18"


def test_it_waits_as_long_as_the_service_says_and_no_longer_than_a_minute() -> None:
    service = PretendedService()
    service.answers = [
        service.refusal(429, "too_many_requests", Retry_After="7"),
        service.refusal(503, "workers_busy", Retry_After="86400"),
        service.refusal(503, "workers_busy", Retry_After="Fri, 27 Nov 2026 00:00:00 GMT"),
        httpx.Response(201, json=CERTIFICATE),
    ]
    issue(service)
    assert service.slept[:2] == [7.0, 60.0] and 0 < service.slept[2] <= 2.0


def test_pauses_double_and_are_bounded() -> None:
    retries = Retries()
    for tried in range(1, 40):
        longest = min(0.5 * 2 ** (tried - 1), 60.0)
        assert longest / 2 <= retries.pause(tried, None) <= longest


def test_after_so_many_tries_the_error_tells_the_key_under_which_to_go_on() -> None:
    service = PretendedService()
    service.answers = [httpx.ConnectError("refused")] * 20
    with pytest.raises(NotReached) as given_up:
        issue(service, key="application-19")
    assert given_up.value.request_key == "application-19" and len(service.asked) == 6
    service.answers = [PASSING["unavailable"]] * 20
    with pytest.raises(ApiError, match="register_unavailable"):
        issue(service)


@pytest.mark.parametrize(
    ("status", "code"), [(409, "conflict"), (422, "payload_invalid"), (422, "request_key_reused"), (500, "internal")]
)
def test_what_does_not_pass_by_is_told_at_once(status: int, code: str) -> None:
    service = PretendedService()
    fault = {"field": "valid_to", "code": "not_before", "zh": "早", "en": "Early."}
    service.answers = [httpx.Response(status, json=service.problem(status, code) | {"problems": [fault]})]
    with pytest.raises(ApiError) as refused:
        issue(service)
    assert (refused.value.status, refused.value.code) == (status, code)
    assert refused.value.problems[0].field == "valid_to"
    assert service.slept == [] and len(service.asked) == 1


def test_an_answer_that_is_no_problem_is_an_error_all_the_same() -> None:
    service = PretendedService()
    for odd in (httpx.Response(500, text="oops"), httpx.Response(400, json=[1]), httpx.Response(404, json={"code": 3})):
        service.answers = [odd]
        with pytest.raises(ApiError) as refused:
            issue(service)
        assert refused.value.code in ("unreadable", "3") or refused.value.status == odd.status_code


def test_what_waits_for_a_person_comes_back_as_an_approval() -> None:
    service = PretendedService()
    approval: dict[str, Any] = {
        "id": "a-1",
        "state": "waiting",
        "asked_by": "market",
        "asked_at": "2026-11-24T08:00:00Z",
        "act": "issue",
        "type": "tiered-water-proof",
        "certificate": None,
        "needed": 1,
        "decisions": [],
        "decided_at": None,
        "result": None,
    }
    service.answers = [httpx.Response(202, json=approval)]
    assert issue(service).id == "a-1"


@pytest.mark.long
def test_what_is_reserved_is_looked_at_until_it_is_sealed() -> None:
    service = PretendedService()
    reserved = CERTIFICATE | {"state": "reserved"}
    service.answers = [
        httpx.Response(202, json=reserved),
        httpx.Response(200, json=reserved),
        httpx.Response(200, json=CERTIFICATE),
    ]
    assert issue(service).state == "issued"
    assert [request.method for request in service.asked] == ["POST", "GET", "GET"]


def test_a_list_is_read_page_by_page() -> None:
    service = PretendedService()
    found = {
        "code": "G63J-X1XQ-WC6E-VKRW-E",
        "type": "food-business",
        "number": "1",
        "version": 1,
        "holder": "店",
        "subject": None,
        "issuer": CERTIFICATE["issuer"],
        "term": CERTIFICATE["term"],
        "issued_at": None,
        "status": None,
        "href": "/v1",
    }
    service.answers = [service.page(found, found, following="c2"), service.page(found)]

    async def story() -> list[str]:
        async with service.client() as api:
            return [each.number async for each in api.certificates.search(type_id="food-business")]

    assert asyncio.run(story()) == ["1", "1", "1"]
    assert [dict(request.url.params) for request in service.asked] == [
        {"type": "food-business"},
        {"type": "food-business", "cursor": "c2"},
    ]


def test_the_feed_is_followed_from_where_it_was_left() -> None:
    service = PretendedService()
    notices = [
        {"id": f"notice-{n}", "type": "certificate.issue", "timestamp": "2026-11-24T08:00:00.000Z", "data": {}}
        for n in range(3)
    ]
    service.answers = [
        service.page(*notices[:2], following="2"),
        service.page(following="2"),
        service.page(*notices[2:], following="3"),
    ]

    async def story() -> list[tuple[str, str]]:
        async with service.client() as api:
            seen = []
            async for notice, place in api.events.follow("0"):
                seen.append((notice.id, place))
                if len(seen) == 3:
                    return seen
            raise AssertionError

    assert asyncio.run(story()) == [("notice-0", "0"), ("notice-1", "2"), ("notice-2", "3")]
    assert [request.url.params["after"] for request in service.asked] == ["0", "2", "2"]
