"""The command line as people and programs use it: exit statuses, JSON, and one clear line for what is wrong."""

import itertools
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from demonstration import ROOT, Demonstration, Home, NewHome, unbound_home
from holders import company_code

COMMANDS = (
    *("demo", "serve", "issue", "act", "holder", "verify", "ceremony", "migrate"),
    *("check-types", "new-type", "preview", "publish-type"),
)
WATER_PROOF = ROOT / "schemas" / "tiered-water-proof" / "v1" / "examples" / "good-zhou.json"
SNACK_BAR = ROOT / "schemas" / "food-business" / "v1" / "examples" / "good-snack-bar.json"
REPORT = {"file", "verdict", "document", "register", "term", "checks"}
VALID, NOT_VALID, USAGE, CANNOT_TELL = range(4)


def one_line(done: subprocess.CompletedProcess[str]) -> str:
    """What it said is wrong: one line, no traceback."""
    assert "Traceback" not in done.stderr
    (line,) = done.stderr.strip().splitlines()
    return line


@pytest.fixture(scope="module")
def home(demonstration: Demonstration, new_home: NewHome) -> Home:
    """A copy of the demonstration's data folder for this module."""
    return unbound_home(demonstration.home.copied_to(new_home()))


@pytest.fixture
def another_bar(tmp_path: Path) -> Iterator[Path]:
    """Payloads of the snack bar at places where it has no permit yet."""
    payload = json.loads(SNACK_BAR.read_text("utf-8"))

    def payloads() -> Iterator[Path]:
        for number in itertools.count(1):
            path = tmp_path / f"bar-{number}.json"
            address = f"云山市云岗镇{tmp_path.name}第{number}号铺"
            path.write_text(json.dumps(payload | {"address": address}), encoding="utf-8")
            yield path

    return payloads()


