"""The forms of a sealed file, as far as sealers and verifiers must agree on them byte for byte.

One seal: one revision that holds everything, or two where a receiver demands the format name LT. Joint seals: one
revision each, the last of which locks the document.
"""

import hashlib
from collections.abc import Callable
from enum import StrEnum

from certsvc.domain.revision import END, add_entries, plain_stream, read_revision, write_revision
from certsvc.domain.seal import ValidationData

MOST_SEALS = 8
ID_BYTES = 16


class Form(StrEnum):
    """Where the validation data of a single seal stands: under the seal, or in a revision of its own after it."""

    ONE_REVISION = "one-revision"
    LT = "lt"


NO_CHANGES = b"/Reference[<</Type/SigRef/TransformMethod/DocMDP/TransformParams<</Type/TransformParams/P 1/V/1.2>>>>]"
"""Certified, no changes allowed: what makes other validators refuse added annotations and attachments."""

SEALS_FOLLOW = b"/Reference[<</Type/SigRef/TransformMethod/DocMDP/TransformParams<</Type/TransformParams/P 2/V/1.2>>>>]"
"""Certified by the first of joint seals: the prepared fields may still be signed, nothing else."""

LOCKS = (
    b"/Reference[<</Type/SigRef/TransformMethod/FieldMDP"
    b"/TransformParams<</Type/TransformParams/Action/All/P 1/V/1.2>>>>]"
)
"""By the last of joint seals: all fields are locked (ISO 32000-2 12.8.2.4). /P in this place is what common readers
look at; the standard's own place for it is `LOCK`."""

LOCK = b"<</Type/SigFieldLock/Action/All/P 1>>"
"""The /Lock of the last field (ISO 32000-2 table 236): once it is signed, no changes are allowed."""

SEAL_OPENING = b"<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/ETSI.CAdES.detached/Reason "


def reference(place: int, seals: int) -> bytes:
    """What the seal at `place` (from 0) of so many says of changes after it."""
    if seals == 1:
        return NO_CHANGES
    if place == 0:
        return SEALS_FOLLOW
    return LOCKS if place == seals - 1 else b""


def field_name(place: int) -> str:
    """The name of the field of the seal at `place` (from 0)."""
    return f"Seal{place + 1}"


def sealed_field(prepared: bytes, signature: int) -> bytes:
    """A prepared field once it is sealed."""
    return add_entries(prepared, b"/V %d 0 R" % signature)


def with_store(catalog: bytes, number: int) -> bytes:
    """The catalogue with the document security store (ISO 32000-2 12.8.4.3) that has this object number."""
    return add_entries(catalog, b"/DSS %d 0 R" % number)


def store_objects(first: int, data: ValidationData, stream: Callable[[bytes], bytes]) -> dict[int, bytes]:
    """The document security store as object `first`, and its streams in the numbers after it."""
    certificates = range(first + 1, first + 1 + len(data.certificates))
    crls = range(certificates.stop, certificates.stop + len(data.crls))
    named = tuple(b" ".join(b"%d 0 R" % number for number in numbers) for numbers in (certificates, crls))
    streams = zip((*certificates, *crls), (*data.certificates, *data.crls), strict=True)
    return {first: b"<</Type/DSS/Certs[%b]/CRLs[%b]>>" % named, **{number: stream(item) for number, item in streams}}


def evidence_id(data: ValidationData) -> bytes:
    """The second file identifier of a seal of the form LT. It names the validation data, so that the seal covers what
    stands after it: an identifier is to follow from the contents (ISO 32000-2 14.4)."""
    counts = b"%d %d\n" % (len(data.certificates), len(data.crls))
    digests = (hashlib.sha256(item).digest() for item in (*data.certificates, *data.crls))
    return hashlib.sha256(counts + b"".join(digests)).digest()[:ID_BYTES]


def store_revision(sealed: bytes, data: ValidationData) -> bytes:
    """The one revision that may follow a seal of the form LT: the security store with `data`, and nothing else.

    Raises:
        ValueError: `sealed` is not one page with one seal of this form over this data.
    """
    seal = read_revision(sealed, sealed.index(END) + len(END))
    root, first = seal.so_far.root, seal.so_far.size
    if b"/DSS" in seal.objects.get(root, b"/DSS") or seal.second_id != evidence_id(data):
        raise ValueError("a seal of another form, or over other validation data")
    objects = {root: with_store(seal.objects[root], first), **store_objects(first, data, plain_stream)}
    return write_revision(seal.so_far, objects, hashlib.sha256(sealed).digest()[:ID_BYTES])
