"""The client reaches every operation of the contract, each under the path that stands there."""

import asyncio
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from desk import Desk
from office_room import Caller

from certsvc.client import Client

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "client"))
from pretended import PretendedService

pytest_plugins = ["office_fixtures"]

AT = datetime(2026, 11, 24, tzinfo=UTC)
CALLS: dict[str, Callable[[Client], Any]] = {
    "list_types": lambda api: api.types.all(),
    "read_type": lambda api: api.types.read("x"),
    "read_me": lambda api: api.types.me(),
    "issue_certificate": lambda api: api.certificates.issue("x", {}),
    "read_certificate": lambda api: api.certificates.read("x"),
    "read_history": lambda api: api.certificates.history("x"),
    "view_payload": lambda api: api.certificates.payload("x", "why"),
    "read_document": lambda api: api.certificates.document("x", "y"),
    "search_certificates": lambda api: api.certificates.search(),
    "search_by_holder": lambda api: api.certificates.held_by("x"),
    "act_on_certificate": lambda api: api.certificates.act("x", "revoke"),
    "send_external_file": lambda api: api.external.send(b"%PDF"),
    "read_qr_svg": lambda api: api.external.qr_svg("x"),
    "read_qr_png": lambda api: api.external.qr_png("x"),
    "read_poster": lambda api: api.external.poster("x"),
    "list_approvals": lambda api: api.approvals.list(),
    "read_approval": lambda api: api.approvals.read("x"),
    "decide_approval": lambda api: api.approvals.approve("x"),
    "withdraw_approval": lambda api: api.approvals.withdraw("x"),
    "open_case": lambda api: api.cases.open("x", [], {}),
    "list_parts": lambda api: api.cases.parts(),
    "read_form": lambda api: api.cases.form("x"),
    "read_case": lambda api: api.cases.read("x"),
    "decide_part": lambda api: api.cases.decide("x", "y", "accept"),
    "correct_answers": lambda api: api.cases.correct("x", {}),
    "withdraw_part": lambda api: api.cases.withdraw("x", "y", "z"),
    "find_records": lambda api: api.records.find(),
    "put_record": lambda api: api.records.put("x", "y", {}),
    "read_record": lambda api: api.records.read("x", "y"),
    "take_snapshot": lambda api: api.records.snapshot("x", [], AT),
    "reconcile_records": lambda api: api.records.reconcile("x", [], AT),
    "read_differences": lambda api: api.records.differences("x", 1),
    "list_reports": lambda api: api.reports.list(),
    "read_report": lambda api: api.reports.read("x"),
    "acknowledge_report": lambda api: api.reports.acknowledge("x"),
    "close_report": lambda api: api.reports.close("x", "unfounded", "y"),
    "list_sources": lambda api: api.records.sources(),
    "read_source": lambda api: api.records.source("x"),
    "send_file": lambda api: api.seal_requests.seal(b"%PDF", [], "why"),
    "ask_for_seal": lambda api: api.seal_requests.sign("x", [], "why"),
    "list_seal_requests": lambda api: api.seal_requests.list(),
    "read_seal_request": lambda api: api.seal_requests.read("x"),
    "read_sealed_document": lambda api: api.seal_requests.document("x"),
    "send_batch": lambda api: api.batches.send("x", []),
    "list_batches": lambda api: api.batches.list(),
    "read_batch": lambda api: api.batches.read("x"),
    "list_batch_rows": lambda api: api.batches.rows("x"),
    "read_manifest": lambda api: api.batches.manifest("x"),
    "read_manifest_table": lambda api: api.batches.table("x"),
    "approve_batch": lambda api: api.batches.approve("x"),
    "pause_batch": lambda api: api.batches.pause("x"),
    "resume_batch": lambda api: api.batches.resume("x"),
    "cancel_batch": lambda api: api.batches.cancel("x"),
    "retry_batch": lambda api: api.batches.retry("x"),
    "read_events": lambda api: api.events.since(),
    "add_webhook": lambda api: api.webhooks.add("x"),
    "list_webhooks": lambda api: api.webhooks.list(),
    "read_webhook": lambda api: api.webhooks.read("x"),
    "change_webhook": lambda api: api.webhooks.change("x"),
    "remove_webhook": lambda api: api.webhooks.remove("x"),
    "rotate_secret": lambda api: api.webhooks.rotate("x"),
    "list_deliveries": lambda api: api.webhooks.deliveries("x"),
    "read_delivery": lambda api: api.webhooks.delivery("x", "1"),
    "replay_delivery": lambda api: api.webhooks.replay("x", "1"),
    "replay_since": lambda api: api.webhooks.replay_since("x", AT),
    "test_webhook": lambda api: api.webhooks.test("x"),
}


@pytest.fixture(scope="module")
def contract(market: Caller, desk: Desk) -> Any:
    """The document as it is served."""
    return desk.run(market.get("/openapi.json")).json()


def asked(call: Callable[[Client], Any]) -> httpx.Request:
    """The first request that a call makes; what is answered is of no use to it."""
    service = PretendedService()
    service.answers = [httpx.Response(400, json=service.problem(400, "invalid_input"))]

    async def story() -> None:
        async with service.client(most=1) as api:
            found = call(api)
            if hasattr(found, "__aiter__"):
                async for _ in found:
                    raise AssertionError
            else:
                await found

    with pytest.raises(Exception, match="invalid_input"):
        asyncio.run(story())
    return service.asked[0]


@pytest.mark.long
def test_the_client_reaches_every_operation(contract: Any) -> None:
    told = {
        operation["operationId"]: (method.upper(), path)
        for path, item in contract["paths"].items()
        for method, operation in item.items()
        if path.startswith("/v1/")
    }
    assert told.keys() - CALLS.keys() == set()
    for name, call in CALLS.items():
        method, path = told[name]
        request = asked(call)
        pattern = re.sub(r"\{[^}]*\}", "[^/]+", path)
        assert request.method == method and re.fullmatch(pattern, request.url.path), (name, request.url.path, path)
