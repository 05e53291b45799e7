"""Files on disk: one report each, whatever lies under the name, and never a wait without end."""

import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest
from asking import run
from flaws import Bench

from certsvc.verify.inspection import MAX_FILE
from certsvc.verify.path import verify_path
from certsvc.verify.service import Verifying

pytest_plugins = ["verify_fixtures"]
KEYS = {"file", "verdict", "document", "register", "term", "checks"}
"""Other programs rely on these names."""


def report(verifying: Verifying, path: Path, bench: Bench) -> dict[str, Any]:
    """The report, from a thread that is given up after ten seconds."""
    found: list[dict[str, Any]] = []
    reading = threading.Thread(
        target=lambda: found.append(run(verify_path(verifying, path, bench.workshop.now))), daemon=True
    )
    reading.start()
    reading.join(10)
    assert found, "it waits without end"
    return found[0]


def require_unread(seen: dict[str, Any], reason: str) -> None:
    assert seen.keys() >= KEYS
    assert (seen["verdict"], seen["document"], seen["register"]) == ("undetermined", "unknown", None)
    named = {"kind": "file", "outcome": "unknown", "reason": reason, "indication": None, "sub_indication": None}
    assert seen["checks"] == [named]


def test_a_genuine_file_has_a_report_of_the_names_that_stay(bench: Bench, online: Verifying, tmp_path: Path) -> None:
    path = tmp_path / "genuine.pdf"
    path.write_bytes(bench.genuine.pdf)
    seen = json.loads(json.dumps(report(online, path, bench)))
    assert seen.keys() >= KEYS
    assert (seen["file"], seen["verdict"], seen["document"], seen["term"]) == (str(path), "valid", "sound", "in_force")
    assert seen["register"] == {"status": "valid", "age_s": 0}
    names = {"kind", "outcome", "reason", "indication", "sub_indication"}
    assert {frozenset(check) for check in seen["checks"]} == {frozenset(names)}


def test_a_genuine_file_offline_is_sound_and_undetermined(bench: Bench, offline: Verifying, tmp_path: Path) -> None:
    path = tmp_path / "genuine.pdf"
    path.write_bytes(bench.genuine.pdf)
    seen = report(offline, path, bench)
    assert (seen["verdict"], seen["document"], seen["register"]) == ("undetermined", "sound", None)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not_a_pdf"),
        (b"no PDF", "not_a_pdf"),
        (b"%PDF-", "unreadable_file"),
        (b"%PDF-1.7\n" + bytes(MAX_FILE), "file_too_large"),
    ],
    ids=["empty", "text", "header-alone", "a-byte-and-more-too-long"],
)
def test_what_is_no_readable_pdf_is_undetermined(
    content: bytes, reason: str, bench: Bench, online: Verifying, tmp_path: Path
) -> None:
    path = tmp_path / "file.pdf"
    path.write_bytes(content)
    require_unread(report(online, path, bench), reason)


def test_the_limit_is_20_mib_to_the_byte(bench: Bench, online: Verifying, tmp_path: Path) -> None:
    path = tmp_path / "file.pdf"
    head = b"%PDF-1.7\n"
    path.write_bytes(head + bytes(MAX_FILE - len(head)))
    require_unread(report(online, path, bench), "unreadable_file")
    path.write_bytes(head + bytes(MAX_FILE - len(head) + 1))
    require_unread(report(online, path, bench), "file_too_large")


def test_a_pipe_does_not_keep_us_waiting(bench: Bench, online: Verifying, tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    require_unread(report(online, path, bench), "unreadable_file")


def test_a_device_without_end_is_not_read(bench: Bench, online: Verifying) -> None:
    require_unread(report(online, Path("/dev/zero"), bench), "unreadable_file")


def test_a_folder_is_undetermined(bench: Bench, online: Verifying, tmp_path: Path) -> None:
    require_unread(report(online, tmp_path, bench), "unreadable_file")


def test_a_file_that_is_not_there_is_undetermined(bench: Bench, online: Verifying, tmp_path: Path) -> None:
    require_unread(report(online, tmp_path / "nothing.pdf", bench), "unreadable_file")


def test_a_file_that_may_not_be_read_is_undetermined(bench: Bench, online: Verifying, tmp_path: Path) -> None:
    """A loop of links, because root may read everything else."""
    path = tmp_path / "loop.pdf"
    path.symlink_to(path)
    require_unread(report(online, path, bench), "unreadable_file")
