"""Trust for others: the signed list and the anchors, read by tools that are not ours and by a reader that is strict."""

import base64
import hmac
import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from spoilt import crl_of_an_unknown_version, of_an_unknown_version, with_an_extension_twice
from trust_parties import (
    FOOD,
    KINDS,
    LONG_AGO,
    NOW,
    Parties,
    assemble,
    claims_of,
    es256,
    genuine,
    header_of,
    make_parties,
    ours,
    theirs,
    unbase64,
    x5c,
)

from certsvc.authority.trust_list import LIST_LASTS, PEM, PKCS7, make_trust_files
from certsvc.domain.recognition import CoveredType, Scope, is_recognised
from certsvc.errors import TrustListInvalid
from certsvc.verify.trust_list import MAX_LIST, read_trust_list

DRUG = CoveredType(KINDS["drug-retail"], "drug-retail")


def run(*command: object) -> subprocess.CompletedProcess[str]:
    """Run a program to its end."""
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, timeout=60)


# ---- what it says ----


def test_the_list_is_read_back_as_it_was_made() -> None:
    parties = make_parties()
    read = read_trust_list(genuine(parties), parties.root, parties.crls, NOW)
    assert read.anchors == (ours(parties),)
    assert read.recognised == (theirs(),)
    assert read.sequence == int(NOW.timestamp())
    assert read.exp == int((NOW + LIST_LASTS).timestamp())
    assert not read.demonstration


def test_no_root_comes_with_the_list() -> None:
    parties = make_parties()
    chain = x5c(parties["list"].certificate, parties["issuing"].certificate)
    assert header_of(genuine(parties)) == {"alg": "ES256", "typ": "trust-list+jwt", "x5c": chain}


def test_a_type_is_trusted_by_whoever_is_recognised_for_it_on_the_day() -> None:
    parties = make_parties()
    read = read_trust_list(genuine(parties), parties.root, parties.crls, NOW)
    (scope,) = theirs().scopes
    assert scope.last is not None
    assert [each.area for each in read.trusted_for(FOOD, NOW.date())] == ["441900", "329900"]
    assert [each.area for each in read.trusted_for(DRUG, NOW.date())] == ["441900"]
    assert [each.area for each in read.trusted_for(FOOD, scope.last + timedelta(days=1))] == ["441900"]


def test_a_demonstration_says_so_in_the_list() -> None:
    parties = make_parties("demonstration", demonstration=True)
    assert read_trust_list(genuine(parties), parties.root, parties.crls, NOW).demonstration


@pytest.mark.long
def test_an_rsa_authority_signs_its_list_by_rs256() -> None:
    parties = make_parties("rsa", algorithm="rsa3072")
    data = genuine(parties)
    assert header_of(data)["alg"] == "RS256"
    assert read_trust_list(data, parties.root, parties.crls, NOW).recognised == (theirs(),)


def test_made_again_only_the_signature_differs() -> None:
    parties = make_parties()
    first, second = (make_trust_files([ours(parties)], [theirs()], parties["list"], NOW) for _ in range(2))
    assert (first[PEM], first[PKCS7]) == (second[PEM], second[PKCS7])
    one, other = (json.loads(files["trust/list.json"]) for files in (first, second))
    assert one["signature"] != other["signature"]
    assert {**one, "signature": ""} == {**other, "signature": ""}


# ---- read by others ----


def test_a_plain_jwt_library_verifies_the_list_with_the_certificate_in_its_header() -> None:
    data = genuine(make_parties())
    parts = json.loads(data)
    signer = x509.load_der_x509_certificate(base64.b64decode(header_of(data)["x5c"][0]))
    compact = ".".join(parts[name] for name in ("protected", "payload", "signature"))
    key: Any = signer.public_key()
    said = jwt.decode(compact, key, algorithms=["ES256"], options={"verify_iat": False, "verify_exp": False})
    assert said["recognised"][0]["name_zh"] == "江海市电子证照"


@pytest.mark.needs("openssl")
def test_openssl_verifies_the_signature_of_the_list(tmp_path: Path) -> None:
    parts, parties = json.loads(genuine(make_parties())), make_parties()
    raw = unbase64(parts["signature"])
    signature = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    key = parties["list"].certificate.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "key.pem").write_bytes(key)
    (tmp_path / "signature").write_bytes(signature)
    (tmp_path / "signed").write_text(f"{parts['protected']}.{parts['payload']}")
    verify = ("openssl", "dgst", "-sha256", "-verify", tmp_path / "key.pem", "-signature", tmp_path / "signature")
    assert run(*verify, tmp_path / "signed").stdout == "Verified OK\n"


