"""`./dev test [--all] [pytest arguments]`: with --all, a missing program is a failure and nothing is left out."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest

ON_EVERY_CORE = ["--numprocesses", "auto", "--dist", "loadfile", "--no-loadscope-reorder"]
"""A file's tests stay together, because they share what is slow to make; the files stay in the order of conftest.py."""

SHARED_FOLDER = "CERTSVC_TEST_FOLDER"
MEMORY, PLENTY = Path("/dev/shm"), 12 * 2**30


def where_there_is_room() -> str | None:
    """Memory, where there is plenty: databases, ceremonies and copies of the demonstration else wait for a disk, and
    what is killed here is a process, never the machine. None for the usual place."""
    if not MEMORY.is_dir() or shutil.disk_usage(MEMORY).free < PLENTY or os.statvfs(MEMORY).f_flag & os.ST_NOEXEC:
        return None
    said = Path("/proc/meminfo").read_text("utf-8")
    available = int(said.partition("MemAvailable:")[2].split()[0]) * 1024
    return str(MEMORY) if available > PLENTY else None


@contextmanager
def demonstration_begun(folder: str) -> Iterator[None]:
    """Make what many tests start from beside those that do not, so that nobody waits for it."""
    Path(folder).chmod(0o711)
    command = [sys.executable, str(Path(__file__).with_name("demonstration.py")), folder]
    making = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # who needs it tries again
    try:
        yield
    finally:
        making.terminate()
        making.wait()


def main() -> int:
    arguments = sys.argv[1:]
    if "--all" in arguments:
        arguments.remove("--all")
        os.environ["CERTSVC_TEST_ALL"] = "1"
    with tempfile.TemporaryDirectory(prefix="certsvc-test-", dir=where_there_is_room()) as folder:
        os.environ[SHARED_FOLDER] = folder
        own = f"--basetemp={folder}/pytest"
        whole = not any(Path(argument.partition("::")[0]).exists() for argument in arguments)
        with demonstration_begun(folder) if whole else nullcontext():
            return pytest.main([*ON_EVERY_CORE, own, *arguments])


if __name__ == "__main__":
    sys.exit(main())
