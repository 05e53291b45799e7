"""What is refused before the seal's key is used, and what the one update is."""

import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding
from sealed_set import END, NOW, SealedSet

from certsvc.authority.certificates import IssuingParty
from certsvc.authority.crl import ISSUING_CRL, make_crl
from certsvc.custody.keys import generate_key
from certsvc.domain.seal import Placement, SealPicture, ValidationData
from certsvc.errors import RevocationDataStale, SealRefused, TimestampUnavailable
from certsvc.seal.base_pdf import read_base
from certsvc.seal.cms import room_for
from certsvc.seal.pdf import seal_pdf
from certsvc.services import PrivateKey

pytest_plugins = ["seal_fixtures"]

PICTURE = SealPicture(content=b"0.8 0 0 rg 0 0 100 100 re f", width_pt=100, height_pt=100)
MIDDLE = Placement(page=1, x_mm=100, y_mm=100)
HOLE = re.compile(rb"/Contents<([0-9a-f]*)>")


@dataclass
class CountingKey:
    """A key that counts its uses."""

    inner: PrivateKey
    uses: int = 0

    @property
    def public_key(self) -> PublicKeyTypes:
        """The public half."""
        return self.inner.public_key

    def sign(self, data: bytes) -> bytes:
        """Sign, and count."""
        self.uses += 1
        return self.inner.sign(data)

    def sign_digest(self, digest: bytes) -> bytes:
        """Sign, and count."""
        self.uses += 1
        return self.inner.sign_digest(digest)


@dataclass
class Credential:
    """`services.Sealing` with a key that counts."""

    key: CountingKey
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]


@dataclass
class Bench:
    """A page, and everything to seal it with; a test breaks one thing and calls `seal`."""

    sealed: SealedSet
    page: bytes
    sealing: Credential
    data: ValidationData
    picture: SealPicture = PICTURE
    placement: Placement = MIDDLE
    now: datetime = NOW
    timestamper: Any = field(init=False)

    def __post_init__(self) -> None:
        self.timestamper = self.sealed.authority.timestamper

    def seal(self) -> bytes:
        """The sealed page."""
        return seal_pdf(
            self.page,
            picture=self.picture,
            placement=self.placement,
            description="电子印章",
            reason="测试",
            sealing=self.sealing,
            timestamper=self.timestamper,
            validation_data=self.data,
            now=self.now,
        )

    def refuse(self, error: type[Exception], words: str) -> None:
        """Sealing must fail with these words, and the key must not have been used."""
        with pytest.raises(error, match=words):
            self.seal()
        assert self.sealing.key.uses == 0

    def issuing(self) -> IssuingParty:
        """The issuing authority, to make CRLs that it did not publish."""
        authority = self.sealed.authority
        return IssuingParty(certificate=authority.certificate("issuing"), key=authority.key("issuing"))

    def with_issuing_crl(self, crl: bytes) -> None:
        """Put another CRL in the place of the issuing authority's."""
        self.data = replace(self.data, crls=(self.data.crls[0], crl))


@pytest.fixture
def bench(sealed: SealedSet) -> Bench:
    """A bench on which sealing succeeds."""
    sheet = sealed.sheets[-1]
    real = sealed.authority.sealing(sheet.seal_id)
    return Bench(
        sealed=sealed,
        page=sheet.page,
        sealing=Credential(CountingKey(real.key), real.certificate, real.chain),
        data=sealed.authority.validation_data(sheet.seal_id, NOW),
    )


def revoked(certificate: x509.Certificate) -> x509.RevokedCertificate:
    """An entry of a CRL."""
    builder = x509.RevokedCertificateBuilder().serial_number(certificate.serial_number)
    return builder.revocation_date(NOW - timedelta(minutes=5)).build()


def test_an_untouched_bench_seals_with_one_use_of_the_key(bench: Bench) -> None:
    assert bench.seal().startswith(bench.page)
    assert bench.sealing.key.uses == 1


def recount(page: bytes, trailer_entry: bytes) -> bytes:
    """The page with one more entry in its trailer; the table of offsets before it stays true."""
    return page.replace(b"trailer\n<<", b"trailer\n<<" + trailer_entry)


