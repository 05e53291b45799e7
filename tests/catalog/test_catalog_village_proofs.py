"""A wrong catalogue of proofs is refused with file and line, and what holds between places is checked by day."""

import json
import shutil
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest
from chosen import tree_catalog
from click.testing import CliRunner
from type_folder import SCHEMAS, copy_type, replace

from certsvc.catalog.faults import TypeProblem
from certsvc.catalog.folder_checks import PROOFS, check_folder
from certsvc.catalog.proof_reading import Types
from certsvc.catalog.proofs import check_proofs, load_proofs
from certsvc.commands.types import check_types
from certsvc.domain.proof_catalogue import ProofCatalogue
from certsvc.domain.proof_item import Forbidden, Kept
from certsvc.errors import CatalogError

WATER, HOUSE = "tiered-water-proof", "house-alteration-proof"
HEAD = 'zh = "某地"\nen = "A place"\nsince = {since}\nbasis = "某文件"\ncertainty = "known"\n'
BANNED = '[[forbidden]]\nid = "{id}"\nzh = "{zh}"\nen = "Proof {id}"\n'
SAID = '{ zh = "某句。", en = "A sentence." }'
GUIDE = f"purpose = {SAID}\nreceiver = {SAID}\nwho = {SAID}\nbring = [{SAID}]\nprocedure = {SAID}\n"
KEPT = f'[[kept]]\ntype = "{WATER}"\nsensitive = ["names"]\n{GUIDE}'
LIST = (
    '[[lists]]\nid = "{id}"\nstanding = "forbidden"\nzh = "清单"\nen = "A list"\ncount = 2\n'
    'basis = "某文件"\ncertainty = "known"\n'
)


def types() -> Types:
    """The newest version of every type in the tree."""
    catalog = tree_catalog()
    return {kind.id: catalog.latest(kind.id) for kind in catalog}


def write(folder: Path, files: Mapping[str, str], since: str = "2020-05-01") -> None:
    """Catalogues by area and file; each has a head of its own unless it brings one."""
    for name, text in {"000000/v1": BANNED.format(id="kin-proof", zh="亲属关系证明"), **files}.items():
        path = folder / PROOFS / f"{name}.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        head = "" if "since =" in text or not path.stem.startswith("v") else HEAD.format(since=since)
        path.write_text(head + text, "utf-8")


def problems(folder: Path, files: Mapping[str, str]) -> list[TypeProblem]:
    """What is said of made-up catalogues."""
    write(folder, files)
    return check_proofs(folder, types())[1]


def only(folder: Path, files: Mapping[str, str]) -> TypeProblem:
    """The one thing that is said, in both languages."""
    (problem,) = problems(folder, files)
    assert problem.zh.endswith("。") and problem.en.endswith(".") and "{" not in problem.zh + problem.en
    return problem


def test_sound_catalogues_load_and_types_do_not_see_their_folder(tmp_path: Path) -> None:
    assert problems(tmp_path, {"441900/v1": KEPT}) == []
    assert [each for each in check_folder(SCHEMAS) if each.id.startswith("proof")] == []
    proofs = load_proofs(SCHEMAS, tree_catalog())
    assert len(proofs.held("441900", date(2026, 11, 27)).kept) == 11
    assert len(proofs.held("000000", date(2026, 11, 27)).forbidden) == 20


def test_a_service_does_not_start_on_a_wrong_catalogue(tmp_path: Path) -> None:
    shutil.copytree(SCHEMAS / PROOFS, tmp_path / PROOFS)
    replace(tmp_path / PROOFS / "441900/v1.toml", 'type = "tiered-water-proof"', 'type = "water-proof"')
    with pytest.raises(CatalogError, match=r"441900/v1\.toml:\d+ is wrong: There is no type water-proof") as refused:
        load_proofs(tmp_path, tree_catalog())
    assert "没有证照类型“water-proof”" in refused.value.zh


