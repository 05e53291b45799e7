"""`certsvc keys`: every key in a row of its own, and what is wrong with one in its row alone."""

import gc
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ceremonies import PLAN, make_home
from click.testing import CliRunner

from certsvc import app
from certsvc.authority.ceremony import read_inventory
from certsvc.commands.keys import keys
from certsvc.custody.keys import CustodyKey, open_key
from certsvc.settings import load_settings

pytestmark = pytest.mark.long

NAMES = ["issuing", "list", "ocsp", "receipt", "root", "seal-fire", "status", "timestamp"]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A data folder in which a ceremony was held and everything is published."""
    home, plan = make_home(tmp_path, PLAN)
    settings, now = load_settings({"CERTSVC_HOME": str(home)}), datetime.now(UTC)
    app.hold_ceremony(settings, plan, now)
    open_keys(home)
    return home


def open_keys(home: Path) -> None:
    """As a worker that starts and ends: what is to be published is, and uses that were not made are given back."""
    from certsvc.authorities import open_keys

    open_keys(load_settings({"CERTSVC_HOME": str(home)}), datetime.now(UTC))
    gc.collect()


def listed(home: Path, exit_status: int = 0) -> dict[str, dict[str, Any]]:
    """What `certsvc keys --json` lists, by name."""
    done = CliRunner().invoke(keys, ["--json"], env={"CERTSVC_HOME": str(home)})
    assert done.exit_code == exit_status, (done.output, done.exception)
    rows = {row["name"]: row for row in json.loads(done.output)["keys"]}
    assert sorted(rows) == NAMES
    return rows


def row(home: Path, name: str) -> str:
    """The row of a key in the list for people."""
    done = CliRunner().invoke(keys, [], env={"CERTSVC_HOME": str(home)})
    (found,) = (line for line in done.output.splitlines() if line.startswith(f"{name} "))
    return found


def only_trouble(home: Path, name: str) -> str:
    """The English words about the only key in trouble, of which the row for people has them too."""
    rows = listed(home, exit_status=1)
    assert [each for each in rows if rows[each]["trouble"]] == [name]
    words: str = rows[name]["trouble"]["en"]
    assert words in row(home, name) and rows[name]["trouble"]["zh"] in row(home, name)
    return words


def test_after_a_ceremony_every_key_works_and_was_used_as_often_as_it_signed(home: Path) -> None:
    rows = listed(home)
    assert {name: rows[name]["uses"] for name in ("root", "seal-fire", "timestamp")} == {
        "root": 3,  # its own certificate, the issuing authority's, and its CRL
        "seal-fire": 0,
        "timestamp": 0,
    }
    assert rows["issuing"]["uses"] < 10
    assert not (home / "authority.unfinished").exists()
    assert row(home, "seal-fire").endswith(" ok")


@pytest.mark.parametrize("content", [b"", b"7", b"x" * 20])
@pytest.mark.parametrize("name", ["seal-fire", "root"])
def test_a_damaged_count_of_uses_is_said_in_its_row(name: str, content: bytes, home: Path) -> None:
    (home / "authority" / "usage").mkdir(exist_ok=True)
    (home / "authority" / "usage" / f"{name}.uses").write_bytes(content)
    assert f"{name}.uses is damaged" in only_trouble(home, name)
    assert listed(home, exit_status=1)[name]["uses"] is None


@pytest.mark.parametrize("content", [b"", b"no list", b"half"])
@pytest.mark.parametrize("name", ["issuing", "root"])
def test_a_damaged_crl_is_said_in_its_row_and_a_worker_mends_it(name: str, content: bytes, home: Path) -> None:
    path = home / "public" / "crl" / f"{name}.crl"
    path.write_bytes(path.read_bytes()[:200] if content == b"half" else content)
    assert f"crl/{name}.crl is damaged" in only_trouble(home, name)
    open_keys(home)
    listed(home)


def test_a_crl_that_cannot_be_read_is_said_in_its_row(home: Path) -> None:
    path = home / "public" / "crl" / "issuing.crl"
    path.unlink()
    path.mkdir()
    assert "Is a directory" in only_trouble(home, "issuing")


def test_a_key_that_is_missing_or_does_not_open_is_said_in_its_row(home: Path) -> None:
    path = home / "authority" / "keys" / "list.key"
    path.write_bytes(b"damaged")
    assert "does not open" in only_trouble(home, "list")
    path.unlink()
    assert "list.key" in only_trouble(home, "list")


def test_a_root_that_is_still_here_is_to_be_taken_away_and_one_that_is_away_is_well(home: Path) -> None:
    assert (listed(home)["root"]["where"], listed(home)["root"]["trouble"]) == ("file", None)
    assert "take it away" in row(home, "root") and "请移走" in row(home, "root")
    (home / "authority" / "offline" / "root.key").rename(home / "elsewhere")
    assert (listed(home)["root"]["where"], listed(home)["root"]["trouble"]) == ("away", None)
    assert "away, kept offline" in row(home, "root")
    assert "still" not in row(home, "root")


def test_the_key_of_a_root_is_not_opened(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []

    def watched(uri: str, secret: str) -> CustodyKey:
        opened.append(uri)
        return open_key(uri, secret)

    monkeypatch.setattr("certsvc.authority.ring.open_key", watched)
    (home / "authority" / "offline" / "root.key").write_bytes(b"whatever")
    listed(home)
    assert opened and not any(uri.endswith("/root.key") for uri in opened)


@pytest.mark.parametrize("name", ["seal-fire.pem", "root.pem"])
def test_a_certificate_with_a_part_that_cannot_be_read_is_named(name: str, home: Path) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    path = home / "authority" / "certificates" / name
    der = x509.load_pem_x509_certificate(path.read_bytes()).public_bytes(Encoding.DER)
    twice = x509.load_der_x509_certificate(der.replace(bytes.fromhex("0603551d0f"), bytes.fromhex("0603551d0e")))
    path.write_bytes(twice.public_bytes(Encoding.PEM))
    done = CliRunner().invoke(keys, [], env={"CERTSVC_HOME": str(home)})
    assert "is damaged" in str(done.exception) and name.removesuffix(".pem") in str(done.exception)


@pytest.mark.parametrize(("days", "words"), [(335, None), (337, "hold a ceremony"), (367, "has ended")])
def test_the_end_of_the_root_s_crl_is_told_a_month_ahead(days: int, words: str | None, home: Path) -> None:
    settings = load_settings({"CERTSVC_HOME": str(home)})
    then = datetime.now(UTC) + timedelta(days=days)
    (root,) = (each for each in read_inventory(home, settings.secret, then) if each.name == "root")
    assert (root.trouble is None) == (words is None)
    assert words is None or (root.trouble is not None and words in root.trouble[1])
