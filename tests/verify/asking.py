"""Asking the verifier as the tests do: with or without a register, without a worker process around it."""

import asyncio
from collections.abc import Coroutine
from datetime import datetime
from typing import Any, TypeVar, cast

from flaws import Bench
from seal_workshop import Shelf, Workshop

from certsvc.errors import CertsvcError
from certsvc.verify.file import verify_file
from certsvc.verify.inspection import Inspection
from certsvc.verify.inspector import Inspector
from certsvc.verify.pdf import inspect_pdf
from certsvc.verify.report import Report
from certsvc.verify.service import Verifying

Result = TypeVar("Result")


class InProcess:
    """The inspection itself without a worker process around it; the same file is inspected once."""

    def __init__(self) -> None:
        self._seen: dict[tuple[bytes, tuple[bytes, ...], datetime, tuple[bytes, ...]], Inspection] = {}

    async def inspect(
        self, pdf: bytes, roots: tuple[bytes, ...], now: datetime, others: tuple[bytes, ...] = ()
    ) -> Inspection:
        """What a worker would answer."""
        key = (pdf, roots, now, others)
        if key not in self._seen:
            self._seen = {key: await asyncio.to_thread(inspect_pdf, *key)}
        return self._seen[key]


INSPECTOR = cast("Inspector", InProcess())
"""One for all: what is asked of two verifiers in turn is inspected once."""


def run(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """The result of a coroutine."""
    return asyncio.run(coroutine)


def stocked(*benches: Bench) -> Shelf:
    """A register with what was issued."""
    shelf = Shelf()
    for bench in benches:
        shelf.add(bench.genuine)
        shelf.add(bench.other)
    return shelf


def verifier(workshop: Workshop, shelf: Shelf | None) -> Verifying:
    """A verifier that trusts the workshop's root and inspects in this process."""
    return Verifying(catalog=workshop.catalog, trust=workshop.trust, register=shelf, inspector=INSPECTOR)


def report_or_code(verifying: Verifying, data: bytes, now: datetime) -> Report | str:
    """The report on a file, or the code of the error that says why there is none."""
    try:
        return run(verify_file(verifying, data, now))
    except CertsvcError as error:
        return error.code


def not_passed(report: Report) -> set[str]:
    """`kind.reason` of every check that did not pass."""
    return {f"{check.kind}.{check.reason}" for check in report.checks if check.outcome.value != "passed"}
