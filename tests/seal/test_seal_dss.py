"""EU DSS, the European Commission's validator, on sealed files: offline, with our root as the only anchor."""

import io
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from sealed_set import SealedSet, Sheet

pytest_plugins = ["seal_fixtures"]

Both = tuple[SealedSet, SealedSet]
NORMAL, STRICT = "normal", "strict"
PASSED = "TOTAL_PASSED"
SECONDS = 300


@dataclass(frozen=True)
class Judgement:
    """What DSS says of one file under one policy."""

    indication: str
    sub_indication: str
    level: str
    timestamp: str
    covers: str
    revocation: str
    said: tuple[str, ...]


Judgements = dict[tuple[str, str], Judgement]


def validate(*arguments: Path) -> Judgements:
    """One start of the Java machine over roots and the files after each; by file name and policy. A second signature
    goes by the name of its file and `#2`."""
    jars = os.environ["CERTSVC_DSS_JARS"]
    quick = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xms256m")
    command = ["java", *quick, "-cp", f"{jars}{os.pathsep}{jars}/*", "CheckSeal", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)
    assert done.returncode in (0, 1), done.stderr
    found: Judgements = {}
    told = list[tuple[str, str]]()
    for line in done.stdout.splitlines():
        indication, policy, path, sub, level, timestamp, covers, revocation, *said = line.split("\t")
        name, more = Path(path).name, told.count((path, policy))
        told.append((path, policy))
        found[f"{name}#{more + 1}" if more else name, policy] = Judgement(
            indication, sub, level, timestamp, covers, revocation, tuple(said)
        )
    return found


@dataclass(frozen=True)
class Judged:
    """Everything DSS was shown, and what it said; the files in `joint` and `lt` are genuine too."""

    genuine: list[str]
    joint: dict[str, int]
    lt: list[str]
    found: Judgements


@pytest.fixture(scope="module")
def judged(both: Both, tmp_path_factory: pytest.TempPathFactory) -> Judged:
    """Every genuine sheet under its root; one of them altered, and one under the other authority's root."""
    ecdsa, rsa = both
    folder = tmp_path_factory.mktemp("dss")
    sheet = ecdsa.sheets[-1]
    altered = {
        "flipped": flipped(sheet),
        "noted": with_note(sheet),
        "longer": sheet.sealed + b"%\n",
        "foreign-root": sheet.sealed,
        "not-sealed": sheet.page,
    }
    paths = {name: folder / f"{name}.pdf" for name in altered}
    for name, data in altered.items():
        paths[name].write_bytes(data)
    rsa_paths = [folder / f"rsa-{path.name}" for path in rsa.paths]
    for path, sealed in zip(rsa_paths, rsa.sheets, strict=True):
        path.write_bytes(sealed.sealed)
    foreign = paths.pop("foreign-root")
    rsa_joint, rsa_lt = (folder / f"rsa-{path.name}" for path in (rsa.joint, rsa.lt))
    rsa_joint.write_bytes(rsa.joint.read_bytes())
    rsa_lt.write_bytes(rsa.lt.read_bytes())
    ours, theirs = (*ecdsa.paths, ecdsa.joint, ecdsa.lt, *paths.values()), (*rsa_paths, rsa_joint, rsa_lt)
    found = validate(ecdsa.root, *ours, rsa.root, *theirs, foreign)
    return Judged(
        genuine=[path.name for path in (*ecdsa.paths, *rsa_paths)],
        joint={ecdsa.joint.name: 3, rsa_joint.name: len(rsa.authority.seals)},
        lt=[ecdsa.lt.name, rsa_lt.name],
        found=found,
    )


def flipped(sheet: Sheet) -> bytes:
    """One bit of the page's content changed."""
    at = sheet.sealed.index(b"stream\n") + 40
    return sheet.sealed[:at] + bytes([sheet.sealed[at] ^ 1]) + sheet.sealed[at + 1 :]


