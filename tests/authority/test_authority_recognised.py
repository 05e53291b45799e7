"""Authorities of other regions come in by file: everything wrong is said, and nothing is taken by halves."""

import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from chosen import tree_catalog
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from spoilt import as_pem, of_an_unknown_version, with_an_extension_twice
from trust_parties import KINDS, claims_of, make_parties

from certsvc.authority.recognised import load_recognised
from certsvc.authority.trust_list import LIST, make_trust_files
from certsvc.custody.delegate import as_issuer_key
from certsvc.custody.keys import generate_key
from certsvc.domain.calendar import start_of_day
from certsvc.domain.recognition import CoveredType, TrustedAuthority, is_recognised
from certsvc.errors import RecognitionWrong

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "keys" / "anchors"
TODAY, A_DAY = date(2026, 11, 26), timedelta(days=1)
CODES = {kind.id: str(kind.type_code) for kind in tree_catalog()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the example."""
    for name in ("jianghai.toml", "jianghai.pem"):
        shutil.copy(EXAMPLE / name, tmp_path / name)
    return tmp_path


def ours(*, demonstration: bool) -> list[x509.Certificate]:
    """Our roots."""
    return [make_parties("demonstration" if demonstration else "ours", demonstration=demonstration).root]


def refused(folder: Path, *, demonstration: bool = True) -> dict[str, str]:
    """What is wrong in a folder: code by place."""
    with pytest.raises(RecognitionWrong) as caught:
        load_recognised(folder, CODES, ours(demonstration=demonstration))
    assert all(problem.zh and problem.en for problem in caught.value.problems)
    return {problem.field: problem.code for problem in caught.value.problems}


def test_the_example_is_taken_as_it_stands() -> None:
    (authority,) = load_recognised(EXAMPLE, CODES, ours(demonstration=True))
    root = x509.load_pem_x509_certificate((EXAMPLE / "jianghai.pem").read_bytes())
    assert authority.name_zh == "江海市电子证照" and authority.area == "329900"
    assert authority.certificate == root.public_bytes(Encoding.DER)
    assert authority.sha256 == root.fingerprint(hashes.SHA256()).hex()
    assert authority.addresses.ca == ("http://zz.jianghai.example/ca/root.cer",)
    company = CoveredType(CODES["business-licence-company"], "business-licence-company")
    branch = CoveredType(CODES["business-licence-branch"], "business-licence-branch")
    drug = CoveredType(CODES["drug-retail"], "drug-retail")
    assert company.code == branch.code
    found = {
        on: [is_recognised(authority, kind, on) for kind in (company, branch, drug)]
        for on in (date(2026, 6, 30), date(2026, 7, 1), date(2028, 6, 30), date(2028, 7, 1))
    }
    assert list(found.values()) == [[False] * 3, [True, False, True], [True, False, True], [True, False, False]]


def test_without_a_folder_nobody_is_recognised(tmp_path: Path) -> None:
    assert load_recognised(tmp_path / "recognised", CODES, ours(demonstration=False)) == ()


def test_an_authority_in_earnest_recognises_no_demonstration(folder: Path) -> None:
    assert refused(folder, demonstration=False) == {"jianghai.pem": "demonstration"}


Edit = tuple[str, str]
WRONG_TABLES: dict[str, tuple[Edit, dict[str, str]]] = {
    "no-area": (('area = "329900"', ""), {"area": "key_missing"}),
    "area-of-five-digits": (('"329900"', '"32990"'), {"area": "value_refused"}),
    "unknown-key": (('area = "329900"', 'area = "329900"\ncolour = "blue"'), {"colour": "key_unknown"}),
    "no-legal-ground": (("[legal_ground]", "[ground]"), {"legal_ground": "key_missing", "ground": "key_unknown"}),
    "empty-name": (('zh = "江海市电子证照"', 'zh = ""'), {"name.zh": "text_empty"}),
    "name-of-two-lines": (
        ('zh = "江海市电子证照"', 'zh = "江海\\n-----BEGIN CERTIFICATE-----"'),
        {"name.zh": "value_refused"},
    ),
    "no-date": (("last = 2028-06-30", 'last = "soon"'), {"scope[2].last": "value_refused"}),
    "no-first-date": (("first = 2026-07-01\n\n", "\n"), {"scope[1].first": "key_missing"}),
    "last-before-first": (("last = 2028-06-30", "last = 2026-06-30"), {"scope[2].last": "dates_reversed"}),
    "no-types": (('["11100000MB0143028R903"]', "[]"), {"scope[2].certificate_types": "list_empty"}),
    "every-type": (('["11100000MB0143028R903"]', '["*"]'), {"scope[2].certificate_types": "type_unknown"}),
    "mistyped-type": (
        ('"business-licence-company"', '"busines-licence-company"'),
        {"scope[1].certificate_types": "type_unknown"},
    ),
    "mistyped-code": (("MB0143028R903", "MB0143029R903"), {"scope[2].certificate_types": "type_unknown"}),
    "address-of-a-file": (('"http://zz.jianghai.example/crl', '"file:///crl'), {"addresses.crl[1]": "value_refused"}),
    "no-toml": (("[name]", "[name"), {"line 5": "not_toml"}),
}


@pytest.mark.parametrize("name", WRONG_TABLES)
def test_a_wrong_table_is_refused_with_file_and_key(name: str, folder: Path) -> None:
    (old, new), places = WRONG_TABLES[name]
    file = folder / "jianghai.toml"
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    assert refused(folder) == {f"jianghai.toml: {place}": code for place, code in places.items()}


def pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)


def short_key() -> bytes:
    """A root with a key on a curve of 224 bits, by a stranger's hand."""
    key = ec.generate_private_key(ec.SECP224R1())
    return pem(plain_root(key, key.public_key()))


def plain_root(
    key: Any,
    public: Any,
    *,
    ca: bool = True,
    first: datetime = datetime(2026, 1, 1, tzinfo=UTC),
    last: datetime = datetime(2030, 1, 1, tzinfo=UTC),
) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "stranger")])
    usage = x509.KeyUsage(False, False, False, False, False, ca, ca, False, False)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(public)
        .serial_number(7)
        .not_valid_before(first)
        .not_valid_after(last)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(usage, critical=True)
    )
    return builder.sign(key, hashes.SHA256())


