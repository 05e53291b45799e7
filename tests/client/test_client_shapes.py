"""What the client reads is what the service answers: the answers that stand in the contract as examples."""

import json
from typing import Any

import msgspec
import pytest
from demonstration import ROOT

from certsvc.client import external, more_shapes, shapes, types

EXAMPLES = ROOT / "certsvc" / "http" / "office" / "examples"
ANSWERS: dict[str, type[msgspec.Struct]] = {
    "issue_certificate/201-issued": shapes.Certificate,
    "issue_certificate/202-reserved": shapes.Certificate,
    "issue_certificate/202-approval": shapes.Approval,
    "issue_certificate/200-dry-run": shapes.Rehearsal,
    "act_on_certificate/201-changed": shapes.Certificate,
    "read_history/200-events": shapes.History,
    "decide_approval/200-approved": shapes.Approval,
    "send_batch/202-taken": more_shapes.Batch,
    "read_batch/200-finished": more_shapes.Batch,
    "open_case/201-opened": more_shapes.Case,
    "decide_part/200-accepted": more_shapes.Case,
    "read_form/200-merged": more_shapes.Form,
    "put_record/200-registered": more_shapes.Record,
    "take_snapshot/201-applied": more_shapes.Snapshot,
    "read_source/200-health": more_shapes.SourceHealth,
    "reconcile_records/200-differences": more_shapes.Compared,
    "read_type/200-food": types.WholeType,
    "read_me/200-client": types.Me,
    "send_external_file/201-taken": external.TakenFile,
    "ask_for_seal/201-sealed": more_shapes.SealRequest,
    "ask_for_seal/201-digests": more_shapes.SealRequest,
    "add_webhook/201-added": more_shapes.WebHook,
    "read_delivery/200-pending": more_shapes.Delivery,
    "test_webhook/202-ping": more_shapes.Delivery,
    "replay_delivery/202-again": more_shapes.Delivery,
}
LISTS: dict[str, type[msgspec.Struct]] = {
    "search_certificates/200-page": shapes.Found,
    "list_approvals/200-waiting": shapes.Approval,
    "list_batches/200-page": more_shapes.Batch,
    "list_batch_rows/200-rows": more_shapes.Row,
    "list_parts/200-page": more_shapes.ListedPart,
    "find_records/200-page": more_shapes.Record,
    "list_sources/200-sources": more_shapes.Source,
    "read_differences/200-differences": more_shapes.Difference,
    "search_by_holder/200-held": shapes.Found,
    "list_seal_requests/200-page": more_shapes.SealRequest,
    "list_webhooks/200-all": more_shapes.WebHook,
    "list_deliveries/200-pending": more_shapes.Delivery,
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
