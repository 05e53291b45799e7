"""Settings: the types in the form LT are types there are, with one seal each."""

import re
from pathlib import Path

import pytest

from certsvc.errors import SettingsError
from certsvc.settings import Seals, load_settings

SEALS_UNDER = {"food-business": 1, "hotel-special-trade": 1, "joint-completion-acceptance": 3}


def read(home: Path, lt_types: str) -> Seals:
    """The section of the seals, from the environment."""
    return load_settings({"CERTSVC_HOME": str(home), "CERTSVC_SEALS_LT_TYPES": lt_types}).seals


@pytest.mark.parametrize(
    ("text", "types"),
    [
        ("", set()),
        ("food-business", {"food-business"}),
        ("food-business:hotel-special-trade", {"food-business", "hotel-special-trade"}),
    ],
)
def test_types_of_one_seal_may_have_the_form_lt(tmp_path: Path, text: str, types: set[str]) -> None:
    assert read(tmp_path, text).lt_types_among(SEALS_UNDER) == types


@pytest.mark.parametrize(
    ("text", "named", "reason"),
    [
        ("no-such-type", "no-such-type", "no such type"),
        ("food-business:food-busines", "food-busines", "no such type"),
        ("joint-completion-acceptance", "joint-completion-acceptance", "several seals"),
        ("joint-completion-acceptance:no-such-type", "no-such-type", "no such type"),
        ("food-business,hotel-special-trade", "food-business,hotel-special-trade", "no such type"),
    ],
)
def test_a_type_that_is_not_there_or_has_joint_seals_is_refused_by_name(
    tmp_path: Path, text: str, named: str, reason: str
) -> None:
    with pytest.raises(SettingsError, match=f"seals.lt_types.*{re.escape(named)}.*{reason}") as caught:
        read(tmp_path, text).lt_types_among(SEALS_UNDER)
    assert named in caught.value.zh and "seals.lt_types" in caught.value.zh
