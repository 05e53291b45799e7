"""A department's sealed document that a stranger drops on the public page: whose it is, by which seals, unchanged
since, on record; and no certificate. The register is asked in the public role."""

import asyncio
import hashlib
import io
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from functools import cache
from typing import Any

import msgspec
import pytest
from chosen import tree_catalog
from document_desk import DEPARTMENT, DOCUMENTS, HEALTH, Runner
from made_up_documents import letter
from pyhanko.pdf_utils.generic import NameObject
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from certsvc.domain.document_seal import DepartmentDocument, Position, Rule
from certsvc.errors import RegisterUnavailable
from certsvc.http.language import Language, load_languages
from certsvc.http.verifier.alarms import alarms_of
from certsvc.http.verifier.view import ResultView, result_view
from certsvc.issuance.documents.requests import read_sealed
from certsvc.seal.document import DocumentSeal, seal_document
from certsvc.settings import REPOSITORY
from certsvc.store.embedded import EmbeddedServer
from certsvc.store.pool import open_pool
from certsvc.store.reader import PostgresReader
from certsvc.verify.file import verify_file
from certsvc.verify.inspection import Inspection
from certsvc.verify.inspector import Inspector
from certsvc.verify.json import report_json
from certsvc.verify.pdf import inspect_pdf
from certsvc.verify.report import Check, Outcome, Report, Soundness, Verdict
from certsvc.verify.service import Verifying

pytest_plugins = ["document_fixtures"]
BOTH = ((DOCUMENTS, Rule.LAST_PAGE_BOTTOM_RIGHT), (HEALTH, Rule.LAST_PAGE_BOTTOM_RIGHT))
MARKET, HEALTH_OFFICE = ("云山市市场监督管理局", "11441900007330010D"), ("云山市卫生健康局", "11441900007331013X")


class Says:
    """A register that has this record for whatever is asked."""

    def __init__(self, record: DepartmentDocument | None) -> None:
        self._record = record

    async def find_document(self, sha256: bytes) -> None:
        """No certificate's file."""

    async def find_department_document(self, sha256: bytes) -> DepartmentDocument | None:
        """The record."""
        return self._record


class Down:
    """A register that does not answer."""

    def __getattr__(self, name: str) -> Any:
        async def fail(*asked: object) -> None:
            raise RegisterUnavailable("登记簿现在查不了。", "The register cannot be asked now.")

        return fail


class Stranger:
    """Who checks files: against the anchors that the desk's authority published, asking in the public role."""

    def __init__(self, desk: Runner, inspector: Inspector, reader: PostgresReader) -> None:
        self._desk, self._inspector, self._reader = desk, inspector, reader

    def record_of(self, data: bytes) -> DepartmentDocument | None:
        """What is on record of a file."""
        digest = hashlib.sha256(data).digest()
        found: DepartmentDocument | None = self._desk.run(self._reader.find_department_document(digest))
        return found

    def check(self, data: bytes, register: Any = "the public role's", inspector: Inspector | None = None) -> Report:
        """The report on a file."""
        verifying = Verifying(
            catalog=tree_catalog(),
            trust=self._desk.desk.trust,
            register=self._reader if isinstance(register, str) else register,
            inspector=inspector or self._inspector,
        )
        found: Report = self._desk.run(verify_file(verifying, data, datetime.now(UTC)))
        return found


@pytest.fixture(scope="module")
def stranger(desk_of_documents: Runner, register_uri: str, embedded_server: EmbeddedServer) -> Iterator[Stranger]:
    """A stranger."""
    database = register_uri.partition("?")[0].rpartition("/")[2]
    public = embedded_server.uri("certsvc_public").replace("/certsvc?", f"/{database}?")
    stack = AsyncExitStack()
    run: Callable[[Coroutine[Any, Any, Any]], Any] = desk_of_documents.run
    inspector = run(stack.enter_async_context(Inspector(1)))
    pool = run(stack.enter_async_context(open_pool(public, read_only=True)))
    yield Stranger(desk_of_documents, inspector, PostgresReader(pool))
    run(stack.aclose())


def sealed(desk: Runner, pdf: bytes, *seals: tuple[str, Position], cross_page: bool = False) -> bytes:
    """A document as the department gets it back."""

    async def story() -> bytes:
        asked = await desk.desk.ask(pdf, *seals, cross_page=cross_page)
        await desk.desk.work()
        return await read_sealed(desk.desk.office, DEPARTMENT, asked.request.id)

    found: bytes = desk.run(story())
    return found


