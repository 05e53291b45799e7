"""A wrong PIN is tried once: not again by us, by another process of ours, or after a restart. The token stays open."""

import os
import subprocess
import sys

import pytest
from shown import traceback_of
from softhsm import COUNT_LOW, FINAL_TRY, LOCKED, PIN, WRONG_PIN, SoftToken

from certsvc.custody.keys import create_key, open_key
from certsvc.errors import CustodyError

pytestmark = [pytest.mark.needs("softhsm"), pytest.mark.long]

TRIED = "refused the PIN"
OPEN = """
import sys
from certsvc.custody.keys import open_key
from certsvc.errors import CustodyError
try:
    open_key(sys.argv[1], sys.argv[2])
except CustodyError as error:
    sys.exit(error.en)
"""


def start(token: SoftToken, secret: str) -> "subprocess.Popen[str]":
    """A process that opens the key, as a service manager starts it; what it says is its error, or nothing."""
    command = [sys.executable, "-c", OPEN, token.uri("k"), secret]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


def said(process: "subprocess.Popen[str]") -> str:
    """What the process ended with."""
    return process.communicate(timeout=60)[1]


@pytest.fixture
def made(token: SoftToken) -> SoftToken:
    """A token with a key that another process made: this one has not logged in."""
    script = "import sys; from certsvc.custody.keys import create_key; create_key(*sys.argv[1:])"
    subprocess.run([sys.executable, "-c", script, token.uri("k"), token.secret], check=True, timeout=60)
    return token


def put_pin(token: SoftToken, pin: bytes | str) -> None:
    """What an operator writes into the file."""
    token.pin_file.write_bytes(pin.encode() if isinstance(pin, str) else pin)


def forget_mark(token: SoftToken) -> None:
    """Take away the mark beside the PIN's file."""
    (mark,) = token.pin_file.parent.glob(f"{token.pin_file.name}.refused-*")
    mark.unlink()


def test_a_wrong_pin_is_tried_once_and_the_way_back_is_told(made: SoftToken) -> None:
    put_pin(made, WRONG_PIN)
    with pytest.raises(CustodyError, match=TRIED):
        open_key(made.uri("k"), made.secret)
    assert made.flags() & COUNT_LOW
    with pytest.raises(CustodyError, match="log in once by hand"):
        open_key(made.uri("k"), made.secret)


@pytest.mark.long
def test_this_process_never_tries_the_same_wrong_pin_again_on_that_token(made: SoftToken) -> None:
    put_pin(made, WRONG_PIN)
    with pytest.raises(CustodyError, match=TRIED):
        open_key(made.uri("k"), made.secret)
    made.log_in_by_hand()
    forget_mark(made)
    with pytest.raises(CustodyError, match=TRIED):
        open_key(made.uri("k"), made.secret)
    assert not made.flags() & COUNT_LOW


def test_the_right_pin_works_once_the_operator_has_put_it_right(made: SoftToken) -> None:
    put_pin(made, WRONG_PIN)
    with pytest.raises(CustodyError, match=TRIED):
        open_key(made.uri("k"), made.secret)
    put_pin(made, PIN)
    with pytest.raises(CustodyError, match="given a wrong PIN since"):
        open_key(made.uri("k"), made.secret)
    made.log_in_by_hand()
    open_key(made.uri("k"), made.secret).check()
    assert list(made.pin_file.parent.glob(f"{made.pin_file.name}.*")) == []


def test_restarted_again_and_again_it_does_not_lock_the_token(made: SoftToken) -> None:
    put_pin(made, WRONG_PIN)
    assert TRIED in said(start(made, made.secret))
    for _ in range(3):
        assert "given a wrong PIN since" in said(start(made, made.secret))


def test_restarted_with_a_token_that_keeps_its_count_to_itself_the_mark_by_the_file_stops_it(made: SoftToken) -> None:
    put_pin(made, WRONG_PIN)
    assert TRIED in said(start(made, made.secret))
    made.log_in_by_hand()  # the flag is clear, as it always is on such a token
    for _ in range(2):
        assert TRIED in said(start(made, made.secret))
        assert not made.flags() & COUNT_LOW
    put_pin(made, PIN)
    assert said(start(made, made.secret)) == ""