@pytest.mark.parametrize(
    ("code", "file", "line", "files"),
    [
        ("area_name", "44190", 1, {"44190/v1": ""}),
        ("proof_file", "441900/notes.toml", 1, {"441900/v1": KEPT, "441900/notes": ""}),
        ("file_missing", "441900/gone.toml", 1, {"441900/v1": LIST.format(id="gone")}),
        ("key_unknown", "441900/v1.toml", 6, {"441900/v1": 'colour = "red"\n'}),
        ("key_missing", "441900/v1.toml", 6, {"441900/v1": '[[kept]]\nsensitive = ["names"]\n'}),
        ("proof_twice", "441900/v1.toml", 14, {"441900/v1": KEPT + f'[[kept]]\ntype = "{WATER}"\n'}),
        ("proof_no_type", "441900/v1.toml", 7, {"441900/v1": KEPT.replace(WATER, "no-such-proof")}),
        (
            "proof_other_kind",
            "441900/v1.toml",
            7,
            {"441900/v1": KEPT.replace(WATER, "food-business").replace("names", "address")},
        ),
        ("proof_no_field", "441900/v1.toml", 8, {"441900/v1": KEPT.replace('"names"', '"names", "income"')}),
        ("proof_nothing_sensitive", "441900/v1.toml", 6, {"441900/v1": KEPT.replace('["names"]', "[]")}),
        (
            "proof_incomplete",
            "441900/v1.toml",
            6,
            {"441900/v1": f'[[kept]]\ntype = "{WATER}"\nsensitive = ["names"]\n'},
        ),
        ("proof_no_name", "441900/v1.toml", 6, {"441900/v1": '[[forbidden]]\nid = "x-proof"\n'}),
        ("proof_name_twice", "441900/v1.toml", 6, {"441900/v1": BANNED.format(id="family-proof", zh="亲属关系 证明")}),
        (
            "entered_no_day",
            "441900/mine.toml",
            1,
            {"441900/v1": LIST.format(id="mine"), "441900/mine": BANNED.format(id="a-proof", zh="甲证明")},
        ),
        (
            "entered_other",
            "441900/mine.toml",
            2,
            {"441900/v1": LIST.format(id="mine"), "441900/mine": "since = 2023-01-01\n" + KEPT},
        ),
    ],
)
def test_each_flaw_is_said_at_its_file_and_line(
    tmp_path: Path, code: str, file: str, line: int, files: Mapping[str, str]
) -> None:
    problem = only(tmp_path, files)
    assert (problem.code, problem.file, problem.line) == (code, tmp_path / PROOFS / file, line)


def test_without_the_nation_there_is_nothing_to_rest_on(tmp_path: Path) -> None:
    (tmp_path / PROOFS).mkdir()
    (problem,) = check_proofs(tmp_path, types())[1]
    assert problem.code == "no_proofs"


def test_a_list_has_no_more_items_than_it_counts(tmp_path: Path) -> None:
    three = "".join(BANNED.format(id=f"{each}-proof", zh=f"{each}证明") for each in ("aa", "bb", "cc"))
    problem = only(tmp_path, {"441900/v1": LIST.format(id="mine"), "441900/mine": "since = 2023-01-01\n" + three})
    assert problem.code == "entered_many"


def test_what_the_nation_forbids_no_city_keeps_without_a_law_that_was_read(tmp_path: Path) -> None:
    nation = BANNED.format(id=WATER, zh="水费证明")
    assert only(tmp_path, {"000000/v1": nation, "441900/v1": KEPT}).code == "proof_forbidden_above"
    law = '[kept.law]\nbasis = "某法第一条"\ncertainty = "{}"\n'
    guessed = {"000000/v1": nation, "441900/v1": KEPT + law.format("from_memory")}
    assert only(tmp_path, guessed).code == "proof_law_unsure"
    assert problems(tmp_path, {"000000/v1": nation, "441900/v1": KEPT + law.format("known")}) == []


