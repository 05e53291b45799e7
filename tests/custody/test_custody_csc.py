"""A remote signer is believed only with proof, waited for only so long, and told and shown as little as can be."""

import base64
import ssl
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Event

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from remote_signer import CLIENT, RemoteSigner, Reply, reply
from shown import traceback_of
from spoilt import of_an_unknown_version

from certsvc.custody import csc_client
from certsvc.custody.keys import CustodyKey, create_key, open_key
from certsvc.custody.secret import write_private_file
from certsvc.errors import CustodyError

INFO, AUTHORIZE, SIGN = "credentials/info", "credentials/authorize", "signatures/signHash"


@pytest.fixture
def signer(tmp_path: Path) -> Iterator[RemoteSigner]:
    """A remote signer with one credential, `k`."""
    signer = RemoteSigner(tmp_path)
    signer.order("k", ec.generate_private_key(ec.SECP256R1()))
    yield signer
    signer.close()


@pytest.fixture
def secret(tmp_path: Path, signer: RemoteSigner) -> str:
    """A reference to our access token."""
    write_private_file(tmp_path / "token", signer.token.encode() + b"\n")
    return f"file:{tmp_path / 'token'}"


@pytest.fixture
def key(signer: RemoteSigner, secret: str) -> CustodyKey:
    """The key, open; `asked` begins after that."""
    key = open_key(signer.uri("k"), secret)
    signer.asked.clear()
    return key


def verify(key: CustodyKey, signature: bytes) -> None:
    """As a stranger does."""
    assert isinstance(key.public_key, ec.EllipticCurvePublicKey)
    key.public_key.verify(signature, b"text", ec.ECDSA(hashes.SHA256()))


def says(status: int, content: object) -> Callable[[BaseHTTPRequestHandler], None]:
    """A method that gives this answer, whatever it is asked."""
    return lambda handler: reply(handler, status, content)


def hang_up(handler: BaseHTTPRequestHandler) -> None:
    """No answer at all."""
    handler.close_connection = True
    handler.connection.close()


def once(signer: RemoteSigner, method: str, work: Callable[[BaseHTTPRequestHandler], None]) -> None:
    """Have a method go wrong the next time only."""

    def instead(handler: BaseHTTPRequestHandler) -> None:
        del signer.instead[method]
        work(handler)

    signer.instead[method] = instead


def test_a_signature_is_authorised_for_its_digest_and_then_made(signer: RemoteSigner, key: CustodyKey) -> None:
    verify(key, key.sign(b"text"))
    assert signer.asked == [AUTHORIZE, SIGN]


def test_a_check_asks_for_the_credential_and_signs_nothing(signer: RemoteSigner, key: CustodyKey) -> None:
    key.check()
    assert signer.asked == [INFO]
    assert signer.signatures == 0


def test_a_key_is_not_made_but_ordered(signer: RemoteSigner, secret: str) -> None:
    with pytest.raises(CustodyError, match="order a credential"):
        create_key(signer.uri("new"), secret)
    assert list(signer.credentials) == ["k"]


def test_a_certificate_for_another_host_is_refused_before_anything_is_said(tmp_path: Path, secret: str) -> None:
    (tmp_path / "other").mkdir()
    other = RemoteSigner(tmp_path / "other", host="signer.example")
    with pytest.raises(CustodyError, match="certificate is not accepted"):
        open_key(other.uri("k"), secret)
    other.close()
    assert other.asked == []


def test_an_authority_that_is_not_ours_is_refused_unless_the_machine_trusts_it(
    signer: RemoteSigner, secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = f"csc+https://{signer.base}?credentialID=k"
    with pytest.raises(CustodyError, match="certificate is not accepted"):
        open_key(uri, secret)
    assert signer.asked == []
    monkeypatch.setenv("SSL_CERT_FILE", str(signer.ca_file))
    open_key(uri, secret).check()


def test_nobody_there_is_said(signer: RemoteSigner, key: CustodyKey) -> None:
    signer.close()
    for use in (key.check, lambda: key.sign(b"text")):
        with pytest.raises(CustodyError, match="no answer that can be used"):
            use()


def other_signature() -> bytes:
    """By another key."""
    return ec.generate_private_key(ec.SECP256R1()).sign(b"text", ec.ECDSA(hashes.SHA256()))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((200, {"signatures": [base64.b64encode(other_signature()).decode()]}), "does not verify"),
        ((200, {"signatures": [base64.b64encode(b"nonsense").decode()]}), "does not verify"),
        ((200, {"signatures": [""]}), "does not verify"),
        ((200, {"signatures": ["not base64!"]}), "Base64"),
        ((200, {"signatures": []}), "one signature"),
        ((200, {"signatures": ["AA==", "AA=="]}), "one signature"),
        ((200, {"signatures": "AA=="}), "something else"),
        ((200, {}), "something else"),
        ((200, b""), "something else"),
        ((200, b"\xff\xfe{"), "something else"),
        ((200, b"[" * 100_000), "something else"),
        ((204, b""), "204"),
        ((307, b""), "307"),
        ((400, {"error": "invalid_request"}), "400 invalid_request"),
        ((429, b"<html>"), "refused: 429\\."),
        ((500, {"error": "two\nlines"}), "refused: 500\\."),
        ((500, {"error": 5}), "refused: 500\\."),
    ],
)
def test_an_answer_that_is_no_signature_of_the_key_is_refused(
    answer: Reply, words: str, signer: RemoteSigner, key: CustodyKey
) -> None:
    signer.instead[SIGN] = says(*answer)
    with pytest.raises(CustodyError, match=words):
        key.sign(b"text")
    assert signer.asked == [AUTHORIZE, SIGN]


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("status", "disabled", "not enabled"),
        ("status", "suspended", "not enabled"),
        ("mode", "explicit", "asks a person"),
        ("mode", "oauth2code", "asks a person"),
        ("certificate", b"", "cannot be read"),
        ("certificate", b"0\x03\x02\x01\x01", "cannot be read"),
    ],
)
def test_a_credential_we_cannot_use_is_refused_now_and_when_it_becomes_so(
    field: str, value: object, words: str, signer: RemoteSigner, secret: str, key: CustodyKey
) -> None:
    setattr(signer.credentials["k"], field, value)
    for use in (key.check, lambda: open_key(signer.uri("k"), secret)):
        with pytest.raises(CustodyError, match=words):
            use()