def before_table(page: bytes, old: bytes, new: bytes) -> bytes:
    """The page with as many other bytes in the place of `old`, so that offsets stay true."""
    assert page.count(old) >= 1 and len(new) <= len(old)
    return page.replace(old, new.ljust(len(old)))


PAGES_THAT_ARE_NOT_AS_RENDERED: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda page: b"",
    "no-pdf": lambda page: b"PK\x03\x04" + page,
    "older-version": lambda page: page.replace(b"%PDF-1.7", b"%PDF-1.4", 1),
    "no-newline-at-the-end": lambda page: page.removesuffix(b"\n"),
    "truncated": lambda page: page[: len(page) // 2],
    "truncated-and-ended": lambda page: page[: len(page) // 2] + END,
    "bytes-after-the-end": lambda page: page + b"% more\n",
    "appended-revision": lambda page: page + page[page.rindex(b"xref\n0 ") :],
    "another-table-before-this-one": lambda page: recount(page, b"/Prev 9"),
    "hybrid-table": lambda page: recount(page, b"/XRefStm 9"),
    "huge-table": lambda page: re.sub(rb"/Size \d+", b"/Size 99999999999999999999", page),
    "shifted-offsets": lambda page: page.replace(b"%PDF-1.7\n", b"%PDF-1.7\n%%%\n", 1),
    "form-that-is-there-already": lambda page: before_table(page, b"/Type/Catalog", b"/AcroForm<<>>"),
    "form-in-disguise": lambda page: before_table(page, b"/Type/Catalog", b"/Ac#72oForm 0"),
    "encrypted": lambda page: recount(page, b"/Encrypt 1 0 R"),
    "no-structure-tree": lambda page: before_table(page, b"/StructTreeRoot", b"/NoTreeRoot"),
    "no-info": lambda page: re.sub(rb"/Info \d+ 0 R", b"", page),
    "no-identifier": lambda page: before_table(page, b"/ID", b"/IX"),
}


@pytest.mark.parametrize("flaw", PAGES_THAT_ARE_NOT_AS_RENDERED)
def test_a_page_is_refused_when_it_is(flaw: str, bench: Bench) -> None:
    changed = PAGES_THAT_ARE_NOT_AS_RENDERED[flaw](bench.page)
    assert changed != bench.page
    bench.page = changed
    bench.refuse(SealRefused, "cannot be sealed")


def test_a_file_sealed_before_is_refused(bench: Bench) -> None:
    bench.page = bench.sealed.sheets[0].sealed
    bench.refuse(SealRefused, "sealed or changed before")


def test_a_page_over_20_mib_is_refused(bench: Bench) -> None:
    bench.page = bench.page[: -len(END)] + b" " * (20 * 1024 * 1024) + END
    bench.refuse(SealRefused, "cannot be sealed")


def test_a_page_with_an_annotation_is_refused(bench: Bench) -> None:
    bench.page = with_page_entry(bench.page, b"/Annots[]")
    bench.refuse(SealRefused, "not what was expected")


def test_a_rotated_page_is_refused(bench: Bench) -> None:
    bench.page = with_page_entry(bench.page, b"/Rotate 90")
    bench.refuse(SealRefused, "rotated")


def with_page_entry(page: bytes, entry: bytes) -> bytes:
    """The page object with one more entry, in the place of another of the same length or longer."""
    base = read_base(page)
    body = base.body(base.pages[0])
    found = re.search(rb"/Group <<.*?>>|/Contents \d+ 0 R|/Tabs /S", body, re.S)
    assert found is not None and len(found[0]) >= len(entry), body
    return page.replace(body, body.replace(found[0], entry.ljust(len(found[0]))))


@pytest.mark.parametrize(
    "place",
    [
        pytest.param(Placement(page=1, x_mm=17, y_mm=100), id="over-the-left-edge"),
        pytest.param(Placement(page=1, x_mm=100, y_mm=17), id="over-the-upper-edge"),
        pytest.param(Placement(page=1, x_mm=2000, y_mm=100), id="far-to-the-right"),
        pytest.param(Placement(page=1, x_mm=100, y_mm=2000), id="far-below"),
        pytest.param(Placement(page=1, x_mm=-100, y_mm=100), id="negative"),
        pytest.param(Placement(page=1, x_mm=float("nan"), y_mm=100), id="no-number"),
        pytest.param(Placement(page=2, x_mm=100, y_mm=100), id="on-a-page-that-is-not-there"),
        pytest.param(Placement(page=0, x_mm=100, y_mm=100), id="on-page-zero"),
    ],
)
def test_a_seal_outside_the_page_is_refused(place: Placement, bench: Bench) -> None:
    bench.placement = place
    bench.refuse(SealRefused, "not lie on the page|no page")


def test_a_key_that_does_not_belong_to_the_certificate_is_refused(bench: Bench) -> None:
    bench.sealing.key = CountingKey(generate_key())
    bench.refuse(SealRefused, "does not belong")


def test_an_expired_seal_certificate_is_refused(bench: Bench) -> None:
    later = bench.sealing.certificate.not_valid_after_utc
    bench.now = later + timedelta(seconds=1)
    bench.with_issuing_crl(make_crl(bench.issuing(), ISSUING_CRL, bench.now))
    bench.refuse(SealRefused, "not in its term")


def test_a_seal_certificate_that_is_not_yet_valid_is_refused(bench: Bench) -> None:
    bench.now = bench.sealing.certificate.not_valid_before_utc - timedelta(seconds=1)
    bench.refuse(SealRefused, "not in its term")


def test_a_revoked_seal_certificate_is_refused(bench: Bench) -> None:
    bench.with_issuing_crl(make_crl(bench.issuing(), ISSUING_CRL, NOW, [revoked(bench.sealing.certificate)]))
    bench.refuse(SealRefused, "is revoked")


def test_a_revoked_timestamp_certificate_is_refused(bench: Bench) -> None:
    timestamp = bench.sealed.authority.certificate("timestamp")
    bench.with_issuing_crl(make_crl(bench.issuing(), ISSUING_CRL, NOW, [revoked(timestamp)]))
    bench.refuse(SealRefused, "is revoked")


def test_an_older_crl_without_the_revocation_does_not_hide_it(bench: Bench) -> None:
    crl = make_crl(bench.issuing(), ISSUING_CRL, NOW, [revoked(bench.sealing.certificate)])
    bench.data = replace(bench.data, crls=(*bench.data.crls, crl))
    bench.refuse(SealRefused, "is revoked")
    bench.data = replace(bench.data, crls=tuple(reversed(bench.data.crls)))
    bench.refuse(SealRefused, "is revoked")


def test_a_stale_crl_is_refused(bench: Bench) -> None:
    bench.with_issuing_crl(make_crl(bench.issuing(), ISSUING_CRL, NOW - ISSUING_CRL))
    bench.refuse(RevocationDataStale, "is not current")


def test_a_crl_of_the_future_is_refused(bench: Bench) -> None:
    bench.with_issuing_crl(make_crl(bench.issuing(), ISSUING_CRL, NOW + timedelta(hours=2)))
    bench.refuse(RevocationDataStale, "is not current")


def test_a_missing_crl_is_refused(bench: Bench) -> None:
    whole = bench.data
    for kept in whole.crls:
        bench.data = replace(whole, crls=(kept,))
        bench.refuse(RevocationDataStale, "is missing")


def test_a_crl_that_its_authority_did_not_sign_is_refused(bench: Bench) -> None:
    forger = replace(bench.issuing(), key=generate_key())
    bench.with_issuing_crl(make_crl(forger, ISSUING_CRL, NOW))
    bench.refuse(RevocationDataStale, "not signed by it")


def test_a_chain_with_a_certificate_missing_is_refused(bench: Bench) -> None:
    whole = bench.data
    for number in (0, 1, 2):  # seal, issuing, root; 3 is the timestamp authority's
        left = tuple(item for index, item in enumerate(whole.certificates) if index != number)
        bench.data = replace(whole, certificates=left)
        with pytest.raises((SealRefused, RevocationDataStale)):
            bench.seal()
        assert bench.sealing.key.uses == 0


def test_without_a_timestamp_there_is_no_seal(bench: Bench) -> None:
    class Silent:
        def timestamp(self, digest: bytes, now: datetime) -> bytes:
            raise TimestampUnavailable("没有回答", "no answer")

    bench.timestamper = Silent()
    with pytest.raises(TimestampUnavailable):
        bench.seal()


def test_a_signature_longer_than_its_room_gives_no_file(bench: Bench) -> None:
    class Chatty:
        def timestamp(self, digest: bytes, now: datetime) -> bytes:
            return b"\x30\x82\x30\x00" + bytes(0x3000)

    bench.timestamper = Chatty()
    with pytest.raises(SealRefused, match="longer than the room"):
        bench.seal()


def test_the_hole_is_as_large_as_reserved_holds_one_cms_and_then_zeros(
    sealed: SealedSet, sealed_rsa: SealedSet
) -> None:
    for found in (sealed, sealed_rsa):
        sheet = found.sheets[0]
        (digits,) = HOLE.findall(sheet.sealed)
        room = room_for(found.authority.sealing(sheet.seal_id))
        content = bytes.fromhex(digits.decode("ascii"))
        assert len(content) == room
        assert content[:2] == b"\x30\x82"
        used = 4 + int.from_bytes(content[2:4], "big")
        assert room * 2 // 3 < used < room - 256
        assert not any(content[used:])


def test_sealed_twice_only_identifier_and_signature_differ(bench: Bench) -> None:
    first, second = bench.seal(), bench.seal()
    assert first != second
    assert masked(first) == masked(second)


def test_sealed_later_only_identifier_signature_and_time_differ(bench: Bench) -> None:
    first = bench.seal()
    bench.now += timedelta(seconds=59)
    second = bench.seal()
    assert masked(first) != masked(second)
    assert re.sub(rb"/M\(D:\d{14}", b"/M(D:", masked(first)) == re.sub(rb"/M\(D:\d{14}", b"/M(D:", masked(second))


def masked(sealed: bytes) -> bytes:
    """The file without its second identifier and its signature."""
    sealed, holes = HOLE.subn(lambda hole: b"/Contents<%d>" % len(hole[1]), sealed)
    sealed, identifiers = re.subn(rb"(/ID\[.{3,80}?)<[0-9a-f]{32}>\]", rb"\1]", sealed, flags=re.S)
    assert (holes, identifiers) == (1, 1)
    return sealed


def test_the_update_is_one_and_every_changed_object_is_there_once(bench: Bench) -> None:
    sealed = bench.seal()
    update = sealed[len(bench.page) :]
    assert sealed.count(b"startxref") == 2 and sealed.endswith(END)
    numbers = [int(number) for number in re.findall(rb"^(\d+) 0 obj$", update, re.M)]
    assert len(numbers) == len(set(numbers))
    base = read_base(bench.page)
    assert {number for number in numbers if number < base.size} == {
        base.root,
        base.pages[0],
        base.structure,
        base.document,
    }
    assert set(range(base.size, max(numbers) + 1)) <= set(numbers)


def test_chain_and_crls_are_in_the_file_whole_and_the_root_is_not_in_the_signature(bench: Bench) -> None:
    sealed = bench.seal()
    streams = [part.split(b"\nendstream")[0] for part in sealed[len(bench.page) :].split(b"stream\n")[1:]]
    held = []
    for stream in streams:
        try:
            held.append(zlib.decompress(stream))
        except zlib.error:
            continue
    assert {*bench.data.certificates, *bench.data.crls} <= set(held)
    (digits,) = HOLE.findall(sealed)
    content = bytes.fromhex(digits.decode("ascii"))
    seal, issuing, root = (
        item.public_bytes(Encoding.DER) for item in (bench.sealing.certificate, *bench.sealing.chain)
    )
    assert seal in content and issuing in content and root not in content
