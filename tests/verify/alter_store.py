"""What anybody can do to the validation data of the form LT, which stands after the seal: the seal names it."""

import hashlib
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from flaws import Bench, flaw
from pdf_bytes import append_revision, contents, fill, objects
from seal_workshop import Made

from certsvc.domain.revision import END, packed_stream, plain_stream, read_revision, write_revision
from certsvc.domain.seal import ValidationData
from certsvc.domain.seal_form import ID_BYTES, Form, store_objects, with_store

LT = Form.LT


def _sealed(made: Made) -> bytes:
    """The file without its last revision."""
    return made.pdf[: made.pdf.rindex(END, 0, -1) + len(END)]


def _data(bench: Bench) -> ValidationData:
    seal = bench.workshop.ours.seal_for(bench.genuine.face.type.id)
    return bench.workshop.ours.validation_data(seal.id, bench.workshop.now)


def _with_store(
    bench: Bench,
    data: ValidationData,
    *,
    stream: Callable[[bytes], bytes] = plain_stream,
    extra: bytes = b"",
    second_id: bytes | None = None,
) -> bytes:
    """The genuine seal, followed by a store with `data` as we would write it but for what is given."""
    sealed = _sealed(bench.genuine)
    seal = read_revision(sealed, sealed.index(END) + len(END))
    root, first = seal.so_far.root, seal.so_far.size
    catalog = with_store(seal.objects[root].replace(b"/Perms<<", extra + b"/Perms<<"), first)
    changed = {root: catalog, **store_objects(first, data, stream)}
    return sealed + write_revision(seal.so_far, changed, second_id or hashlib.sha256(sealed).digest()[:ID_BYTES])


@flaw("revocation.revoked_or_not_proven", LT)
def the_validation_data_stripped(bench: Bench) -> bytes:
    return _sealed(bench.genuine)


@flaw("format.revisions", LT)
def a_certificate_more_in_the_store(bench: Bench) -> bytes:
    data = _data(bench)
    return _with_store(bench, replace(data, certificates=(*data.certificates, data.certificates[0])))


@flaw("format.revisions", LT)
def a_certificate_less_in_the_store(bench: Bench) -> bytes:
    data = _data(bench)
    return _with_store(bench, replace(data, certificates=data.certificates[:-1]))


@flaw("format.revisions", LT)
def certificates_in_another_order(bench: Bench) -> bytes:
    data = _data(bench)
    return _with_store(bench, replace(data, certificates=data.certificates[::-1]))


@flaw("format.revisions", LT)
def a_genuine_revocation_list_of_another_day(bench: Bench) -> bytes:
    workshop = bench.workshop
    seal = workshop.ours.seal_for(bench.genuine.face.type.id)
    other = workshop.ours.validation_data(seal.id, workshop.now + timedelta(hours=2))
    assert other != _data(bench)
    return _with_store(bench, other)


@flaw("format.revisions", LT)
def an_altered_copy_of_the_issuers_certificate_here_and_in_the_seal(bench: Bench) -> bytes:
    """No signature covers either copy."""
    data, issuing = _data(bench), _data(bench).certificates[1]
    altered = issuing[:-1] + bytes([issuing[-1] ^ 1])
    certificates = tuple(altered if item == issuing else item for item in data.certificates)
    respelt = contents(bench.genuine.pdf).replace(issuing, altered)
    return fill(_with_store(bench, replace(data, certificates=certificates)), respelt)


@flaw("format.revisions", LT)
def a_compressed_store(bench: Bench) -> bytes:
    return _with_store(bench, _data(bench), stream=packed_stream)


@flaw("format.revisions", LT)
def another_identifier_of_the_last_revision(bench: Bench) -> bytes:
    return _with_store(bench, _data(bench), second_id=bytes(16))


@flaw("format.revisions", LT)
def more_than_the_store_in_the_last_revision(bench: Bench) -> bytes:
    return _with_store(bench, _data(bench), extra=b"/PageMode/FullScreen")


@flaw("format.revisions", LT)
def the_store_written_by_another_program(bench: Bench) -> bytes:
    sealed = _sealed(bench.genuine)
    found, root = objects(sealed), int(re.findall(rb"/Root (\d+) 0 R", sealed)[-1])
    first = max(found) + 1
    return append_revision(
        sealed, {root: with_store(found[root], first), **store_objects(first, _data(bench), plain_stream)}
    )


@flaw("unreadable_file", LT)
def the_store_of_another_file(bench: Bench) -> bytes:
    return _sealed(bench.genuine) + bench.other.pdf[len(_sealed(bench.other)) :]


@flaw("format.revisions", LT)
def the_store_twice(bench: Bench) -> bytes:
    return bench.genuine.pdf + bench.genuine.pdf[len(_sealed(bench.genuine)) :]


@flaw("format.revisions", LT)
def a_seal_that_names_other_validation_data(bench: Bench) -> bytes:
    """Our own key, and validation data that somebody else chose."""
    data = _data(bench)
    sealed = bench.workshop.press(bench.genuine, validation_data=replace(data, certificates=data.certificates[::-1]))
    sealed = sealed[: sealed.rindex(END, 0, -1) + len(END)]
    seal = read_revision(sealed, sealed.index(END) + len(END))
    root, first = seal.so_far.root, seal.so_far.size
    changed = {root: with_store(seal.objects[root], first), **store_objects(first, data, plain_stream)}
    return sealed + write_revision(seal.so_far, changed, hashlib.sha256(sealed).digest()[:ID_BYTES])


@flaw("format.revisions", Form.ONE_REVISION)
def a_store_after_a_seal_that_has_its_own(bench: Bench) -> bytes:
    pdf = bench.genuine.pdf
    seal = read_revision(pdf, pdf.index(END) + len(END))
    root, first = seal.so_far.root, seal.so_far.size
    changed = {root: seal.objects[root], **store_objects(first, _data(bench), plain_stream)}
    return pdf + write_revision(seal.so_far, changed, hashlib.sha256(pdf).digest()[:ID_BYTES])
