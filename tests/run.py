"""`./dev test [--all] [pytest arguments]`: with --all, a missing program is a failure and nothing is left out."""

import os
import sys
import tempfile

import pytest

ON_EVERY_CORE = ["--numprocesses", "auto", "--dist", "loadfile"]
"""A file's tests stay together, because they share what is slow to make."""

SHARED_FOLDER = "CERTSVC_TEST_FOLDER"


def main() -> int:
    arguments = sys.argv[1:]
    if "--all" in arguments:
        arguments.remove("--all")
        os.environ["CERTSVC_TEST_ALL"] = "1"
    with tempfile.TemporaryDirectory(prefix="certsvc-test-") as folder:
        os.environ[SHARED_FOLDER] = folder
        return pytest.main([*ON_EVERY_CORE, *arguments])


if __name__ == "__main__":
    sys.exit(main())
