"""What a worker process is asked and what it answers: plain data that crosses a pipe."""

import msgspec

from certsvc.verify.report import Check

MAX_FILE = 20 * 1024 * 1024
MAX_PAGES = 200


class Request(msgspec.Struct, frozen=True):
    """A PDF, the DER of the only roots that count, and the time (seconds since 1970)."""

    pdf: bytes
    roots: tuple[bytes, ...]
    now: float


class Signer(msgspec.Struct, frozen=True):
    """Who put a seal on: the USCC in its X.509 certificate, the time in its timestamp (seconds since 1970), and the
    certificates of seal and timestamp authority (DER)."""

    uscc: str | None
    sealed_at: float | None
    certificate: bytes
    timestamp_certificate: bytes | None


class Inspection(msgspec.Struct, frozen=True):
    """What was found in a PDF: the checks, the data attached (empty where they are not as they must be), the digits of
    the QR codes on its pages as pictures, and who sealed it, in order. `is_ours` says that seals of ours cover the
    whole file and none is broken, in whatever form. `unreadable` says why it could not be read at all."""

    checks: tuple[Check, ...] = ()
    attachment: bytes | None = None
    qr_digits: tuple[str, ...] = ()
    signers: tuple[Signer, ...] = ()
    is_ours: bool = False
    unreadable: str | None = None
