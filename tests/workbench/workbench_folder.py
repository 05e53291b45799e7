"""Copies of all types, to work on, and the commands on them."""

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demonstration import ROOT, Home

from certsvc.catalog.folder_checks import Checked, check_folder

SCHEMAS = ROOT / "schemas"


@dataclass(frozen=True, slots=True)
class Bench:
    """A folder of types, and the command line that works on it."""

    schemas: Path

    def run(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        """Run `certsvc` on these types."""
        home = Home(self.schemas.parent / "home")
        return home.run(*arguments, CERTSVC_CATALOG_SCHEMAS=str(self.schemas))

    def json(self, *arguments: object) -> list[dict[str, Any]]:
        """The JSON lines that a command prints."""
        done = self.run(*arguments, "--json")
        assert "Traceback" not in done.stderr, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def checked(self, type_id: str, version: int = 1) -> Checked:
        """One version as the checks see it."""
        return next(each for each in check_folder(self.schemas) if (each.id, each.version) == (type_id, version))

    def codes(self, type_id: str, version: int = 1) -> set[str]:
        """What is wrong with a version."""
        return {problem.code for problem in self.checked(type_id, version).problems}

    def decide(self, type_id: str) -> None:
        """Take every TODO out of a new type, as its official would in days of thought."""
        for path in sorted((self.schemas / type_id).rglob("*")):
            if path.is_file():
                path.write_text(path.read_text("utf-8").replace("TODO", "已定"), "utf-8")
            if "-todo-" in path.name:
                path.rename(path.with_name(path.name.replace("-todo-", "-own-")))


def copied(folder: Path, *types: str) -> Bench:
    """A bench with copies of the first versions of these types (of all and every version, if none is named), as
    published as they are."""
    schemas = folder / "schemas"
    if not types:
        shutil.copytree(SCHEMAS, schemas)
        return Bench(schemas)
    shutil.copytree(SCHEMAS / "common", schemas / "common")
    for name in types:
        shutil.copytree(SCHEMAS / name, schemas / name, ignore=shutil.ignore_patterns("v[2-9]*"))
    for name in ("general.toml", "published.toml"):
        shutil.copy(SCHEMAS / name, schemas / name)
    lines = (schemas / "published.toml").read_text("utf-8").splitlines(keepends=True)
    kept = [
        line for line in lines if line[0] != '"' or line.startswith(('"common/', *(f'"{name}/v1"' for name in types)))
    ]
    (schemas / "published.toml").write_text("".join(kept), "utf-8")
    return Bench(schemas)
