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
    """Check every certificate type in FOLDER (schemas/), with its policy and examples, and list them; and check the
    catalogues of proofs, where there are any.

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
    wrong += _check_proofs(folder or load_settings().schemas, checked, as_json)
    if not as_json:
        kinds = sum(each.kind is not None for each in checked)
        click.echo(f"{kinds} 个证照类型可用，{wrong} 处问题 · {kinds} types can be used, {wrong} problems")
    sys.exit(WRONG if wrong else 0)


def _check_proofs(schemas: Path, checked: Sequence[Any], as_json: bool) -> int:
    """Show what is wrong with the catalogues of proofs; how much that is."""
    from certsvc.catalog.proofs import PROOFS, check_proofs

    if not (schemas / PROOFS).is_dir():
        return 0
    newest = {each.id: each.kind for each in sorted(checked, key=lambda each: each.version) if each.version}
    problems = [_problem(problem) for problem in check_proofs(schemas, newest)[1]]
    if problems:
        content = dict.fromkeys(("type_number", "category", "zh", "en"))
        shown = {"id": PROOFS, "version": 0, **content, "published": False, "problems": problems}
        show(shown, _type_text(shown), as_json)
    return len(problems)


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


@click.command("new-type")
@click.argument("type_id", metavar="ID")
@click.option("--like", metavar="TYPE", help="The type to copy. Default: the nearest by title, then by category.")
@click.option("--zh", metavar="TITLE", help="The Chinese title.")
@click.option("--en", metavar="TITLE", help="The English title.")
@click.option("--next-version", is_flag=True, help="Copy the newest published version of ID to the next one.")
@JSON
def new_type(type_id: str, like: str | None, zh: str | None, en: str | None, next_version: bool, as_json: bool) -> None:
    """Start the certificate type ID (such as tea-house) from the one nearest to it, or the next version of a type.

    The copy loads at once; everything that you still have to decide says TODO, and `certsvc check-types` names each
    with its line. With TODOs a type cannot be published.
    """
    from certsvc.workbench.new_type import start_type, start_version

    if next_version and (like or zh or en):
        raise click.UsageError("--next-version takes no other option: it copies the newest version.")
    schemas = load_settings().schemas
    started = start_version(schemas, type_id) if next_version else start_type(schemas, type_id, like, zh, en)
    problems = [_problem(problem) for problem in started.checked.problems]
    content = {key: started.checked.content.get(key) for key in ("type_number", "category", "zh", "en")}
    shown = {
        "id": type_id,
        "version": started.checked.version,
        **content,
        "folder": near(started.place),
        "like": started.like,
        "problems": problems,
    }
    show(shown, _started_text(shown), as_json)


def _started_text(shown: dict[str, Any]) -> str:
    folder, type_id = shown["folder"], shown["id"]
    lines = [f"{folder}  ←  {shown['like']}"]
    lines += [f"  {problem['file']}:{problem['line']}  {problem['zh']}" for problem in shown["problems"]]
    return "\n".join(
        [
            *lines,
            "接下来 What to do next",
            f"  1. 逐项决定并修改，certsvc check-types 会列出余下的 TODO ({len(shown['problems'])})。",
            "     Decide and correct each; certsvc check-types lists the TODOs that are left.",
            f"  2. certsvc preview --out preview {type_id}   看版面 look at the pages",
            f"  3. certsvc publish-type {type_id}   发布，之后不能再改 publish; it cannot change afterwards",
            f"  4. 请印章的管理人加上它 have a seal's manager add it: certsvc seal rules SEAL --add-type {type_id}",
        ]
    )


@click.command()
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="The folder to write to.")
@click.option("--gallery", is_flag=True, help="Write the picture of all types into schemas/ instead (gallery.png).")
@click.argument("types", metavar="[TYPE]...", nargs=-1)
@JSON
def preview(out: Path | None, gallery: bool, types: tuple[str, ...], as_json: bool) -> None:
    """Print every good example of every type (or of each TYPE) on every layout, to look at: PDF, PNG, a picture of all
    types (contact-sheet.png) and a page with links (index.html).

    Nothing is sealed and no key is used; every page says that it is not valid, and its QR leads nowhere. What is wrong
    with a page (texts that overlap, leave the border, lie under the seal or beside the QR) is a warning.

    Exit status: 0 all pages printed, 1 some did not, 2 usage.
    """
    if (out is None) == (not gallery) or (gallery and types):
        raise click.UsageError("Give --out FOLDER, with types if only some are wanted, or --gallery alone.")
    if out is None:
        _gallery(as_json)
    else:
        _preview(out, types, as_json)


def _gallery(as_json: bool) -> None:
    from certsvc.workbench.preview import draw_gallery
    from certsvc.workbench.progress import Progress

    settings, progress = load_settings(), Progress("预览 preview")
    path = draw_gallery(settings.schemas, settings.fonts.extra, lambda n, of, sheet: progress.step(n, of, sheet.stem))
    show({"gallery": near(path)}, near(path), as_json)


def _preview(out: Path, types: Sequence[str], as_json: bool) -> None:
    from certsvc.workbench.preview import CONTACT_SHEET, INDEX, preview
    from certsvc.workbench.progress import Progress

    settings, progress = load_settings(), Progress("预览 preview")
    done = preview(
        settings.schemas, out, types, settings.fonts.extra, lambda n, of, sheet: progress.step(n, of, sheet.stem)
    )
    for sheet in done.printed:
        shown = _sheet(sheet)
        if as_json or shown["warnings"] or shown["error"]:
            show(shown, _sheet_text(shown), as_json)
    for each in done.unusable:
        problems = [_problem(problem) for problem in each.problems if problem.stops]
        shown = {"type": each.id, "version": each.version, "pdf": None, "png": None, "problems": problems}
        show(shown, f"✘ {each.id} v{each.version}: {problems[0]['zh']} {problems[0]['en']}", as_json)
    failed = [sheet for sheet in done.printed if sheet.error is not None]
    paths = {"index": near(out / INDEX), "contact_sheet": near(out / CONTACT_SHEET)}
    counts = {"sheets": len(done.printed) - len(failed), "failed": len(failed), "unusable": len(done.unusable)}
    text = f"{counts['sheets']} 页 pages · {paths['index']} · {paths['contact_sheet']}"
    show({**paths, **counts}, text, as_json)
    sys.exit(WRONG if failed or done.unusable else 0)


def _sheet(sheet: Any) -> dict[str, Any]:
    said = [{"field": each.field, "code": each.code, "zh": each.zh, "en": each.en} for each in sheet.warnings]
    error = sheet.error
    return {
        "type": sheet.type_id,
        "version": sheet.version,
        "layout": sheet.layout,
        "example": sheet.example,
        "pdf": sheet.pdf and near(sheet.pdf),
        "png": sheet.png and near(sheet.png),
        "warnings": said,
        "error": error and {"field": error.field, "code": error.code, "zh": error.zh, "en": error.en},
    }


def _sheet_text(shown: dict[str, Any]) -> str:
    name = f"{shown['type']} v{shown['version']} {shown['layout']} {shown['example']}"
    if shown["error"]:
        return f"✘ {name}: {shown['error']['zh']} {shown['error']['en']}"
    said = [f"    [{each['code']}] {each['zh']} {each['en']}" for each in shown["warnings"]]
    return "\n".join([f"! {shown['pdf']}", *said])


@click.command("publish-type")
@click.argument("type_id", metavar="ID")
@click.argument("version", type=click.IntRange(1, 999), required=False)
@JSON
def publish_type(type_id: str, version: int | None, as_json: bool) -> None:
    """Publish the certificate type ID: the newest version, or VERSION. From then on its folder must not change.

    Refused while `certsvc check-types` has a problem with it, TODOs among them. Its digest goes into
    schemas/published.toml; published again, nothing happens. The shared parts of faces are published as `common`.
    """
    from certsvc.workbench.publish import publish_type

    done = publish_type(load_settings().schemas, type_id, version)
    shown = {"folder": done.folder, "digest": done.digest, "published_before": done.before}
    said = "早已发布 published before" if done.before else "已发布 published"
    show(shown, f"{done.folder}  {said}  {done.digest}", as_json)


def near(path: Path) -> str:
    """A path as people here would write it."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


COMMANDS: Sequence[click.Command] = (check_types, new_type, preview, publish_type)
