"""Small ceremonies, held in a folder of the test's own."""

from datetime import UTC, datetime
from pathlib import Path

from certsvc.authority.authority import Authority
from certsvc.authority.ceremony import hold_ceremony, open_authority
from certsvc.custody.secret import make_secret_file

ROOT = Path(__file__).resolve().parents[2]
DEMONSTRATION = ROOT / "keys" / "ceremonies" / "demonstration.toml"
PUBLIC_URL = "https://yz.yunshan.example"
NOW = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
PLAN = """\
authority = "云山市电子证照"
demonstration = true
area = "441900"

[[seals]]
id = "fire"
owner = "云山市消防救援支队"
owner_uscc = "11441900007331048G"
certificate_types = ["fire-safety-check"]
applicant = "陈申请"
approver = "林审批"
manager = "黄管理"
keeper = "何保管"
auditor = "吴监督"
"""


def make_home(folder: Path, plan: str = PLAN) -> tuple[Path, Path]:
    """A data folder with a passphrase, and a plan beside it."""
    home, plan_file = folder / "home", folder / "plan.toml"
    home.mkdir(mode=0o700, exist_ok=True)
    make_secret_file(home / "secret")
    plan_file.write_text(plan, encoding="utf-8")
    return home, plan_file


def secret(home: Path) -> str:
    """The reference to the passphrase."""
    return f"file:{home / 'secret'}"


def hold(home: Path, plan: Path, now: datetime = NOW) -> Path:
    """Hold the ceremony; the transcript."""
    return hold_ceremony(plan, home, secret(home), now, PUBLIC_URL)


def open_held(home: Path, now: datetime = NOW) -> Authority:
    """Open what a ceremony made."""
    return open_authority(home, secret(home), now)