def test_a_credential_whose_certificate_is_of_an_unknown_version_is_refused(
    signer: RemoteSigner, secret: str, key: CustodyKey
) -> None:
    genuine = x509.load_der_x509_certificate(signer.credentials["k"].certificate)
    signer.credentials["k"].certificate = of_an_unknown_version(genuine)
    for use in (key.check, lambda: open_key(signer.uri("k"), secret)):
        with pytest.raises(CustodyError, match="cannot be read"):
            use()


@pytest.mark.parametrize("kind", ["P-384", "RSA-2048"])
def test_a_key_of_no_kind_of_ours_is_refused(kind: str, signer: RemoteSigner, secret: str) -> None:
    p384 = kind == "P-384"
    signer.order("odd", ec.generate_private_key(ec.SECP384R1()) if p384 else rsa.generate_private_key(65537, 2048))
    with pytest.raises(CustodyError, match="neither"):
        open_key(signer.uri("odd"), secret)


def test_a_credential_that_was_given_another_key_is_not_used(signer: RemoteSigner, key: CustodyKey) -> None:
    signer.order("k", ec.generate_private_key(ec.SECP256R1()))
    with pytest.raises(CustodyError, match="another key"):
        key.check()
    with pytest.raises(CustodyError, match="does not verify"):
        key.sign(b"text")


@pytest.mark.long
@pytest.mark.parametrize("manner", ["silent", "headers that drip", "a body that drips"])
def test_a_slow_signer_is_not_waited_for(
    manner: str, signer: RemoteSigner, key: CustodyKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csc_client, "ANSWER_WITHIN", 0.3)
    over = Event()

    def slow(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"" if manner == "silent" else b"HTTP/1.1 200 OK\r\nX-A: ")
        handler.wfile.write(b"b\r\n\r\n" if manner == "a body that drips" else b"")
        while not over.wait(0.05):
            try:
                handler.wfile.write(b"" if manner == "silent" else b" ")
            except (OSError, ssl.SSLError):
                return

    signer.instead[SIGN] = slow
    try:
        with pytest.raises(CustodyError, match="too slow"):
            key.sign(b"text")
    finally:
        over.set()
    assert signer.asked == [AUTHORIZE, SIGN]


