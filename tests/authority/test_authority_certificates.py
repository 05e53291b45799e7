"""X.509 certificates and CRLs: by profile, clean to an outside linter, renewed in time."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from ceremonies import DEMONSTRATION, NOW, PLAN, PUBLIC_URL, hold, make_home, open_held, secret
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID
from linted import ACCEPTED, lint_certificate, lint_chain, lint_crl, not_accepted

from certsvc.authority.authority import Authority
from certsvc.authority.ceremony import hold_ceremony
from certsvc.authority.certificates import Subject, load_profile, make_certificate
from certsvc.authority.founding import throw_away_authority
from certsvc.authority.issuing import owner_of, subject_of
from certsvc.authority.plan import load_plan
from certsvc.custody.keys import generate_key
from certsvc.domain.calendar import start_of_quarter
from certsvc.domain.seal import ValidationData
from certsvc.domain.token import key_id
from certsvc.errors import SealRefused
from certsvc.ids import Uscc
from certsvc.settings import load_settings

EXTENDED = x509.ExtendedKeyUsage
CRITICAL = {x509.BasicConstraints, x509.KeyUsage}
Published = dict[str, list[bytes]]


def make(tmp_path: Path, plan: str = PLAN) -> tuple[Authority, Published]:
    """An authority in memory, and everything that it published, in order, by name."""
    published: Published = {}
    _, plan_file = make_home(tmp_path, plan)
    authority = throw_away_authority(
        load_plan(plan_file), NOW, lambda name, data: published.setdefault(name, []).append(data)
    )
    return authority, published


def all_certificates(home: Path) -> dict[str, x509.Certificate]:
    """Every certificate of an authority, token keys included, by name."""
    paths = (home / "authority" / "certificates").glob("[!.]*")
    return {path.stem: x509.load_pem_x509_certificate(path.read_bytes()) for path in paths}


@pytest.mark.parametrize("algorithm", ["p256", "rsa3072"])
def test_pkilint_finds_nothing_above_notice(algorithm: str, tmp_path: Path) -> None:
    home, plan = make_home(tmp_path, f'algorithm = "{algorithm}"\n{PLAN}')
    hold(home, plan)
    open_held(home).token_key(NOW)
    certificates = all_certificates(home)
    assert set(certificates) == {
        "root",
        "issuing",
        "timestamp",
        "ocsp",
        "list",
        "status",
        "receipt",
        "seal-fire",
        "token-2026q4",
    }
    for name, certificate in certificates.items():
        assert lint_certificate(certificate) == [], name
        if name != "root":
            issuer = certificates["root" if name == "issuing" else "issuing"]
            assert lint_chain(issuer, certificate) == [], name
    for name in ("root", "issuing"):
        assert lint_crl((home / "public" / "crl" / f"{name}.crl").read_bytes()) == [], name


@pytest.mark.long
def test_pkilint_finds_what_is_accepted_and_no_more_where_the_address_is_the_demonstrations_own(tmp_path: Path) -> None:
    home, _ = make_home(tmp_path)
    address = load_settings({"CERTSVC_HOME": str(home)}).public_url
    hold_ceremony(DEMONSTRATION, home, secret(home), NOW, address)
    open_held(home).token_key(NOW)
    certificates, found = all_certificates(home), []
    for name, certificate in certificates.items():
        found += lint_certificate(certificate)
        if name != "root":
            found += lint_chain(certificates["root" if name == "issuing" else "issuing"], certificate)
    for name in ("root", "issuing"):
        found += lint_crl((home / "public" / "crl" / f"{name}.crl").read_bytes())
    assert not_accepted(found) == []
    for accepted in ACCEPTED:  # none is listed in vain, and none says too much
        assert not_accepted(found, [each for each in ACCEPTED if each is not accepted]) != [], accepted.reason
    assert len(not_accepted([line.replace("localhost", "elsewhere") for line in found])) == len(found)


def test_the_linter_finds_another_issuer_and_an_altered_certificate(tmp_path: Path) -> None:
    authority, _ = make(tmp_path)
    certificates = {name: authority.certificate(name) for name in authority.names}
    assert any("ERROR" in line for line in lint_chain(certificates["root"], certificates["timestamp"]))
    der = certificates["timestamp"].public_bytes(Encoding.DER)
    twice = x509.load_der_x509_certificate(der.replace(bytes.fromhex("551d0e"), bytes.fromhex("551d23")))
    assert lint_certificate(twice) != []


def test_each_profile_gives_its_key_usage_and_purposes_and_nothing_else(tmp_path: Path) -> None:
    authority, published = make(tmp_path)
    authority.token_key(NOW)
    (token,) = published["anchors/token-keys/2026q4.pem"]
    authority.make_services(NOW)
    certificates = {name.partition("-2026")[0]: authority.certificate(name) for name in authority.names}
    assert certificates["token"] == x509.load_pem_x509_certificate(token)
    wanted: dict[str, tuple[set[str], set[str], bool, int | None]] = {
        "root": ({"key_cert_sign", "crl_sign"}, set(), True, None),
        "issuing": ({"key_cert_sign", "crl_sign"}, set(), True, 0),
        "timestamp": ({"digital_signature"}, {"1.3.6.1.5.5.7.3.8"}, False, None),
        "seal-fire": (
            {"digital_signature", "content_commitment"},
            {"1.3.6.1.5.5.7.3.36", "1.3.6.1.5.5.7.3.4"},
            False,
            None,
        ),
        "ocsp": ({"digital_signature"}, {"1.3.6.1.5.5.7.3.9"}, False, None),
        "list": ({"digital_signature"}, {"0.4.0.2231.3.0"}, False, None),
        "status": ({"digital_signature"}, {"1.3.6.1.5.5.7.3.30"}, False, None),
        "receipt": (
            {"digital_signature", "content_commitment"},
            {"1.3.6.1.4.1.32473.118246390.3", "1.3.6.1.5.5.7.3.36", "1.3.6.1.5.5.7.3.4"},
            False,
            None,
        ),
        "token": ({"digital_signature"}, set(), False, None),
    }
    assert set(certificates) == set(wanted)
    for name, (usages, purposes, is_authority, path_length) in wanted.items():
        assert usages_of(certificates[name]) == usages, name
        assert purposes_of(certificates[name]) == purposes, name
        for extension in certificates[name].extensions:
            critical = type(extension.value) in CRITICAL or (name == "timestamp" and type(extension.value) is EXTENDED)
            assert extension.critical is critical, (name, extension)
        constraints = [
            item.value for item in certificates[name].extensions if type(item.value) is x509.BasicConstraints
        ]
        assert constraints == ([x509.BasicConstraints(ca=True, path_length=path_length)] if is_authority else [])


def usages_of(certificate: x509.Certificate) -> set[str]:
    """The names of the key usages that are set."""
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    names = {"digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"}
    return {name for name in names | {"key_cert_sign", "crl_sign"} if getattr(usage, name)}


def purposes_of(certificate: x509.Certificate) -> set[str]:
    """The extended key usages."""
    found: list[Any] = [item.value for item in certificate.extensions if type(item.value) is EXTENDED]
    return {purpose.dotted_string for value in found for purpose in value}


def test_no_certificate_outlives_its_issuer(tmp_path: Path) -> None:
    authority, published = make(tmp_path)
    issuing = authority.certificate("issuing")
    for certificate in map(authority.certificate, authority.names):
        assert certificate.not_valid_after_utc - certificate.not_valid_before_utc >= timedelta(days=1095)
    last_quarter = issuing.not_valid_after_utc
    authority.token_key(last_quarter)
    (token,) = published["anchors/token-keys/2036q4.pem"]
    assert x509.load_pem_x509_certificate(token).not_valid_after_utc == issuing.not_valid_after_utc


def test_a_profile_with_an_unknown_key_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (Path(__file__).resolve().parents[2] / "keys" / "profiles" / "seal.toml").read_text("utf-8")
    (tmp_path / "odd.toml").write_text(text + "colour = 1\n", encoding="utf-8")
    monkeypatch.setattr("certsvc.authority.certificates.PROFILES", tmp_path)
    with pytest.raises(ValueError, match="colour"):
        load_profile("odd")


def test_the_subject_of_a_seal_names_its_owner_and_its_uscc(tmp_path: Path) -> None:
    authority, _ = make(tmp_path)
    subject = authority.sealing("fire").certificate.subject
    assert [attribute.value for attribute in subject.get_attributes_for_oid(NameOID.ORGANIZATION_IDENTIFIER)] == [
        "NTRCN-11441900007331048G"
    ]
    assert [attribute.value for attribute in subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)] == [
        "云山市消防救援支队"
    ]


UNIT = NameOID.ORGANIZATIONAL_UNIT_NAME


def test_the_seals_of_one_owner_tell_apart_by_their_subjects(tmp_path: Path) -> None:
    """The flaw: a department's seal for documents and its seal for certificates had one subject."""
    authority = throw_away_authority(load_plan(DEMONSTRATION), NOW)
    subjects = {seal.id: authority.sealing(seal.id).certificate.subject for seal in authority.seals}
    assert len(set(subjects.values())) == len(subjects) > 3
    units = {name: str(subject.get_attributes_for_oid(UNIT)[0].value) for name, subject in subjects.items()}
    assert units["market"] == "电子印章 market 演示 DEMONSTRATION"
    assert units["market-documents"] == "文件印章 market-documents 演示 DEMONSTRATION"
    assert lint_certificate(authority.sealing("market-documents").certificate) == []


