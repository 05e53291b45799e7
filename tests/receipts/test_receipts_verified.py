"""Receipts that come back: a genuine one has a verdict of its own; what passes for one is never called genuine."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from receipt_flaws import FLAWS, Bench, Flaw, genuine_pdf, press_of, sealed
from receipt_room import PAGE, Room, now, opened_room

from certsvc.authority.ceremony import open_authority
from certsvc.domain.revocation import Reason, Revocation
from certsvc.render.pages import Renderer
from certsvc.verify.path import verify_path
from certsvc.workbench.sample import sample_face, samples

pytest_plugins = ["receipt_fixtures"]


@pytest.fixture(scope="module")
def bench(till: Room, other_room: Room) -> Bench:
    """Two genuine receipts of one licence."""
    till.digits(till.licence)  # the quarter's key is made
    content, jws = till.made(code=till.licence.ref.typed_code)
    return Bench(till, other_room, content, jws, till.made(code=till.licence.ref.typed_code)[1])


def failing(report: dict[str, object]) -> list[str]:
    """The checks that did not pass."""
    return [f"{one['kind']}.{one['reason']}" for one in report["checks"] if one["outcome"] != "passed"]  # type: ignore[attr-defined]


def test_a_genuine_receipt_has_its_own_verdict_and_says_what_was_shown(bench: Bench) -> None:
    for answer in (
        bench.room.paste(bench.jws),
        bench.room.verify(bench.jws.encode()),
        bench.room.verify(genuine_pdf(bench)),
    ):
        report = answer.json()
        assert (answer.status_code, report["verdict"], failing(report)) == (200, "receipt", [])
        assert report["receipt"]["content"] == bench.content
        assert report["certificate"] is None and report["register"] is None


def test_a_genuine_receipt_needs_no_register(bench: Bench) -> None:
    bench.room.shelf.down = True
    try:
        assert bench.room.verify(genuine_pdf(bench)).json()["verdict"] == "receipt"
    finally:
        bench.room.shelf.down = False


@pytest.mark.parametrize("each", FLAWS, ids=lambda each: each.name)
def test_what_passes_for_a_receipt_is_never_genuine_and_says_why(bench: Bench, each: Flaw) -> None:
    report = bench.room.verify(each.make(bench)).json()
    assert report["verdict"] == "not_valid"
    assert each.answer in failing(report)
    assert report["receipt"] is None or report["receipt"]["content"] is None


def test_the_page_says_that_it_is_of_another_moment_and_leads_to_the_state_now(bench: Bench) -> None:
    page = bench.room.verify(genuine_pdf(bench), PAGE).text
    heading = page[page.index('<h1 id="verdict">') :].partition("</h1>")[0]
    assert "回执真实" in heading and "有效" not in heading.replace("回执真实", "")
    assert f'href="/C/{bench.room.licence.ref.typed_code}"' in page
    assert "只说明" in page and "不表示以后仍然如此" in page
    assert "/receipts" not in page[: page.index('id="again"')]  # there is no receipt of a receipt


def test_there_is_no_receipt_of_a_receipt(bench: Bench) -> None:
    answer = bench.room.receipt(files={"file": ("x.pdf", genuine_pdf(bench))})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")


@pytest.mark.long
def test_the_key_of_receipts_makes_no_certificate_and_no_departments_document(bench: Bench) -> None:
    kind = bench.room.verifying.catalog.latest("food-business")
    sample = next(samples([kind]))
    page = Renderer(bench.room.settings.schemas).render(sample_face(sample, kind))
    report = bench.room.verify(sealed(bench, page, "营业")).json()
    assert report["verdict"] == "not_valid" and "issuer.other_seal" in failing(report)
    plain = sealed(bench, page.replace(b"certificate.json", b"certificate.jsom"), "文件")
    report = bench.room.verify(plain).json()
    assert report["verdict"] == "not_valid" and "on_record.document_not_on_record" in failing(report)


def test_a_record_cut_off_when_it_was_copied_is_said_to_be_no_whole_receipt(bench: Bench) -> None:
    answer = bench.room.paste(bench.jws.rpartition(".")[0])
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_receipt")
    wrapped = "\r\n".join(bench.jws[place : place + 76] for place in range(0, len(bench.jws), 76))
    assert bench.room.paste(wrapped).json()["verdict"] == "receipt"


def test_the_command_line_reads_a_page_and_a_record(bench: Bench, tmp_path: Path) -> None:
    for name, data in (("r.pdf", genuine_pdf(bench)), ("r.jws", bench.jws.encode() + b"\n")):
        (tmp_path / name).write_bytes(data)
        report = bench.room.runner.run(verify_path(bench.room.verifying, tmp_path / name, now()))
        assert (report["verdict"], report["receipt"]["content"]["id"]) == ("receipt", bench.content["id"])


# ---- the key ends ----


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Room]:
    """A room whose key is revoked."""
    with opened_room(tmp_path / "home") as opened:
        yield opened


def revoke(till: Room, reason: Reason) -> None:
    """The certificate of receipts is revoked, effective from now on or, compromised, from a while ago."""
    authority = open_authority(till.settings.home, till.settings.secret, now())
    decided = now() + timedelta(seconds=2)  # later than what was made this second
    effective = decided - timedelta(minutes=30) if reason.is_compromise else decided
    authority.record(
        Revocation(
            name="receipt",
            reason=reason,
            effective=effective,
            decided_at=decided,
            by="陈主管",
            confirmed_by="林副主管",
            why="演练",
        )
    )
    authority.facts.renew(decided)


@pytest.mark.long
@pytest.mark.parametrize("reason", [Reason.KEY_COMPROMISE, Reason.SUPERSEDED], ids=lambda one: one.value)
def test_once_its_key_is_revoked_none_is_made_and_what_it_signs_later_is_not_genuine(own: Room, reason: Reason) -> None:
    code = own.licence.ref.typed_code
    content, before = own.made(code=code)
    press = press_of(own)
    pdf = own.receipt("application/pdf", receipt=before).content
    revoke(own, reason)
    answer = own.receipt(code=code)
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    later = press.sign(content | {"made_at": (now() + timedelta(seconds=3)).isoformat()})
    report = own.paste(later).json()
    assert report["verdict"] == ("undetermined" if reason.is_compromise else "not_valid")
    assert report["receipt"]["content"] is None
    assert own.receipt("application/pdf", receipt=later).status_code in (400, 503)
    wanted = "undetermined" if reason.is_compromise else "receipt"
    assert [own.paste(before).json()["verdict"], own.verify(pdf).json()["verdict"]] == [wanted, wanted]
