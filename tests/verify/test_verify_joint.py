"""Joint seals: exactly the seals that the data names, in their order, and every other file is unsound and says why."""

from dataclasses import replace

import alter_joint_revisions
import alter_joint_seals
import pytest
from asking import not_passed, report_or_code, verifier
from chosen import some
from cryptography import x509
from joint_flaws import JOINT_FLAWS, JointFlaw
from joint_workshop import JOINT, OWNERS, JointBench
from pdf_bytes import contents
from seal_workshop import Shelf

from certsvc.verify.pdf import inspect_pdf
from certsvc.verify.report import Report, Soundness, Verdict

pytest_plugins = ["verify_fixtures"]


def test_a_genuine_document_is_valid_and_offline_sound(joint: JointBench) -> None:
    shelf = Shelf()
    shelf.add(joint.made)
    asked = report_or_code(verifier(joint.workshop, shelf), joint.pdf, joint.workshop.now)
    alone = report_or_code(verifier(joint.workshop, None), joint.pdf, joint.workshop.now)
    assert isinstance(asked, Report) and isinstance(alone, Report)
    assert (asked.verdict, asked.document, not_passed(asked)) == (Verdict.VALID, Soundness.SOUND, set())
    assert (alone.verdict, alone.document) == (Verdict.UNDETERMINED, Soundness.SOUND)


@pytest.mark.long
def test_the_press_of_the_flaws_makes_a_sound_document_when_nothing_is_changed(joint: JointBench) -> None:
    seen = report_or_code(verifier(joint.workshop, None), joint.press(), joint.workshop.now)
    assert isinstance(seen, Report)
    assert (seen.document, not_passed(seen)) == (Soundness.SOUND, set())


@pytest.mark.long
def test_nobody_can_tell_which_seals_are_missing_from_a_version_of_the_type_that_is_not_known_here(
    joint: JointBench,
) -> None:
    data = joint.press(page=joint.page_of_type(*OWNERS, version=9))
    seen = report_or_code(verifier(joint.workshop, None), data, joint.workshop.now)
    assert isinstance(seen, Report)
    assert (seen.verdict, seen.document) == (Verdict.UNDETERMINED, Soundness.UNKNOWN)
    assert not_passed(seen) == {"type.type_unknown"}
    shelf = Shelf()
    shelf.add(replace(joint.made, pdf=data, registered=replace(joint.made.registered, type_version=9)))
    asked = report_or_code(verifier(joint.workshop, shelf), data, joint.workshop.now)
    assert isinstance(asked, Report)
    assert (asked.verdict, asked.document) == (Verdict.UNDETERMINED, Soundness.UNKNOWN)
    assert [check.reason for check in asked.checks if check.kind == "type"] == ["type_unknown"]


def test_the_seals_are_those_that_the_plan_binds_to_the_type_in_its_order(joint: JointBench) -> None:
    assert tuple(seal.id for seal in joint.workshop.ours.seals_for(JOINT)) == OWNERS
    assert len(joint.made.face.layout.seals) == len(OWNERS)


@pytest.mark.long
def test_an_inspection_names_the_signers_in_order_with_their_certificates(joint: JointBench) -> None:
    seen = inspect_pdf(joint.pdf, joint.workshop.roots, joint.workshop.now)
    assert [signer.uscc for signer in seen.signers] == [joint.owner(owner).uscc for owner in OWNERS]
    for signer, seal in zip(seen.signers, joint.seals, strict=True):
        assert x509.load_der_x509_certificate(signer.certificate) == seal.sealing.certificate
        assert signer.sealed_at == joint.workshop.now.timestamp()
        assert signer.timestamp_certificate is not None
        assert signer.timestamp_certificate in contents(joint.pdf)
    kinds = [check.kind for check in seen.checks]
    assert len(kinds) == len(set(kinds))


def test_the_flaws_are_many_and_each_has_a_name() -> None:
    modules = {alter_joint_revisions.__name__, alter_joint_seals.__name__}
    assert {flaw.make.__module__ for flaw in JOINT_FLAWS} == modules
    assert len({flaw.make.__name__ for flaw in JOINT_FLAWS}) == len(JOINT_FLAWS) > 40


@pytest.mark.long
@pytest.mark.parametrize("flaw", some(JOINT_FLAWS), ids=lambda flaw: flaw.make.__name__)
def test_an_altered_document_is_unsound_and_says_why(flaw: JointFlaw, joint: JointBench) -> None:
    data = flaw.make(joint)
    assert data != joint.pdf
    answer = report_or_code(verifier(joint.workshop, None), data, joint.workshop.now)
    if isinstance(answer, str):
        assert answer == flaw.answer
        return
    assert (answer.verdict, answer.document) == (Verdict.NOT_VALID, Soundness.UNSOUND), not_passed(answer)
    assert flaw.answer in not_passed(answer)
