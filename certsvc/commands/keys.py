"""Commands for the operator who answers for the keys: what became of a key, and the keys that contents lie under."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from certsvc.commands.output import JSON, show
from certsvc.settings import load_settings

INSTANT = click.DateTime(["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d"])
FOLDER = click.Path(file_okay=False, path_type=Path)
BY = click.option("--by", required=True, help="Who acts.")
CONFIRMED_BY = click.option("--confirmed-by", required=True, help="The second person.")
ROOT_PLACES = {
    "away": "已移走，离线保管 away, kept offline",
    "file": "仍在本机，请移走离线保管 still on this machine: take it away, to be kept offline",
}
WHY = click.option("--why", required=True, help="Why, in words; it goes into transcript and audit.")


@click.command()
@click.argument("name", metavar="NAME")
@click.option("--since", type=INSTANT, required=True, help="From when on somebody else may have had it (UTC).")
@WHY
@BY
@CONFIRMED_BY
@click.option("--roots", type=FOLDER, help="Where the root's key is: needed for issuing authorities and roots.")
@click.option("--list", "listing", type=click.Path(dir_okay=False, path_type=Path), help="Write what it touched here.")
@click.option("--dry-run", is_flag=True, help="Only say what it touched and what would be done.")
@click.option("--reissue", is_flag=True, help="Also make new documents for everything that it touched.")
@JSON
def compromised(name: str, since: datetime, as_json: bool, **typed: Any) -> None:
    """Deal with the compromise of the key NAME (seal-fire, token-2026q4, timestamp, issuing, …).

    Says what it may have signed since then, revokes its certificate from that day on, makes the next key, and leaves a
    transcript. What is on record by its own digest stays valid; everything else of that key is not. Begun again with
    the same words, it goes on where it stopped.
    """
    from certsvc.commands.key_work import CompromiseCommand, end_compromised

    command = CompromiseCommand(name=name, since=since.replace(tzinfo=UTC), **typed)
    shown = end_compromised(load_settings(), command, quiet=as_json)
    show(shown, _compromise_text(shown), as_json)


def _compromise_text(shown: dict[str, Any]) -> str:
    lines = [f"{shown['key']}: {shown['certificates']} certificates touched 涉及证照"]
    lines += [f"  {count:>8}  {type_id}" for type_id, count in shown["by_type"].items()]
    lines.append(f"{shown['documents']} documents of departments 部门文件, {shown['digests']} digests 摘要")
    lines += [f"revoke 吊销: {', '.join(shown['revoke']) or '-'}", f"next keys 换新钥: {', '.join(shown['roll'])}"]
    if shown["transcript"]:
        lines.append(shown["transcript"])
    if shown["reissued"] is not None:
        lines.append(f"reissued 已换发: {shown['reissued']}")
        lines += [f"  not reissued 未换发: {each['typed_code']}  {each['code']}" for each in shown["not_reissued"]]
    return "\n".join(lines)


@click.command()
@JSON
def keys(as_json: bool) -> None:
    """List every key: where it is, how long its certificate lasts, how often it was used, and whether it works.

    Each is opened and asked; nothing is signed. A root's is only looked for: nothing but a ceremony opens it. Exit
    status: 0 all is well (a root may be away, and had better be), 1 a row has trouble, and says which.
    """
    from certsvc.commands.key_work import key_states

    shown = key_states(load_settings())
    show({"keys": shown}, "\n".join(_key_row(key) for key in shown), as_json)
    if any(key["trouble"] for key in shown):
        sys.exit(1)


def _key_row(key: dict[str, Any]) -> str:
    uses = "?" if key["uses"] is None else key["uses"]
    limit = f"/{key['limit']}" if key["limit"] else ""
    crl = f"  CRL {key['crl_until'][:10]}" if key["crl_until"] else ""
    row = f"{key['name']:<25} {key['where']:<9} {key['until'][:10]}  {uses:>8}{limit}"
    return f"{row}  {'; '.join(_key_remarks(key)) or 'ok'}{crl}"


def _key_remarks(key: dict[str, Any]) -> list[str]:
    """What there is to say of a key. Of a root where it is: that it is still here is no failure, but is not to stay."""
    remarks = [f"revoked 已吊销 {key['revoked']}"] if key["revoked"] else []
    remarks += [f"{key['trouble']['zh']} {key['trouble']['en']}"] if key["trouble"] else []
    if key["name"].startswith("root"):
        remarks.append(ROOT_PLACES.get(key["where"], "只在仪式中打开 opened in ceremonies alone"))
    return remarks


@click.group("data-key")
def data_key() -> None:
    """The keys under which contents are encrypted (`data-1`, …) and codes of persons are found (`lookup`, …)."""


@data_key.command("list")
@JSON
def list_keys(as_json: bool) -> None:
    """Every key on record, and how many certificates are encrypted under it."""
    from certsvc.commands.key_work import data_keys

    shown = data_keys(load_settings())
    rows = [f"{key['id']:<12} {key['uses']:>10}  {key['ended_why'] or 'in use 在用'}" for key in shown]
    show({"keys": shown}, "\n".join(rows) or "没有 none", as_json)


@data_key.command("next")
@JSON
def next_key(as_json: bool) -> None:
    """Make the next data key and encrypt everything under it. Interrupted, `rekey` goes on."""
    from certsvc.commands.key_work import move_contents

    shown = move_contents(load_settings(), make=True, quiet=as_json)
    show(shown, json.dumps(shown), as_json)


@data_key.command()
@JSON
def rekey(as_json: bool) -> None:
    """Encrypt everything that is still under an older data key under the newest one."""
    from certsvc.commands.key_work import move_contents

    shown = move_contents(load_settings(), make=False, quiet=as_json)
    show(shown, json.dumps(shown), as_json)


@data_key.command()
@click.argument("key_id", metavar="KEY")
@WHY
@BY
@CONFIRMED_BY
@JSON
def lost(key_id: str, as_json: bool, why: str, by: str, confirmed_by: str) -> None:
    """Declare KEY lost for ever, and go on with a new one.

    Contents under a lost data key stay unreadable (no full view, no reprint); certificates, their states and their
    verification are not touched. Of a lost look-up key the hashes are made anew from the contents. Refused while the
    key is there and works: `next` replaces such a key.
    """
    from certsvc.commands.key_work import declare_lost

    shown = declare_lost(load_settings(), key_id, by, confirmed_by, why, quiet=as_json)
    show(shown, f"{key_id} → {shown['next']}", as_json)