@pytest.fixture
def altered(home: Home, tmp_path: Path) -> Path:
    """One of our files with a byte of its text changed."""
    data = bytearray(home.papers[0].read_bytes())
    data[len(data) // 3] ^= 1
    path = tmp_path / "altered.pdf"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_and_speaks_json(home: Home, command: str) -> None:
    done = home.run(command, "--help")
    assert done.returncode == 0
    assert "--json" in done.stdout
    assert len(done.stdout.splitlines()) >= 8


@pytest.mark.long
def test_the_group_names_every_command(home: Home) -> None:
    shown = home.run("--help").stdout
    assert [command for command in COMMANDS if command not in shown] == []


def test_verify_says_valid_with_status_0(home: Home) -> None:
    done = home.run("verify", "--json", *home.papers[:3])
    reports = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == VALID
    assert len(reports) == 3
    for report, path in zip(reports, home.papers, strict=False):
        assert report.keys() >= REPORT
        assert (report["file"], report["verdict"], report["document"]) == (str(path), "valid", "sound")
        assert report["register"]["status"] == "valid"
        assert isinstance(report["register"]["age_s"], int)
        assert report["term"] in {"in_force", "none"}
        assert all(check["outcome"] == "passed" for check in report["checks"])


@pytest.mark.long
def test_verify_offline_cannot_tell_with_status_3(home: Home) -> None:
    done = home.run("verify", "--json", "--offline", home.papers[0])
    report = json.loads(done.stdout)
    assert done.returncode == CANNOT_TELL
    assert (report["verdict"], report["document"], report["register"]) == ("undetermined", "sound", None)


@pytest.mark.long
def test_verify_says_not_valid_with_status_1_even_beside_valid_ones(home: Home, altered: Path) -> None:
    done = home.run("verify", "--json", home.papers[0], altered)
    reports = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == NOT_VALID
    assert [report["verdict"] for report in reports] == ["valid", "not_valid"]
    failed = {"kind": "signature", "outcome": "failed", "reason": "altered"}
    etsi = {"indication": "TOTAL-FAILED", "sub_indication": "HASH_FAILURE"}
    assert {**failed, **etsi} in reports[1]["checks"]


@pytest.mark.long
def test_verify_cannot_tell_of_what_is_no_pdf_and_no_photo(home: Home, tmp_path: Path) -> None:
    (tmp_path / "photo.pdf").write_bytes(b"\xff\xd8\xff\xe0 a picture")
    (tmp_path / "empty.pdf").write_bytes(b"")
    done = home.run("verify", "--json", tmp_path / "photo.pdf", tmp_path / "empty.pdf")
    assert done.returncode == CANNOT_TELL
    for line, reason in zip(done.stdout.splitlines(), ("unreadable_file", "not_a_pdf"), strict=True):
        (check,) = json.loads(line)["checks"]
        assert (check["kind"], check["outcome"], check["reason"]) == ("file", "unknown", reason)
        assert check["indication"] is None


@pytest.mark.long
def test_verify_without_a_file_or_of_one_that_is_not_there_is_wrong_usage(home: Home) -> None:
    assert home.run("verify").returncode == USAGE
    assert home.run("verify", "/nowhere.pdf").returncode == USAGE


@pytest.mark.long
def test_verify_in_words_for_people(home: Home, altered: Path) -> None:
    shown = home.run("verify", home.papers[0], altered).stdout
    assert "有效 valid" in shown
    assert "无效 not valid" in shown
    assert "altered" in shown


@pytest.mark.long
def test_verify_on_a_machine_with_nothing_but_the_anchors(home: Home, new_home: NewHome) -> None:
    other = new_home()
    other.path.mkdir()
    shutil.copytree(home.path / "public", other.path / "public")
    done = other.run("verify", "--json", home.papers[0])
    assert done.returncode == CANNOT_TELL
    assert json.loads(done.stdout)["document"] == "sound"
    assert not (other.path / "postgres").exists()


@pytest.mark.long
def test_verify_without_any_anchor_says_what_is_missing(home: Home, new_home: NewHome) -> None:
    done = new_home().run("verify", home.papers[0])
    assert done.returncode == USAGE
    assert "ceremony" in one_line(done)


@pytest.mark.long
def test_the_same_key_again_gives_the_same_certificate(home: Home, tmp_path: Path, another_bar: Iterator[Path]) -> None:
    bar = next(another_bar)
    first, again = (home.json("issue", "food-business", bar, "--key", "k1")[0] for _ in range(2))
    assert first == again
    assert first["number"].startswith("JY2441900")
    (report,) = home.json("verify", *first["files"])
    assert report["verdict"] == "valid"
    other = tmp_path / "other.json"
    payload = json.loads(SNACK_BAR.read_text("utf-8")) | {"supervision": "云山市市场监督管理局"}
    other.write_text(json.dumps(payload), encoding="utf-8")
    done = home.run("issue", "food-business", other, "--key", "k1", "--json")
    assert done.returncode == USAGE
    assert json.loads(done.stdout)["error"] == "request_key_reused"


@pytest.mark.long
def test_an_invalid_payload_names_every_problem_by_field_in_both_languages(home: Home, tmp_path: Path) -> None:
    payload: dict[str, Any] = json.loads(SNACK_BAR.read_text("utf-8"))
    payload |= {"uscc": "92441900MA52DEF10Y", "valid_to": "2020-01-01", "colour": "red"}
    del payload["address"]
    (tmp_path / "bad.json").write_text(json.dumps(payload), encoding="utf-8")
    done = home.run("issue", "food-business", tmp_path / "bad.json", "--json")
    error = json.loads(done.stdout)
    assert done.returncode == USAGE
    assert error["error"] == "payload_invalid"
    assert {problem["field"] for problem in error["problems"]} == {"uscc", "address", "colour", "valid_to"}
    assert all(problem["zh"] and problem["en"] and problem["code"] for problem in error["problems"])
    assert "Traceback" not in done.stderr
    said = home.run("issue", "food-business", tmp_path / "bad.json").stderr
    assert all(field in said for field in ("uscc", "address", "colour", "valid_to"))


@pytest.mark.long
def test_a_character_that_no_font_has_stops_issuing(home: Home, tmp_path: Path) -> None:
    payload = json.loads(SNACK_BAR.read_text("utf-8")) | {"legal_representative": "梁𬀀强"}
    (tmp_path / "rare.json").write_text(json.dumps(payload), encoding="utf-8")
    done = home.run("issue", "food-business", tmp_path / "rare.json")
    assert done.returncode == USAGE
    for said in ("𬀀", "U+2C000", "fonts.extra", "legal_representative"):
        assert said in done.stderr


@pytest.mark.long
def test_a_permit_without_its_licence_is_refused_and_takes_no_number(
    home: Home, tmp_path: Path, another_bar: Iterator[Path]
) -> None:
    payload = json.loads(SNACK_BAR.read_text("utf-8")) | {"uscc": company_code(1)}
    (tmp_path / "orphan.json").write_text(json.dumps(payload), encoding="utf-8")
    before = home.json("issue", "food-business", next(another_bar), "--key", "before")[0]["number"]
    done = home.run("issue", "food-business", tmp_path / "orphan.json", "--json")
    assert done.returncode == USAGE
    assert json.loads(done.stdout)["error"] == "not_found"
    after = home.json("issue", "food-business", next(another_bar), "--key", "after")[0]["number"]
    assert int(after[-7:-1]) == int(before[-7:-1]) + 1


@pytest.mark.long
@pytest.mark.parametrize("content", ["not json", "[1]", '{"a": ' * 5000])
def test_a_payload_file_that_is_no_object_is_said_in_one_line(home: Home, tmp_path: Path, content: str) -> None:
    (tmp_path / "odd.json").write_text(content, encoding="utf-8")
    assert "odd.json" in one_line(home.run("issue", "food-business", tmp_path / "odd.json"))


@pytest.mark.long
def test_an_unknown_type_is_said_in_one_line(home: Home) -> None:
    assert "no-such-type" in one_line(home.run("issue", "no-such-type", SNACK_BAR))


@pytest.mark.long
@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("[service]\nprot = 8000\n", "prot"),
        ("[service]\nport = 'many'\n", "port"),
        ("[nonsense]\n", "nonsense"),
        ("service = [", "TOML"),
        ("[service]\npublic_url = 'ftp://yz.example'\n", "ftp://yz.example"),
        ("[service]\npublic_url = 'https://yz.example/path'\n", "/path"),
        ("[database]\nuri = 5\n", "uri"),
    ],
)
def test_a_wrong_settings_file_is_refused_by_name(new_home: NewHome, settings: str, said: str) -> None:
    home = new_home()
    home.path.mkdir()
    (home.path / "settings.toml").write_text(settings, encoding="utf-8")
    done = home.run("migrate")
    assert done.returncode == USAGE
    assert said in one_line(done)
    assert "settings.toml" in done.stderr


