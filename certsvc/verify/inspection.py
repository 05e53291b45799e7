"""What a worker process is asked and what it answers: plain data that crosses a pipe."""

import msgspec

from certsvc.verify.report import Check

MAX_FILE = 20 * 1024 * 1024
MAX_PAGES = 200
LENGTH = 8
"""Bytes before each message that say how long it is."""


class Request(msgspec.Struct, frozen=True):
    """A PDF, the DER of the only root that counts, and the time (seconds since 1970)."""

    pdf: bytes
    root: bytes
    now: float


class Inspection(msgspec.Struct, frozen=True):
    """What was found in a PDF: the checks, the data attached, the digits of the QR codes on its pages as pictures,
    and the USCC in the seal's X.509 certificate. `unreadable` says why it could not be read at all."""

    checks: tuple[Check, ...] = ()
    attachment: bytes | None = None
    qr_digits: tuple[str, ...] = ()
    sealed_by: str | None = None
    sealed_at: float | None = None
    unreadable: str | None = None