@pytest.mark.needs("openssl")
def test_openssl_verifies_a_seal_by_the_anchors_and_reads_the_same_certificates_in_both_files(tmp_path: Path) -> None:
    parties = make_parties()
    files = make_trust_files([ours(parties)], [theirs()], parties["list"], NOW)
    for name, data in {"anchors.pem": files[PEM], "anchors.p7b": files[PKCS7]}.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "seal.pem").write_bytes(parties["seal"].certificate.public_bytes(Encoding.PEM))
    (tmp_path / "issuing.pem").write_bytes(parties["issuing"].certificate.public_bytes(Encoding.PEM))
    chain = ("-untrusted", tmp_path / "issuing.pem", tmp_path / "seal.pem")
    verified = run("openssl", "verify", "-attime", int(NOW.timestamp()), "-CAfile", tmp_path / "anchors.pem", *chain)
    assert verified.returncode == 0, verified.stderr
    listed = run("openssl", "pkcs7", "-inform", "DER", "-in", tmp_path / "anchors.p7b", "-print_certs")
    found = {each.public_bytes(Encoding.DER) for each in x509.load_pem_x509_certificates(listed.stdout.encode())}
    assert found == {ours(parties).certificate, theirs().certificate}


def test_anchors_pem_names_each_certificate_with_fingerprint_scope_and_ground() -> None:
    parties = make_parties()
    text = make_trust_files([ours(parties)], [theirs()], parties["list"], NOW)[PEM].decode()
    own, other = text.split("-----END CERTIFICATE-----\n")[:2]
    for part, authority in ((own, ours(parties)), (other, theirs())):
        assert f"# {authority.name_zh}  {authority.name_en}  {authority.area}\n" in part
        assert authority.sha256 in part.replace(" ", "").lower()
    assert f"{LONG_AGO.date()} – " in own and KINDS["drug-retail"] in own
    assert "互认协议（虚构）" in other and KINDS["food-business"] in other and KINDS["drug-retail"] not in other


# ---- flaws: each makes a file that must be refused ----

Maker = Callable[[Parties], bytes]


def resigned(parties: Parties, claims: dict[str, Any] | None = None, **header: Any) -> bytes:
    """The genuine list with other claims or another header, signed with the right key."""
    data = genuine(parties)
    changed = {name: value for name, value in {**header_of(data), **header}.items() if value is not None}
    return assemble({**claims_of(data), **(claims or {})}, changed, es256(parties["list"].key))


def signed_by(parties: Parties, name: str) -> bytes:
    """The genuine claims, signed by another of our keys, with its own chain."""
    party, data = parties[name], genuine(parties)
    header = {**header_of(data), "x5c": x5c(party.certificate, *party.chain[:-1])}
    return assemble(claims_of(data), header, es256(party.key))


def algorithm_none(parties: Parties) -> bytes:
    data = genuine(parties)
    return assemble(claims_of(data), {**header_of(data), "alg": "none"}, lambda _: b"")


def hmac_with_the_public_key(parties: Parties) -> bytes:
    public = parties["list"].certificate.public_key()
    key = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    data = genuine(parties)
    return assemble(claims_of(data), {**header_of(data), "alg": "HS256"}, lambda said: hmac.digest(key, said, "sha256"))


def altered_scope(parties: Parties) -> bytes:
    data = genuine(parties)
    claims = claims_of(data)
    claims["recognised"][0]["scopes"][0]["last"] = "2099-12-31"
    kept = unbase64(json.loads(data)["signature"])
    return assemble(claims, header_of(data), lambda _: kept)


def certificate_exchanged(parties: Parties) -> bytes:
    """By who has the key of the list, with the fingerprint that people compare left as it was."""
    claims = claims_of(genuine(parties))
    stranger = make_parties("stranger").root.public_bytes(Encoding.DER)
    claims["anchors"][0]["certificate"] = base64.b64encode(stranger).decode()
    return resigned(parties, claims)


def unprotected_header(parties: Parties) -> bytes:
    return json.dumps({**json.loads(genuine(parties)), "header": {"alg": "none"}}).encode()


def general_serialization(parties: Parties) -> bytes:
    parts = json.loads(genuine(parties))
    return json.dumps({"payload": parts.pop("payload"), "signatures": [parts]}).encode()


def signature_of_another_key(parties: Parties) -> bytes:
    data = genuine(parties)
    return assemble(claims_of(data), header_of(data), es256(parties["seal"].key))


def with_its_root(parties: Parties) -> bytes:
    """A whole chain, root and all: a root that comes with a message proves nothing."""
    return resigned(parties, x5c=x5c(parties["list"].certificate, *parties["list"].chain))


