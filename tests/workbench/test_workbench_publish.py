"""Publishing: refused with reasons until all is decided, then a line in its place, once and for ever."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from workbench_folder import SCHEMAS, Bench, copied

from certsvc.catalog.published import LIST, folder_digest, published
from certsvc.errors import CatalogError, NotFound
from certsvc.workbench.new_type import start_type, start_version
from certsvc.workbench.publish import publish_type

FOOD, DRUGS, WATER = "food-business", "drug-retail", "tiered-water-proof"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Three published types."""
    bench = copied(tmp_path, FOOD, DRUGS, WATER)
    assert [bench.codes(each) for each in (FOOD, DRUGS, WATER)] == [set(), set(), set()]
    return bench


def lines(bench: Bench) -> list[str]:
    """The list as it is written."""
    return (bench.schemas / LIST).read_text("utf-8").splitlines()


def test_a_new_type_is_published_when_all_is_decided_and_then_stands_in_its_place(bench: Bench) -> None:
    before = lines(bench)
    start_type(bench.schemas, "evening-market", FOOD, "夜市经营许可证", "Evening market permit")
    with pytest.raises(CatalogError) as caught:
        publish_type(bench.schemas, "evening-market", None)
    assert {problem.code for problem in caught.value.problems} == {"todo", "example_borrowed"}
    assert len(caught.value.problems) == len(bench.checked("evening-market").problems)
    assert lines(bench) == before
    bench.decide("evening-market")
    done = publish_type(bench.schemas, "evening-market", None)
    assert (done.folder, done.before) == ("evening-market/v1", False)
    assert published(bench.schemas)["evening-market/v1"] == folder_digest(bench.schemas / "evening-market/v1")
    assert bench.checked("evening-market").published and bench.codes("evening-market") == set()
    after = lines(bench)
    assert [line for line in after if "evening-market" not in line] == before
    keys = [line for line in after if line.startswith('"')]
    assert keys == sorted(keys)
    assert not list(bench.schemas.glob(".unfinished*"))


def test_published_again_nothing_happens(bench: Bench) -> None:
    before = (bench.schemas / LIST).read_bytes()
    modified = (bench.schemas / LIST).stat().st_mtime_ns
    assert publish_type(bench.schemas, FOOD, None).before
    assert publish_type(bench.schemas, FOOD, 1).before
    assert (bench.schemas / LIST).read_bytes() == before
    assert (bench.schemas / LIST).stat().st_mtime_ns == modified


def test_a_changed_published_type_is_refused_with_the_way(bench: Bench) -> None:
    before = (bench.schemas / LIST).read_bytes()
    with (bench.schemas / FOOD / "v1/face.typ").open("a", encoding="utf-8") as face:
        face.write("// blue\n")
    with pytest.raises(CatalogError, match="certsvc new-type food-business --next-version"):
        publish_type(bench.schemas, FOOD, None)
    assert (bench.schemas / LIST).read_bytes() == before


def test_the_way_leads_to_a_second_version(bench: Bench) -> None:
    face = bench.schemas / FOOD / "v1/face.typ"
    published_face = face.read_text("utf-8")
    face.write_text(f"{published_face}// blue\n", "utf-8")
    start_version(bench.schemas, FOOD)
    face.write_text(published_face, "utf-8")
    assert bench.codes(FOOD) == bench.codes(FOOD, 2) == set()
    assert publish_type(bench.schemas, FOOD, None).folder == f"{FOOD}/v2"
    rows = [line.split('"')[1] for line in lines(bench) if FOOD in line]
    assert rows == [f"{FOOD}/v1", f"{FOOD}/v2"]


