"""Commands around signed lists of states: check a QR without register and network, and go through the register anew."""

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from certsvc.commands.output import JSON, show
from certsvc.settings import load_settings

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
EXIT = {"valid": 0, "not_valid": 1, "undetermined": 3}
WORDS = {
    "valid": "✔ 有效 valid",
    "not_valid": "✘ 无效 not valid",
    "undetermined": "? 无法判定 cannot tell",
}
CANNOT_KNOW = {
    "register": "登记簿未查：原因、日期、名下其他证照 · register not asked: reasons, dates, what else the holder has",
    "state": "没有名单说明其状态 · no list says what its state is",
    "since_list": "名单签发之后的变化 · what changed since the list was made",
    "condition": "附有哪些条件 · which conditions hold",
    "paper": "手中的纸是否就是当初印的那张 · whether this paper is the one it was printed on",
}


@click.command("check-token")
@click.argument("qr", metavar="QR")
@click.option("--list", "status_list", type=FILE, help="The signed list of states that the QR names, as a file.")
@click.option("--anchors", type=FOLDER, help="Public files of the authority, mirrored (those of this service).")
@JSON
def check_token(qr: str, status_list: Path | None, anchors: Path | None, as_json: bool) -> None:
    """Check the text of a QR code (its address, or the digits alone) without register and network.

    What is signed is told from what can be known, and how old that is. Without --list the list is taken from the folder
    `status` among the public files, if it is there. It was fetched from /status/NAME of the verifier, or any mirror.

    Exit status: 0 valid, 1 not valid, 2 usage, 3 cannot tell.
    """
    from certsvc.verify.anchors import AnchorFolder
    from certsvc.verify.offline import check_offline, offline_json

    folder = anchors or load_settings().public
    trust, now = AnchorFolder(folder).current(), datetime.now(UTC)
    report = check_offline(qr, trust, _read(status_list) if status_list else None, now)
    if status_list is None and report.listed is not None:
        report = check_offline(qr, trust, _find(folder, report.listed.name), now)
    shown = offline_json(report)
    show(shown, _text(shown), as_json)
    sys.exit(EXIT[report.verdict])


@click.command("renew-status-lists")
@JSON
def renew_status_lists(as_json: bool) -> None:
    """Have the worker go through every certificate once more, and put right what the signed lists say.

    Nothing waits for it: lists stay as they are until then, and changes go on being told at once. It is never needed in
    ordinary running; it is after rows were put into the register by other means than this program's.
    """
    from certsvc.app import databases

    with databases(load_settings()) as uris:
        asyncio.run(_begin_anew(uris.writer))
    show({"begun": True}, "工作进程将重新核对全部证照 · the worker goes through all certificates", as_json)


async def _begin_anew(uri: str) -> None:
    from certsvc.store.migrate import migrate
    from certsvc.store.pool import open_pool
    from certsvc.store.status_lists import PostgresStatusLists

    await migrate(uri)
    async with open_pool(uri) as pool:
        await PostgresStatusLists(pool).begin_anew()


def _find(folder: Path, name: str) -> bytes | None:
    from certsvc.domain.status_list import list_file

    path = folder / list_file(name)
    return _read(path) if path.is_file() else None


def _read(path: Path) -> bytes:
    """No more than a list may have, and a byte that shows that there is more."""
    from certsvc.domain.status_list import MOST_SIGNED

    with path.open("rb") as file:
        return file.read(MOST_SIGNED + 1)


def _text(shown: dict[str, Any]) -> str:
    claims, listed = shown["claims"], shown["list"]
    lines = [WORDS[shown["verdict"]], f"    token {shown['token']['outcome']} ({shown['token']['reason']})"]
    if claims:
        who = " ".join(text for text in (claims["holder_name"], claims["subject"]) if text)
        lines.append(f"    {claims['typed_code']}  {who}".rstrip())
        age = "" if listed["age_s"] is None else f", {listed['age_s']} s old"
        lines.append(f"    term {shown['term']} · list {listed['name']}: {listed['reason']}{age}")
        lines.append(f"    state {shown['state'] or 'unknown'}")
    lines += [f"    – {CANNOT_KNOW[each]}" for each in shown["cannot_know"]]
    return "\n".join(lines)
