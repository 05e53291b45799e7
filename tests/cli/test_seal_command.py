"""`certsvc seal`: a seal from application to destruction, what it sealed, and who may not."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from demonstration import ROOT, Demonstration, Home, NewHome

from certsvc.commands.seals import seal as seal_group
from certsvc.errors import Conflict, InvalidInput, NotFound

pytestmark = pytest.mark.long

PLAN = """\
id = "market-{n}"
owner = "云山市市场监督管理局"
owner_uscc = "11441900007330010D"
certificate_types = ["tobacco-retail"]
diameter_mm = 42.0
daily_quota = 5
hours = "00:00-24:00"
applicant = "申请人甲"
manager = "管理人乙"
keeper = "保管人丙"
auditor = "监督人丁"
"""
APPROVER = "批准人戊"
SNACK_BAR = ROOT / "schemas" / "food-business" / "v1" / "examples" / "good-snack-bar.json"
COMMANDS = (
    *("apply", "approve", "make", "enable", "suspend", "resume", "hand-over", "rules"),
    *("withdraw", "destroy", "show", "uses"),
)
USAGE, CANNOT_TELL = 2, 3


@pytest.fixture(scope="module")
def home(demonstration: Demonstration, new_home: NewHome) -> Home:
    """A copy of the demonstration's data folder for this module, in which tobacco-retail has no seal any more."""
    home = demonstration.home.copied_to(new_home())
    assert act(home, "destroy", "tobacco", "演示管理人", "--confirmed-by", "演示批准人") == "destroyed"
    return home


def seal(home: Home, *arguments: object) -> dict[str, Any]:
    """What a `seal` command prints."""
    done = home.run("seal", *arguments, "--json")
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    told: dict[str, Any] = json.loads(line)
    return told


def act(home: Home, kind: str, seal_id: str, by: str, *more: object) -> str:
    """Do an act; the state then."""
    state: str = seal(home, kind, seal_id, "--by", by, "--reason", "试用", *more)["state"]
    return state


def refused(done: subprocess.CompletedProcess[str]) -> str:
    """What it said is wrong: no traceback."""
    assert done.returncode == USAGE
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    """The plan of a seal."""
    path = tmp_path / "seal.toml"
    path.write_text(PLAN.replace("{n}", tmp_path.name.replace("_", "-")[-20:].strip("-")), encoding="utf-8")
    return path


def test_every_command_explains_itself_and_speaks_json() -> None:
    assert set(COMMANDS) == set(seal_group.commands)
    for command in COMMANDS:
        told = CliRunner().invoke(seal_group, [command, "--help"])
        assert told.exit_code == 0
        assert "--json" in told.output
        assert len(told.output.splitlines()) >= 8


def test_a_seal_lives_from_application_to_destruction(home: Home, plan: Path) -> None:
    applied = seal(home, "apply", plan, "--reason", "新设窗口")
    seal_id = applied["id"]
    assert (applied["state"], applied["people"]["approver"]) == ("applied", None)
    assert act(home, "approve", seal_id, APPROVER) == "approved"
    assert act(home, "make", seal_id, "管理人乙") == "made"
    assert act(home, "enable", seal_id, "管理人乙") == "enabled"
    assert act(home, "suspend", seal_id, "保管人丙", "--key", "k") == "suspended"
    assert act(home, "suspend", seal_id, "保管人丙", "--key", "k") == "suspended"
    assert act(home, "resume", seal_id, "管理人乙") == "enabled"
    assert (
        seal(home, "hand-over", seal_id, "--by", "管理人乙", "--to", "己", "--reason", "调岗")["people"]["keeper"]
        == "己"
    )
    approved = ("--duty", "approver", "--to", "庚", "--confirmed-by", "己", "--reason", "退休")
    assert seal(home, "hand-over", seal_id, "--by", "管理人乙", *approved)["people"]["approver"] == "庚"
    agreed = ("--by", "己", "--confirmed-by", "庚", "--reason", "核定")
    changed = seal(home, "rules", seal_id, "--quota", "9", "--hours", "08:00-18:00", "--weekdays-only", *agreed)
    assert (changed["daily_quota"], changed["certificate_types"]) == (9, ["tobacco-retail"])
    assert changed["hours"] == {"opens": "08:00", "closes": "18:00", "weekdays_only": True}
    more = ("--add-type", "road-transport")
    assert "bound to the seal transport already" in refused(home.run("seal", "rules", seal_id, *more, *agreed))
    people = ("--by", "演示保管人", "--confirmed-by", "演示批准人", "--reason", "归口")
    dropped = seal(home, "rules", "market", "--drop-type", "drug-retail", *people)["certificate_types"]
    assert "drug-retail" not in dropped and "food-business" in dropped
    more = ("--add-type", "drug-retail")
    placed = seal(home, "rules", seal_id, "--place", "1,150,250.5", "--hours", "none", "--every-day", *more, *agreed)
    assert (placed["place"], placed["hours"]) == ({"page": 1, "x_mm": 150, "y_mm": 250.5}, None)
    assert placed["certificate_types"] == ["drug-retail", "tobacco-retail"]
    assert act(home, "destroy", seal_id, "管理人乙", "--confirmed-by", "庚") == "destroyed"
    told = seal(home, "show", seal_id)
    assert [event["act"] for event in told["events"]] == [
        *("apply", "approve", "make", "made", "enable", "suspend", "resume", "hand_over"),
        *("replace_approver", "change_rules", "change_rules", "destroy", "destroyed"),
    ]
    assert [event["rules"] and event["rules"]["daily_quota"] for event in told["events"][-4:]] == [9, 9, None, None]
    made = next(event for event in told["events"] if event["act"] == "made")
    assert len(made["certificate_sha256"]) == 64
    shown = home.run("seal", "show", seal_id).stdout
    for words in (
        "已注销 destroyed",
        "监督人 auditor: 监督人丁",
        "移交 hand over → 己",
        "变更用印规则 change the rules  己 + 庚: 核定 [用于 for: tobacco-retail; 次数 quota: 9; 时间 hours: 08:00",
        "新设窗口",
        "国发〔1999〕25号",
    ):
        assert words in shown


