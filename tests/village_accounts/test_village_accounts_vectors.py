"""Codes and passkeys that open nothing: each named after the flaw that would let them."""

import asyncio
import json
from datetime import timedelta

import pytest
from account_people import by_passkey, fresh, refused, with_device
from account_room import (
    FLAG,
    GOOD,
    NOW,
    PASSWORD,
    Device,
    Room,
    code,
    visitor,
)

from certsvc.access.sign_in import Typed
from certsvc.domain.account import (
    CHALLENGE_FOR,
    goes_on,
)
from certsvc.errors import InvalidInput, SignInRefused

pytest_plugins = ["account_fixtures"]

STEP = timedelta(seconds=30)
WRONG = "这不是密码但是很长"


# ---- one-time codes ----


def test_a_code_that_was_used_opens_nothing_a_second_time(account_room: Room) -> None:
    account_room.person("林用过")
    secret = account_room.with_totp("林用过")
    later = NOW + 3 * STEP
    account_room.enter("林用过", code(secret, later), now=later)
    refused(account_room, "林用过", code(secret, later), now=later + timedelta(seconds=1))
    account_room.enter("林用过", code(secret, later, 1), now=later + STEP)


def test_a_code_of_an_earlier_step_is_nothing_after_a_later_one(account_room: Room) -> None:
    account_room.person("林倒退")
    secret, later = account_room.with_totp("林倒退"), NOW + 4 * STEP
    account_room.enter("林倒退", code(secret, later, 1), now=later)
    refused(account_room, "林倒退", code(secret, later), now=later)


def test_two_that_use_one_code_at_the_same_moment_do_not_both_get_in(account_room: Room) -> None:
    account_room.person("林同时")
    secret, later = account_room.with_totp("林同时"), NOW + 3 * STEP
    typed = Typed(password=PASSWORD, code=code(secret, later))

    async def story() -> list[object]:
        tries = (account_room.sign_in.by_password("林同时", typed, visitor(), later) for _ in range(3))
        return await asyncio.gather(*tries, return_exceptions=True)

    results = account_room.run(story())
    assert sum(isinstance(each, SignInRefused) for each in results) == 2, results


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "１２３４５６", "abcdef", "-12345", "000000 0"])
def test_what_is_no_code_of_six_figures_opens_nothing(account_room: Room, typed: str) -> None:
    name = fresh("林码")
    account_room.person(name)
    account_room.with_totp(name)
    refused(account_room, name, typed, now=NOW + 3 * STEP)