def spoilt_x5c(parties: Parties, spoil: Callable[[x509.Certificate], bytes]) -> list[str]:
    """The genuine chain, but its first certificate was spoilt."""
    return [
        base64.b64encode(spoil(parties["list"].certificate)).decode(),
        *x5c(parties["issuing"].certificate),
    ]


SECONDS = int(NOW.timestamp())
FLAWS: dict[str, tuple[str, Maker]] = {
    "not-json": ("no JWS", lambda _: b"\xff\xfe"),
    "deeply-nested": ("no JWS", lambda _: b"[" * 100_000),
    "too-large": ("too large", lambda parties: genuine(parties) + b" " * MAX_LIST),
    "general-serialization": ("no JWS", general_serialization),
    "unprotected-header": ("no JWS", unprotected_header),
    "algorithm-none": ("wrong algorithm", algorithm_none),
    "hmac-with-the-public-key": ("wrong algorithm", hmac_with_the_public_key),
    "other-algorithm": ("wrong algorithm", lambda parties: resigned(parties, alg="ES384")),
    "no-type": ("no JWS", lambda parties: resigned(parties, typ=None)),
    "type-of-another-token": ("no trust list", lambda parties: resigned(parties, typ="JWT")),
    "key-in-the-header": ("no JWS", lambda parties: resigned(parties, jwk={"kty": "EC"})),
    "critical-header": ("no JWS", lambda parties: resigned(parties, crit=["b64"], b64=False)),
    "no-certificate": ("wrong length", lambda parties: resigned(parties, x5c=[])),
    "five-certificates": ("wrong length", lambda parties: resigned(parties, x5c=x5c(parties.root) * 5)),
    "certificate-is-garbage": ("does not lead", lambda parties: resigned(parties, x5c=["AAAA"])),
    "certificate-of-an-unknown-version": (
        "does not lead",
        lambda parties: resigned(parties, x5c=spoilt_x5c(parties, of_an_unknown_version)),
    ),
    "certificate-with-an-extension-twice": (
        "does not lead",
        lambda parties: resigned(parties, x5c=spoilt_x5c(parties, with_an_extension_twice)),
    ),
    "chain-broken": ("does not lead", lambda parties: resigned(parties, x5c=x5c(parties["list"].certificate))),
    "sealed-with-a-seal": ("for signing lists", lambda parties: signed_by(parties, "seal")),
    "signed-by-the-timestamp-key": ("for signing lists", lambda parties: signed_by(parties, "timestamp")),
    "signed-by-a-token-key": ("for signing lists", lambda parties: signed_by(parties, "token")),
    "signed-by-the-issuing-authority": ("for signing lists", lambda parties: signed_by(parties, "issuing")),
    "certificate-of-a-seal": (
        "for signing lists",
        lambda parties: resigned(parties, x5c=x5c(parties["seal"].certificate, parties["issuing"].certificate)),
    ),
    "signature-of-another-key": ("was altered", signature_of_another_key),
    "altered-scope": ("was altered", altered_scope),
    "look-alike": ("does not lead", lambda _: genuine(make_parties("look-alike"))),
    "look-alike-with-its-root": ("does not lead", lambda _: with_its_root(make_parties("look-alike"))),
    "expired": ("not in its term", lambda parties: genuine(parties, NOW - LIST_LASTS)),
    "of-the-future": ("not in its term", lambda parties: genuine(parties, NOW + timedelta(hours=2))),
    "good-for-ever": ("not in its term", lambda parties: resigned(parties, {"exp": SECONDS + 10**9})),
    "no-end": ("another form", lambda parties: resigned(parties, {"exp": None})),
    "date-that-is-none": ("another form", lambda parties: resigned(parties, {"anchors": [{"area": 1}]})),
    "demonstration-not-said": ("is a demonstration", lambda parties: resigned(parties, {"demonstration": True})),
    "certificate-exchanged": ("fingerprint and certificate", certificate_exchanged),
}


@pytest.mark.parametrize("name", FLAWS)
def test_a_reader_refuses_a_list_that_is(name: str) -> None:
    parties = make_parties()
    said, make = FLAWS[name]
    data = make(parties)
    assert data != genuine(parties)
    with pytest.raises(TrustListInvalid, match=said):
        read_trust_list(data, parties.root, parties.crls, NOW)


def test_the_same_forgery_signed_rightly_would_be_read() -> None:
    """The flaws above are refused for what they are: made by the same means without one, a list is read."""
    parties = make_parties()
    assert read_trust_list(resigned(parties), parties.root, parties.crls, NOW).recognised == (theirs(),)