def test_who_may_not_and_what_may_not_be_is_one_clear_line(home: Home, plan: Path) -> None:
    seal_id = seal(home, "apply", plan, "--reason", "试")["id"]
    reason = ("--reason", "试")
    for by, words in (("监督人丁", "audits"), ("申请人甲", "neither the applicant"), ("保管人丙", "nor the keeper")):
        assert words in refused(home.run("seal", "approve", seal_id, "--by", by, *reason))
    assert "is applied for" in refused(home.run("seal", "enable", seal_id, "--by", "管理人乙", *reason))
    assert "no seal nowhere" in refused(home.run("seal", "show", "nowhere"))
    assert "--by" in refused(home.run("seal", "approve", seal_id, *reason))
    assert "1 to 4000" in refused(home.run("seal", "approve", seal_id, "--by", APPROVER, "--reason", " "))
    assert act(home, "withdraw", seal_id, "申请人甲") == "destroyed"


def test_rules_that_cannot_be_are_one_clear_line(home: Home, plan: Path) -> None:
    people = ("--by", "演示保管人", "--confirmed-by", "演示批准人", "--reason", "试")
    for asked, words in (
        ((), "No rule is named"),
        (("--quota", "many"), "a whole number"),
        (("--place", "1,2"), "PAGE,X,Y"),
        (("--hours", "9-5"), "08:00-20:00"),
        (("--add-type", "no-such-type"), "no-such-type"),
        (("--add-type", "fire-safety-check"), "bound to the seal fire already"),
        (("--add-type", "tobacco-retail", "--drop-type", "tobacco-retail"), "both added and dropped"),
    ):
        told = CliRunner(env=home.environment).invoke(seal_group, ["rules", "market", *asked, *people])
        assert isinstance(told.exception, InvalidInput | NotFound | Conflict)
        assert words in str(told.exception)
    plan.write_text(plan.read_text("utf-8").replace("tobacco-retail", "food-business"), encoding="utf-8")
    assert "food-business is bound to the seal market already" in refused(
        home.run("seal", "apply", plan, "--reason", "试")
    )


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('rank = "government"', "measures 45 mm"),
        ('kind = "03"\nheight_mm = 1.0', "height_mm"),
        ('picture = "none.png"', "none.png"),
        ('auditor = "保管人丙"', "different people"),
        ('certificate_types = ["no-such-type"]', "no-such-type"),
        ('colour = "red"', "colour"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(home: Home, plan: Path, line: str, words: str) -> None:
    name = line.split(" = ")[0]
    kept = [old for old in plan.read_text("utf-8").splitlines() if not old.startswith(f"{name} =")]
    plan.write_text("\n".join([*kept, line]), encoding="utf-8")
    told = CliRunner(env=home.environment).invoke(seal_group, ["apply", str(plan), "--reason", "试"])
    assert isinstance(told.exception, InvalidInput | NotFound)
    assert words in str(told.exception)


def test_the_demonstration_s_seals_are_enabled_and_every_use_is_told_with_its_digest(home: Home) -> None:
    seals = {one["id"]: one for one in seal(home, "show")["seals"]}
    market = seals["market"]
    assert (market["state"], market["people"]["manager"]) == ("enabled", "演示管理人")
    assert market["uses"] >= 10
    first = seal(home, "uses", "market", "--limit", "4")
    rest = seal(home, "uses", "market", "--limit", "1000", "--before", first["before"])
    told = [*first["uses"], *rest["uses"]]
    assert rest["before"] is None
    assert len({use["use"] for use in told}) == len(told) == market["uses"]
    assert len({use["digest_sha256"] for use in told}) == len(told)
    assert all(len(use["digest_sha256"]) == 64 and use["page"] == 1 and use["issued"] for use in told)
    shown = home.run("seal", "uses", "market", "--limit", "4").stdout.splitlines()
    assert len(shown) == 5 and told[0]["digest_sha256"] in shown[0]


def test_what_a_suspended_seal_leaves_waiting_is_said_with_its_code(home: Home, tmp_path: Path) -> None:
    payload = json.loads(SNACK_BAR.read_text("utf-8")) | {"address": "云山市云岗镇等候路1号"}
    path = tmp_path / "bar.json"
    path.write_text(json.dumps(payload), encoding="utf-8")
    assert act(home, "suspend", "market", "演示保管人") == "suspended"
    done = home.run("issue", "food-business", path)
    assert done.returncode == CANNOT_TELL
    assert "is suspended" in done.stderr
    assert act(home, "resume", "market", "演示管理人") == "enabled"
    (issued,) = home.json("issue", "food-business", path)
    assert issued["typed_code"] in done.stderr
    (use,) = seal(home, "uses", "market", "--limit", "1")["uses"]
    assert (use["typed_code"], use["by"]) == (issued["typed_code"], "command-line")
