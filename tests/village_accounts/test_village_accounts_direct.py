"""Accounts in the database itself: what it refuses to whoever writes past our code."""

from datetime import timedelta

import asyncpg
import pytest
from account_room import CHEAP, NOW, PASSWORD, Device, Room, account_id, code, visitor

from certsvc.access.passwords import hash_password
from certsvc.access.sign_in import Typed, totp_context
from certsvc.domain.account import SignedIn
from certsvc.errors import ActNotAllowed, Conflict, SettingsError
from certsvc.signing_in import have_demonstration_account
from certsvc.store.account_register import require_no_demonstration_accounts
from certsvc.store.accounts import KEPT, OldSignIns, use_confirmation
from certsvc.store.data_keys import SOURCES

pytest_plugins = ["account_fixtures"]

REFUSED = (asyncpg.RestrictViolationError, asyncpg.CheckViolationError)
LATER = NOW + timedelta(minutes=2)
DIGEST = b"\7" * 32


@pytest.fixture(scope="module", autouse=True)
def victim(account_room: Room) -> SignedIn:
    """Somebody with everything that an account can have."""
    account_room.person("受害人")
    _, signed = account_room.enter("受害人")
    account_room.with_passkey(signed, Device(count=5))
    secret = account_room.with_totp("受害人")
    given = Typed(password=PASSWORD, code=code(secret, LATER))
    account_room.run(account_room.sign_in.confirm(signed, DIGEST, given, visitor(), LATER))
    return signed


@pytest.mark.parametrize(
    "statement",
    [
        "update account set name = '别人'",
        "update account set is_demonstration = not is_demonstration",
        "delete from account",
        "truncate account cascade",
        "update account_event set actor = '别人'",
        "delete from account_event",
        "truncate account_event",
        "update account_passkey set sign_count = sign_count - 1",
        "update account_passkey set credential = decode(repeat('00', 64), 'hex')",
        "update account_totp set last_step = last_step - 1",
        "update account_totp set confirmed_at = null",
        "update account_session set ends_at = ends_at + interval '1 day'",
        "update account_session set token = sha256('x')",
        "update account_session set seen_at = seen_at - interval '1 minute'",
        "delete from account_session",
        "update account_confirmation set digest = sha256('x')",
        "update account_confirmation set used_at = at + interval '6 minutes'",
        "delete from account_confirmation",
        "insert into account_challenge values (sha256('a'), 'confirm', null, null, now())",
        "update account_challenge set ends_at = ends_at + interval '1 day'",
        "insert into account_password select id, 'plain text', false, now() from account",
        "insert into account_confirmation values ('k-' || repeat('a', 20), 'a', sha256('a'), 'password', now())",
    ],
)
def test_the_database_refuses(account_room: Room, victim: SignedIn, statement: str) -> None:
    account_room.run(account_room.sign_in.confirm_options(victim, DIGEST, LATER))
    with pytest.raises(REFUSED):
        account_room.rows(statement)


def test_an_ended_session_does_not_go_on(account_room: Room) -> None:
    account_room.person("钱结束")
    _, signed = account_room.enter("钱结束")
    account_room.run(account_room.sign_in.accounts.end_session(signed.account, signed.session, "ended", NOW))
    with pytest.raises(REFUSED):
        account_room.rows("update account_session set ended_at = null, ended_why = null where id = $1", signed.session)


def test_a_system_has_no_name_of_a_person_who_signs_in_nor_the_other_way_round(account_room: Room) -> None:
    account_room.person("孙有账号")
    insert = (
        "insert into client (id, name, kind, scopes, registered_at)"
        " values ('c-' || repeat('a', 20), $1, 'system', array['read:*'], now())"
    )
    with pytest.raises(asyncpg.CheckViolationError):
        account_room.rows(insert, "孙有账号")
    with pytest.raises(Conflict):
        account_room.person("孙有账号")


