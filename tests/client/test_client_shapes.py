"""What the client reads is what the service answers: the answers that stand in the contract as examples."""

import json
from typing import Any

import msgspec
import pytest
from demonstration import ROOT

from certsvc.client import batches, cases, external, problem_reports, records, seal_requests, shapes, types, webhooks

EXAMPLES = ROOT / "certsvc" / "http" / "office" / "examples"
ANSWERS: dict[str, type[msgspec.Struct]] = {
    "issue_certificate/201-issued": shapes.Certificate,
    "issue_certificate/202-reserved": shapes.Certificate,
    "issue_certificate/202-approval": shapes.Approval,
    "issue_certificate/200-dry-run": shapes.Rehearsal,
    "act_on_certificate/201-changed": shapes.Certificate,
    "read_history/200-events": shapes.History,
    "decide_approval/200-approved": shapes.Approval,
    "send_batch/202-taken": batches.Batch,
    "read_batch/200-finished": batches.Batch,
    "open_case/201-opened": cases.Case,
    "decide_part/200-accepted": cases.Case,
    "read_form/200-merged": cases.Form,
    "put_record/200-registered": records.Record,
    "take_snapshot/201-applied": records.Snapshot,
    "read_source/200-health": records.SourceHealth,
    "reconcile_records/200-differences": records.Compared,
    "read_report/200-whole": problem_reports.Report,
    "acknowledge_report/200-taken-up": problem_reports.Report,
    "close_report/200-corrected": problem_reports.Report,
    "read_type/200-food": types.WholeType,
    "read_me/200-client": types.Me,
    "send_external_file/201-taken": external.TakenFile,
    "ask_for_seal/201-sealed": seal_requests.SealRequest,
    "ask_for_seal/201-digests": seal_requests.SealRequest,
    "add_webhook/201-added": webhooks.WebHook,
    "read_delivery/200-pending": webhooks.Delivery,
    "test_webhook/202-ping": webhooks.Delivery,
    "replay_delivery/202-again": webhooks.Delivery,
}
LISTS: dict[str, type[msgspec.Struct]] = {
    "search_certificates/200-page": shapes.Found,
    "list_approvals/200-waiting": shapes.Approval,
    "list_batches/200-page": batches.Batch,
    "list_batch_rows/200-rows": batches.Row,
    "list_parts/200-page": cases.ListedPart,
    "find_records/200-page": records.Record,
    "list_reports/200-page": problem_reports.Report,
    "list_sources/200-sources": records.Source,
    "read_differences/200-differences": records.Difference,
    "search_by_holder/200-held": shapes.Found,
    "list_seal_requests/200-page": seal_requests.SealRequest,
    "list_webhooks/200-all": webhooks.WebHook,
    "list_deliveries/200-pending": webhooks.Delivery,
    "read_events/200-page": shapes.Notice,
}


def answer(name: str) -> Any:
    """An answer as it was given."""
    return json.loads((EXAMPLES / f"{name}.json").read_text("utf-8"))


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_is_read_whole(name: str) -> None:
    given = answer(name)
    read = msgspec.convert(given, ANSWERS[name])
    assert {field for field in read.__struct_fields__ if field != "etag"} - given.keys() - optional(read) == set()
    told = msgspec.to_builtins(read)
    assert all(told[field] == given[field] for field in ("code", "id", "state", "type") if field in told)


@pytest.mark.parametrize("name", LISTS)
def test_every_item_of_a_list_is_read(name: str) -> None:
    items = answer(name)["items"]
    assert items and len([msgspec.convert(item, LISTS[name]) for item in items]) == len(items)


def optional(read: msgspec.Struct) -> set[str]:
    """The members that an answer need not have."""
    return {field.name for field in msgspec.structs.fields(read) if not field.required}
