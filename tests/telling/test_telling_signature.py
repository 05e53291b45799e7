"""Signatures by Standard Webhooks 1.0: the published vector, and what another implementation of it says of ours."""

import base64
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from receiver import hmac_sha256, verifies

from certsvc.domain.notice import Notice
from certsvc.ids import Ref
from certsvc.telling.signature import as_text, headers, new_secret

SECRET = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
AT = datetime.fromtimestamp(1614265330, UTC)
BODY = b'{"test": 2432232314}'


def test_the_published_vector_of_the_reference_implementations() -> None:
    made = headers("msg_p5jXN8AQM9LWM0D4loKWxJek", BODY, [SECRET], AT)
    assert made == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


@pytest.mark.parametrize(
    ("key", "text", "digest"),
    [
        (b"\x0b" * 20, b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
        (b"Jefe", b"what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        (
            b"\xaa" * 131,
            b"Test Using Larger Than Block-Size Key - Hash Key First",
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
        ),
    ],
)
def test_the_other_implementation_is_right_by_rfc_4231(key: bytes, text: bytes, digest: str) -> None:
    assert hmac_sha256(key, text).hex() == digest


@given(st.binary(min_size=24, max_size=64), st.binary(max_size=500), st.integers(1, 10**9))
def test_another_implementation_believes_what_we_sign(secret: bytes, body: bytes, number: int) -> None:
    made = headers(f"notice-{number}", body, [secret], AT)
    assert verifies(as_text(secret), made, body, AT.timestamp())
    assert not verifies(as_text(secret), made, body + b" ", AT.timestamp())
    assert not verifies(as_text(secret), made | {"webhook-id": "notice-0"}, body, AT.timestamp())
    assert not verifies(as_text(secret), made | {"webhook-timestamp": "1614265331"}, body, AT.timestamp())
    assert not verifies(as_text(secret), made, body, AT.timestamp() + 301)


def test_while_one_secret_follows_another_a_receiver_with_either_believes_it() -> None:
    old, new, other = new_secret(), new_secret(), new_secret()
    made = headers("notice-1", BODY, [new, old], AT)
    assert verifies(as_text(old), made, BODY) and verifies(as_text(new), made, BODY)
    assert not verifies(as_text(other), made, BODY)


def test_a_secret_is_of_the_length_that_the_standard_asks_for() -> None:
    text = as_text(new_secret())
    assert text.startswith("whsec_") and 24 <= len(base64.b64decode(text[6:], validate=True)) <= 64
    assert len({new_secret() for _ in range(100)}) == 100


def test_a_message_has_the_fields_of_the_standard_and_its_id_cannot_break_the_signed_text() -> None:
    about = Notice(id=7, position=3, at=AT, kind="certificate.issue", data={"act": "issue"}, ref=Ref(1))
    said = json.loads(json.dumps(about.message()))
    assert said == {
        "id": "notice-7",
        "type": "certificate.issue",
        "timestamp": "2021-02-25T15:02:10.000Z",
        "data": {"code": Ref(1).typed_code, "act": "issue"},
    }
    assert "." not in said["id"]
