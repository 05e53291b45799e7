"""`./dev` on machines that lack something: one clear line, in both languages, and nothing half-made."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from demonstration import ROOT

PATH = "/usr/bin:/bin"
VERSION_ONLY = 'case "$*" in *version_info*) exit 0 ;; *) exit 1 ;; esac'
"""A Python that is new enough and can do nothing else."""

TOO_OLD = "exit 1"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A tree with what `./dev` needs before there is an environment."""
    for name in ("dev", "pyproject.toml", "requirements.lock"):
        shutil.copy2(ROOT / name, tmp_path / name)
    return tmp_path


def dev(clone: Path, python: str, path: str = PATH) -> subprocess.CompletedProcess[str]:
    """Run `./dev demo` with a Python that is a script of ours."""
    program = clone / "python"
    program.write_text(f"#!/bin/sh\n{python}\n", encoding="utf-8")
    program.chmod(0o755)
    environment = {"PATH": path, "PYTHON": str(program), "LC_ALL": "C.UTF-8", "HOME": os.environ.get("HOME", "/")}
    return subprocess.run(
        ["sh", "./dev", "demo"], cwd=clone, env=environment, capture_output=True, text=True, check=False, timeout=60
    )


def last_line(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 2
    return done.stderr.strip().splitlines()[-1]


def test_a_missing_venv_is_named_with_its_package(clone: Path) -> None:
    said = last_line(dev(clone, VERSION_ONLY))
    assert "python3-venv" in said
    assert "缺少" in said
    assert not (clone / ".venv").exists()


def test_an_old_python_is_refused(clone: Path, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("dirname", "cat", "cksum", "locale", "sh"):
        (tools / name).symlink_to(shutil.which(name) or "/bin/false")
    said = last_line(dev(clone, TOO_OLD, str(tools)))
    assert "3.11" in said
    assert "需要" in said


def test_packages_that_cannot_be_installed_leave_no_mark_of_success(clone: Path) -> None:
    (clone / ".venv" / "bin").mkdir(parents=True)
    broken = clone / ".venv" / "bin" / "python"
    broken.write_text("#!/bin/sh\necho 'No space left on device' >&2\nexit 1\n", encoding="utf-8")
    broken.chmod(0o755)
    done = dev(clone, VERSION_ONLY)
    assert "安装失败" in last_line(done)
    assert "No space left on device" in done.stderr
    assert not (clone / ".venv" / ".stamp").exists()