@pytest.mark.long
def test_a_wrong_setting_in_the_environment_is_refused(home: Home) -> None:
    done = home.run("migrate", CERTSVC_SERVICE_PORT="eighty")
    assert done.returncode == USAGE
    assert "port" in one_line(done)


@pytest.mark.long
def test_a_passphrase_that_is_wrong_is_said_and_not_shown(home: Home, tmp_path: Path) -> None:
    order = ("issue", "tiered-water-proof", WATER_PROOF, "--key", "with-a-wrong-passphrase")
    done = home.run(*order, CERTSVC_AUTHORITY_SECRET="env:PASS", PASS="wrong horse")
    assert done.returncode == CANNOT_TELL
    assert "wrong horse" not in done.stdout + done.stderr
    assert ".key" in one_line(done) and "is reserved under" in done.stderr
    assert home.run(*order).returncode == 0


@pytest.mark.long
def test_a_data_folder_that_cannot_be_made_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    for command in ("migrate", "demo", "ceremony"):
        assert "CERTSVC_HOME" in one_line(Home(tmp_path / "file" / "home").run(command))


@pytest.mark.long
def test_a_full_disk_is_said_in_one_line(home: Home, another_bar: Iterator[Path]) -> None:
    """A limit on file sizes is how a test fills a disk."""
    command = f"ulimit -f 100; exec {sys.executable} -m certsvc issue food-business {next(another_bar)} --key full"
    environment = {**home.environment, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        ["bash", "-c", command], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "Traceback" not in done.stderr


@pytest.mark.long
def test_the_locale_c_changes_nothing(home: Home) -> None:
    done = home.run("check-types", LC_ALL="C", LANG="C")
    assert done.returncode == 0
    assert "营业执照" in done.stdout


@pytest.mark.long
def test_check_types_lists_every_type_once(home: Home) -> None:
    listed = home.json("check-types")
    versions = {(kind["id"], kind["version"]) for kind in listed}
    assert len({kind["type_number"] for kind in listed}) == len({kind["id"] for kind in listed}) >= 10
    assert len(versions) == len(listed)
    assert {kind["category"] for kind in listed} == {"licence", "permit", "proof"}


@pytest.mark.long
def test_a_second_ceremony_by_another_plan_is_refused(home: Home, tmp_path: Path) -> None:
    plan = (ROOT / "keys" / "ceremonies" / "demonstration.toml").read_text("utf-8")
    (tmp_path / "plan.toml").write_text(plan.replace("云山市电子证照", "云海市电子证照"), encoding="utf-8")
    done = home.run("ceremony", tmp_path / "plan.toml")
    assert done.returncode == USAGE
    assert "CERTSVC_HOME" in one_line(done)


@pytest.mark.long
def test_migrating_twice_applies_nothing_the_second_time(home: Home) -> None:
    assert home.json("migrate") == [{"applied": []}]
