"""The command line. Each command is a few lines: read arguments, call a use case, print, set the exit status."""

import errno
import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

import click
import msgspec

from certsvc.commands.accounts import accounts
from certsvc.commands.acts import act, holder
from certsvc.commands.check_token import check_token, renew_status_lists
from certsvc.commands.clients import client
from certsvc.commands.keys import compromised, data_key, keys
from certsvc.commands.organs import organs
from certsvc.commands.reports import reports
from certsvc.commands.seals import seal
from certsvc.commands.sources import source
from certsvc.commands.types import COMMANDS as TYPE_COMMANDS
from certsvc.errors import CertsvcError, MachineProblem
from certsvc.settings import REPOSITORY, load_settings

DEMONSTRATION = REPOSITORY / "keys" / "ceremonies" / "demonstration.toml"
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON, one value a line, and nothing else.")
ROLES = ("public", "trust", "desk", "office", "worker", "all")
MACHINE = {
    errno.ENOSPC: ("磁盘已满", "the disk is full"),
    errno.EACCES: ("没有权限", "no permission"),
    errno.EROFS: ("文件系统只读", "the file system is read-only"),
}


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def cli() -> None:
    """certsvc: issue electronic licences, permits and proofs as sealed PDFs, and verify them.

    Start with `./dev demo`: it sets up a demonstration authority, issues certificates and serves the verifier.
    Data lie in the folder that CERTSVC_HOME names (./var by default); `settings.toml` there holds the settings.
    """


@cli.command()
@click.option("--once", is_flag=True, help="Do it all, do not serve, and end with one line of JSON.")
@click.option("--port", type=click.IntRange(1, 65535), help="Serve the verifier on this loopback port (8000).")
@click.option("--public-url", help="What QR codes begin with, as http(s)://host[:port]; a phone needs it. Kept.")
@JSON
def demo(once: bool, port: int | None, public_url: str | None, as_json: bool) -> None:
    """Everything once: key ceremony, one certificate of every kind, each verified as a stranger would, then served.

    A second start finds data and codes as they were; Ctrl-C stops it. With --once it ends with one line of JSON.
    """
    from certsvc.demo.run import run_demo

    run_demo(load_settings(), once=once or as_json, port=port, public_url=public_url, quiet=as_json)


@cli.command()
@click.option("--port", type=click.IntRange(1, 65535), help="The loopback port to listen on (8000).")
@click.option("--public-url", help="The address people see, as http(s)://host[:port].")
@click.option(
    "--role", type=click.Choice(ROLES), default="public", show_default=True, help="Which part of the service to run."
)
@click.option("--with-parent", is_flag=True, hidden=True, help="End when the process that began it does.")
@JSON
def serve(port: int | None, public_url: str | None, role: str, with_parent: bool, as_json: bool) -> None:
    """Serve a role on loopback until Ctrl-C.

    public: the verifier; reads the register as a role that cannot write, and opens no key. trust: OCSP and timestamps,
    with keys for these two and no other; asks no database. office: the department API; takes requests and has no key
    that seals. worker: signs CRLs, renews what ends, seals what waits; alone in needing the issuing key. all: the
    four of them on one machine. Put a TLS proxy in front of it.
    """
    from certsvc.serving import WORKER, run_worker, serve_role

    settings = load_settings().at(port, public_url)
    if role == WORKER:
        run_worker(settings, with_parent=with_parent)
        return
    serve_role(settings, role, lambda url: _print({"url": url}, url, as_json))


