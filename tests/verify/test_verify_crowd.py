"""Hostile files in a crowd with good ones, in real worker processes: every good file gets its right answer, and what a
hostile one may take is bounded."""

import asyncio
import sys
from collections.abc import Callable, Sequence

import pytest
from all_flaws import FLAWS
from asking import run, stocked
from chosen import some
from flaws import Bench
from hostile import FILES

from certsvc.domain.seal_form import Form
from certsvc.errors import CertsvcError, UnreadableFile, WorkersBusy
from certsvc.limited import MEMORY
from certsvc.verify.file import verify_file
from certsvc.verify.inspector import Inspector
from certsvc.verify.looker import Looker
from certsvc.verify.looking_shapes import Compare, Compared, Unseen
from certsvc.verify.report import Report, Verdict
from certsvc.verify.service import Verifying

pytest_plugins = ["verify_fixtures"]
SECONDS, WAITING = 20.0, 60


async def answers(bench: Bench, files: Sequence[bytes]) -> list[Report | CertsvcError]:
    """What everybody is told who comes at the same time."""
    async with Inspector(workers=2, seconds=SECONDS, waiting=WAITING) as inspector:
        verifying = Verifying(
            catalog=bench.workshop.catalog, trust=bench.workshop.trust, register=stocked(bench), inspector=inspector
        )

        async def ask(data: bytes) -> Report | CertsvcError:
            try:
                return await verify_file(verifying, data, bench.workshop.now)
            except CertsvcError as error:
                return error

        return list(await asyncio.gather(*map(ask, files)))


def mixed(hostile: Sequence[bytes], good: bytes) -> list[bytes]:
    """A good file before, between and after the others."""
    return [good, *(each for one in hostile for each in (one, good))]


@pytest.mark.long
def test_hostile_files_beside_good_ones_cost_none_of_these_its_answer(bench: Bench) -> None:
    files = mixed([make() for make in some(FILES)], bench.genuine.pdf)
    found = run(answers(bench, files))
    for data, answer in zip(files, found, strict=True):
        if data == bench.genuine.pdf:
            assert isinstance(answer, Report) and answer.verdict is Verdict.VALID, answer
        else:
            assert isinstance(answer, CertsvcError) or answer.verdict is not Verdict.VALID
            assert not isinstance(answer, WorkersBusy)


@pytest.mark.long
def test_altered_files_beside_good_ones_are_told_apart(bench: Bench) -> None:
    made = [flaw.make(bench) for flaw in FLAWS[::9] if Form.ONE_REVISION in flaw.answers]
    assert len(made) >= 10
    files = mixed(made, bench.other.pdf)
    for data, answer in zip(files, run(answers(bench, files)), strict=True):
        valid = isinstance(answer, Report) and answer.verdict is Verdict.VALID
        assert valid == (data == bench.other.pdf)


@pytest.mark.parametrize("make", some(FILES), ids=lambda make: make.__name__)
@pytest.mark.long
def test_a_hostile_file_breaks_no_comparison_and_the_next_one_is_made(make: Callable[[], bytes], bench: Bench) -> None:
    async def ask() -> tuple[object, object]:
        async with Looker(seconds=SECONDS) as looker:
            try:
                first: object = await looker.compare(Compare(make(), bench.genuine.pdf))
            except UnreadableFile as error:
                first = error
            return first, await looker.compare(Compare(bench.genuine.pdf, bench.genuine.pdf))

    first, second = run(ask())
    assert isinstance(first, Compared | Unseen | UnreadableFile)
    assert second == Compared((), (), complete=True)


@pytest.mark.long
def test_a_worker_has_a_bound_on_its_memory_and_its_time() -> None:
    """Both kinds of worker ask for it themselves, before they read anything."""
    code = "import certsvc.limited as l, resource, io, sys; l.end_with_parent = lambda: None;"
    code += "from certsvc.verify import {0}; {0}.serve(io.BytesIO(), io.BytesIO());"
    code += "print(*resource.getrlimit(resource.RLIMIT_AS), resource.getrlimit(resource.RLIMIT_FSIZE)[0])"

    async def bounds(module: str) -> list[str]:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", code.format(module), stdout=asyncio.subprocess.PIPE
        )
        out, _ = await process.communicate()
        return out.decode().split()

    for module in ("worker", "looking_worker"):
        assert run(bounds(module)) == [str(MEMORY), str(MEMORY), "0"]


@pytest.mark.long
def test_looking_at_pictures_loads_no_pdf_code_into_the_process_that_serves() -> None:
    code = "import sys, certsvc.verify.looker, certsvc.verify.changed, certsvc.verify.photo;"
    code += "print([m for m in ('pyhanko', 'pypdfium2', 'PIL', 'zxingcpp', 'typst') if m in sys.modules])"

    async def loaded() -> bytes:
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE)
        return (await process.communicate())[0]

    assert run(loaded()) == b"[]\n"