@pytest.mark.parametrize("unit", ["电子印章", "文件印章 fire"], ids=["made-before-seals-were-named", "named"])
def test_the_next_certificate_of_a_seal_has_the_subject_of_the_one_before(tmp_path: Path, unit: str) -> None:
    before = Subject(
        organisation="云山市消防救援支队",
        uscc=Uscc("11441900007331048G"),
        unit=unit,
        common_name="云山市消防救援支队",
        demonstration=True,
    )
    key = generate_key()
    certificate = make_certificate(load_profile("seal"), before, key, None, NOW)
    authority, _ = make(tmp_path)
    assert subject_of(authority.plan, "seal-fire.2", owner_of(certificate), demonstration=True).name == before.name


@pytest.mark.parametrize(
    ("public_url", "address"),
    [
        pytest.param("https://yz.example", "http://yz.example", id="plain-http-for-what-is-signed"),
        pytest.param("https://yz.example:8443", "https://yz.example:8443", id="a-port-stays-as-it-is"),
        pytest.param("http://localhost:8000", "http://localhost:8000", id="this-machine"),
        pytest.param("", None, id="no-address-none-given"),
    ],
)
def test_certificates_say_where_crl_and_issuer_are_found(public_url: str, address: str | None, tmp_path: Path) -> None:
    _, plan_file = make_home(tmp_path)
    plan = load_plan(plan_file)
    authority = throw_away_authority(msgspec.structs.replace(plan, public_url=public_url), NOW)
    extensions = authority.sealing("fire").certificate.extensions
    points: list[Any] = [item.value for item in extensions if type(item.value) is x509.CRLDistributionPoints]
    access: list[Any] = [item.value for item in extensions if type(item.value) is x509.AuthorityInformationAccess]
    found = [name.value for value in points for point in value for name in point.full_name]
    found += [item.access_location.value for value in access for item in value]
    assert found == ([f"{address}/crl/issuing.crl", f"{address}/ca/issuing.cer"] if address else [])
    methods = {item.access_method for value in access for item in value}
    assert methods <= {AuthorityInformationAccessOID.CA_ISSUERS}  # no OCSP address: the plan gives none