def test_a_reader_with_another_root_refuses_the_list() -> None:
    parties, other = make_parties(), make_parties("look-alike")
    with pytest.raises(TrustListInvalid, match="does not lead"):
        read_trust_list(genuine(parties), other.root, parties.crls, NOW)


def test_an_older_list_than_the_last_one_is_refused() -> None:
    parties, day = make_parties(), timedelta(days=1)
    newest = read_trust_list(genuine(parties), parties.root, parties.crls, NOW).sequence
    with pytest.raises(TrustListInvalid, match="older"):
        read_trust_list(genuine(parties, NOW - day), parties.root, parties.crls, NOW, newest)
    assert read_trust_list(genuine(parties), parties.root, parties.crls, NOW, newest).sequence == newest


def test_a_list_whose_key_was_revoked_is_refused() -> None:
    parties = make_parties()
    for name, revoked in (("issuing", "list"), ("root", "issuing")):
        other = "root" if name == "issuing" else "issuing"
        crls = [parties.crl(other), parties.crl(name, revoked=parties[revoked].certificate)]
        with pytest.raises(TrustListInvalid, match="is revoked"):
            read_trust_list(genuine(parties), parties.root, crls, NOW)
        with pytest.raises(TrustListInvalid, match="is revoked"):
            read_trust_list(genuine(parties), parties.root, [*crls, *parties.crls], NOW)


def test_where_revocation_is_not_known_the_list_is_refused() -> None:
    parties, stranger = make_parties(), make_parties("look-alike")
    root, issuing = parties.crls
    missing: dict[str, list[bytes]] = {
        "none": [],
        "root's": [issuing],
        "issuing's": [root],
        "stale": [root, parties.crl("issuing", NOW - timedelta(days=7))],
        "of the future": [root, parties.crl("issuing", NOW + timedelta(days=1))],
        "by another of the same name": [root, stranger.crl("issuing")],
    }
    for crls in missing.values():
        with pytest.raises(TrustListInvalid, match="CRL of an authority of its chain is missing"):
            read_trust_list(genuine(parties), parties.root, crls, NOW)
    for unreadable in (b"garbage", crl_of_an_unknown_version(root)):
        with pytest.raises(TrustListInvalid, match="CRL cannot be read"):
            read_trust_list(genuine(parties), parties.root, [unreadable], NOW)


@cache
def sample() -> bytes:
    """One list, always the same."""
    return genuine(make_parties())


@pytest.mark.long
@given(st.data())
def test_a_list_with_one_bit_changed_is_refused_or_says_the_same(data: st.DataObject) -> None:
    parties = make_parties()
    whole = bytearray(sample())
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] ^= 1 << data.draw(st.integers(0, 7))
    try:
        read = read_trust_list(bytes(whole), parties.root, parties.crls, NOW)
    except TrustListInvalid:
        return
    assert read == read_trust_list(sample(), parties.root, parties.crls, NOW)


# ---- the rule ----

DAYS = st.dates(date(2020, 1, 1), date(2040, 1, 1))
TYPES = st.builds(CoveredType, st.sampled_from(["A", "B"]), st.sampled_from([None, "x", "y"]))
SCOPES = st.builds(
    lambda kinds, first, last: Scope(certificate_types=tuple(kinds), first=first, last=last),
    st.lists(TYPES, max_size=3),
    DAYS,
    st.none() | DAYS,
)


@pytest.mark.long
@given(st.lists(SCOPES, max_size=3), st.sampled_from("AB"), st.sampled_from("xy"), DAYS)
def test_recognised_is_exactly_what_one_scope_names_within_its_dates(
    scopes: list[Scope], code: str, name: str, on: date
) -> None:
    authority = replace(theirs(), scopes=tuple(scopes))
    named = [
        scope
        for scope in scopes
        if CoveredType(code) in scope.certificate_types or CoveredType(code, name) in scope.certificate_types
    ]
    within = [scope for scope in named if scope.first <= on <= (scope.last or date.max)]
    assert is_recognised(authority, CoveredType(code, name), on) == bool(within)


def test_a_scope_of_one_type_of_ours_does_not_widen_to_others_of_the_same_code() -> None:
    scope = Scope(certificate_types=(CoveredType("A", "x"),), first=NOW.date())
    authority = replace(theirs(), scopes=(scope,))
    assert is_recognised(authority, CoveredType("A", "x"), NOW.date())
    assert not is_recognised(authority, CoveredType("A", "y"), NOW.date())
    assert not is_recognised(authority, CoveredType("A"), NOW.date())