@pytest.mark.parametrize("announced", [True, False], ids=["announced", "without end"])
def test_a_huge_answer_is_not_read(announced: bool, signer: RemoteSigner, key: CustodyKey) -> None:
    def huge(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        if announced:
            handler.send_header("Content-Length", str(10**9))
        handler.end_headers()
        try:
            while True:
                handler.wfile.write(b" " * 65536)
        except (OSError, ssl.SSLError):
            return

    signer.instead[SIGN] = huge
    with pytest.raises(CustodyError, match="too long"):
        key.sign(b"text")


@pytest.mark.parametrize("method", [INFO, AUTHORIZE])
def test_a_question_that_signs_nothing_is_repeated_once_when_no_answer_came(
    method: str, signer: RemoteSigner, key: CustodyKey
) -> None:
    use = key.check if method == INFO else lambda: verify(key, key.sign(b"text"))
    once(signer, method, hang_up)
    use()
    assert signer.asked.count(method) == 2
    signer.instead[method] = hang_up
    with pytest.raises(CustodyError, match="no answer that can be used"):
        use()
    assert signer.asked.count(method) == 4


def test_a_signature_is_never_asked_for_twice(signer: RemoteSigner, key: CustodyKey) -> None:
    once(signer, SIGN, hang_up)
    with pytest.raises(CustodyError, match="no answer that can be used"):
        key.sign(b"text")
    assert signer.asked == [AUTHORIZE, SIGN]


def test_a_redirection_is_not_followed(signer: RemoteSigner, key: CustodyKey) -> None:
    def elsewhere(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(307)
        handler.send_header("Location", f"https://{signer.base}/elsewhere")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    signer.instead[INFO] = elsewhere
    with pytest.raises(CustodyError, match="307"):
        key.check()
    assert signer.asked == [INFO]


def test_a_token_that_ran_out_is_refused_in_words_and_its_successor_is_read_from_its_place(
    signer: RemoteSigner, key: CustodyKey, tmp_path: Path
) -> None:
    signer.token = "the-next-token"
    for use in (key.check, lambda: key.sign(b"text")):
        with pytest.raises(CustodyError, match="401 invalid_token; renew our access"):
            use()
    assert signer.asked == [INFO, AUTHORIZE]
    (tmp_path / "token").write_bytes(b"the-next-token")
    verify(key, key.sign(b"text"))


def test_a_client_fetches_its_tokens_itself_and_again_when_they_run_out(
    signer: RemoteSigner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CERTSVC_TEST_CLIENT", CLIENT)
    key = open_key(signer.uri("k"), "env:CERTSVC_TEST_CLIENT")
    verify(key, key.sign(b"text"))
    assert signer.asked == ["info", "oauth2/token", INFO, AUTHORIZE, SIGN]
    signer.asked.clear()
    signer.token = "revoked by the signer"
    verify(key, key.sign(b"text"))
    assert signer.asked == [AUTHORIZE, "info", "oauth2/token", AUTHORIZE, SIGN]


def test_a_client_that_is_not_known_is_refused_and_does_not_go_on_trying(
    signer: RemoteSigner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CERTSVC_TEST_CLIENT", f"{CLIENT}x")
    shown = traceback_of(lambda: open_key(signer.uri("k"), "env:CERTSVC_TEST_CLIENT"))
    assert "401 invalid_client" in shown
    assert "a secret" not in shown and base64.b64encode(CLIENT.encode())[:12].decode() not in shown
    assert signer.asked == ["info", "oauth2/token"]


@pytest.mark.parametrize("place", ["", "http://signer.example", "https://a b/"])
def test_a_client_s_secret_goes_nowhere_but_to_https(
    place: str, signer: RemoteSigner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CERTSVC_TEST_CLIENT", CLIENT)
    signer.instead["info"] = says(200, {"oauth2": place})
    with pytest.raises(CustodyError):
        open_key(signer.uri("k"), "env:CERTSVC_TEST_CLIENT")
    assert set(signer.asked) == {"info"}


@pytest.mark.parametrize("token", ["a token", "tok\r\nX-Other: 1", "tökén", "=", "a=b"])
def test_a_secret_that_is_no_token_is_refused_and_not_shown(
    token: str, signer: RemoteSigner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CERTSVC_TEST_TOKEN", token.replace(":", ""))
    shown = traceback_of(lambda: open_key(signer.uri("k"), "env:CERTSVC_TEST_TOKEN"))
    assert "neither an access token" in shown
    assert f"'{token}'" not in shown and f"'Bearer {token}'" not in shown
    assert signer.asked == []


@pytest.mark.parametrize("method", [AUTHORIZE, SIGN])
def test_neither_token_nor_authorisation_is_in_a_traceback(
    method: str, signer: RemoteSigner, key: CustodyKey, secret: str
) -> None:
    sads: list[str] = []
    authorized = signer._authorized

    def failing(handler: BaseHTTPRequestHandler) -> None:
        sads.extend(authorized)
        reply(handler, 500, {"error": "server_error", "error_description": signer.token})

    signer.instead[method] = failing
    shown = traceback_of(lambda: key.sign(b"text"))
    assert "500 server_error" in shown
    assert len(sads) == (1 if method == SIGN else 0)
    for hidden in (signer.token, *sads, "error_description"):
        assert hidden not in shown


@pytest.mark.parametrize(
    "uri",
    [
        "csc+https:",
        "csc+https://?credentialID=k",
        "csc+https://host/csc/v2",
        "csc+https://host/csc/v2?credentialID=",
        "csc+https://host/csc/v2?credentialID=k&credentialID=l",
        "csc+https://host/csc/v2?credentialID=k&verify=no",
        "csc+https://host/csc/v2?credentialID=k#part",
        "csc+https://user:password@host/csc/v2?credentialID=k",
        "csc+https://host:port/csc/v2?credentialID=k",
        "csc+https://host:0/csc/v2?credentialID=k",
        "csc+https://host:99999/csc/v2?credentialID=k",
        "csc+https://host/csc/v2?credentialID=k&ca=relative.pem",
        "csc+https://host/csc/v2?credentialID=k&ca=/nowhere/ca.pem",
        f"csc+https://host/csc/v2?credentialID={'k' * 3000}",
        "csc+https://host/csc v2?credentialID=k",
        "csc+https://host/csc\r\n/v2?credentialID=k",
    ],
)
def test_a_wrong_uri_is_refused(uri: str, secret: str) -> None:
    with pytest.raises(CustodyError, match=r"URI|CA file") as raised:
        open_key(uri, secret)
    assert "password" not in raised.value.en
