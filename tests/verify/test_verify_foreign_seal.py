"""Signed files that are not ours get an honest answer, never a green one; an authority that we recognise is named."""

import hashlib
import io
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

import pikepdf
import pytest
from alter_bytes import a_byte_of_the_text
from asking import not_passed, report_or_code, stocked, verifier
from flaws import Bench
from seal_workshop import FOOD, PLAN, Made, certificate_der

from certsvc.authority.authority import Authority
from certsvc.authority.founding import throw_away_authority
from certsvc.authority.plan import load_plan
from certsvc.domain.calendar import beijing_date
from certsvc.domain.recognition import Addresses, CoveredType, Scope, TrustedAuthority
from certsvc.http.language import CODES, load_languages
from certsvc.http.verifier.foreign_seal import foreign_view
from certsvc.http.verifier.headline import LOOKS, headline_of
from certsvc.verify.json import report_json
from certsvc.verify.recognition import RecognisedFolder
from certsvc.verify.report import Report, Verdict
from certsvc.verify.service import Verifying

sys.path.append(str(Path(__file__).resolve().parents[1] / "authority"))
from trust_parties import NOW, genuine, make_parties

pytest_plugins = ["verify_fixtures"]
WORDS = Path(__file__).resolve().parents[2] / "verifier_web" / "words"
languages = cache(load_languages)


@dataclass(frozen=True)
class Known:
    """`Recognised` with these."""

    authorities: tuple[TrustedAuthority, ...]

    def at(self, now: datetime) -> Sequence[TrustedAuthority]:
        """Always the same."""
        return self.authorities


@pytest.fixture(scope="module")
def jianghai(bench: Bench) -> Authority:
    """An authority elsewhere, with the same program."""
    return throw_away_authority(load_plan(PLAN), bench.workshop.now)


@pytest.fixture(scope="module")
def theirs(bench: Bench, jianghai: Authority) -> Made:
    """A permit that it issued."""
    return bench.workshop.make(FOOD, 1, authority=jianghai)


def recognised(bench: Bench, authority: Authority, *, code: str = "", days: int = 30) -> TrustedAuthority:
    """It is recognised for food permits, or another type, for some days around today."""
    root, today = authority.certificate("root"), beijing_date(bench.workshop.now)
    kind = CoveredType(code or str(bench.genuine.face.type.type_code))
    return TrustedAuthority(
        name_zh="江海市电子证照",
        name_en="Jianghai Electronic Certificates",
        area="329900",
        certificate=certificate_der(root),
        sha256=hashlib.sha256(certificate_der(root)).hexdigest(),
        scopes=(
            Scope(certificate_types=(kind,), first=today - timedelta(days=30), last=today - timedelta(days=30 - days)),
        ),
        ground_zh="互认协议（虚构）",
        ground_en="an agreement (made up)",
        addresses=Addresses(practice="http://zz.jianghai.example/practice"),
    )


def asked(bench: Bench, data: bytes, *authorities: TrustedAuthority) -> Report:
    """The report of a verifier that recognises these."""
    known = verifier(bench.workshop, stocked(bench))
    seen = report_or_code(replace(known, recognised=Known(authorities)), data, bench.workshop.now)
    assert isinstance(seen, Report), seen
    assert seen.verdict is not Verdict.VALID
    return seen


# ---- an authority that we recognise ----


def test_a_recognised_authority_is_named_with_a_verdict_of_its_own(
    bench: Bench, jianghai: Authority, theirs: Made
) -> None:
    seen = asked(bench, theirs.pdf, recognised(bench, jianghai, days=60))
    assert (seen.verdict, seen.status, seen.certificate) == (Verdict.RECOGNISED_ELSEWHERE, None, None)
    assert headline_of(seen) == "recognised_elsewhere" and LOOKS["recognised_elsewhere"].block != "ok"
    assert seen.foreign is not None and seen.foreign.authority is not None
    said = report_json(seen)
    assert said["foreign"]["recognised"]["name"]["en"] == "Jianghai Electronic Certificates"
    assert said["etsi"]["indication"] == "TOTAL-PASSED"


@pytest.mark.parametrize("code", CODES)
def test_the_page_says_for_what_it_is_recognised_and_where_to_ask(
    code: str, bench: Bench, jianghai: Authority, theirs: Made
) -> None:
    seen = asked(bench, theirs.pdf, recognised(bench, jianghai, days=60))
    view = foreign_view(seen.foreign, languages(WORDS)[code])
    assert view is not None
    said = " ".join(view.said)
    assert bench.genuine.face.type.zh in said and "http://zz.jianghai.example/practice" in said


@pytest.mark.parametrize("how", [{"code": "11100000MB0143028R903", "days": 60}, {"days": 10}], ids=["type", "date"])
def test_another_type_or_day_than_it_is_recognised_for_is_not_ours(
    how: dict[str, object], bench: Bench, jianghai: Authority, theirs: Made
) -> None:
    seen = asked(bench, theirs.pdf, recognised(bench, jianghai, **how))  # type: ignore[arg-type]
    assert (seen.verdict, headline_of(seen)) == (Verdict.NOT_VALID, "not_ours")
    assert "recognised.not_for_this" in not_passed(seen)
    assert seen.foreign is not None and seen.foreign.authority is not None