@cli.command()
@click.argument("type_id", metavar="TYPE")
@click.argument("payload", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--key", help="Names this order: the same key again gives the same certificate. Default: the content.")
@JSON
def issue(type_id: str, payload: Path, key: str | None, as_json: bool) -> None:
    """Issue one certificate of TYPE from the JSON file PAYLOAD; its sealed files are written to the folder `pdf`.

    `certsvc check-types` lists the types, schemas/TYPE/v1/examples shows payloads. Everything wrong with a payload
    is named by field, and then nothing is issued.
    """
    from certsvc.commands.work import issue_file

    shown = issue_file(load_settings(), type_id, payload, key)
    _print(shown, "\n".join([f"{shown['number']}  {shown['typed_code']}", *shown["files"]]), as_json)


@cli.command()
@click.argument(
    "files", metavar="FILE...", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--offline", is_flag=True, help="Do not ask the register: genuine files are then sound, not valid.")
@JSON
def verify(files: tuple[Path, ...], offline: bool, as_json: bool) -> None:
    """Verify sealed PDFs as a stranger would: seal, timestamp, QR on the page, and what the register says of it.

    Exit status: 0 all valid, 1 any not valid, 2 usage, 3 cannot tell, 4 genuine, but not all are certificates: some are
    documents of departments, or receipts of what was shown at another time (PDF or JWS).
    """
    from certsvc.commands.work import verify_files

    verdicts = set()

    def show(report: dict[str, Any]) -> None:
        verdicts.add(report["verdict"])
        _print(report, _verify_text(report), as_json)

    verify_files(load_settings(), files, show, offline=offline)
    graver = {"not_valid": 1, "undetermined": 3, "department_document": 4, "receipt": 4}
    sys.exit(next((status for verdict, status in graver.items() if verdict in verdicts), 0))


@cli.command()
@click.argument("plan", default=DEMONSTRATION, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--public-url", help="Where trust anchors and CRLs will be found, as http(s)://host[:port].")
@click.option("--roots", type=click.Path(file_okay=False, path_type=Path), help="The folder with the root's key.")
@JSON
def ceremony(plan: Path, public_url: str | None, roots: Path | None, as_json: bool) -> None:
    """Hold the key ceremony that the file PLAN describes (the demonstration's, if none), and print where the
    transcript is. Held again with the same plan, it does nothing.

    The first ceremony makes an authority. Later ones (their plans have an `id`; see keys/ceremonies) make next
    generations of keys, revoke certificates, and have the root sign its next CRL.
    """
    from certsvc.app import hold_ceremony

    transcript = hold_ceremony(load_settings().at(None, public_url), plan, datetime.now(UTC), roots)
    _print({"transcript": str(transcript)}, str(transcript), as_json)


@cli.command()
@JSON
def migrate(as_json: bool) -> None:
    """Bring the database to this program's schema; the names of the migrations applied are printed.

    Safe to run again, and by several processes at once. The embedded database is brought up to date by itself.
    """
    from certsvc.app import migrate_database

    applied = migrate_database(load_settings())
    _print({"applied": applied}, "\n".join(applied) or "已是最新 up to date", as_json)


WHO = (accounts, client, organs)
LISTS = (check_token, renew_status_lists)
for command in (*WHO, act, holder, source, reports, seal, keys, compromised, data_key, *LISTS, *TYPE_COMMANDS):
    cli.add_command(command)


def _print(value: dict[str, Any], text: str, as_json: bool) -> None:
    click.echo(json.dumps(value, ensure_ascii=False) if as_json else text)


def _verify_text(shown: dict[str, Any]) -> str:
    words = {
        "valid": "✔ 有效 valid",
        "not_valid": "✘ 无效 not valid",
        "undetermined": "? 无法判定 cannot tell",
        "department_document": "▤ 部门的文件，不是证照 a department's document, not a certificate",
        "receipt": "▤ 回执真实，只说明当时 a genuine receipt, of its own moment only",
    }
    lines = [f"{words[shown['verdict']]}  {shown['file']}", *_register_text(shown)]
    lines += [
        f"    {check['kind']}: {check['outcome']} ({check['reason']})"
        for check in shown["checks"]
        if check["outcome"] != "passed"
    ]
    return "\n".join(lines)


def _register_text(shown: dict[str, Any]) -> list[str]:
    """What the register says: of a certificate its state, of a department's document its seals."""
    sealed, register = shown.get("department_document"), shown["register"]
    if (receipt := (shown.get("receipt") or {}).get("content")) is not None:
        said = receipt["shown"]["zh"]
        then = f"{receipt['report']['verdict']} ({said['word']} {said['qualifier']}".rstrip() + ")"
        return [f"    {receipt['made_at']} {said['title'] or ''} {then}; receipt {receipt['id']}"]
    if sealed and sealed["on_record_since"]:
        seals = [f"    {seal['sealed_at']} {seal['owner']['name']} ({seal['seal']})" for seal in sealed["seals"]]
        return [f"    document {shown['document']} · on record since {sealed['on_record_since']}", *seals]
    if sealed:
        return [f"    document {shown['document']} · not known to be on record"]
    state = f"{register['status']}, {register['age_s']} s old" if register else "not asked"
    return [f"    document {shown['document']} · register {state} · term {shown['term']}"]


def _stop(error: CertsvcError) -> NoReturn:
    if "--json" in sys.argv:
        problems = [msgspec.to_builtins(problem) for problem in error.problems]
        click.echo(json.dumps({"error": error.code, "zh": error.zh, "en": error.en, "problems": problems}))
    click.echo(f"{error.en} {error.zh}", err=True)
    for problem in error.problems:
        click.echo(f"  {problem.field}: {problem.en} {problem.zh}", err=True)
    sys.exit(error.exit_status)


def _machine_problem(error: OSError) -> MachineProblem | None:
    if error.errno not in MACHINE:
        return None
    zh, en = MACHINE[error.errno]
    return MachineProblem(f"{error.filename or '写入'}：{zh}。", f"{error.filename or 'Writing'}: {en}.")


def main() -> None:
    """Run the command line; every expected error is one clear line and an exit status."""
    try:
        cli(prog_name="certsvc")
    except CertsvcError as error:
        _stop(error)
    except OSError as error:
        problem = _machine_problem(error)
        if problem is None or os.environ.get("CERTSVC_TRACEBACK"):
            raise
        _stop(problem)


if __name__ == "__main__":
    main()
