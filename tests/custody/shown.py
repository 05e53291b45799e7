"""What a failure tells whoever reads the log."""

import traceback
from collections.abc import Callable
from typing import Any

import pytest

from certsvc.errors import CustodyError


def traceback_of(work: Callable[[], Any]) -> str:
    """Everything a traceback with local variables tells of a failure, its causes and contexts with it."""
    with pytest.raises(CustodyError) as raised:
        work()
    told = ""
    error: BaseException | None = raised.value
    while error is not None:
        found = traceback.TracebackException.from_exception(error, capture_locals=True)
        told += "".join(found.format())
        error = error.__cause__ or error.__context__
    return told