def test_processes_that_start_at_once_with_a_wrong_pin_try_it_once_between_them(made: SoftToken) -> None:
    put_pin(made, WRONG_PIN)
    answers = [said(process) for process in [start(made, made.secret) for _ in range(4)]]
    assert sorted(TRIED in answer for answer in answers) == [False, False, False, True]
    assert sum("given a wrong PIN since" in answer for answer in answers) == 3


@pytest.mark.parametrize(
    ("flag", "words"), [(COUNT_LOW, "wrong PIN since"), (FINAL_TRY, "one try"), (LOCKED, "locked")]
)
def test_a_token_with_its_pin_in_danger_is_left_alone_even_with_the_right_pin(
    flag: int, words: str, made: SoftToken
) -> None:
    made.set_flag(flag)
    with pytest.raises(CustodyError, match=words) as raised:
        open_key(made.uri("k"), made.secret)
    assert made.label in raised.value.en and made.label in raised.value.zh
    assert made.flags() & flag


@pytest.mark.long
def test_a_token_in_use_goes_on_when_somebody_else_mistypes_the_pin(token: SoftToken) -> None:
    key = create_key(token.uri("k"), token.secret)
    token.log_in_by_hand(WRONG_PIN)
    assert token.flags() & COUNT_LOW
    key.sign(b"text")
    key.check()


def test_a_pin_other_than_the_one_in_use_is_refused_without_a_try(
    token: SoftToken, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = create_key(token.uri("k"), token.secret)
    monkeypatch.setenv("CERTSVC_TEST_PIN", WRONG_PIN)
    with pytest.raises(CustodyError, match="not the PIN"):
        open_key(token.uri("k"), "env:CERTSVC_TEST_PIN")
    assert not token.flags() & COUNT_LOW
    key.sign(b"text")
    monkeypatch.setenv("CERTSVC_TEST_PIN", PIN)
    open_key(token.uri("k"), "env:CERTSVC_TEST_PIN").check()


@pytest.mark.parametrize(
    "pin", [WRONG_PIN, "31", f"{WRONG_PIN}\xff".encode("latin-1")], ids=["wrong", "short", "no text"]
)
def test_a_pin_is_in_no_message_traceback_or_mark(pin: str | bytes, made: SoftToken) -> None:
    put_pin(made, pin)
    shown = traceback_of(lambda: open_key(made.uri("k"), made.secret))
    shown += traceback_of(lambda: open_key(made.uri("k"), made.secret))
    shown += "".join(path.read_text() for path in made.pin_file.parent.glob(f"{made.pin_file.name}.refused-*"))
    assert WRONG_PIN not in shown.replace(made.label, "")
    if pin == "31":
        assert "'31'" not in shown


def test_a_pin_is_not_shown_when_the_token_is_lost_in_use(token: SoftToken) -> None:
    key = create_key(token.uri("k"), token.secret)
    token.unplug()
    shown = traceback_of(lambda: key.sign(b"text")) + traceback_of(key.check)
    token.plug_in()
    assert PIN not in shown


def test_after_the_pin_was_changed_a_lost_token_is_not_tried_with_the_old_one_twice(token: SoftToken) -> None:
    key = create_key(token.uri("k"), token.secret)
    put_pin(token, WRONG_PIN)  # as if the token had been given a new PIN and the file not
    token.unplug()
    with pytest.raises(CustodyError):
        key.sign(b"text")
    token.plug_in()
    with pytest.raises(CustodyError, match=TRIED):
        key.sign(b"text")
    with pytest.raises(CustodyError, match="given a wrong PIN since"):
        key.sign(b"text")
    put_pin(token, PIN)
    token.log_in_by_hand()
    key.sign(b"text")


def test_the_pin_of_another_user_s_file_is_not_read(made: SoftToken) -> None:
    os.chmod(made.pin_file, 0o644)
    with pytest.raises(CustodyError, match="mode 0600"):
        open_key(made.uri("k"), made.secret)
    assert not made.flags() & COUNT_LOW
