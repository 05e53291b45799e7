"""How a receiver knows that a message is from the service: against what the service really signs."""

import json
from datetime import UTC, datetime

import pytest

from certsvc.client import SignatureWrong, verify_webhook
from certsvc.telling.signature import as_text, headers, new_secret

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
NOTICE = {
    "id": "notice-1",
    "type": "certificate.revoke",
    "timestamp": "2026-11-24T08:00:00.000Z",
    "data": {"code": "G"},
}
BODY = json.dumps(NOTICE).encode()


def test_what_the_service_signs_is_taken_also_while_the_secret_changes() -> None:
    old, new = new_secret(), new_secret()
    sent = headers("notice-1", BODY, [old, new], NOW)
    for secret in (old, new):
        notice = verify_webhook(sent, BODY, as_text(secret), now=NOW.timestamp())
        assert (notice.id, notice.type, notice.data) == ("notice-1", "certificate.revoke", {"code": "G"})
    shouted = {name.upper(): value for name, value in sent.items()}
    assert verify_webhook(shouted, BODY, as_text(new), now=NOW.timestamp()).id == "notice-1"


def test_anything_else_is_refused() -> None:
    secret = new_secret()
    sent, now = headers("notice-1", BODY, [secret], NOW), NOW.timestamp()
    wrong = {
        "another body": (sent, BODY + b" ", now),
        "another id": (sent | {"webhook-id": "notice-2"}, BODY, now),
        "another time": (sent | {"webhook-timestamp": str(int(now) + 1)}, BODY, now),
        "no signature": (sent | {"webhook-signature": ""}, BODY, now),
        "an older version": (sent | {"webhook-signature": sent["webhook-signature"].replace("v1,", "v0,")}, BODY, now),
        "no Base64": (sent | {"webhook-signature": "v1,***"}, BODY, now),
        "not ASCII": (sent | {"webhook-signature": "v1,é"}, BODY, now),
        "no headers": ({}, BODY, now),
        "late": (sent, BODY, now + 301),
        "of the future": (sent, BODY, now - 301),
        "odd digits": (sent | {"webhook-timestamp": "²"}, BODY, now),
    }
    for given, body, at in wrong.values():
        with pytest.raises(SignatureWrong):
            verify_webhook(given, body, as_text(secret), now=at)
    with pytest.raises(SignatureWrong):
        verify_webhook(sent, BODY, as_text(new_secret()), now=now)


def test_a_malformed_secret_is_said_to_be_one() -> None:
    with pytest.raises(ValueError, match="whsec_"):
        verify_webhook(headers("n", BODY, [new_secret()], NOW), BODY, "whsec_***", now=NOW.timestamp())
