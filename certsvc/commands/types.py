"""Commands for those who define certificate types: check, start, look at, publish."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from certsvc.commands.output import JSON, show
from certsvc.settings import load_settings

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
WRONG = 1
"""The exit status when there are problems."""


@click.command("check-types")
@click.argument("folder", required=False, type=FOLDER)
@JSON
def check_types(folder: Path | None, as_json: bool) -> None:
    """Check every certificate type in FOLDER (schemas/), with its policy and examples, and list them.

    Everything wrong is said at once, with file and line, a stable code, and what to do; so is every TODO. Nothing is
    printed on paper for it: see `certsvc preview`.

    Exit status: 0 no problem, 1 problems, 2 usage.
    """
    from certsvc.catalog.folder_checks import check_folder

    checked = check_folder(folder or load_settings().schemas)
    for each in checked:
        content = {key: each.content.get(key) for key in ("type_number", "category", "zh", "en")}
        problems = [_problem(problem) for problem in each.problems]
        shown = {"id": each.id, "version": each.version, **content, "published": each.published, "problems": problems}
        show(shown, _type_text(shown), as_json)
    wrong = sum(len(each.problems) for each in checked)
    if not as_json:
        kinds = sum(each.kind is not None for each in checked)
        click.echo(f"{kinds} 个证照类型可用，{wrong} 处问题 · {kinds} types can be used, {wrong} problems")
    sys.exit(WRONG if wrong else 0)


def _problem(problem: Any) -> dict[str, Any]:
    return {
        "file": near(problem.file),
        "line": problem.line,
        "code": problem.code,
        "zh": problem.zh,
        "en": problem.en,
    }


def _type_text(shown: dict[str, Any]) -> str:
    number, version = shown["type_number"] or "", f"v{shown['version']}" if shown["version"] else ""
    head = f"{number!s:>5}  {shown['id']:34} {version:3} {shown['category'] or ''!s:8} {shown['zh'] or ''}  "
    lines = [f"{head}{shown['en'] or ''}".rstrip()]
    for problem in shown["problems"]:
        lines += [f"       {problem['file']}:{problem['line']}  [{problem['code']}]"]
        lines += [f"           {problem['zh']}", f"           {problem['en']}"]
    return "\n".join(lines)


def near(path: Path) -> str:
    """A path as people here would write it."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


COMMANDS: Sequence[click.Command] = (check_types,)
