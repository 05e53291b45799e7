"""No altered file is ever valid, nor sound where the register is not asked; and each is told what is wrong with it."""

import pytest
from all_flaws import FLAWS, MAKERS
from asking import not_passed, report_or_code
from chosen import some
from flaws import Bench, Flaw

from certsvc.domain.seal_form import Form
from certsvc.verify.report import Report, Soundness, Verdict
from certsvc.verify.service import Verifying

pytest_plugins = ["verify_fixtures"]
CASES = {form: [(flaw, form, flaw.answers[form]) for flaw in FLAWS if form in flaw.answers] for form in Form}


@pytest.mark.parametrize("form", Form)
def test_the_genuine_file_is_valid_and_offline_sound(
    form: Form, benches: dict[Form, Bench], online: Verifying, offline: Verifying
) -> None:
    bench = benches[form]
    for made in (bench.genuine, bench.other):
        asked = report_or_code(online, made.pdf, bench.workshop.now)
        alone = report_or_code(offline, made.pdf, bench.workshop.now)
        assert isinstance(asked, Report) and isinstance(alone, Report)
        assert (asked.verdict, asked.document, not_passed(asked)) == (Verdict.VALID, Soundness.SOUND, set())
        assert (alone.verdict, alone.document) == (Verdict.UNDETERMINED, Soundness.SOUND)


def test_every_kind_of_alteration_is_on_the_list() -> None:
    assert {flaw.make.__module__ for flaw in FLAWS} == {module.__name__ for module in MAKERS}
    assert len({flaw.name for flaw in FLAWS}) == len(FLAWS) > 100
    assert all(sum(flaw.answers.get(form) is not None for flaw in FLAWS) > 100 for form in Form)


@pytest.mark.long
@pytest.mark.parametrize(
    ("flaw", "form", "expected"),
    [*CASES[Form.ONE_REVISION], *some(CASES[Form.LT])],
    ids=lambda case: getattr(case, "name", str(case)),
)
def test_an_altered_file_is_never_valid_and_says_why(
    flaw: Flaw, form: Form, expected: str, benches: dict[Form, Bench], online: Verifying, offline: Verifying
) -> None:
    bench = benches[form]
    data = flaw.make(bench)
    assert data not in (bench.genuine.pdf, bench.other.pdf)
    for verifying in (online, offline):
        answer = report_or_code(verifying, data, bench.workshop.now)
        if isinstance(answer, str):
            assert answer == expected
            continue
        assert answer.verdict is not Verdict.VALID
        unclear = expected.endswith(".could_not_run")
        assert answer.document is (Soundness.UNKNOWN if unclear else Soundness.UNSOUND), not_passed(answer)
        assert expected in not_passed(answer)
