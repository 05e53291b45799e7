"""`./dev test [--all] [pytest arguments]`: with --all, a missing program is a failure and nothing is left out."""

import os
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
    with tempfile.TemporaryDirectory(prefix="certsvc-test-") as folder:
        os.environ[SHARED_FOLDER] = folder
        whole = not any(Path(argument.partition("::")[0]).exists() for argument in arguments)
        with demonstration_begun(folder) if whole else nullcontext():
            return pytest.main([*ON_EVERY_CORE, *arguments])


if __name__ == "__main__":
    sys.exit(main())
