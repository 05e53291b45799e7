"""What the contract says in words, and what its parts have in common."""

import json
from pathlib import Path
from typing import Any

TITLE = "certsvc: certificates, seals and cases for departments"
DESCRIPTION = """\
Issue a certificate, act on it, and be told what happened. The service seals; the key of a seal never leaves it.

**Who calls** has a key pair of its own. It signs an assertion with it (RFC 7523, `private_key_jwt`) and gets an access
token for five minutes at `/oauth/token`. What a client may do is registered as scopes, `action:type:seal:area`.
What a client may not read does not exist for it: 404.

**Every write has an `Idempotency-Key`.** The same request with the same key is done once and answered alike for seven
days (`Idempotency-Replayed: true`): after a lost connection, 409 `request_in_progress`, 429 or 503 send it again. The
same key with another body is refused with 422.

**Some things wait.** 202 means that the request is on record: `Location` says where to look. Types that a person has to
approve wait under `/v1/approvals`; what is sealed by and by is followed under its own address or in `/v1/events`.

**Lists** are `{"items": […], "next": …}`; `next` is the `cursor` of the page that follows, null on the last one.

**Errors** are problems (RFC 9457, `application/problem+json`). `code` is stable and never changes meaning; the shape
`ProblemDocument` lists all of them. `detail` is in Chinese or English, by `Accept-Language`; `problems` names every
field that is wrong, in both.

Dates are days in Asia/Shanghai, times are RFC 3339 with an offset. Bodies are plain JSON: no member twice, nothing
compressed."""

TAGS = {
    "Access": "An access token for a signed assertion.",
    "Types": "What can be issued, and what this client may do.",
    "Certificates": "Issue, read, search; every act of a certificate's life.",
    "Approvals": "What waits for persons, and what they decide.",
    "Cases": "One application for a licence and its permits, decided by several departments.",
    "Records": "Permits that departments issue in their own systems, collected here.",
    "Reports": "What the public reports as wrong, missing or suspicious, and the answers.",
    "External layouts": "A QR for a document that was laid out elsewhere.",
    "Seal requests": "Seals on a department's own documents.",
    "Batches": "Many certificates in one file, with a result for each row.",
    "Events": "Everything that happened to what a client may read, in order.",
    "Web-hooks": "Being told, by Standard Webhooks.",
}

SCHEMES: dict[str, dict[str, Any]] = {
    "oauth2": {
        "type": "oauth2",
        "description": "Client credentials (RFC 6749 section 4.4). A client says who it is by `private_key_jwt` (RFC "
        "7523) and by nothing else: there is no client secret.",
        "flows": {},
    },
    "bearer": {"type": "http", "scheme": "bearer", "description": "The access token, as it was got."},
}


def _header(description: str, example: str, **schema: Any) -> dict[str, Any]:
    return {"description": description, "schema": {"type": "string", **schema}, "example": example}


HEADERS = {
    "RateLimit": _header("How many requests are left now.", '"client";r=1199'),
    "RateLimit-Policy": _header("How many requests a client has in how many seconds.", '"client";q=1200;w=60'),
    "Retry-After": _header("Seconds to wait before it is sent again.", "10", pattern="^[0-9]+$"),
    "Location": _header("Where to look.", "/v1/approvals/0199c0de-0000-7000-8000-000000000001"),
    "WWW-Authenticate": _header("How a client may say who it is.", 'Bearer realm="certsvc"'),
}

HERE = Path(__file__).resolve().parent
TOKEN_ITEM: dict[str, Any] = json.loads((HERE / "contract_token.json").read_text("utf-8"))
"""`/oauth/token`, whose words are those of OAuth and of no shape of ours."""

WEBHOOKS: dict[str, Any] = json.loads((HERE / "contract_webhooks.json").read_text("utf-8"))
"""What a receiver of web-hooks is sent."""
