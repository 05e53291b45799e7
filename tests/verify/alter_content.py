"""Seal, data, QR and token of different certificates, put together by somebody who has the seal's own key."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

from alter_structure import pressed, second_content
from flaws import Bench, flaw
from pdf_bytes import add_object, objects, read_stream, replace_stream, stream

from certsvc.domain.calendar import Term
from certsvc.domain.certificate import Issuer
from certsvc.ids import Uscc, new_ref
from certsvc.render.face import Face
from certsvc.render.qr import qr_symbol


def _face(bench: Bench, face: Face) -> bytes:
    """Another face, under the same seal and key."""
    workshop = bench.workshop
    return workshop.press(bench.genuine, page=workshop.page_of(face))


def _with_data(bench: Bench, content: bytes) -> bytes:
    def edit(data: bytes) -> bytes:
        number = next(number for number, body in objects(data).items() if b"/Type/EmbeddedFile" in body)
        return replace_stream(data, number, content)

    return pressed(bench, edit)


def _data(bench: Bench) -> dict[str, Any]:
    pdf = bench.genuine.pdf
    number = next(number for number, body in objects(pdf).items() if b"/Type/EmbeddedFile" in body)
    data: dict[str, Any] = json.loads(read_stream(pdf, number))
    return data


def _with_changed_data(bench: Bench, **changes: object) -> bytes:
    return _with_data(bench, json.dumps({**_data(bench), **changes}, ensure_ascii=False).encode())


@flaw("picture_qr.other_than_data")
def the_qr_of_another_certificate(bench: Bench) -> bytes:
    """The page is the other certificate's, the data is ours."""
    pdf = bench.genuine.pdf
    number = next(number for number, body in objects(pdf).items() if b"/Type/EmbeddedFile" in body)
    own = read_stream(pdf, number)

    def edit(data: bytes) -> bytes:
        attached = next(number for number, body in objects(data).items() if b"/Type/EmbeddedFile" in body)
        return replace_stream(data, attached, own)

    return bench.workshop.press(bench.other, edit)


@flaw("picture_qr.other_than_data")
def a_second_qr_laid_over_the_page(bench: Bench) -> bytes:
    rows, size = _qr(bench.other.face), 1.6
    dark = b"".join(
        b"%.1f %.1f %.1f %.1f re " % (40 + x * size, 300 - y * size, size, size)
        for y, row in enumerate(rows)
        for x, module in enumerate(row)
        if module
    )
    side = size * len(rows)
    white = b"q 1 g %.1f %.1f %.1f %.1f re f Q " % (32, 300 - side - 8, side + 24, side + 24)

    def edit(data: bytes) -> bytes:
        longer, number = add_object(data, stream(b"", white + b"q 0 g " + dark + b"f Q"))
        return second_content(longer, number)

    return pressed(bench, edit)


def _qr(face: Face) -> tuple[tuple[bool, ...], ...]:
    return tuple(tuple(map(bool, row)) for row in qr_symbol(face.qr_prefix, face.digits).rows)


@flaw("picture_qr.other_than_data")
def the_data_of_another_certificate(bench: Bench) -> bytes:
    pdf = bench.other.pdf
    number = next(number for number, body in objects(pdf).items() if b"/Type/EmbeddedFile" in body)
    return _with_data(bench, read_stream(pdf, number))


@flaw("attachment.no_data_attached")
def data_that_is_no_json(bench: Bench) -> bytes:
    return _with_data(bench, b"{")


@flaw("attachment.no_data_attached")
def data_nested_without_end(bench: Bench) -> bytes:
    return _with_data(bench, b"[" * 100_000)


@flaw("attachment.no_data_attached")
def data_that_is_too_long(bench: Bench) -> bytes:
    return _with_changed_data(bench, padding="x" * 300_000)


@flaw("attachment.no_data_attached")
def data_whose_term_ends_before_it_starts(bench: Bench) -> bytes:
    return _with_changed_data(bench, term={"start": "2026-01-02", "end": "2026-01-01"})


@flaw("token_agrees.other_certificate")
def data_with_a_later_end_than_the_token(bench: Bench) -> bytes:
    term = _data(bench)["term"]
    return _with_changed_data(bench, term={**term, "end": "2099-12-31"})


@flaw("token_agrees.other_certificate")
def data_without_the_end_in_the_token(bench: Bench) -> bytes:
    return _with_changed_data(bench, term={**_data(bench)["term"], "end": None})


@flaw("token_agrees.other_certificate")
def data_with_another_typed_code(bench: Bench) -> bytes:
    return _with_changed_data(bench, typed_code=bench.other.face.typed_code)


@flaw("token_agrees.other_certificate")
def data_of_another_version(bench: Bench) -> bytes:
    return _with_changed_data(bench, version=2)


@flaw("token_agrees.other_certificate")
def data_of_another_type(bench: Bench) -> bytes:
    return _with_changed_data(bench, type_number=1)


@flaw("issuer.other_seal")
def an_issuer_whose_seal_it_is_not(bench: Bench) -> bytes:
    other = Issuer(name="云山市卫生健康局", uscc=Uscc("11441900007331013X"))
    return _face(bench, replace(bench.genuine.face, issuer=other))


@flaw("token_signature.unknown_key")
def a_token_of_a_lookalike(bench: Bench) -> bytes:
    workshop = bench.workshop
    digits = workshop.digits(bench.genuine.claims, workshop.lookalike)
    return _face(bench, replace(bench.genuine.face, digits=digits))


@flaw("token_signature.malformed")
def a_token_that_is_none(bench: Bench) -> bytes:
    return _face(bench, replace(bench.genuine.face, digits=bench.genuine.digits + "7"))


@flaw("token_agrees.other_certificate")
def a_token_whose_end_is_not_the_printed_one(bench: Bench) -> bytes:
    longer = Term(
        bench.genuine.face.term.start,
        (bench.genuine.face.term.end or bench.genuine.face.term.start) + timedelta(days=365),
    )
    return _face(bench, replace(bench.genuine.face, term=longer))


@flaw("token_signature.signed_outside_key_term")
def a_token_of_another_quarter(bench: Bench) -> bytes:
    workshop = bench.workshop
    claims = replace(bench.genuine.claims, ref=new_ref(), issued_at=workshop.now - timedelta(days=200))
    face = replace(bench.genuine.face, digits=workshop.digits(claims), typed_code=claims.ref.typed_code)
    return _face(bench, face)
