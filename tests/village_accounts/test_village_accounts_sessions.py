"""Sessions, passwords, waits and confirmations: each named after the flaw that would open one."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from account_people import by_passkey, refused, with_device
from account_room import (
    CHEAP,
    NOW,
    PASSWORD,
    Room,
    account_id,
    unpacked,
    visitor,
)

from certsvc.access import passwords
from certsvc.access.sign_in import Typed
from certsvc.domain.account import (
    FREE_TRIES,
    FREE_TRIES_OF_ADDRESS,
    IDLE,
    LONGEST,
    LONGEST_WAIT,
    MOST_SESSIONS,
    locked_until,
    require_good_password,
)
from certsvc.errors import InvalidInput, SignInLocked, SignInRefused

pytest_plugins = ["account_fixtures"]

STEP = timedelta(seconds=30)
WRONG = "这不是密码但是很长"


# ---- sessions ----


def test_a_session_ends_when_idle_after_twelve_hours_when_ended_and_with_the_account(account_room: Room) -> None:
    def holds(token: str, now: datetime) -> bool:
        return account_room.run(account_room.sign_in.signed_in(token, now)) is not None

    account_room.person("赵会话")
    token, signed = account_room.enter("赵会话")
    assert holds(token, NOW + IDLE - STEP) and holds(token, NOW + 2 * IDLE - 2 * STEP)
    assert not holds(token, NOW + 4 * IDLE)
    now = NOW
    while now < NOW + LONGEST - STEP:
        now += IDLE / 2
        holds(token, now)
    assert not holds(token, NOW + LONGEST)
    token, signed = account_room.enter("赵会话")
    account_room.run(account_room.sign_in.accounts.end_session(signed.account, signed.session, "ended", NOW))
    assert not holds(token, NOW)
    token, _ = account_room.enter("赵会话")
    account_room.run(account_room.register.disable("赵会话", "test", NOW))
    assert not holds(token, NOW)


def test_a_token_that_we_did_not_make_is_nobody_and_is_never_taken_over(account_room: Room) -> None:
    account_room.person("赵固定")
    planted = "A" * 43
    assert account_room.run(account_room.sign_in.signed_in(planted, NOW)) is None
    typed = Typed(password=PASSWORD)
    token, _ = account_room.run(account_room.sign_in.by_password("赵固定", typed, visitor(token=planted), NOW))
    assert token != planted and account_room.run(account_room.sign_in.signed_in(planted, NOW)) is None


def test_signing_in_again_in_one_browser_ends_the_session_before(account_room: Room) -> None:
    account_room.person("赵轮换")
    first, _ = account_room.enter("赵轮换")
    typed = Typed(password=PASSWORD)
    second, _ = account_room.run(account_room.sign_in.by_password("赵轮换", typed, visitor(token=first), NOW))
    assert first != second and account_room.run(account_room.sign_in.signed_in(first, NOW)) is None
    assert account_room.run(account_room.sign_in.signed_in(second, NOW)) is not None


def test_a_sixth_session_ends_the_one_that_was_not_used_for_longest(account_room: Room) -> None:
    account_room.person("赵六处")
    tokens = [account_room.enter("赵六处", now=NOW + number * STEP)[0] for number in range(MOST_SESSIONS + 1)]
    alive = [account_room.run(account_room.sign_in.signed_in(token, NOW + 6 * STEP)) is not None for token in tokens]
    assert alive == [False] + [True] * MOST_SESSIONS


def test_nobody_ends_a_session_of_another(account_room: Room) -> None:
    account_room.person("赵甲")
    account_room.person("赵乙")
    token, first = account_room.enter("赵甲")
    _, second = account_room.enter("赵乙")
    assert not account_room.run(account_room.sign_in.accounts.end_session(second.account, first.session, "ended", NOW))
    assert account_room.run(account_room.sign_in.signed_in(token, NOW)) is not None


def test_another_password_ends_the_sessions_elsewhere_and_not_this_one(account_room: Room) -> None:
    account_room.person("赵换密")
    elsewhere, _ = account_room.enter("赵换密")
    here, signed = account_room.enter("赵换密")
    wanted = "后山的水库去年修好了"
    account_room.run(account_room.village.own.change_password(signed, Typed(password=PASSWORD), wanted, visitor(), NOW))
    assert account_room.run(account_room.sign_in.signed_in(elsewhere, NOW)) is None
    assert account_room.run(account_room.sign_in.signed_in(here, NOW)) is not None
    refused(account_room, "赵换密")
    account_room.enter("赵换密", password=wanted)


# ---- passwords and lock-out ----


def test_unknown_disabled_and_wrong_are_one_answer_after_the_same_work(
    account_room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    account_room.person("周已知")
    account_room.person("周停用")
    account_room.run(account_room.register.disable("周停用", "test", NOW))
    worked: list[str] = []
    inner: Callable[[str, str], bool] = passwords._matches

    def counted(password: str, kept: str) -> bool:
        worked.append(kept.rsplit("$", 2)[0])
        return inner(password, kept)

    monkeypatch.setattr(passwords, "_matches", counted)
    said = {refused(account_room, name, password=WRONG) for name in ("周已知", "周停用", "没有这个人")}
    assert len(said) == 1
    assert worked == [f"$argon2id$v=19$m={CHEAP.memory},t={CHEAP.passes},p={CHEAP.lanes}"] * 3


def test_in_earnest_a_hash_costs_what_the_rfc_recommends_second() -> None:
    assert passwords.hash_password(PASSWORD).startswith("$argon2id$v=19$m=65536,t=3,p=4$")


def test_the_waits_grow_to_an_hour_and_begin_after_five() -> None:
    waits = [locked_until(failures, FREE_TRIES, NOW) for failures in (1, 4, 5, 6, 7, 12, 1000)]
    seconds = [None if until is None else (until - NOW).total_seconds() for until in waits]
    assert seconds == [None, None, 30, 60, 120, 3600, LONGEST_WAIT.total_seconds()]


@pytest.mark.parametrize("is_known", [True, False], ids=["known", "unknown"])
def test_after_five_failures_nobody_gets_in_for_a_while_not_even_with_the_password(
    account_room: Room, is_known: bool
) -> None:
    name = f"周锁{is_known}"
    if is_known:
        account_room.person(name)
    for _ in range(FREE_TRIES):
        refused(account_room, name, password=WRONG)
    with pytest.raises(SignInLocked) as raised:
        account_room.enter(name)
    assert 0 < raised.value.retry_after <= 30
    with pytest.raises(SignInLocked):
        account_room.enter(name, now=NOW + timedelta(seconds=29))
    if is_known:
        account_room.enter(name, now=NOW + timedelta(seconds=31))
        refused(account_room, name, password=WRONG, now=NOW + timedelta(seconds=32))
    else:
        refused(account_room, name, now=NOW + timedelta(seconds=31))


def test_sixteen_tries_at_once_are_five(account_room: Room) -> None:
    account_room.person("周同时")

    async def story() -> list[object]:
        tries = (
            account_room.sign_in.by_password("周同时", Typed(password=WRONG), visitor(address=f"192.0.2.{number}"), NOW)
            for number in range(16)
        )
        return await asyncio.gather(*tries, return_exceptions=True)

    results = [type(each) for each in account_room.run(story())]
    assert (results.count(SignInRefused), results.count(SignInLocked)) == (FREE_TRIES, 16 - FREE_TRIES)


def test_a_passkey_still_opens_what_somebody_locked_on_purpose_and_so_does_the_operator(account_room: Room) -> None:
    device, _ = with_device(account_room, "周被锁", count=6)
    for _ in range(FREE_TRIES):
        refused(account_room, "周被锁", password=WRONG)
    by_passkey(account_room, device)
    for _ in range(FREE_TRIES):
        refused(account_room, "周被锁", password=WRONG)
    account_room.run(account_room.register.unlock("周被锁", "test", NOW))
    account_room.enter("周被锁")


def test_an_address_that_tries_many_names_waits_and_others_do_not(account_room: Room) -> None:
    account_room.person("周别处")
    here = visitor(address="203.0.113.99")

    def attempt(name: str, password: str) -> None:
        account_room.run(account_room.sign_in.by_password(name, Typed(password=password), here, NOW))

    for number in range(FREE_TRIES_OF_ADDRESS):
        with pytest.raises(SignInRefused):
            attempt(f"生人{number}", WRONG)
    with pytest.raises(SignInLocked):
        attempt("周别处", PASSWORD)
    account_room.enter("周别处")


@pytest.mark.parametrize(
    "password",
    [
        "short",
        "x" * 201,
        "a" * 12,
        "1234567890",
        "Password123",
        "陈大文的密码是八个八",
        " 石塘村口有三棵老榕树",
        "石塘村口有三棵\u200b老榕树",
    ],
)
def test_a_password_that_is_tried_first_is_refused(password: str) -> None:
    with pytest.raises(InvalidInput):
        require_good_password(password, "陈大文")


def test_a_name_is_found_however_it_is_typed(account_room: Room) -> None:
    account_room.person("Ｌｉｎ 晓芸".replace("Ｌｉｎ", "Lin"))
    account_room.enter("  Ｌｉｎ　 晓芸 ")


# ---- confirming ----


def test_a_password_alone_confirms_nothing(account_room: Room) -> None:
    account_room.person("何单密")
    _, signed = account_room.enter("何单密")
    with pytest.raises(SignInRefused):
        account_room.run(account_room.sign_in.confirm(signed, bytes(32), Typed(password=PASSWORD), visitor(), NOW))


def test_nobody_confirms_for_another(account_room: Room) -> None:
    mine, signed = with_device(account_room, "何本人", count=6)
    theirs, other = with_device(account_room, "何他人", count=6)
    options = account_room.run(account_room.sign_in.confirm_options(other, bytes(32), NOW))  # type: ignore[arg-type]
    with pytest.raises(SignInRefused):
        account_room.run(account_room.sign_in.confirm(signed, bytes(32), theirs.sign(options), visitor(), NOW))  # type: ignore[arg-type]
    options = account_room.run(account_room.sign_in.confirm_options(signed, bytes(32), NOW))  # type: ignore[arg-type]
    assert [unpacked(each["id"]) for each in options["allowCredentials"]] == [mine.id]
    with pytest.raises(SignInRefused):
        account_room.run(account_room.sign_in.confirm(signed, bytes(32), theirs.sign(options), visitor(), NOW))  # type: ignore[arg-type]


def test_what_was_signed_for_one_act_or_for_signing_in_confirms_no_other(account_room: Room) -> None:
    device, signed = with_device(account_room, "何别事", count=6)
    for options in (
        account_room.run(account_room.sign_in.confirm_options(signed, bytes(32), NOW)),  # type: ignore[arg-type]
        account_room.run(account_room.sign_in.passkey_options(NOW)),
    ):
        with pytest.raises(SignInRefused):
            account_room.run(account_room.sign_in.confirm(signed, b"\1" * 32, device.sign(options), visitor(), NOW))  # type: ignore[arg-type]
    options = account_room.run(account_room.sign_in.confirm_options(signed, bytes(32), NOW))  # type: ignore[arg-type]
    with pytest.raises(SignInRefused):
        account_room.run(account_room.sign_in.by_passkey(device.sign(options), visitor(), NOW))


def test_what_happened_is_on_record_without_any_address(account_room: Room) -> None:
    account_room.person("何记录")
    refused(account_room, "何记录", password=WRONG)
    account_room.enter("何记录")
    acts = account_room.rows(
        "select act, network from account_event where account = $1 order by id", account_id(account_room, "何记录")
    )
    assert [row["act"] for row in acts] == ["added", "failed", "signed_in"]
    assert all(row["network"] is None or len(row["network"]) == 32 for row in acts)