@pytest.fixture(scope="module")
def one(desk_of_documents: Runner) -> bytes:
    """A document with one seal."""
    return sealed(desk_of_documents, letter(2), cross_page=True)


@pytest.fixture(scope="module")
def joint(desk_of_documents: Runner) -> bytes:
    """A document with joint seals."""
    return sealed(desk_of_documents, letter(2), *BOTH)


@cache
def languages() -> dict[str, Language]:
    """The words of the pages."""
    return load_languages(REPOSITORY / "verifier_web" / "words")


def page(report: Report, code: str = "zh") -> ResultView:
    """What a reader sees."""
    return result_view(report, languages()[code])


def wrong(report: Report) -> set[str]:
    """What did not pass."""
    return {f"{check.kind}.{check.reason}" for check in report.checks if check.outcome is not Outcome.PASSED}


def owners(report: Report) -> list[tuple[str, str]]:
    """Whose seals the machine's report names."""
    return [
        (seal["owner"]["name"], seal["owner"]["uscc"]) for seal in report_json(report)["department_document"]["seals"]
    ]


# ---- what was sealed here ----


def test_a_document_on_record_has_a_verdict_of_its_own_and_no_certificates(stranger: Stranger, one: bytes) -> None:
    seen = stranger.check(one)
    assert (seen.verdict, seen.document, wrong(seen)) == (Verdict.DEPARTMENT_DOCUMENT, Soundness.SOUND, set())
    kinds = {check.kind for check in seen.checks}
    assert kinds == set(
        "coverage padding cms signature signer revocation timestamp docmdp keys_today on_record seals".split()
    )
    shown = report_json(seen)
    assert shown["verdict"] == "department_document" and shown["certificate"] is shown["register"] is None
    assert owners(seen) == [MARKET]
    (seal,) = shown["department_document"]["seals"]
    assert seal["seal"] == DOCUMENTS and datetime.fromisoformat(seal["sealed_at"]) <= seen.asked_at
    assert alarms_of(seen) == ()


@pytest.mark.long
def test_joint_seals_are_all_named_in_their_order(stranger: Stranger, joint: bytes) -> None:
    seen = stranger.check(joint)
    assert (seen.verdict, wrong(seen)) == (Verdict.DEPARTMENT_DOCUMENT, set())
    assert owners(seen) == [MARKET, HEALTH_OFFICE]


@pytest.mark.long
def test_a_document_of_more_pages_than_a_certificate_may_have_is_answered(
    desk_of_documents: Runner, stranger: Stranger
) -> None:
    """The flaw: the pages were drawn to look for a QR, and over 200 the file was called damaged."""
    assert stranger.check(sealed(desk_of_documents, letter(201))).verdict is Verdict.DEPARTMENT_DOCUMENT


@pytest.mark.long
@pytest.mark.parametrize("code", ["zh", "en"])
def test_the_page_says_whose_it_is_and_that_it_is_no_certificate(stranger: Stranger, joint: bytes, code: str) -> None:
    view = page(stranger.check(joint), code)
    assert view.headline == "department_document" and (view.look.block, view.look.icon) == ("page", "page")
    assert ("不是证照" if code == "zh" else "not a certificate") in view.qualifier
    assert [facts[0].value for facts in view.seals] == [MARKET[0], HEALTH_OFFICE[0]]
    assert view.holder is not None and MARKET[0] in view.holder and HEALTH_OFFICE[0] in view.holder
    assert view.facts == () and [answer.family for answer in view.answers] == ["ok", "ok", "old"]


# ---- what was not, or was changed ----


def without_a_record(desk: Runner) -> bytes:
    """Sealed with the seal's own key, and never put on record: with a key that was copied, say."""
    now, keys = datetime.now(UTC), desk.desk.keys
    prepared = prepared_of(desk)
    seals = [DocumentSeal(sealing=keys.sealing(DOCUMENTS), reason="公文")]
    data = keys.validation_data(DOCUMENTS, now)
    return seal_document(prepared, seals, timestamper=keys.timestamper, validation_data=data, now=now)


def prepared_of(desk: Runner) -> bytes:
    """What lacks only its seal."""

    async def story() -> bytes:
        asked = await desk.desk.ask(letter(1))
        assert asked.request.file is not None
        found: bytes = desk.desk.office.blobs.get(asked.request.file.prepared)
        return found

    found: bytes = desk.run(story())
    return found


@pytest.mark.long
def test_a_genuine_seal_on_a_file_that_is_not_on_record_is_not_valid_and_an_alarm(
    desk_of_documents: Runner, stranger: Stranger
) -> None:
    seen = stranger.check(without_a_record(desk_of_documents))
    assert (seen.verdict, wrong(seen)) == (Verdict.NOT_VALID, {"on_record.document_not_on_record"})
    assert page(seen).headline == "not_on_record" and page(seen).holder is None
    assert alarms_of(seen) == ("sealed_but_not_registered",)
    assert owners(seen) == []


