"""What is kept of a report for who answers it alone: encrypted, bound to its number, erased in time."""

import msgspec

from certsvc.ids import ReportNumber


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """What a stranger says, and how to reach them. `typed` is the code they typed, `digits` those of the QR, where no
    certificate of ours has them."""

    words: str
    contact: str | None = None
    typed: str | None = None
    digits: str | None = None


def context_of(number: ReportNumber) -> bytes:
    """What the content of a report is bound to."""
    return f"report {number}".encode()