@pytest.mark.long
def test_versions_stand_by_number_and_are_published_one_after_the_other(bench: Bench) -> None:
    for number in range(2, 11):
        start_version(bench.schemas, WATER)
        assert publish_type(bench.schemas, WATER, None).folder == f"{WATER}/v{number}"
    rows = [line.split('"')[1] for line in lines(bench) if WATER in line]
    assert rows == [f"{WATER}/v{number}" for number in range(1, 11)]
    kept = [line for line in lines(bench) if f"{WATER}/v9" not in line and f"{WATER}/v10" not in line]
    (bench.schemas / LIST).write_text("\n".join(kept), "utf-8")
    with pytest.raises(CatalogError, match="v9 is not published yet"):
        publish_type(bench.schemas, WATER, 10)
    assert publish_type(bench.schemas, WATER, 9).folder == f"{WATER}/v9"
    assert all(line.startswith(("#", '"')) for line in lines(bench))


def test_a_type_over_unpublished_parts_is_refused_until_they_are_published(bench: Bench) -> None:
    shutil.copytree(bench.schemas / "common/v1", bench.schemas / "common/v98")
    start_version(bench.schemas, FOOD)
    face = bench.schemas / FOOD / "v2/face.typ"
    face.write_text(face.read_text("utf-8").replace("/common/v1/", "/common/v98/"), "utf-8")
    with pytest.raises(CatalogError, match="certsvc publish-type common 98"):
        publish_type(bench.schemas, FOOD, None)
    assert publish_type(bench.schemas, "common", 98).folder == "common/v98"
    assert publish_type(bench.schemas, FOOD, None).folder == f"{FOOD}/v2"


def test_what_is_not_there_is_named(bench: Bench) -> None:
    for type_id, version in (("no-such-type", None), (FOOD, 2), ("../schemas", None), ("", None)):
        with pytest.raises(NotFound):
            publish_type(bench.schemas, type_id, version)


def test_a_broken_list_is_not_written_over(bench: Bench) -> None:
    (bench.schemas / LIST).write_text("= nothing\n", "utf-8")
    with pytest.raises(CatalogError, match=r"published\.toml:1 is wrong"):
        publish_type(bench.schemas, FOOD, None)
    assert lines(bench) == ["= nothing"]


def test_where_nothing_was_published_yet_a_list_is_begun(bench: Bench) -> None:
    (bench.schemas / LIST).unlink()
    publish_type(bench.schemas, "common", 1)
    publish_type(bench.schemas, FOOD, 1)
    assert published(bench.schemas).keys() == {"common/v1", f"{FOOD}/v1"}
    assert lines(bench)[0].startswith("# SHA-256")


@pytest.mark.long
def test_two_who_publish_at_once_are_both_on_the_list(bench: Bench) -> None:
    parts = sorted(path.name[1:] for path in (bench.schemas / "common").glob("v*"))
    (bench.schemas / LIST).write_text("", "utf-8")
    for number in parts:
        publish_type(bench.schemas, "common", int(number))
    code = "import sys; from pathlib import Path; from certsvc.workbench.publish import publish_type as p;"
    code += "p(Path(sys.argv[1]), sys.argv[2], None)"
    environment = {**os.environ, "PYTHONPATH": str(SCHEMAS.parent)}
    running = [
        subprocess.Popen([sys.executable, "-c", code, str(bench.schemas), each], env=environment)
        for each in (FOOD, DRUGS, WATER)
    ]
    assert [each.wait(60) for each in running] == [0, 0, 0]
    assert {FOOD, DRUGS, WATER} <= {folder.partition("/")[0] for folder in published(bench.schemas)}


@pytest.mark.long
def test_the_command_refuses_with_every_reason_and_says_what_it_did(bench: Bench) -> None:
    assert bench.run("new-type", "evening-market", "--like", FOOD, "--zh", "夜市经营许可证").returncode == 0
    refused = bench.run("publish-type", "evening-market")
    assert refused.returncode == 2
    todos = len(bench.checked("evening-market").problems)
    assert len(refused.stderr.splitlines()) == todos + 1 and "Traceback" not in refused.stderr
    bench.decide("evening-market")
    [said] = bench.json("publish-type", "evening-market", 1)
    assert (said["folder"], said["published_before"]) == ("evening-market/v1", False)
    assert "早已发布" in bench.run("publish-type", "evening-market").stdout
