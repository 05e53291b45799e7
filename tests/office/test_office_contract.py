"""The contract: made from the code, whole, valid, with examples that work, and a page that shows it in a browser."""

import json
import secrets
from collections.abc import Iterator, Sequence
from typing import Any

import jsonschema_rs
import pytest
from desk import Desk
from office_room import Caller, Room
from openapi_spec_validator import OpenAPIV31SpecValidator

from certsvc.http.office.contract import error_codes, operations_of
from certsvc.http.office.contract_words import TAGS
from certsvc.http.office.examples import FOLDER

pytest_plugins = ["office_fixtures"]

SNACK_BAR = "云山市云岗镇阿强小食店"
SHAPE_IS_WRONG = (400, 401, 408, 413, 414, 415)
"""Statuses that an example of a request may never have, whatever stands in the register."""


@pytest.fixture(scope="module")
def contract(room: Room, desk: Desk, market: Caller) -> dict[str, Any]:
    """The document as a stranger gets it."""

    async def ask() -> Any:
        market_token = market.http.headers.pop("Authorization")
        answer = await market.get("/openapi.json")
        market.http.headers["Authorization"] = market_token
        assert answer.status_code == 200 and answer.headers["content-type"] == "application/json"
        return answer.json()

    found: dict[str, Any] = desk.run(ask())
    return found


def shapes(contract: dict[str, Any], content: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Every example of a body or an answer: its name, its schema with what that refers to, and its value."""
    for media in content.values():
        schema = media["schema"] | {"components": contract["components"]}
        for name, example in media.get("examples", {}).items():
            yield name, schema, example["value"]


def requests(contract: dict[str, Any]) -> list[tuple[str, str, str, Any]]:
    """Method, path, name and body of every example of a request."""
    return [
        (method.upper(), path, f"{operation['operationId']}: {name}", example["value"])
        for path, item in contract["paths"].items()
        for method, operation in item.items()
        for media in operation.get("requestBody", {}).get("content", {}).values()
        for name, example in media.get("examples", {}).items()
    ]


def test_the_contract_is_a_valid_openapi_31_document(contract: dict[str, Any]) -> None:
    assert contract["openapi"].startswith("3.1")
    assert [error.message for error in OpenAPIV31SpecValidator(contract).iter_errors()] == []


def test_every_route_under_v1_is_documented_and_no_other(room: Room, contract: dict[str, Any]) -> None:
    served = {
        (method, route.path_format)
        for route in room.app.routes
        for method in getattr(route, "methods", ())
        if route.path.startswith("/v1/") and method not in ("HEAD", "OPTIONS")
    }
    told = {(method.upper(), path) for path, item in contract["paths"].items() for method in item}
    assert told - {("POST", "/oauth/token")} == served
    assert len(served) > 50


def test_every_operation_has_words_and_every_tag_a_line(contract: dict[str, Any]) -> None:
    used = set()
    for operation in operations_of(contract):
        assert operation["summary"] and operation["description"], operation["operationId"]
        used |= set(operation["tags"])
    assert used == set(TAGS) == {tag["name"] for tag in contract["tags"]}


def test_every_write_has_its_key_and_every_error_is_our_problem(contract: dict[str, Any]) -> None:
    for path, item in contract["paths"].items():
        for method, operation in item.items():
            if path == "/oauth/token":
                continue
            named = [each["name"] for each in operation.get("parameters", ()) if each.get("required")]
            changes = method != "get" and operation["operationId"] not in ("search_by_holder", "reconcile_records")
            assert ("Idempotency-Key" in named) is changes, operation["operationId"]
            for status, response in operation["responses"].items():
                assert {"RateLimit", "RateLimit-Policy"} <= response["headers"].keys()
                if status >= "400":
                    (media,) = response["content"].items()
                    assert media[0] == "application/problem+json"
                    assert media[1]["schema"]["$ref"].endswith("/ProblemDocument"), (path, status)


def test_every_stable_error_code_is_named(contract: dict[str, Any]) -> None:
    said = contract["components"]["schemas"]["ProblemDocument"]["properties"]["code"]["description"]
    assert {"payload_invalid", "request_key_reused", "method_not_allowed", "forbidden"} <= error_codes().keys()
    assert all(f"| `{code}` | {status} |" in said for code, (status, _) in error_codes().items())


def test_every_body_and_main_answer_has_examples_of_its_shape(contract: dict[str, Any]) -> None:
    missing, seen = [], 0
    for operation in operations_of(contract):
        name = operation["operationId"]
        parts: Sequence[tuple[str, Any]] = [
            ("request", operation.get("requestBody", {})),
            *((status, response) for status, response in operation["responses"].items()),
        ]
        for part, said in parts:
            for example, schema, value in shapes(contract, said.get("content", {})):
                problems = [error.message for error in jsonschema_rs.iter_errors(schema, value)]
                assert problems == [], f"{name} {part} {example}"
                seen += 1
        told = [
            said.get("content", {}).get("application/json") for part, said in parts if part < "300" or part == "request"
        ]
        if any(told) and not any(media and ("examples" in media or "example" in media) for media in told):
            missing.append(name)
        body = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if body is not None and "examples" not in body:
            missing.append(f"{name}: body")
    assert missing == [] and seen > 60


def test_every_example_belongs_to_an_operation(contract: dict[str, Any]) -> None:
    named = {operation["operationId"] for operation in operations_of(contract)}
    assert {folder.name for folder in FOLDER.iterdir()} - named == set()


@pytest.mark.long
def test_requests_in_examples_work(room: Room, market: Caller, contract: dict[str, Any], desk: Desk) -> None:
    issued = [(name, body) for _, path, name, body in requests(contract) if path == "/v1/certificates"]
    assert len(issued) == 4

    async def story() -> None:
        for name, body in issued:
            answer = await market.post("/v1/certificates", body | {"dry_run": True})
            assert answer.status_code == 200, (name, answer.text)
        found = (await market.get("/v1/certificates", params={"type": "food-business"})).json()["items"]
        shown = next(each for each in found if each["holder"] == SNACK_BAR)
        code, term = shown["code"], {"valid_from": shown["term"]["start"], "valid_to": shown["term"]["end"]}
        for method, path, name, body in requests(contract):
            if path == "/v1/certificates":
                continue
            place = path.replace("{code}", code).replace("{webhook_id}", "w-" + "a" * 20)
            place = place.replace("{number}", "R-7K3M9-Q2DHX-F46TM")
            place = place.replace("{", "").replace("}", "")
            rehearsed = {"dry_run": True} if path.endswith("/acts") else {}
            if body.get("act") == "change":  # whose term is that on record
                body["payload"] |= term
            headers = {"Idempotency-Key": secrets.token_hex(8)}
            answer = await market.http.request(method, place, json=body | rehearsed, headers=headers)
            assert answer.status_code not in SHAPE_IS_WRONG, (name, answer.text)
            if rehearsed:
                assert answer.status_code == 200, (name, answer.text)

    desk.run(story())


def test_the_contract_is_the_same_until_the_service_changes(market: Caller, desk: Desk) -> None:
    async def story() -> None:
        first = await market.get("/openapi.json")
        again = await market.get("/openapi.json", headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert "max-age" in first.headers["cache-control"]

    desk.run(story())


def test_the_contract_tells_nothing_of_this_machine(contract: dict[str, Any]) -> None:
    text = json.dumps(contract, ensure_ascii=False)
    assert "/root/" not in text and "/tmp/" not in text
