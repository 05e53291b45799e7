"""The roles as an operator starts them: `all` gives receipts, `trust` gives them once it may read the register."""

import json
import sys
from pathlib import Path

import httpx
import pytest
from demonstration import Demonstration, Home, NewHome

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "demo"))
from served import Served, free_port, served

from certsvc.store.embedded import EmbeddedServer

pytestmark = pytest.mark.long


@pytest.fixture
def home(demonstration: Demonstration, new_home: NewHome) -> Home:
    """A copy of the demonstration's data folder."""
    return demonstration.home.copied_to(new_home())


def ask(running: Served, accept: str = "application/json", **fields: str) -> httpx.Response:
    """Ask for a receipt."""
    return httpx.post(running.url + "/receipts", data=fields, headers={"Accept": accept}, timeout=60)


def code_of(home: Home) -> str:
    """The typed code of a certificate of the demonstration."""
    paper = next(path for path in home.papers)
    (report,) = home.json("verify", paper)
    return str(report["certificate"]["typed_code"])


def test_all_makes_receipts_and_trust_does_once_it_may_read_the_register(home: Home, tmp_path: Path) -> None:
    code = code_of(home)
    settings = home.path / "settings.toml"
    with served(home, "serve", "--role", "all", port=free_port()) as everything:
        pdf = ask(everything, "application/pdf", code=code)
        assert pdf.status_code == 200 and pdf.content.startswith(b"%PDF-1.7")
        with served(home, "serve", "--role", "trust", port=free_port()) as trust:
            answer = ask(trust, code=code)
            assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
            assert trust.get("/health").status_code == 200
        reader = EmbeddedServer(home.path).uri("certsvc_public")
        settings.write_text(settings.read_text("utf-8") + f"\n[database]\npublic_uri = {json.dumps(reader)}\n", "utf-8")
        with served(home, "serve", "--role", "trust", port=free_port()) as trust:
            answer = ask(trust, code=code)
            assert answer.status_code == 200, answer.text
            assert answer.json()["receipt"]["report"]["verdict"] == "valid"
            record = answer.json()["jws"]
            everything.stop()  # and with it the register
            later = ask(trust, code=code)
            assert later.json()["receipt"]["report"]["verdict"] == "undetermined"
    paths = [tmp_path / "receipt.pdf", tmp_path / "receipt.jws"]
    paths[0].write_bytes(pdf.content)
    paths[1].write_text(record, "ascii")
    done = home.run("verify", "--offline", *paths)
    assert done.returncode == 4 and done.stdout.count("回执真实") == 2, done.stdout + done.stderr
