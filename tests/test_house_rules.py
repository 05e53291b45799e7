"""The rules of the house, checked by machine (the list stands in DESIGN terms in certsvc/DECISIONS.md)."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "certsvc"
EVERYONE = {"ids", "errors", "der", "der_reader", "x509_reader", "files", "processes", "limited"}
FENCE: dict[str, set[str]] = {
    "domain": set(),
    "services": {"domain"},
    "settings": set(),
    "log": set(),
    "catalog": {"domain"},
    "store": {"domain", "services"},
    "custody": {"domain", "services"},
    "access": {"domain", "services"},
    "render": {"domain", "catalog"},
    "seal": {"domain", "catalog", "custody", "services"},
    "authority": {"domain", "catalog", "custody", "services"},
    "verify": {"domain", "catalog", "store", "services"},
    "issuance": {"domain", "catalog", "store", "custody", "render", "seal", "authority", "verify", "services"},
    "http": {"domain", "log", "services", "access", "issuance", "telling", "verify", "authority"},
    "telling": {"domain", "services"},
    "client": set(),
    "jobs": {"domain", "log", "services", "issuance", "authority"},
}
COMPOSITION = {
    "villages",
    "app",
    "authorities",
    "batching",
    "departments",
    "desks",
    "issuing",
    "listing",
    "mailing",
    "receipting",
    "serving",
    "signing_in",
    "workers",
    "__main__",
    "commands",
    "demo",
    "workbench",
    "__init__",
}
ONLY_IN = {
    "litestar": {"http", "serving"},
    "asyncpg": {"store"},
    "jwt": {"access", "authority", "client", "verify"},
    "pyhanko": {"seal", "verify", "authority"},
    "pyhanko_certvalidator": {"seal", "verify", "authority"},
    "typst": {"render"},
    "pikepdf": {"render"},
    "pkcs11": {"custody"},
    "fido2": {"access"},
}
LONGEST_FILE = 400
LONGEST_FUNCTION = 40


@cache
def modules() -> tuple[tuple[str, Path, ast.Module], ...]:
    """Every module of the package: the folder it belongs to, its path, its syntax tree."""
    paths = [(path.relative_to(PACKAGE).parts[0], path) for path in sorted(PACKAGE.rglob("*.py"))]
    return tuple((first.removesuffix(".py"), path, ast.parse(path.read_text("utf-8"))) for first, path in paths)


def imports(tree: ast.Module) -> Iterator[str]:
    """The dotted names a module imports, wherever in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names if node.module == "certsvc")


def test_who_may_import_whom() -> None:
    wrong = []
    for folder, path, tree in modules():
        if folder in COMPOSITION or folder in EVERYONE:
            continue
        for name in imports(tree):
            parts = name.split(".")
            if parts[0] == "certsvc" and len(parts) > 1 and parts[1] not in {folder, *EVERYONE, *FENCE[folder]}:
                wrong.append(f"{path.relative_to(ROOT)} imports {name}")
    assert wrong == []


def test_packages_stay_in_their_folders() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for folder, path, tree in modules()
        for name in imports(tree)
        if folder not in ONLY_IN.get(name.split(".")[0], {folder})
    ]
    assert wrong == []


def test_private_keys_are_opened_only_in_custody() -> None:
    # the client is a department's, and opens its key on its own machine
    opener = re.compile(r"load_(pem|der)_private_key|generate_private_key|\.private_bytes\(")
    wrong = [
        str(path.relative_to(ROOT))
        for folder, path, _ in modules()
        if folder not in ("custody", "client") and opener.search(path.read_text("utf-8"))
    ]
    assert wrong == []


def test_sql_stands_only_in_sql_files() -> None:
    statement = re.compile(r"^\s*(select\s.+\sfrom|insert into|update \w+ set|delete from|create table)\b", re.I | re.S)
    wrong = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for _, path, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and statement.match(node.value)
    ]
    assert wrong == []


def tracked_files() -> list[Path]:
    """What git tracks, and what it does not ignore."""
    command = ["git", "ls-files", "-co", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def test_no_private_key_in_the_tree() -> None:
    mark = b"PRIVATE" + b" KEY-----"
    assert [str(path) for path in tracked_files() if mark in path.read_bytes()] == []
    assert [str(path) for path in tracked_files() if path.suffix in {".key", ".p12", ".pfx"}] == []


def test_no_download_address_in_lock_files() -> None:
    for name in ("requirements.lock", "tests/requirements.lock"):
        assert "://" not in (ROOT / name).read_text("utf-8")


def test_files_and_functions_stay_short() -> None:
    long = []
    for _, path, tree in modules():
        lines = len(path.read_text("utf-8").splitlines())
        if lines > LONGEST_FILE:
            long.append(f"{path.relative_to(ROOT)}: {lines} lines")
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or 0) - node.lineno + 1
                if length > LONGEST_FUNCTION + len(node.args.args):
                    long.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name}: {length} lines")
    assert long == []


def test_public_functions_carry_a_docstring() -> None:
    missing = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for _, path, tree in modules()
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and ast.get_docstring(node) is None
    ]
    assert missing == []


def test_the_public_role_loads_no_key_code() -> None:
    code = (
        "import sys, certsvc.serving as serving; serving.load_role('public');"
        "print([m for m in sys.modules if m.startswith(('certsvc.custody', 'certsvc.seal', 'certsvc.authority',"
        " 'certsvc.issuance'))])"
    )
    shown = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "command", [["ruff", "check", "."], ["ruff", "format", "--check", "."], ["mypy"]], ids=lambda c: " ".join(c)
)
def test_the_checkers_are_content(command: list[str]) -> None:
    done = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