@pytest.mark.parametrize("ocsp", [False, True])
def test_the_address_of_the_responder_stands_in_seals_and_services_where_the_plan_says_so(
    ocsp: bool, tmp_path: Path
) -> None:
    home, plan = make_home(tmp_path, f"ocsp = {'true' if ocsp else 'false'}\n{PLAN}")
    hold(home, plan)
    open_held(home).token_key(NOW)
    certificates = all_certificates(home)
    named = {name for name, certificate in certificates.items() if responder_of(certificate)}
    assert named == ({"seal-fire", "timestamp"} if ocsp else set())
    for name in named:
        assert responder_of(certificates[name]) == f"{PUBLIC_URL.replace('https', 'http')}/ocsp"
        assert lint_certificate(certificates[name]) == []
        assert lint_chain(certificates["issuing"], certificates[name]) == []


def responder_of(certificate: x509.Certificate) -> str | None:
    """The OCSP address in a certificate."""
    access: list[Any] = [e.value for e in certificate.extensions if type(e.value) is x509.AuthorityInformationAccess]
    found = [item for value in access for item in value if item.access_method == AuthorityInformationAccessOID.OCSP]
    return found[0].access_location.value if found else None


def test_there_is_no_seal_for_a_type_that_none_is_bound_to(tmp_path: Path) -> None:
    authority, _ = make(tmp_path)
    assert authority.seal_for("fire-safety-check").id == "fire"
    with pytest.raises(SealRefused, match="drug-retail"):
        authority.seal_for("drug-retail")


