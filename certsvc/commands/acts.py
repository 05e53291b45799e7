"""`certsvc act`: any act on a certificate; `certsvc holder`: what somebody holds."""

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from certsvc.commands.output import JSON, show
from certsvc.domain.acts import ACTS, Act, Organ
from certsvc.domain.life import Ground
from certsvc.settings import load_settings

DATE = click.DateTime(["%Y-%m-%d"])
OPTIONS = {"legal_basis": "--basis", "decision_number": "--decision", "previous_identifier": "--from"}
"""Options that are called otherwise than what they give."""

KINDS = [act.value.replace("_", "-") for act in ACTS]


class _ActHelp(click.Command):
    """Lists the acts, what each needs and how many persons."""

    def format_epilog(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Acts"):
            rows = []
            for kind, rule in ACTS.items():
                options = sorted(OPTIONS.get(name, "--" + name.replace("_", "-")) for name in rule.needs)
                needs = ", ".join(options) or "nothing more"
                two = "; two persons" if rule.persons == 2 else ""
                codes = f"; reason codes: {', '.join(rule.reasons)}" if rule.reasons else ""
                rows.append((kind.value.replace("_", "-"), f"{rule.zh} {rule.en}. Needs {needs}{codes}{two}."))
            formatter.write_dl(rows)


@click.command(cls=_ActHelp)
@click.argument("kind", type=click.Choice(KINDS), metavar="KIND")
@click.argument("ref", metavar="REF")
@click.option(
    "--effective", type=DATE, metavar="YYYY-MM-DD", help="The first day it holds (today); past and future days too."
)
@click.option("--reason", help="Why, in words.")
@click.option("--reason-code", help="Why, as a code of the act.")
@click.option("--basis", help="The law it rests on.")
@click.option("--decision", help="The number of the decision.")
@click.option("--due", type=DATE, metavar="YYYY-MM-DD", help="The day to check by, or the last day of dormancy.")
@click.option("--successor", help="Who takes over, or where it is transferred to.")
@click.option("--retroactive", is_flag=True, help="The decision says that it reaches back to the effective day.")
@click.option("--strikes", type=int, help="The number of the entry that was made in error.")
@click.option("--organ", type=click.Choice([organ.value for organ in Organ]), default="issuer", show_default=True)
@click.option("--by", default="command-line", show_default=True, help="Who acts.")
@click.option("--confirmed-by", help="The second person, where two are needed.")
@click.option("--payload", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="The new content.")
@click.option("--set", "changes", multiple=True, metavar="FIELD=VALUE", help="Change one field of the old content.")
@click.option("--from", "previous_identifier", help="Transfer in: the identifier of the certificate elsewhere.")
@click.option("--key", help="Names this request: the same key again does nothing more. Default: all that was typed.")
@JSON
def act(kind: str, ref: str, as_json: bool, **typed: Any) -> None:
    """Do an act to the certificate with the typed code REF (for issue and transfer-in, REF is the type).

    Prints what is on record then: the state of today and of every day, past and future.
    """
    from certsvc.commands.work import act_on
    from certsvc.issuance.act_command import ActCommand

    command = ActCommand(
        act=Act(kind.replace("-", "_")),
        target=ref,
        by=typed["by"],
        confirmed_by=typed["confirmed_by"],
        organ=Organ(typed["organ"]),
        effective=_date(typed["effective"]),
        ground=Ground(
            reason_code=typed["reason_code"],
            reason=typed["reason"],
            legal_basis=typed["basis"],
            decision_number=typed["decision"],
            due=_date(typed["due"]),
            successor=typed["successor"],
        ),
        retroactive=typed["retroactive"],
        strikes=typed["strikes"],
        payload=typed["payload"],
        changes=typed["changes"],
        previous_identifier=typed["previous_identifier"],
        key=typed["key"],
    )
    shown = act_on(load_settings(), command)
    show(shown, _act_text(shown), as_json)


@click.command()
@click.argument("code", metavar="CODE")
@click.option("--kind", default="001", show_default=True, help="The kind of the code (GB/T 36903 Annex A); 111: ID.")
@JSON
def holder(code: str, kind: str, as_json: bool) -> None:
    """Show what the holder with this CODE has: names, persons and addresses over time, certificates by premises,
    branches, and who took over when it was closed.

    A person's code is not kept: it is found by its keyed hash, so the whole code must be given.
    """
    from certsvc.commands.work import show_holder

    shown = show_holder(load_settings(), kind, code)
    show(shown, _holder_text(shown), as_json)


def _holder_text(shown: dict[str, Any]) -> str:
    lines = []
    for fact, spans in shown["facts"].items():
        lines += [f"{fact}: {span['value']}  {span['from']} – {span['until'] or '…'}" for span in spans]
    groups = [*shown["premises"].items(), ("", shown["certificates"]), ("branches 分支机构", shown["branches"])]
    for place, held in groups:
        lines += [place] if place and held else []
        lines += [f"  {one['type']}  {one['number']}  {one['typed_code']}  {one['status']}" for one in held]
    if shown["successor"]:
        lines.append(f"successor 承继者: {shown['successor']}")
    return "\n".join(lines) or "没有查到 nothing found"


def _date(moment: datetime | None) -> Any:
    return None if moment is None else moment.date()


def _act_text(shown: dict[str, Any]) -> str:
    lines = [
        f"{shown['number']}  {shown['typed_code']}  v{shown['version']}  event {shown['event']}: {shown['status']}"
    ]
    for period in shown["periods"]:
        conditions = f"  ({', '.join(period['conditions'])})" if period["conditions"] else ""
        lines.append(f"  {period['from']} – {period['to'] or '…'}  {period['status']}{conditions}")
    return "\n".join([*lines, *shown.get("files", ())])