def test_a_recognised_authoritys_file_that_was_altered_is_only_not_valid(
    bench: Bench, jianghai: Authority, theirs: Made
) -> None:
    altered = a_byte_of_the_text(replace(bench, genuine=theirs))
    for data in (altered, theirs.pdf + b"x\n"):
        seen = asked(bench, data, recognised(bench, jianghai, days=60))
        assert seen.verdict is Verdict.NOT_VALID
        assert seen.foreign is not None and seen.foreign.authority is None


def test_without_recognition_the_same_file_is_not_ours(bench: Bench, theirs: Made) -> None:
    seen = asked(bench, theirs.pdf)
    assert (seen.verdict, headline_of(seen)) == (Verdict.NOT_VALID, "not_ours")


@pytest.mark.long
def test_recognition_opens_nothing_for_a_file_of_ours(bench: Bench) -> None:
    """Our own root among the recognised: a file of ours that is not registered stays what it is."""
    ours = recognised(bench, bench.workshop.ours, days=60)
    seen = asked(bench, bench.workshop.make().pdf, ours)
    assert seen.verdict is Verdict.UNDETERMINED and seen.foreign is None


# ---- any other signature ----


def test_a_foreign_file_says_what_is_intact_and_whose_word_it_is(bench: Bench, theirs: Made) -> None:
    seen = asked(bench, theirs.pdf)
    assert seen.foreign is not None
    (one,) = seen.foreign.signatures
    assert (one.intact, one.whole_file, one.anchor) == (True, True, None)
    assert one.organisation and one.issuer and seen.foreign.unchanged
    assert seen.foreign.namesake, "it uses the names of an authority of ours"


def test_something_added_after_a_foreign_signature_is_said(bench: Bench, theirs: Made) -> None:
    seen = asked(bench, theirs.pdf + b"x\n")
    assert seen.foreign is not None and not seen.foreign.unchanged
    assert not seen.foreign.signatures[-1].whole_file


def test_a_file_of_ours_with_a_broken_seal_is_no_foreign_file(bench: Bench) -> None:
    """The flaw: our own name under a seal that another program had broken was called an impostor's."""
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(bench.genuine.pdf)) as pdf:
        pdf.save(out)
    seen = asked(bench, out.getvalue())
    assert seen.foreign is None and headline_of(seen) == "changed"


@pytest.mark.parametrize("code", CODES)
def test_names_of_strangers_are_claims_on_the_page(code: str, bench: Bench, theirs: Made) -> None:
    language = languages(WORDS)[code]
    view = foreign_view(asked(bench, theirs.pdf).foreign, language)
    assert view is not None
    assert language.words["foreign"]["claims"] in view.said
    assert view.warnings == (language.words["foreign"]["namesake"],)
    assert language.words["foreign"]["nobody"] in {fact.value for fact in view.signatures[0]}


# ---- whom we recognise ----


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Public facts with a trust list."""
    parties = make_parties("ours")
    for name, data in (
        ("trust/list.json", genuine(parties)),
        ("crl/root.crl", parties.crl("root")),
        ("crl/issuing.crl", parties.crl("issuing")),
    ):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
    return tmp_path


@dataclass(frozen=True)
class Roots:
    """An anchor source with one root."""

    who: str

    def current(self) -> "Roots":
        """Itself."""
        return self

    @property
    def roots(self) -> tuple[object, ...]:
        """The one."""
        return (make_parties(self.who).root,)


def at(folder: Path, now: datetime, who: str = "ours") -> Sequence[TrustedAuthority]:
    """Whom the list in the folder recognises."""
    return RecognisedFolder(folder, Roots(who)).at(now)  # type: ignore[arg-type]


def test_recognised_is_who_stands_in_our_own_signed_list(folder: Path) -> None:
    assert [each.name_en for each in at(folder, NOW)] == ["Jianghai"]


@pytest.mark.parametrize("trouble", ["old", "not ours", "altered", "missing", "no CRL"])
def test_a_list_that_cannot_be_believed_recognises_nobody(trouble: str, folder: Path) -> None:
    path = folder / "trust/list.json"
    if trouble == "altered":
        path.write_bytes(path.read_bytes().replace(b"e", b"f", 1))
    elif trouble == "missing":
        path.unlink()
    elif trouble == "no CRL":
        (folder / "crl/issuing.crl").unlink()
    now = NOW + timedelta(days=8) if trouble == "old" else NOW
    assert at(folder, now, "lookalike" if trouble == "not ours" else "ours") == ()


def test_a_list_that_runs_out_while_we_run_recognises_nobody(folder: Path) -> None:
    known = RecognisedFolder(folder, Roots("ours"))  # type: ignore[arg-type]
    assert known.at(NOW)
    assert known.at(NOW + timedelta(days=8)) == ()


def test_a_verifier_without_a_list_asks_for_nothing_more(bench: Bench, online: Verifying, theirs: Made) -> None:
    seen = report_or_code(online, theirs.pdf, bench.workshop.now)
    assert isinstance(seen, Report) and seen.verdict is Verdict.NOT_VALID