@pytest.mark.parametrize(
    "now",
    [
        pytest.param(NOW, id="in-the-quarter-of-the-ceremony"),
        pytest.param(NOW + timedelta(days=60), id="in-the-next-quarter"),
        pytest.param(datetime.fromisoformat("2027-03-31T15:59:59+00:00"), id="in-the-last-second-of-a-quarter"),
        pytest.param(datetime.fromisoformat("2027-03-31T16:00:00+00:00"), id="in-the-first-second-of-the-next"),
    ],
)
def test_the_term_of_a_token_certificate_is_the_quarter(now: datetime, tmp_path: Path) -> None:
    authority, published = make(tmp_path)
    kid, key = authority.token_key(now)
    (name,) = [name for name in published if name.startswith("anchors/token-keys/")]
    certificate = x509.load_pem_x509_certificate(published[name][0])
    first, last = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    issuing = authority.certificate("issuing").not_valid_before_utc
    assert first == max(start_of_quarter(now), issuing) <= now <= last
    assert start_of_quarter(last) == start_of_quarter(now)
    assert start_of_quarter(last + timedelta(seconds=1)) == last + timedelta(seconds=1)
    assert certificate.public_key() == key.public_key
    assert key_id(key.public_key) == kid


def test_a_second_process_says_the_same_term_for_the_same_token_key(tmp_path: Path) -> None:
    home, plan = make_home(tmp_path)
    hold(home, plan)
    seen = []
    for now in (NOW, NOW + timedelta(days=20)):
        kid, key = open_held(home, now).token_key(now)
        certificate = all_certificates(home)["token-2026q4"]
        seen.append((kid, key.public_key, certificate.not_valid_before_utc, certificate.not_valid_after_utc))
    assert seen[0] == seen[1]


def test_a_token_key_is_published_once_and_before_it_is_first_used(tmp_path: Path) -> None:
    authority, published = make(tmp_path)
    first = authority.token_key(NOW)
    assert authority.token_key(NOW + timedelta(hours=3)) == first
    assert len(published["anchors/token-keys/2026q4.pem"]) == 1
    assert authority.token_key(NOW + timedelta(days=60)) != first


def issuing_crl(data: ValidationData) -> x509.CertificateRevocationList:
    """The issuing authority's CRL among the validation data."""
    return x509.load_der_x509_crl(data.crls[1])


def number_of(crl: x509.CertificateRevocationList) -> int:
    """Its number."""
    return crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number


def test_the_crl_is_renewed_within_the_hour_and_its_number_grows(tmp_path: Path) -> None:
    authority, published = make(tmp_path)
    numbers = []
    for minutes in (0, 30, 60, 61, 90, 121, 122, 600):
        now = NOW + timedelta(minutes=minutes)
        crl = issuing_crl(authority.validation_data("fire", now))
        assert crl.next_update_utc is not None and crl.last_update_utc <= now < crl.next_update_utc
        assert now - crl.last_update_utc <= timedelta(hours=2)  # an hour of use, and an hour of slow clocks
        numbers.append(number_of(crl))
    assert numbers == sorted(numbers)
    assert len(set(numbers)) == 4
    assert [number_of(x509.load_der_x509_crl(crl)) for crl in published["crl/issuing.crl"]] == sorted(set(numbers))


def test_a_request_older_than_the_crl_gets_it_too_and_its_number_does_not_fall(tmp_path: Path) -> None:
    authority, published = make(tmp_path)
    later = NOW + timedelta(minutes=61)
    newest = issuing_crl(authority.validation_data("fire", later))
    earlier = later - timedelta(seconds=30)
    crl = issuing_crl(authority.validation_data("fire", earlier))
    assert crl == newest
    assert crl.last_update_utc <= earlier
    assert len(published["crl/issuing.crl"]) == 2


def test_another_process_takes_the_crl_of_the_day_and_signs_the_next_with_a_higher_number(tmp_path: Path) -> None:
    home, plan = make_home(tmp_path)
    hold(home, plan)
    numbers = []
    for hours in (0, 1, 23, 25, 50):
        open_held(home, NOW + timedelta(hours=hours))
        numbers.append(number_of(x509.load_der_x509_crl((home / "public" / "crl" / "issuing.crl").read_bytes())))
    assert numbers == sorted(numbers)
    assert len(set(numbers)) == 3


def test_what_is_published_is_replaced_whole(tmp_path: Path) -> None:
    home, plan = make_home(tmp_path)
    hold(home, plan)
    open_held(home)
    crl = home / "public" / "crl" / "issuing.crl"
    before = crl.read_bytes()
    with crl.open("rb") as reader:
        open_held(home, NOW + timedelta(hours=25))
        assert reader.read() == before  # who reads the old one goes on reading the old one
    assert crl.read_bytes() != before
    assert list((home / "public").rglob(".*")) == []
