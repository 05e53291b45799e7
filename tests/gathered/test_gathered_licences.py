"""Licences for programs and by number: one contract, one answer for wrong and unknown, and a limit."""

import itertools
import json
import re
from typing import Any

import jsonschema_rs
import pytest
from gathered_room import COMPANY, SOLE_TRADER, Anew, Past
from litestar import Litestar
from litestar.testing import TestClient
from public_site import ROOT

from certsvc.domain.history import NamedLicence
from certsvc.http import public_licences
from certsvc.ids import new_ref
from certsvc.verify.by_number import _is_named

pytest_plugins = ["gathered_fixtures"]

Client = TestClient[Litestar]
ADDRESSES = itertools.count(1)
CONTRACT = json.loads((ROOT / "verifier_web" / "docs" / "public.openapi.json").read_text("utf-8"))


@pytest.fixture(autouse=True)
def another_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test asks from an address of its own."""
    number = next(ADDRESSES)
    monkeypatch.setattr(public_licences, "address_of", lambda scope: f"192.0.2.{number}")


def by_number(client: Client, uscc: str, name: str | None) -> Any:
    return client.get(f"/v1/public/licences/by-uscc/{uscc}", params={} if name is None else {"name": name})


def schema(name: str) -> dict[str, Any]:
    """A schema of the contract as one by itself."""
    return {"$ref": f"#/components/schemas/{name}", "components": closed(CONTRACT["components"])}


def closed(part: Any) -> Any:
    """The same where an object has nothing but what the contract names."""
    if isinstance(part, list):
        return [closed(each) for each in part]
    if not isinstance(part, dict):
        return part
    found = {key: closed(each) for key, each in part.items()}
    return {**found, "additionalProperties": False} if "properties" in found and "type" in found else found


def test_the_contract_is_served_and_every_answer_keeps_it(client: Client, past: Past) -> None:
    assert client.get("/v1/public/openapi.json").json() == CONTRACT
    validator = jsonschema_rs.Draft202012Validator(schema("Report"))
    code = past.licence.ref.typed_code
    answers = [
        client.get(f"/v1/public/licences/{code}"),
        client.get(f"/v1/public/licences/{code}", params={"as_of": "2025-06-15"}),
        client.get(f"/v1/public/licences/{past.shop.ref.typed_code}", params={"as_of": "2025-09-15"}),
        client.get(f"/v1/public/licences/{code}", params={"as_of": "2025-03-20", "known_at": "2025-02-01"}),
        client.get(f"/C/{past.food.ref.typed_code}", headers={"Accept": "application/json"}),
        by_number(client, COMPANY, "云山"),
    ]
    for answer in answers:
        assert answer.status_code == 200 and answer.headers["cache-control"] == "no-store"
        assert [str(error) for error in validator.iter_errors(answer.json())] == []


def test_what_the_contract_names_is_what_there_is(client: Client) -> None:
    served = {route.path for route in client.app.routes}
    for path in CONTRACT["paths"]:
        pattern = re.sub(r"\{\w+\}", "{}", path)
        assert pattern in {re.sub(r"\{[^}]+\}", "{}", one) for one in served}


def test_the_same_answer_as_by_its_code(client: Client, past: Past) -> None:
    code = past.licence.ref.typed_code
    one = client.get(f"/v1/public/licences/{code}").json()
    other = client.get(f"/C/{code}", headers={"Accept": "application/json"}).json()
    assert one | {"asked_at": 0} == other | {"asked_at": 0}


def test_only_licences_are_found_there(client: Client, past: Past) -> None:
    for code in (past.food.ref.typed_code, new_ref(None).typed_code):
        answer = client.get(f"/v1/public/licences/{code}")
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


def test_by_number_and_name_the_licence_is_found_with_its_permits(client: Client, past: Past) -> None:
    answer = by_number(client, COMPANY, "云山").json()
    assert answer["certificate"]["typed_code"] == past.licence.ref.typed_code
    assert answer["verdict"] == "valid" and len(answer["permits"]) == 2
    assert ("number", "passed", "known_number") in {
        (one["kind"], one["outcome"], one["reason"]) for one in answer["checks"]
    }
    longer = by_number(client, COMPANY.lower(), "云山市晨光食品有限公司")
    assert longer.status_code == 200


def test_wrong_and_unknown_are_one_answer_after_one_question(client: Client, past: Past, reader: Anew) -> None:
    answers, questions = [], []
    for uscc, name in ((COMPANY, "东城"), (SOLE_TRADER, "云山"), ("11441900007330010D", "云山")):
        reader.asked.clear()
        answer = by_number(client, uscc, name)
        questions.append(list(reader.asked))
        kept = {key: value for key, value in answer.headers.items() if key not in ("date",)}
        answers.append((answer.status_code, answer.content, kept))
    assert answers[0][0] == 404
    assert answers[0] == answers[1] == answers[2]
    assert questions == [["by_number"]] * 3, "whether it is there makes no question more"


@pytest.mark.parametrize(("uscc", "name"), [(COMPANY, None), (COMPANY, "云"), (COMPANY, " 云 "), ("9144", "云山")])
def test_what_is_mistyped_is_refused_before_any_look_up(
    client: Client, past: Past, reader: Anew, uscc: str, name: str | None
) -> None:
    reader.asked.clear()
    assert by_number(client, uscc, name).status_code == 400
    assert reader.asked == []


@pytest.mark.long
def test_asking_by_number_too_often_is_refused_with_the_time_to_wait(client: Client, past: Past) -> None:
    codes = [by_number(client, COMPANY, "错误").status_code for _ in range(public_licences.NUMBERS_PER_MINUTE + 1)]
    assert codes == [404] * public_licences.NUMBERS_PER_MINUTE + [429]
    answer = by_number(client, COMPANY, "云山")
    assert answer.status_code == 429 and int(answer.headers["retry-after"]) >= 1


def test_a_masked_name_is_found_by_nobody() -> None:
    masked = NamedLicence(ref=new_ref(None), names=("周**",))
    assert not _is_named(masked, "周*")
    assert _is_named(NamedLicence(ref=new_ref(None), names=("周**", "阿强小吃店")), "阿强")


def test_people_find_it_by_the_form_and_are_told_that_no_paper_was_checked(client: Client, past: Past) -> None:
    html = {"Accept": "text/html"}
    assert 'action="/number"' in client.get("/?lang=zh").text
    shown = client.get("/number", params={"uscc": COMPANY, "name": "云山", "lang": "zh"}, headers=html)
    assert shown.status_code == 200 and "没有核对任何纸面或文件" in shown.text
    missing = client.get("/number", params={"uscc": COMPANY, "name": "东城"}, headers=html)
    assert missing.status_code == 404 and past.licence.ref.typed_code not in missing.text
