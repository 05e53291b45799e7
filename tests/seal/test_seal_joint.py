"""Joint seals, and the form LT: what the sealer makes and refuses, and what pyHanko finds in it."""

import asyncio
import hashlib
import io
import re
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import pem, x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import FieldMDPAction, MDPPerm
from pyhanko.sign.validation import async_validate_pdf_signature
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.sign.validation.status import PdfSignatureStatus, SignatureCoverageLevel
from sealed_set import END, NOW, SealedSet, joint_seals

from certsvc.domain.revision import read_revision
from certsvc.domain.seal import Placement, ValidationData
from certsvc.errors import RevocationDataStale, SealRefused, TimestampUnavailable
from certsvc.seal.joint import JointSeal, prepare_joint_seals, seal_jointly

pytest_plugins = ["seal_fixtures"]

Both = tuple[SealedSet, SealedSet]
IDS = ("market", "housing", "fire")


@dataclass
class Bench:
    """A page, and three seals to put on it; a test breaks one thing."""

    sealed: SealedSet
    page: bytes
    seals: list[JointSeal]
    data: ValidationData

    def prepare(self) -> Any:
        """The seals in their turn."""
        return prepare_joint_seals(self.page, self.seals, validation_data=self.data, now=NOW)

    def refuse(self, error: type[Exception], words: str) -> None:
        """Nothing may be prepared, so that no key is used."""
        with pytest.raises(error, match=words):
            self.prepare()


@pytest.fixture
def bench(sealed: SealedSet) -> Bench:
    """A bench on which sealing succeeds."""
    keys = sealed.authority
    return Bench(sealed, sealed.sheets[0].page, joint_seals(keys, IDS), keys.validation_data(IDS, NOW))


# ---- what the sealer makes ----


def test_each_seal_signs_the_digest_that_was_known_before_its_key_was_used(bench: Bench) -> None:
    pdf, timestamper = bench.page, bench.sealed.authority.timestamper
    for turn in bench.prepare():
        prepared = turn.prepare(pdf)
        pdf = prepared.seal(timestamper, NOW)
        first, second, rest = map(int, re.findall(rb"/ByteRange\[0 (\d+) (\d+) (\d+)", pdf)[-1])
        assert second + rest == len(pdf)
        assert hashlib.sha256(pdf[:first] + pdf[second:]).digest() == prepared.digest


def test_the_page_and_every_seal_are_kept_byte_for_byte_under_the_next(bench: Bench) -> None:
    files = [bench.page]
    for turn in bench.prepare():
        files.append(turn.prepare(files[-1]).seal(bench.sealed.authority.timestamper, NOW))
    assert all(later.startswith(earlier) for earlier, later in pairwise(files))
    assert [data.count(END) for data in files] == [1, 2, 3, 4]


def test_a_later_seal_adds_its_signature_and_the_last_one_the_validation_data(bench: Bench) -> None:
    pdf = seal_jointly(
        bench.page,
        bench.seals,
        timestamper=bench.sealed.authority.timestamper,
        validation_data=bench.data,
        now=NOW,
    )
    ends = [found.end() for found in re.finditer(END, pdf)]
    first, second, third = (read_revision(pdf[:end], start) for start, end in pairwise(ends))
    assert len(second.objects) == 2
    assert len(third.objects) == 2 + 2 + len(bench.data.certificates) + len(bench.data.crls)
    old = set(first.objects)
    assert len(old & set(second.objects)) == 1 and len(old & set(third.objects)) == 2


def test_a_seal_out_of_its_turn_is_refused(bench: Bench) -> None:
    first, second, _ = bench.prepare()
    with pytest.raises(SealRefused, match="turn"):
        second.prepare(bench.page)
    pdf = first.prepare(bench.page).seal(bench.sealed.authority.timestamper, NOW)
    for turn, other in ((first, pdf), (second, pdf[:-1]), (second, pdf.replace(b"%PDF-1.7", b"%PDF-1.4", 1))):
        with pytest.raises(SealRefused, match="turn"):
            turn.prepare(other)


# ---- what it refuses, before any key is used ----


def test_one_seal_or_one_seal_twice_are_no_joint_seals(bench: Bench) -> None:
    seals = bench.seals
    for wrong in ([], seals[:1], [*seals, seals[0]], seals * 3):
        bench.seals = wrong
        bench.refuse(SealRefused, "2 to 8 different seals")


def test_the_last_seal_off_the_page_is_refused(bench: Bench) -> None:
    bench.seals[2] = replace(bench.seals[2], placement=Placement(page=1, x_mm=5, y_mm=5))
    bench.refuse(SealRefused, "not lie on the page")


def test_validation_data_that_lacks_one_seals_certificate_is_refused(bench: Bench) -> None:
    bench.data = bench.sealed.authority.validation_data(IDS[:2], NOW)
    bench.refuse(SealRefused, "is missing")


def test_validation_data_without_a_revocation_list_is_refused(bench: Bench) -> None:
    bench.data = replace(bench.data, crls=bench.data.crls[:1])
    bench.refuse(RevocationDataStale, "is missing")


def test_no_file_comes_out_when_a_later_seal_gets_no_timestamp(bench: Bench) -> None:
    class Tiring:
        calls = 0

        def timestamp(self, digest: bytes, now: Any) -> bytes:
            self.calls += 1
            if self.calls == 3:
                raise TimestampUnavailable("没有回答", "no answer")
            return bench.sealed.authority.timestamper.timestamp(digest, now)

    with pytest.raises(TimestampUnavailable):
        seal_jointly(bench.page, bench.seals, timestamper=Tiring(), validation_data=bench.data, now=NOW)


# ---- what others find in it ----


def validated(path: Path, sealed: SealedSet) -> list[tuple[Any, PdfSignatureStatus]]:
    """Each signature with pyHanko's verdict, revocation required, from the file and our root alone."""
    reader = PdfFileReader(io.BytesIO(path.read_bytes()))
    _, _, root = pem.unarmor(sealed.root.read_bytes())
    settings = {
        "trust_roots": [x509.Certificate.load(root)],
        "allow_fetching": False,
        "revocation_mode": "require",
    }
    found = []
    for signature in reader.embedded_signatures:
        context = DocumentSecurityStore.read_dss(reader).as_validation_context(settings)
        checked = async_validate_pdf_signature(
            signature, signer_validation_context=context, ts_validation_context=context
        )
        found.append((signature, asyncio.run(checked)))
    return found


@pytest.mark.long
def test_pyhanko_trusts_every_joint_seal_and_sees_the_last_one_lock_the_document(both: Both) -> None:
    for sealed in both:
        found = validated(sealed.joint, sealed)
        assert len(found) >= 2
        for signature, status in found:
            assert status.bottom_line and status.docmdp_ok, status.summary()
            assert status.timestamp_validity is not None and status.timestamp_validity.trusted
            last = signature is found[-1][0]
            covered = SignatureCoverageLevel.ENTIRE_FILE if last else SignatureCoverageLevel.ENTIRE_REVISION
            assert status.coverage is covered
        assert found[0][0].docmdp_level is MDPPerm.FILL_FORMS
        assert found[-1][0].docmdp_level is MDPPerm.NO_CHANGES
        assert found[-1][0].fieldmdp.action is FieldMDPAction.ALL


def test_pyhanko_trusts_the_form_lt(both: Both) -> None:
    for sealed in both:
        ((signature, status),) = validated(sealed.lt, sealed)
        assert status.bottom_line and status.docmdp_ok, status.summary()
        assert status.coverage is SignatureCoverageLevel.ENTIRE_REVISION
        assert signature.docmdp_level is MDPPerm.NO_CHANGES
