"""What the operations on web-hooks and on the feed take and answer."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from certsvc.domain.notice import Notice
from certsvc.domain.webhook import Attempt, Delivery, WebHook
from certsvc.telling.hooks import WithSecret

Url = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=2000,
        description="https, on the public internet or in a network that the operator allows; each time before sending, "
        "its addresses are checked.",
        examples=["https://hooks.example.com/certsvc"],
    ),
]
KINDS = (
    "To whoever may read a certificate: `certificate.` and the act, as `certificate.issue` or `certificate.revoke`. "
    "To whoever may answer reports about a certificate, or is named for them: `report.opened`, `report.overdue`, "
    "`report.closed`. "
    "To whoever may decide a part of a case: `case.part_opened`, `case.resubmitted`; and to who opened the case too: "
    "`case.part_decided`, `case.returned`, `case.part_late`; to the latter alone: `case.opened`, `case.finished`. "
    "To whoever asked: `approval.asked`, `approval.returned`, `approval.done`, `approval.failed`, `seal_request.done`, "
    "`seal_request.failed`, `batch.checked`, `batch.refused`, `batch.awaiting_approval`, `batch.running`, "
    "`batch.paused`, `batch.cancelled`, `batch.finished`. To the receiving organ that a resident named: "
    "`proof.issued`, `proof.corrected` (`replaces` is the code they had), `proof.cancelled`; of the latter two "
    "`reason_code` is the ground. To whoever feeds a source: `record.missing`, `source.late`, `source.heard_again`. "
    "To its owner: `webhook.disabled`. More may come."
)
"""The kinds of notice, in the words of the contract."""

Kinds = Annotated[
    list[str],
    msgspec.Meta(
        min_length=1,
        max_length=50,
        description="Which kinds of notice are wanted; all, if it is left out. " + KINDS,
        examples=[["certificate.issue", "certificate.revoke", "batch.finished"]],
    ),
]
State = Literal["active", "paused", "disabled"]


class NoticeShape(msgspec.Struct, frozen=True, kw_only=True):
    """What happened. These are also the body of a delivery by web-hook, whose `webhook-id` is the `id`; `type` is the
    kind of notice. With `data.code` it is about a certificate."""

    id: Annotated[str, msgspec.Meta(examples=["notice-1024"])]
    type: Annotated[str, msgspec.Meta(description=KINDS, examples=["certificate.revoke"])]
    timestamp: Annotated[str, msgspec.Meta(examples=["2026-11-24T08:00:00.000Z"])]
    data: Annotated[
        dict[str, Any], msgspec.Meta(examples=[{"code": "KKHJ-7AF9-TZDW-3JXX-N", "act": "revoke", "status": "revoked"}])
    ]


class FeedShape(msgspec.Struct, frozen=True, kw_only=True):
    """What happened, in order. `next` is what to give as `after` the next time, also when nothing has happened yet."""

    items: list[NoticeShape]
    next: Annotated[str, msgspec.Meta(examples=["1024"])]


class WebHookBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where this client wants to be told, and of what."""

    url: Url
    kinds: Kinds | None = None


class WebHookChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be otherwise. `paused` holds deliveries back, `disabled` ends them; `active` begins afresh."""

    url: Url | UnsetType = UNSET
    kinds: Kinds | UnsetType | None = UNSET
    state: State | UnsetType = UNSET


class WebHookShape(msgspec.Struct, frozen=True, kw_only=True):
    """A web-hook. `disabled_why`: `gone` (its receiver said 410), `failed` (nothing arrived for days), `owner`, or
    `not_allowed`. While it fails, `failing_since` says since when, and `failures` how often in a row."""

    id: str
    url: str
    kinds: list[str] | None
    state: str
    made_at: datetime
    disabled_why: str | None
    failing_since: datetime | None
    failures: int
    old_secret_until: datetime | None


class WebHookWithSecret(WebHookShape, frozen=True, kw_only=True):
    """The same with its secret, which is shown now and never again. Until `old_secret_until` the one before signs
    too."""

    secret: Annotated[str, msgspec.Meta(description="By Standard Webhooks: `whsec_` and the key in Base64.")]


class AttemptShape(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt: the HTTP status that came or what kept it from coming, how long it took, and the beginning of the
    answer. Without either it was broken off, and may have arrived."""

    number: int
    at: datetime
    status: int | None
    trouble: str | None
    took_ms: int | None
    answer: str | None


class DeliveryShape(msgspec.Struct, frozen=True, kw_only=True):
    """A message on its way. `message_id` is its `webhook-id`; while it is pending, `due_at` says when it is sent."""

    id: str
    message_id: str
    type: str
    state: str
    made_at: datetime
    due_at: datetime | None
    ended_at: datetime | None
    attempts: list[AttemptShape]


class ReplayedShape(msgspec.Struct, frozen=True, kw_only=True):
    """How many deliveries begin anew."""

    deliveries: int


def notice_shape(notice: Notice) -> NoticeShape:
    """A notice as the API shows it."""
    return NoticeShape(**notice.message())


def hook_shape(hook: WebHook) -> WebHookShape:
    """A web-hook as the API shows it."""
    return WebHookShape(**_columns(hook))


def secret_shape(made: WithSecret) -> WebHookWithSecret:
    """The same with its secret."""
    return WebHookWithSecret(**_columns(made.hook), secret=made.secret)


def _columns(hook: WebHook) -> dict[str, Any]:
    return {
        "id": hook.id,
        "url": hook.url,
        "kinds": None if hook.kinds is None else sorted(hook.kinds),
        "state": hook.state.value,
        "made_at": hook.made_at,
        "disabled_why": hook.disabled_why.value if hook.disabled_why else None,
        "failing_since": hook.failing_since,
        "failures": hook.failures,
        "old_secret_until": hook.old_secret_until,
    }


def delivery_shape(delivery: Delivery, attempts: Sequence[Attempt] = ()) -> DeliveryShape:
    """A delivery as the API shows it, with those of the attempts that are its own."""
    return DeliveryShape(
        id=str(delivery.id),
        message_id=delivery.message_id,
        type=delivery.kind,
        state=delivery.state.value,
        made_at=delivery.made_at,
        due_at=None if delivery.ended_at else delivery.due_at,
        ended_at=delivery.ended_at,
        attempts=[_attempt_shape(one) for one in attempts if one.delivery_id == delivery.id],
    )


def _attempt_shape(attempt: Attempt) -> AttemptShape:
    answer = attempt.answer
    return AttemptShape(
        number=attempt.number,
        at=attempt.begun_at,
        status=answer.status if answer else None,
        trouble=answer.trouble.value if answer and answer.trouble else None,
        took_ms=round(answer.took.total_seconds() * 1000) if answer else None,
        answer=answer.beginning or None if answer else None,
    )
