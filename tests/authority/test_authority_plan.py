"""A wrong plan is refused with the file and what is wrong, before any key is made."""

from pathlib import Path

import pytest
from ceremonies import DEMONSTRATION, PLAN, hold, make_home

from certsvc.authority.plan import MAX_PLAN, load_plan
from certsvc.errors import CeremonyError

SEAL = PLAN[PLAN.index("[[seals]]") :]
FIXED = '[[custody]]\nkeys = {}\nuri = "csc+https://signer.example/csc/v2?credentialID=one"\nsecret = "env:TOKEN"\n'
OTHER = SEAL.replace('"fire"', '"police"').replace("fire-safety-check", "hotel-special-trade")

WRONG_PLANS: dict[str, tuple[str | bytes, str]] = {
    "not-toml": ("authority = ", "Invalid value"),
    "not-utf-8": (PLAN.encode("gb18030"), "utf-8"),
    "unknown-key": ('colour = "red"\n' + PLAN, "colour"),
    "unknown-key-of-a-seal": (PLAN + 'colour = "red"\n', "colour"),
    "no-demonstration": (PLAN.replace("demonstration = true\n", ""), "demonstration"),
    "demonstration-as-text": (PLAN.replace("= true", '= "no"'), "demonstration"),
    "no-authority": (PLAN.replace('"云山市电子证照"', '""'), "authority"),
    "authority-of-65-characters": (PLAN.replace("云山市电子证照", "云" * 65), "authority"),
    "owner-of-65-characters": (PLAN.replace("云山市消防救援支队", "云" * 65), "owner"),
    "wrong-area": (PLAN.replace("441900", "4419"), "area"),
    "unknown-algorithm": ('algorithm = "sm2"\n' + PLAN, "algorithm"),
    "no-seals": (PLAN[: PLAN.index("[[seals]]")] + "seals = []\n", "seals"),
    "seals-missing": (PLAN[: PLAN.index("[[seals]]")], "seals"),
    "seal-that-does-not-say-what-for": (
        PLAN.replace('certificate_types = ["fire-safety-check"]', ""),
        "certificate_types",
    ),
    "seal-id-that-is-a-path": (PLAN.replace('"fire"', '"../../fire"'), "id"),
    "seal-id-with-a-newline": (PLAN.replace('"fire"', '"fire\\n"'), "id"),
    "seal-id-twice": (PLAN + SEAL.replace("fire-safety-check", "drug-retail"), "may occur"),
    "certificate-type-twice": (PLAN + OTHER.replace("hotel-special-trade", "fire-safety-check"), "may occur"),
    "wrong-check-character-of-owner": (PLAN.replace("31048G", "310480"), "check character"),
    "seal-as-large-as-a-plate": (PLAN + "diameter_mm = 200.0\n", "diameter_mm"),
    "seal-of-no-size": (PLAN + "diameter_mm = 0.0\n", "diameter_mm"),
    "border-of-no-width": (PLAN + "border_mm = 0.0\n", "border_mm"),
    "unknown-centre": (PLAN + 'centre = "emblem"\n', "centre"),
    "address-in-the-plan": ('public_url = "http://other.example"\n' + PLAN, "public_url"),
    "one-place-for-all-seals": (PLAN + FIXED.format('["seal-*"]'), "{name}"),
    "one-place-for-any-letter": (PLAN + FIXED.format('["seal-fir?"]'), "{name}"),
    "one-place-for-two-keys": (PLAN + FIXED.format('["issuing", "seal-fire"]'), "{name}"),
    "one-place-named-twice": (PLAN + FIXED.format('["issuing"]') + FIXED.format('["seal-fire"]'), "{name}"),
    "too-large": (PLAN + "#" * MAX_PLAN, "256 KiB"),
}


@pytest.mark.parametrize("flaw", WRONG_PLANS)
def test_a_wrong_plan_is_refused(flaw: str, tmp_path: Path) -> None:
    content, words = WRONG_PLANS[flaw]
    home, plan = make_home(tmp_path)
    plan.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    with pytest.raises(CeremonyError) as raised:
        hold(home, plan)
    assert str(plan) in str(raised.value) and str(plan) in raised.value.zh
    assert words in str(raised.value)
    assert [path.name for path in home.iterdir()] == ["secret"]


def test_a_plan_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CeremonyError, match="Cannot read"):
        load_plan(tmp_path / "none.toml")


def test_the_plan_of_the_demonstration_is_good_and_says_that_it_is_one() -> None:
    assert load_plan(DEMONSTRATION).demonstration


def test_a_name_of_64_characters_stands_whole_in_the_certificate(tmp_path: Path) -> None:
    owner = "云山市" + "消防救援支队" * 10 + "啊"
    assert len(owner) == 64
    home, plan = make_home(tmp_path, PLAN.replace("云山市消防救援支队", owner))
    assert f"O={owner}," in hold(home, plan).read_text("utf-8")


def test_one_key_alone_may_lie_where_the_uri_says_without_its_name(tmp_path: Path) -> None:
    _, plan = make_home(tmp_path, PLAN + FIXED.format('["seal-fire"]'))
    assert load_plan(plan).custody[0].keys == ("seal-fire",)
