"""What a worker process is asked and what it answers: plain data that crosses a pipe."""

import msgspec

from certsvc.verify.foreign_file import ForeignSignature
from certsvc.verify.report import Check

MAX_FILE = 20 * 1024 * 1024
MAX_PAGES = 200


class Request(msgspec.Struct, frozen=True):
    """A PDF, the DER of the only roots that count, and the time (seconds since 1970). `others` are the roots of
    authorities elsewhere that we recognise: nothing under them is ours."""

    pdf: bytes
    roots: tuple[bytes, ...]
    now: float
    others: tuple[bytes, ...] = ()


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
    whole file and none is broken, in whatever form. `receipt` is the JWS of a receipt that is attached, and
    `reason` what the one seal gives as its reason. `unreadable` says why it could not be read at all. `foreign` are
    all signatures of a file that is not under our anchors; `is_picture` says that its pages are pictures and
    nothing else. `qr_hosts` are the hosts that the QR codes lead to."""

    checks: tuple[Check, ...] = ()
    attachment: bytes | None = None
    qr_digits: tuple[str, ...] = ()
    signers: tuple[Signer, ...] = ()
    is_ours: bool = False
    receipt: bytes | None = None
    reason: str = ""
    unreadable: str | None = None
    foreign: tuple[ForeignSignature, ...] = ()
    is_picture: bool = False
    qr_hosts: tuple[str, ...] = ()
