"""`verify` of what is no certificate: a department's sealed document has an exit status and words of its own."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from certsvc import __main__ as program
from certsvc.commands import work

CHECKS: list[dict[str, str]] = []
SEAL: dict[str, Any] = {
    "seal": "market-documents",
    "owner": {"name": "云山市市场监督管理局", "uscc": "11441900007330010D"},
    "purpose": None,
    "sealed_at": "2026-11-27T03:16:34+00:00",
}
RECORD = {"on_record_since": "2026-11-27T03:16:35+00:00", "seals": [SEAL]}


def report(verdict: str, document: dict[str, Any] | None = None) -> dict[str, Any]:
    """What the verifier answers."""
    register = None if document else {"status": "valid", "age_s": 0}
    rest = {"document": "sound", "register": register, "term": "none", "checks": CHECKS}
    return {"file": "a.pdf", "verdict": verdict, **rest, "department_document": document}


DOCUMENT = report("department_document", RECORD)


@pytest.mark.parametrize(
    ("found", "status"),
    [
        ([DOCUMENT], 4),
        ([report("valid"), DOCUMENT], 4),
        ([DOCUMENT, report("undetermined")], 3),
        ([report("undetermined"), DOCUMENT, report("not_valid")], 1),
        ([report("valid")], 0),
    ],
)
def test_a_document_never_counts_as_a_valid_certificate(
    found: Sequence[dict[str, Any]], status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def verify(_settings: Any, _files: Any, show: Callable[[dict[str, Any]], None], *, offline: bool) -> None:
        for each in found:
            show(each)

    monkeypatch.setattr(work, "verify_files", verify)
    monkeypatch.setenv("CERTSVC_HOME", str(tmp_path))
    (tmp_path / "a.pdf").write_bytes(b"")
    done = CliRunner().invoke(program.cli, ["verify", str(tmp_path / "a.pdf")])
    assert done.exit_code == status, done.output
    if DOCUMENT in found:
        assert "不是证照" in done.output and SEAL["sealed_at"] in done.output and "not asked" not in done.output


def test_a_receipt_has_words_of_its_own_and_is_no_valid_certificate(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said = {"word": "有效", "qualifier": "", "title": "营业执照"}
    content = {"id": "ab" * 16, "made_at": "2026-11-27T08:00:00+00:00", "report": {"verdict": "valid"}}
    found = report("receipt") | {"register": None, "receipt": {"content": content | {"shown": {"zh": said}}}}

    def verify(settings: object, files: object, show: Callable[[dict[str, Any]], None], *, offline: bool) -> None:
        show(found)

    monkeypatch.setattr(work, "verify_files", verify)
    done = CliRunner().invoke(program.cli, ["verify", __file__])
    assert done.exit_code == 4
    assert "回执真实，只说明当时" in done.output and "2026-11-27T08:00:00+00:00 营业执照 valid (有效)" in done.output
    assert not done.output.startswith("✔")