def test_codes_of_the_rfc_are_ours_and_only_those_of_a_step_back_and_forth_are_taken(account_room: Room) -> None:
    from certsvc.access.totp import code_at, matching_step

    secret = b"12345678901234567890"
    assert [code_at(secret, second // 30) for second in (59, 1111111109, 2000000000)] == ["287082", "081804", "279037"]
    taken = [steps for steps in range(-3, 4) if matching_step(secret, code(secret, NOW, steps), NOW, 0) is not None]
    assert taken == [-1, 0, 1]


def test_a_new_secret_is_in_force_only_once_a_code_of_it_was_typed(account_room: Room) -> None:
    account_room.person("林换机")
    old, later = account_room.with_totp("林换机"), NOW + 4 * STEP
    _, signed = account_room.enter("林换机", code(old, later), now=later)
    typed = Typed(password=PASSWORD, code=code(old, later, 1))
    account_room.run(account_room.village.own.begin_totp(signed, typed, visitor(), later + STEP))
    with pytest.raises(InvalidInput):
        account_room.run(account_room.village.own.finish_totp(signed, "000000", later))
    account_room.enter("林换机", code(old, later, 3), now=later + 3 * STEP)


# ---- passkeys ----


def test_a_passkey_opens_and_its_count_is_kept(account_room: Room) -> None:
    device, _ = with_device(account_room, "黄通行", count=6)
    by_passkey(account_room, device)
    (row,) = account_room.rows("select sign_count from account_passkey where id = $1", device.id)
    assert row["sign_count"] == 6


@pytest.mark.parametrize(
    "flaw",
    [
        {"count": 5},
        {"count": 4},
        {"count": 0},
        {"count": 6, "flags": FLAG.UP},
        {"count": 6, "flags": FLAG.UV},
        {"count": 6, "origin": "https://yz.example.evil.example"},
        {"count": 6, "origin": "https://sub.yz.example"},
        {"count": 6, "origin": "http://yz.example"},
        {"count": 6, "rp": "evil.example"},
        {"count": 6, "cross_origin": True},
        {"count": 6, "type_of_get": "webauthn.create"},
        {"count": 6, "user": b"a-somebodyelse"},
        {"count": 6, "id": b"x" * 32},
    ],
    ids=[
        "count stands still",
        "count goes back",
        "count gone",
        "user not verified",
        "user not present",
        "foreign origin",
        "subdomain",
        "no TLS",
        "foreign site",
        "in a frame of another site",
        "signed to be made",
        "handle of another",
        "not on record",
    ],
)
def test_a_passkey_opens_nothing_with(account_room: Room, flaw: dict[str, object]) -> None:
    device, _ = with_device(account_room, fresh("黄"), **flaw)
    with pytest.raises(SignInRefused):
        by_passkey(account_room, device)


def test_the_key_of_another_under_a_known_id_opens_nothing(account_room: Room) -> None:
    device, _ = with_device(account_room, "黄冒名")
    forged = Device(count=9, id=device.id)
    forged.user = device.user
    with pytest.raises(SignInRefused):
        by_passkey(account_room, forged)


def test_a_passkey_that_keeps_no_count_opens_again_and_again(account_room: Room) -> None:
    account_room.person("黄无数")
    _, signed = account_room.enter("黄无数")
    device = Device()
    account_room.with_passkey(signed, device)
    by_passkey(account_room, device)
    by_passkey(account_room, device)


def test_a_replayed_challenge_opens_nothing(account_room: Room) -> None:
    device, _ = with_device(account_room, "黄重放", count=6)
    options = account_room.run(account_room.sign_in.passkey_options(NOW))
    answer = device.sign(options)
    account_room.run(account_room.sign_in.by_passkey(answer, visitor(), NOW))
    for again in (answer, device.sign(options)):
        device.count += 1
        with pytest.raises(SignInRefused):
            account_room.run(account_room.sign_in.by_passkey(again, visitor(), NOW))


def test_a_challenge_is_used_up_by_a_try_that_failed(account_room: Room) -> None:
    device, _ = with_device(account_room, "黄用尽", count=6)
    options = account_room.run(account_room.sign_in.passkey_options(NOW))
    device.flags = FLAG.UP
    for flags in (FLAG.UP, GOOD):
        device.flags = flags
        with pytest.raises(SignInRefused):
            account_room.run(account_room.sign_in.by_passkey(device.sign(options), visitor(), NOW))


def test_a_challenge_is_good_for_five_minutes(account_room: Room) -> None:
    device, _ = with_device(account_room, "黄过时", count=6)
    answer = device.sign(account_room.run(account_room.sign_in.passkey_options(NOW)))
    with pytest.raises(SignInRefused):
        account_room.run(account_room.sign_in.by_passkey(answer, visitor(), NOW + CHALLENGE_FOR))


def test_a_challenge_that_we_did_not_make_opens_nothing(account_room: Room) -> None:
    device, _ = with_device(account_room, "黄自造", count=6)
    with pytest.raises(SignInRefused):
        account_room.run(account_room.sign_in.by_passkey(device.sign({"challenge": "A" * 43}), visitor(), NOW))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "null",
        "{" * 5000,
        json.dumps({"rawId": "AA", "response": {"clientDataJSON": "AA"}}),
        "x" * 20_000,
    ],
)
def test_what_is_no_answer_of_a_passkey_is_refused_as_malformed(account_room: Room, text: str) -> None:
    with pytest.raises(InvalidInput):
        account_room.run(account_room.sign_in.by_passkey(text, visitor(), NOW))


def test_the_passkey_of_somebody_disabled_opens_nothing(account_room: Room) -> None:
    device, _ = with_device(account_room, "黄停用", count=6)
    account_room.run(account_room.register.disable("黄停用", "test", NOW))
    with pytest.raises(SignInRefused):
        by_passkey(account_room, device)


@pytest.mark.parametrize("flaw", [{"flags": FLAG.UP}, {"origin": "https://evil.example"}, {"rp": "evil.example"}])
def test_a_passkey_is_not_put_on_record_with(account_room: Room, flaw: dict[str, object]) -> None:
    name = fresh("黄加")
    account_room.person(name)
    _, signed = account_room.enter(name)
    device = Device(**flaw)  # type: ignore[arg-type]
    with pytest.raises(SignInRefused):
        account_room.with_passkey(signed, device)


def test_counts_go_on_or_are_not_kept_at_all() -> None:
    cases = [(0, 0), (0, 1), (5, 6), (5, 5), (5, 4), (5, 0)]
    assert [goes_on(*each) for each in cases] == [True, True, True, False, False, False]