def test_a_ban_that_comes_later_is_found_on_its_day_though_the_city_began_before(tmp_path: Path) -> None:
    later = HEAD.format(since="2024-01-01") + BANNED.format(id=WATER, zh="水费证明")
    files = {"000000/v2": later, "441900/v1": KEPT, "441900/v2": HEAD.format(since="2022-01-01") + KEPT}
    problem = only(tmp_path, files)
    assert (problem.code, problem.file.name) == ("proof_forbidden_above", "v2.toml")


def test_an_item_that_is_entered_later_is_compared_from_its_day(tmp_path: Path) -> None:
    entered = "since = 2023-01-01\n" + BANNED.format(id=WATER, zh="水费证明")
    files = {"440000/v1": LIST.format(id="mine"), "440000/mine": entered, "441900/v1": KEPT}
    assert only(tmp_path, files).code == "proof_forbidden_above"


def test_versions_go_forward_in_time(tmp_path: Path) -> None:
    problem = only(tmp_path, {"441900/v1": KEPT, "441900/v2": HEAD.format(since="2020-05-01") + KEPT})
    assert (problem.code, problem.file.name, problem.line) == ("since_order", "v2.toml", 3)


def test_what_villagers_decide_says_how(tmp_path: Path) -> None:
    matter = f'[[discretionary]]\nid = "road-proof"\nzh = "村道证明"\nen = "Road"\nwhen = {SAID}\n'
    assert only(tmp_path, {"441900/v1": matter}).code == "proof_no_steps"
    assert problems(tmp_path, {"000000/v1": f"steps = [{SAID}]\n", "441900/v1": matter}) == []


def test_items_of_an_open_list_hold_from_the_day_they_were_entered_for(tmp_path: Path) -> None:
    entered = "since = 2023-01-01\n" + BANNED.format(id="good-conduct-proof", zh="品行证明")
    write(tmp_path, {"441900/v1": LIST.format(id="mine") + KEPT, "441900/mine": entered})
    proofs, wrong = check_proofs(tmp_path, types())
    assert wrong == []
    days = date(2022, 12, 31), date(2023, 1, 1)
    assert [isinstance(proofs.asked("品行证明", "441900", day), Forbidden) for day in days] == [False, True]
    assert [(each.entered, each.count) for each in proofs.held("441900", days[1]).lists] == [(1, 2)]


def test_the_command_that_checks_types_checks_the_catalogues_beside_them(tmp_path: Path) -> None:
    copy_type(tmp_path, WATER)
    schemas = tmp_path / "schemas"
    write(schemas, {"441900/v1": KEPT})
    sound = CliRunner().invoke(check_types, [str(schemas), "--json"])
    write(schemas, {"441900/v1": KEPT.replace(WATER, HOUSE)})
    wrong = CliRunner().invoke(check_types, [str(schemas), "--json"])
    assert PROOFS not in sound.output
    shown = json.loads(wrong.output.splitlines()[-1])
    assert (shown["id"], wrong.exit_code) == (PROOFS, 1)
    assert [(each["code"], each["line"]) for each in shown["problems"]] == [("proof_no_type", 7)]


def test_what_the_type_says_is_taken_from_the_type(tmp_path: Path) -> None:
    write(tmp_path, {"441900/v1": KEPT})
    proofs: ProofCatalogue = check_proofs(tmp_path, types())[0]
    found = proofs.asked("阶梯水费办理证明", "441900", date(2021, 1, 1))
    kind = tree_catalog().latest(WATER)
    assert isinstance(found, Kept)
    assert [each.key for each in found.proof.fields] == [each.key for each in kind.definition.fields]
    assert [each.key for each in found.sensitive] == ["names"]
    assert {each.key for each in found.proof.fields if each.is_required} == set(kind.schema["required"])
    assert [each.basis for each in found.proof.grounds] == [each.text for each in kind.legal_basis]
    assert found.proof.most_years == kind.policy.term.most_years