def with_note(sheet: Sheet) -> bytes:
    """A text laid over the page by an incremental update, as an editor does it; the sealed bytes stay as they are."""
    writer = IncrementalPdfFileWriter(io.BytesIO(sheet.sealed))
    page = writer.root["/Pages"]["/Kids"][0]
    entries: dict[str, Any] = {
        "/Type": generic.pdf_name("/Annot"),
        "/Subtype": generic.pdf_name("/FreeText"),
        "/Rect": generic.ArrayObject(map(generic.NumberObject, (100, 400, 400, 500))),
        "/Contents": generic.pdf_string("A later text"),
        "/DA": generic.pdf_string("/Helv 12 Tf 0 g"),
    }
    named = {generic.pdf_name(name): value for name, value in entries.items()}
    note = generic.DictionaryObject(named)
    page["/Annots"].append(writer.add_object(note))
    writer.update_container(page)
    longer = io.BytesIO()
    writer.write(longer)
    assert longer.getvalue().startswith(sheet.sealed)
    return longer.getvalue()


@pytest.mark.needs("dss")
@pytest.mark.parametrize("policy", [NORMAL, STRICT])
def test_dss_finds_every_sealed_file_wholly_valid(judged: Judged, policy: str) -> None:
    wrong = {}
    for name in judged.genuine:
        found = judged.found[name, policy]
        whole = Judgement(PASSED, "null", "PAdES-BASELINE-T", "PASSED", "FULL", "3/3", ())
        if found != whole or (f"{name}#2", policy) in judged.found:
            wrong[name] = found
    assert wrong == {}


@pytest.mark.needs("dss")
@pytest.mark.parametrize("policy", [NORMAL, STRICT])
def test_dss_finds_every_joint_seal_wholly_valid_and_only_the_last_over_the_whole_file(
    judged: Judged, policy: str
) -> None:
    for name, seals in judged.joint.items():
        first, *others = (
            judged.found[f"{name}#{place}" if place > 1 else name, policy] for place in range(1, seals + 1)
        )
        assert (f"{name}#{seals + 1}", policy) not in judged.found
        for found in (first, *others[:-1]):
            assert found == Judgement(PASSED, "null", "PAdES-BASELINE-LT", "PASSED", "PARTIAL", "3/3", ())
        assert others[-1] == Judgement(PASSED, "null", "PAdES-BASELINE-T", "PASSED", "FULL", "3/3", ())


@pytest.mark.needs("dss")
@pytest.mark.parametrize("policy", [NORMAL, STRICT])
def test_dss_names_the_two_revision_form_lt_and_finds_it_wholly_valid(judged: Judged, policy: str) -> None:
    for name in judged.lt:
        whole = Judgement(PASSED, "null", "PAdES-BASELINE-LT", "PASSED", "PARTIAL", "3/3", ())
        assert judged.found[name, policy] == whole


@pytest.mark.needs("dss")
@pytest.mark.parametrize("policy", [NORMAL, STRICT])
def test_dss_fails_a_file_with_one_bit_changed(judged: Judged, policy: str) -> None:
    found = judged.found["flipped.pdf", policy]
    assert (found.indication, found.sub_indication) == ("TOTAL_FAILED", "HASH_FAILURE")


@pytest.mark.needs("dss")
@pytest.mark.parametrize("policy", [NORMAL, STRICT])
def test_dss_does_not_trust_a_file_under_another_root(judged: Judged, policy: str) -> None:
    found = judged.found["foreign-root.pdf", policy]
    assert (found.indication, found.sub_indication) == ("INDETERMINATE", "NO_CERTIFICATE_CHAIN_FOUND")
    assert found.timestamp == "INDETERMINATE"


@pytest.mark.needs("dss")
def test_dss_fails_a_later_note_when_strict_and_warns_of_it_otherwise(judged: Judged) -> None:
    strict, normal = judged.found["noted.pdf", STRICT], judged.found["noted.pdf", NORMAL]
    assert (strict.indication, strict.sub_indication) == ("TOTAL_FAILED", "FORMAT_FAILURE")
    assert normal.covers == "PARTIAL"
    assert any(line.startswith("warning: ") and "DocMDP" in line for line in normal.said)


@pytest.mark.needs("dss")
def test_bytes_after_the_end_are_seen_by_dss_only_as_part_of_the_file_not_covered(judged: Judged) -> None:
    """Why the verifier demands that the seal covers the whole file, whatever a validator's bottom line is."""
    assert {judged.found["longer.pdf", policy].covers for policy in (NORMAL, STRICT)} == {"PARTIAL"}


@pytest.mark.needs("dss")
def test_dss_finds_no_signature_in_a_page_that_was_only_rendered(judged: Judged) -> None:
    assert judged.found["not-sealed.pdf", ""].indication == "NO_SIGNATURE"