def self_signed_seal() -> bytes:
    key = as_issuer_key(generate_key())
    return pem(plain_root(key, key.public_key(), ca=False))


WRONG_ROOTS: dict[str, tuple[Callable[[], bytes | None], str]] = {
    "missing": (lambda: None, "certificate_missing"),
    "empty": (lambda: b"", "certificate_unreadable"),
    "garbage": (
        lambda: b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        "certificate_unreadable",
    ),
    "too-large": (
        lambda: b"#" * 20_000 + b"\n" + (EXAMPLE / "jianghai.pem").read_bytes(),
        "certificate_unreadable",
    ),
    "two": (lambda: (EXAMPLE / "jianghai.pem").read_bytes() * 2, "certificate_unreadable"),
    "der": (lambda: make_parties("theirs").root.public_bytes(Encoding.DER), "certificate_unreadable"),
    "of-an-unknown-version": (
        lambda: as_pem(of_an_unknown_version(make_parties("theirs").root)),
        "certificate_unreadable",
    ),
    "with-an-extension-twice": (
        lambda: as_pem(with_an_extension_twice(make_parties("theirs").root)),
        "certificate_unreadable",
    ),
    "no-authority": (self_signed_seal, "not_an_authority"),
    "no-root": (lambda: pem(make_parties("theirs")["issuing"].certificate), "not_a_root"),
    "short-key": (short_key, "key_weak"),
    "ours": (lambda: pem(make_parties("demonstration", demonstration=True).root), "same_as_ours"),
}


@pytest.mark.parametrize("name", WRONG_ROOTS)
def test_a_root_is_refused_that_is(name: str, folder: Path) -> None:
    make, code = WRONG_ROOTS[name]
    data = make()
    (folder / "jianghai.pem").unlink()
    if data is not None:
        (folder / "jianghai.pem").write_bytes(data)
    assert refused(folder) == {"jianghai.pem": code}


def with_term(folder: Path, first: datetime, last: datetime) -> TrustedAuthority:
    """The example with a root of this term; in the folder, and as it is taken."""
    key = as_issuer_key(generate_key())
    (folder / "jianghai.pem").write_bytes(pem(plain_root(key, key.public_key(), first=first, last=last)))
    (authority,) = load_recognised(folder, CODES, ours(demonstration=True))
    return authority


def evening(day: date) -> datetime:
    """The last second of a day in Beijing."""
    return start_of_day(day + timedelta(days=1)) - timedelta(seconds=1)


