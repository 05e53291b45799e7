"""`certsvc accounts`: the persons who sign in; their first passwords, and what becomes of their accounts."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

import click

from certsvc.commands.output import JSON, show
from certsvc.domain.account import ListedAccount, require_good_password
from certsvc.domain.openid import parse_issuer, parse_subject
from certsvc.services import PayloadCipher
from certsvc.settings import load_settings
from certsvc.store.account_register import PostgresAccountRegister
from certsvc.store.openid import PostgresOpenId
from certsvc.store.pool import Pool

COMMAND_LINE = "command-line"
LONGEST_LINE = 1000
NAME = click.argument("name")
BY = click.option(
    "--by", default=COMMAND_LINE, show_default=True, metavar="NAME", help="Who does this, for the record."
)
PASSWORD = click.option(
    "--password", "from_stdin", is_flag=True, help="Read the password from standard input; else one is made."
)
Found = TypeVar("Found")


@click.group()
def accounts() -> None:
    """Accounts 账号: the persons who sign in to the village console, one account each.

    NAME is the person's, under which seals, decisions and books have what they do: not shared, never another's.
    What is done here is on record with who and when, and holds at once.
    """


@accounts.command()
@NAME
@PASSWORD
@click.option("--demonstration", is_flag=True, help="Its password is known to all: the server refuses it in earnest.")
@BY
@JSON
def add(name: str, from_stdin: bool, demonstration: bool, by: str, as_json: bool) -> None:
    """Add 新增 an account for the person NAME, and print the first password, once.

    The person changes it when they first sign in: until then nothing else is open to them. Hand it over in person.

    Example: certsvc accounts add 林晓芸
    """
    name, password = _person(name), _password(from_stdin, name)
    made, now = password or _make(), datetime.now(UTC)
    kept = _hash(made)
    found = _with(lambda register: register.add(name, kept, by, now, is_demonstration=demonstration))
    _told({"id": found.id, "name": name, "is_demonstration": demonstration}, name, made, password, as_json)


@accounts.command("list")
@JSON
def list_accounts(as_json: bool) -> None:
    """List 列出 every account, by name: how the person signs in, and whether it is locked or disabled.

    No password, no secret and no passkey is ever shown.
    """
    now = datetime.now(UTC)
    found = _with(lambda register: register.accounts(now))
    text = "\n".join(map(_row, found)) or "没有账号 no accounts"
    show({"accounts": [_json(each) for each in found]}, text, as_json)


@accounts.command("show")
@NAME
@JSON
def show_account(name: str, as_json: bool) -> None:
    """Show 查看 what happened to the account of NAME, the newest first.

    Who signed in, what failed, what was changed and by whom; addresses are not kept, only hashes of them.
    """
    found = _with(lambda register: register.events(_person(name)))
    told = [{"act": each.act, "by": each.actor, "at": each.at.isoformat(), "detail": each.detail} for each in found]
    text = "\n".join(f"{each.at:%Y-%m-%d %H:%M:%S}  {each.act:<16} {each.actor}  {each.detail or ''}" for each in found)
    show({"name": _person(name), "events": told}, text, as_json)


@accounts.command()
@NAME
@PASSWORD
@BY
@JSON
def reset(name: str, from_stdin: bool, by: str, as_json: bool) -> None:
    """Give the account of NAME a first password again 重设, and print it, once.

    For who forgot the password or lost the phone: one-time codes and passkeys go, sessions end, a disabled account is
    open again. See that it is this person who asks.
    """
    name, password = _person(name), _password(from_stdin, name)
    made, now = password or _make(), datetime.now(UTC)
    kept = _hash(made)
    _with(lambda register: register.reset(name, kept, by, now))
    _told({"name": name}, name, made, password, as_json)


@accounts.command()
@NAME
@BY
@JSON
def disable(name: str, by: str, as_json: bool) -> None:
    """Disable 停用 the account of NAME: nobody signs in with it, its sessions end at once.

    The name stays the person's. Back again: certsvc accounts reset NAME.
    """
    name, now = _person(name), datetime.now(UTC)
    _with(lambda register: register.disable(name, by, now))
    show({"name": name, "disabled": True}, f"已停用 disabled: {name}", as_json)


@accounts.command()
@NAME
@BY
@JSON
def unlock(name: str, by: str, as_json: bool) -> None:
    """Let the account of NAME be tried again at once 解锁, after too many failures.

    Ask first who failed: see certsvc accounts show NAME.
    """
    name, now = _person(name), datetime.now(UTC)
    _with(lambda register: register.unlock(name, by, now))
    show({"name": name, "unlocked": True}, f"已解锁 unlocked: {name}", as_json)


@accounts.command()
@NAME
@JSON
def code(name: str, as_json: bool) -> None:
    """Print the one-time code 动态码 of this moment of the demonstration's account NAME.

    A kindness for who tries the console of a demonstration without an authenticator app. Each code is good once and for
    30 seconds; a code of anybody else is on their own device, and refused here.

    Example: certsvc accounts code 何婉仪
    """
    from certsvc.signing_in import demonstration_code

    name, now = _person(name), datetime.now(UTC)
    made = _with_cipher(lambda pool, cipher: demonstration_code(pool, cipher, name, now))
    show({"name": name, "code": made}, made, as_json)


@accounts.command()
@NAME
@click.option("--issuer", required=True, help="The provider, exactly as its tokens name it.")
@click.option("--subject", required=True, help="The provider's name for this person (sub).")
@BY
@JSON
def link(name: str, issuer: str, subject: str, by: str, as_json: bool) -> None:
    """Link 关联 the account of NAME to the person's identity at the OpenID provider of the place.

    From then on the person may also sign in there. See first that the subject is this very person's: the provider's
    administrator knows it. Nobody gets an account by signing in, and a subject belongs to one account only.

    Example: certsvc accounts link 林晓芸 --issuer https://id.example --subject 8f3a51
    """
    name, issuer, subject, now = _person(name), parse_issuer(issuer), parse_subject(subject), datetime.now(UTC)
    _with_links(lambda links: links.link(name, issuer, subject, by, now))
    show({"name": name, "issuer": issuer, "subject": subject}, f"已关联 linked: {name}  {issuer}", as_json)


@accounts.command()
@NAME
@click.option("--issuer", required=True, help="The provider, exactly as its tokens name it.")
@BY
@JSON
def unlink(name: str, issuer: str, by: str, as_json: bool) -> None:
    """Unlink 解除关联 the account of NAME from the provider: signing in there opens nothing here any more.

    Sessions that were begun stay open; certsvc accounts disable NAME ends them.

    Example: certsvc accounts unlink 林晓芸 --issuer https://id.example
    """
    name, issuer, now = _person(name), parse_issuer(issuer), datetime.now(UTC)
    _with_links(lambda links: links.unlink(name, issuer, by, now))
    show({"name": name, "unlinked": issuer}, f"已解除 unlinked: {name}  {issuer}", as_json)


def _told(value: dict[str, Any], name: str, made: str, given: str | None, as_json: bool) -> None:
    """A password that was made here is printed, and nowhere else."""
    if given is not None:
        show(value, name, as_json)
    else:
        lines = f"{name}\n初始密码（只显示这一次）first password, shown once: {made}"
        show({**value, "password": made}, lines, as_json)


def _row(each: ListedAccount) -> str:
    ways = [word for word, has in (("动态码 codes", each.has_totp), ("通行密钥 passkeys", each.passkeys)) if has]
    state = "停用 disabled" if each.account.disabled_at else "锁定 locked" if each.locked_until else "启用 active"
    demonstration = "  演示 demonstration" if each.account.is_demonstration else ""
    shown = "、".join(ways) or "只有密码 password only"
    return f"{each.account.id}  {state}  {each.account.name}  {shown}  登录 sessions {each.sessions}{demonstration}"


def _json(each: ListedAccount) -> dict[str, Any]:
    account = each.account
    return {
        "id": account.id,
        "name": account.name,
        "is_demonstration": account.is_demonstration,
        "added_at": account.added_at.isoformat(),
        "disabled_at": account.disabled_at and account.disabled_at.isoformat(),
        "has_totp": each.has_totp,
        "passkeys": each.passkeys,
        "sessions": each.sessions,
        "locked_until": each.locked_until and each.locked_until.isoformat(),
    }


def _person(text: str) -> str:
    from certsvc.authority.seal_plan import parse_person

    return parse_person(text)


def _password(from_stdin: bool, name: str) -> str | None:
    """The first line of standard input, seen to be none of the first to be tried."""
    if not from_stdin:
        return None
    password = sys.stdin.readline(LONGEST_LINE).rstrip("\r\n")
    require_good_password(password, name)
    return password


def _make() -> str:
    from certsvc.access.passwords import make_password

    return make_password()


def _hash(password: str) -> str:
    from certsvc.access.passwords import hash_password

    return hash_password(password)


def _with(work: Callable[[PostgresAccountRegister], Awaitable[Found]]) -> Found:
    """Do something with the accounts on record."""
    return _with_pool(lambda pool: work(PostgresAccountRegister(pool)))


def _with_links(work: Callable[[PostgresOpenId], Awaitable[Found]]) -> Found:
    """Do something with what accounts are linked to."""
    return _with_pool(lambda pool: work(PostgresOpenId(pool)))


def _with_pool(work: Callable[[Pool], Awaitable[Found]]) -> Found:
    """Do something over the database as it has to be."""
    from certsvc import app
    from certsvc.store.migrate import migrate
    from certsvc.store.pool import open_pool

    async def run(uri: str) -> Found:
        await migrate(uri)
        async with open_pool(uri) as pool:
            return await work(pool)

    with app.databases(load_settings()) as uris:
        return asyncio.run(run(uris.writer))


def _with_cipher(work: Callable[[Pool, PayloadCipher], Awaitable[Found]]) -> Found:
    """Do something with what accounts have encrypted."""
    from certsvc import app
    from certsvc.issuance.data_keys import open_cipher
    from certsvc.store.data_keys import DataKeys
    from certsvc.store.pool import open_pool

    settings = load_settings()

    async def run(uri: str) -> Found:
        async with open_pool(uri) as pool:
            cipher = await open_cipher(settings.home / "secrets", DataKeys(pool), datetime.now(UTC))
            return await work(pool, cipher)

    with app.databases(settings) as uris:
        return asyncio.run(run(uris.writer))