def updated(data: bytes) -> bytes:
    """With one update more, which shows nothing."""
    writer = IncrementalPdfFileWriter(io.BytesIO(data))
    writer.root["/Added"] = NameObject("/Later")
    writer.update_root()
    sink = io.BytesIO()
    writer.write(sink)
    return sink.getvalue()


@pytest.mark.long
def test_a_document_with_something_added_is_not_valid(stranger: Stranger, one: bytes, joint: bytes) -> None:
    for data in (one + b"\n", updated(one), updated(joint), one.replace(b"00000000>", b"000000ff>")):
        seen = stranger.check(data)
        assert seen.verdict is Verdict.NOT_VALID and page(seen).headline == "changed"


@pytest.mark.long
def test_a_later_joint_seal_that_is_missing_is_not_valid(stranger: Stranger, joint: bytes) -> None:
    first = joint[: joint.rindex(b"%%EOF\n", 0, len(joint) - 6) + 6]
    seen = stranger.check(first)
    assert seen.verdict is Verdict.NOT_VALID and "docmdp.not_certified" in wrong(seen)


@pytest.mark.long
def test_a_file_signed_in_another_form_under_our_seal_is_told_what_it_is(
    desk_of_documents: Runner, stranger: Stranger
) -> None:
    """The flaw: what a department's own system makes of a digest that our seal signed was called changed."""
    data = without_a_record(desk_of_documents)

    class OtherForm(Inspector):
        async def inspect(
            self, pdf: bytes, roots: tuple[bytes, ...], now: datetime, others: tuple[bytes, ...] = ()
        ) -> Inspection:
            found = await asyncio.to_thread(inspect_pdf, pdf, roots, now)
            form = [Check(kind, Outcome.FAILED, "not_whole_file") for kind in ("coverage", "cms", "docmdp")]
            kept = [check for check in found.checks if check.kind not in {"coverage", "cms", "docmdp"}]
            return msgspec.structs.replace(found, checks=(*kept, *form))

    seen = stranger.check(data, inspector=OtherForm())
    assert seen.verdict is Verdict.NOT_VALID and page(seen).headline == "not_on_record"
    assert alarms_of(seen) == ()


@pytest.mark.long
def test_a_record_alone_makes_no_altered_file_genuine(stranger: Stranger, one: bytes) -> None:
    seen = stranger.check(one + b"\n", Says(stranger.record_of(one)))
    assert seen.verdict is Verdict.NOT_VALID and page(seen).headline == "changed"
    assert alarms_of(seen) == ("registered_but_unsound",)


@pytest.mark.long
def test_other_seals_than_those_on_record_are_not_valid(stranger: Stranger, one: bytes, joint: bytes) -> None:
    seen = stranger.check(one, Says(stranger.record_of(joint)))
    assert (seen.verdict, wrong(seen)) == (Verdict.NOT_VALID, {"seals.other_seals"})


@pytest.mark.long
def test_without_the_register_nothing_is_told(stranger: Stranger, one: bytes) -> None:
    for register, reason in ((Down(), "register_unavailable"), (None, "register_not_asked")):
        seen = stranger.check(one, register)
        assert (seen.verdict, seen.document) == (Verdict.UNDETERMINED, Soundness.UNKNOWN)
        assert wrong(seen) == {f"on_record.{reason}"} and page(seen).headline == "register_down"


# ---- what the public role may see ----


def test_the_public_role_sees_digests_and_seals_and_nothing_of_who_asked(
    desk_of_documents: Runner, register_uri: str, embedded_server: EmbeddedServer, one: bytes
) -> None:
    database = register_uri.partition("?")[0].rpartition("/")[2]
    public = embedded_server.uri("certsvc_public").replace("/certsvc?", f"/{database}?")

    async def columns() -> list[str]:
        async with open_pool(public, read_only=True) as pool, pool.connection() as connection:
            row = await connection.fetchrow("select * from public_sealed_document limit 1")
            for table in ("sealing_request", "sealing_place", "seal", "sealing_file"):
                with pytest.raises(Exception, match="permission denied"):
                    await connection.fetch(f"select * from {table} limit 1")
            assert row is not None
            return list(row.keys())

    assert asyncio.run(columns()) == ["sha256", "recorded_at", "place", "seal_id", "owner", "owner_uscc", "purpose"]