def test_a_confirmation_is_used_once_for_its_act_by_its_person_within_five_minutes(account_room: Room) -> None:
    account_room.person("李确认")
    account_room.person("李别人")
    secret = account_room.with_totp("李确认")
    _, signed = account_room.enter("李确认", code(secret, LATER), now=LATER)
    at = LATER + timedelta(minutes=2)
    given = Typed(password=PASSWORD, code=code(secret, at))
    made = account_room.run(account_room.sign_in.confirm(signed, DIGEST, given, visitor(), at))

    async def use(account: str, digest: bytes, minutes: int) -> None:
        async with account_room.pool.transaction() as connection:
            await use_confirmation(connection, made.id, account, digest, at + timedelta(minutes=minutes))  # type: ignore[arg-type]

    for wrong in (
        (account_id(account_room, "李别人"), DIGEST, 0),
        (signed.account, bytes(32), 0),
        (signed.account, DIGEST, 6),
        (signed.account, DIGEST, -1),
    ):
        with pytest.raises(ActNotAllowed):
            account_room.run(use(*wrong))
    account_room.run(use(signed.account, DIGEST, 1))
    with pytest.raises(ActNotAllowed):
        account_room.run(use(signed.account, DIGEST, 1))


def test_the_secret_of_codes_moves_to_the_next_data_key_with_all_the_rest(account_room: Room) -> None:
    account_room.person("周密钥")
    secret = account_room.with_totp("周密钥")
    read, _ = SOURCES["account_totp"]
    rows = account_room.rows(read, None, "data-9", 100)
    (row,) = [each for each in rows if each["context"] == totp_context(account_id(account_room, "周密钥"))]
    assert account_room.cipher.decrypt(row["sealed"], row["context"], row["key_id"]) == secret


@pytest.mark.long
def test_a_demonstration_has_persons_who_can_confirm_and_gets_none_twice(account_room: Room) -> None:
    secret = b"12345678901234567890"
    for _ in range(2):
        account_room.run(
            have_demonstration_account(account_room.pool, account_room.cipher, "陈演示", PASSWORD, secret, NOW)
        )
    _, signed = account_room.enter("陈演示", code(secret, NOW))
    given = Typed(password=PASSWORD, code=code(secret, NOW, 1))
    assert account_room.run(account_room.sign_in.confirm(signed, DIGEST, given, visitor(), NOW)).name == "陈演示"


def test_in_earnest_nothing_starts_beside_accounts_of_a_demonstration(account_room: Room) -> None:
    account_room.person("吴演示")
    with pytest.raises(SettingsError, match="吴演示"):
        account_room.run(require_no_demonstration_accounts(account_room.pool))
    for row in account_room.rows("select name from account where is_demonstration"):
        account_room.run(account_room.register.disable(row["name"], "test", NOW))
    account_room.run(require_no_demonstration_accounts(account_room.pool))


def test_a_reset_takes_away_all_that_the_account_could_show(account_room: Room) -> None:
    account_room.person("郑重设")
    token, signed = account_room.enter("郑重设")
    device = Device(count=1)
    account_room.with_passkey(signed, device)
    account_room.with_totp("郑重设")
    account_room.run(account_room.register.reset("郑重设", hash_password("一个新的初始密码", CHEAP), "管理员", NOW))
    assert account_room.run(account_room.sign_in.signed_in(token, NOW)) is None
    assert account_room.run(account_room.sign_in.credentials.passkeys(signed.account)) == []
    _, again = account_room.enter("郑重设", password="一个新的初始密码")
    events = account_room.run(account_room.register.events("郑重设"))
    assert again.account == signed.account and [each.actor for each in events if each.act == "reset"] == ["管理员"]


def test_what_was_kept_long_enough_goes_and_events_stay(account_room: Room) -> None:
    account_room.person("王清理")
    _, signed = account_room.enter("王清理", now=NOW - 3 * KEPT)
    account_room.run(OldSignIns(account_room.pool).purge(NOW))
    assert account_room.rows("select 1 from account_session where account = $1", signed.account) == []
    assert len(account_room.rows("select 1 from account_event where account = $1", signed.account)) == 2


@pytest.mark.parametrize("role", ["certsvc_public", "certsvc_desk"])
def test_roles_that_strangers_reach_see_nothing_of_accounts(account_room: Room, role: str) -> None:
    tables = [
        row["relname"]
        for row in account_room.rows(
            "select relname from pg_class where relkind = 'r' and relname ~ '^(account|sign_in|openid)'"
        )
    ]
    assert len(tables) == 11
    for table in tables:
        (row,) = account_room.rows(
            "select has_any_column_privilege($1, $2, 'select, insert, update') or"
            " has_table_privilege($1, $2, 'select, insert, update, delete') as may",
            role,
            table,
        )
        assert not row["may"], table
