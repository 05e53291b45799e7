"""schemathesis against the running service: whatever is sent, no 500, and no status, kind, header or shape of an answer
that the contract does not say."""

from collections.abc import Mapping
from typing import Any

import httpx
import pytest
import requests
import schemathesis
from chosen import ALL
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from office_served import FILING, Service, shop
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

pytestmark = pytest.mark.long

pytest_plugins = ["office_service_fixtures"]

EXAMPLES = 20 if ALL else 8
NOWHERE = {
    "code": "KKHJ-7AF9-TZDW-3JXX-N",
    "layout": "sheet",
    "type_id": "no-such-type",
    "source": "nowhere",
    "record": "none",
    "snapshot": "999999",
    "delivery_id": "999999",
    "approval_id": "a-" + "a" * 20,
    "batch_id": "b-" + "a" * 20,
    "webhook_id": "w-" + "a" * 20,
    "number": "R-7K3M9-Q2DHX-F46TM",
    "request_id": "01m8d2bd6gyaaf1bm9dqvrvn8d",
}
"""Well-formed names behind which there is nothing."""

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
SETTINGS = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@schemathesis.serializer("application/pdf", "application/x-ndjson")
def as_it_is(_: object, value: object) -> bytes:
    """A body that is no JSON: what was made up, as bytes."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")


@pytest.fixture(scope="module")
def known(service: Service) -> Mapping[str, str]:
    """Names in paths behind which there is something."""

    async def made(api: Any) -> dict[str, str]:
        issued = await api.certificates.issue(FILING, shop("云山市探针器械店"), key="schemathesis")
        rows = [{"payload": shop("云山市批量探针店")}]
        batch = await api.batches.send(FILING, rows, dry_run=True, key="schemathesis-batch")
        hook = await api.webhooks.add("https://hooks.example.com/", ["batch.checked"], key="schemathesis-hook")
        ping = await api.webhooks.test(hook.id, key="schemathesis-ping")
        return {"code": issued.code, "batch_id": batch.id, "webhook_id": hook.id, "delivery_id": ping.id}

    found = service.use(made)
    return found | {"layout": "sheet", "type_id": FILING, "source": "fire", "record": "1", "snapshot": "1"}


@pytest.mark.long(seconds=100)
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=lambda mode: mode.name.lower())
def test_no_answer_is_a_500_or_undocumented(service: Service, known: Mapping[str, str], mode: GenerationMode) -> None:
    schema = schemathesis.openapi.from_url(service.url + "/openapi.json")
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {service.token()}"
    faults, tried = [], 0
    for found in schema.get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()
        told = f"{operation.method.upper()} {operation.path}"

        @SETTINGS
        @given(case=operation.as_strategy(generation_mode=mode), named=st.sampled_from(({}, known, NOWHERE)))
        def one(case: Any, named: Mapping[str, str]) -> None:
            nonlocal tried
            tried += 1
            if case.path_parameters:
                case.path_parameters |= {name: named[name] for name in case.path_parameters if name in named}
            if case.query and "wait" in case.query:
                case.query["wait"] = 0  # the feed waits as long as it is asked to
            answer = case.call(base_url=service.url, session=session, timeout=60)
            case.validate_response(answer, checks=CHECKS)

        try:
            one()
        except (Exception, FailureGroup) as failure:
            faults.append(f"{told}\n{failure}")
    assert faults == [], "\n\n".join(faults)
    assert tried > 200


def test_who_has_no_token_gets_the_same_answer_everywhere(service: Service) -> None:
    contract = httpx.get(service.url + "/openapi.json").json()
    for path, item in contract["paths"].items():
        for method in item:
            if path.startswith("/v1/"):
                place = service.url + path.replace("{", "").replace("}", "").replace(
                    "snapshots/snapshot", "snapshots/1"
                )
                answer = httpx.request(method, place, content=b"{", headers={"Authorization": "Bearer x.y.z"})
                assert (answer.status_code, answer.json()["code"]) == (401, "wrong_credentials"), (method, path)
                assert "www-authenticate" in answer.headers