LONG_BEFORE, FAR_AHEAD = date(2020, 1, 1), date(2040, 12, 31)
TERMS = {
    "ended": (LONG_BEFORE, date(2026, 9, 30), [(date(2026, 7, 1), date(2026, 9, 30))] * 2),
    "ends-in-time": (LONG_BEFORE, date(2027, 5, 5), [(date(2026, 7, 1), date(2027, 5, 5))] * 2),
    "not-begun": (
        date(2027, 1, 1),
        FAR_AHEAD,
        [(date(2027, 1, 1), FAR_AHEAD), (date(2027, 1, 1), date(2028, 6, 30))],
    ),
    "begins-after-a-scope-has-ended": (date(2028, 7, 1), FAR_AHEAD, [(date(2028, 7, 1), FAR_AHEAD)]),
    "ended-before-any-scope-begins": (LONG_BEFORE, date(2026, 6, 30), []),
}


@pytest.mark.parametrize("name", TERMS)
def test_no_scope_reaches_beyond_the_term_of_its_root(name: str, folder: Path) -> None:
    first, last, scopes = TERMS[name]
    authority = with_term(folder, start_of_day(first), evening(last))
    assert [(scope.first, scope.last) for scope in authority.scopes] == scopes
    company = CoveredType(CODES["business-licence-company"], "business-licence-company")
    days = {day: is_recognised(authority, company, day) for day in (first - A_DAY, last + A_DAY, TODAY)}
    assert not days[first - A_DAY] and not days[last + A_DAY]
    assert days[TODAY] is (first <= TODAY <= last)


def test_a_root_that_ended_stops_no_list_and_no_other_authority(folder: Path) -> None:
    for suffix in (".toml", ".pem"):
        shutil.copy(EXAMPLE / f"jianghai{suffix}", folder / f"kaihai{suffix}")
    key = as_issuer_key(generate_key())
    ended = plain_root(key, key.public_key(), last=evening(date(2026, 9, 30)))
    (folder / "jianghai.pem").write_bytes(pem(ended))
    recognised = load_recognised(folder, CODES, ours(demonstration=True))
    parties = make_parties("demonstration", demonstration=True)
    made = make_trust_files([], recognised, parties["list"], start_of_day(TODAY))
    ends = [[scope["last"] for scope in each["scopes"]] for each in claims_of(made[LIST])["recognised"]]
    assert ends == [["2026-09-30"] * 2, ["2045-12-27", "2028-06-30"]]


def test_a_root_without_an_end_leaves_a_scope_open(folder: Path) -> None:
    """RFC 5280 section 4.1.2.5: 99991231235959Z. In Beijing that is a day no calendar has."""
    authority = with_term(folder, start_of_day(LONG_BEFORE), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC))
    assert [scope.last for scope in authority.scopes] == [None, date(2028, 6, 30)]


def test_what_else_is_wrong_with_a_root_that_ended_is_still_refused(folder: Path) -> None:
    key = as_issuer_key(generate_key())
    ended = plain_root(key, key.public_key(), ca=False, last=evening(date(2026, 9, 30)))
    (folder / "jianghai.pem").write_bytes(pem(ended))
    assert refused(folder) == {"jianghai.pem": "not_an_authority"}


def test_one_root_may_not_come_in_twice(folder: Path) -> None:
    for suffix in (".toml", ".pem"):
        shutil.copy(folder / f"jianghai{suffix}", folder / f"kaihai{suffix}")
    assert refused(folder) == {"kaihai.pem": "same_as_other"}


def test_everything_wrong_in_every_file_is_said_at_once(folder: Path) -> None:
    (folder / "jianghai.pem").write_bytes(b"")
    text = (folder / "jianghai.toml").read_text("utf-8").replace('area = "329900"', "area = 7")
    (folder / "jianghai.toml").write_text(text, encoding="utf-8")
    (folder / "Pu Dong.toml").write_text("", encoding="utf-8")
    (folder / "zhe-xi.pem").write_bytes(pem(make_parties("theirs").root))
    assert refused(folder) == {
        "Pu Dong": "name_wrong",
        "jianghai.toml: area": "kind_wrong",
        "jianghai.pem": "certificate_unreadable",
        "zhe-xi.toml": "file_missing",
    }


def test_types_of_ours_are_known_by_the_catalogue_in_the_tree() -> None:
    assert KINDS.items() <= CODES.items()
