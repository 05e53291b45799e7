"""What `/v1/seal-requests` takes and answers."""

import base64
from datetime import datetime
from typing import Annotated, Literal

import msgspec

from certsvc.domain.document_seal import (
    MOST_DIGESTS,
    AtKeyword,
    DigestsAsked,
    DocumentAsked,
    Output,
    Position,
    Rule,
    SealAsked,
)
from certsvc.domain.seal import Placement
from certsvc.domain.seal_form import MOST_SEALS
from certsvc.errors import InvalidInput, Problem
from certsvc.http.office.shapes import WaitingShape
from certsvc.issuance.documents.requests import Asked

PATH = "/v1/seal-requests"
EXAMPLE = "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9"
Sha256 = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z", description="SHA-256, hex.", examples=[EXAMPLE])]
PRINTS = r"\A[^\x00-\x1f\x7f-\x9f]*\Z"
"""No control characters: neither a seal nor the register takes them."""

SealId = Annotated[
    str,
    msgspec.Meta(pattern=r"\A[a-z0-9-]{1,32}\Z", description="A seal for documents.", examples=["market-documents"]),
]
Millimetres = Annotated[float, msgspec.Meta(ge=-5000, le=5000)]
Reason = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=400,
        pattern=PRINTS,
        description="Stands in the seal.",
        examples=["云市监〔2026〕18号"],
    ),
]


class PositionBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a seal stands, in one of three ways: by `rule`; by `page` (from 1), `x_mm` and `y_mm`, its centre from the
    left and the top edge; or by `keyword`, the `occurrence` of it that counts (from 1), and how far the centre is right
    of (`dx_mm`) and below (`dy_mm`) the middle of it."""

    rule: Rule | None = None
    page: Annotated[int, msgspec.Meta(ge=1, le=2000)] | None = None
    x_mm: Millimetres | None = None
    y_mm: Millimetres | None = None
    keyword: (
        Annotated[str, msgspec.Meta(min_length=1, max_length=100, pattern=PRINTS, examples=["（盖章）"])] | None
    ) = None
    occurrence: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1
    dx_mm: Millimetres = 0.0
    dy_mm: Millimetres = 0.0

    def position(self, field: str) -> Position:
        """As the domain knows it.

        Raises:
            InvalidInput: none of the three ways, or more than one.
        """
        place = (self.page, self.x_mm, self.y_mm)
        ways = [self.rule is not None, place != (None, None, None), self.keyword is not None]
        if sum(ways) == 1:
            if self.rule is not None:
                return self.rule
            if self.keyword is not None:
                return AtKeyword(keyword=self.keyword, occurrence=self.occurrence, dx_mm=self.dx_mm, dy_mm=self.dy_mm)
            if self.page is not None and self.x_mm is not None and self.y_mm is not None:
                return Placement(page=self.page, x_mm=self.x_mm, y_mm=self.y_mm)
        raise _wrong(
            field,
            "位置用 rule，或 page、x_mm、y_mm 三项，或 keyword，只用一种。",
            "A position has rule, or page, x_mm and y_mm, or keyword: one of them.",
        )


class SealBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A seal that a document is to get, and where."""

    seal: SealId
    position: PositionBody


class SealRequestBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A document to be sealed: `file` is the SHA-256 of one that was sent, `seals` one seal or joint seals in their
    order; with `cross_page` they go across the edges of all pages as well. Or `digests` to be signed under `seal`, as
    bare signature values or as detached CMS with a timestamp."""

    reason: Reason
    file: Sha256 | None = None
    seals: Annotated[list[SealBody], msgspec.Meta(min_length=1, max_length=MOST_SEALS)] | None = None
    cross_page: bool = False
    seal: SealId | None = None
    digests: Annotated[list[Sha256], msgspec.Meta(min_length=1, max_length=MOST_DIGESTS)] | None = None
    algorithm: Literal["SHA-256"] = "SHA-256"
    output: Output = Output.RAW

    def asked(self, client: str, key: str) -> DocumentAsked | DigestsAsked:
        """As the domain knows it.

        Raises:
            InvalidInput: neither a document nor digests, or both.
        """
        if self.file is not None and self.seals is not None and self.seal is None and self.digests is None:
            seals = tuple(
                SealAsked(seal_id=each.seal, position=each.position.position(f"seals[{number}].position"))
                for number, each in enumerate(self.seals)
            )
            return DocumentAsked(
                client=client,
                key=key,
                file=bytes.fromhex(self.file),
                seals=seals,
                reason=self.reason,
                cross_page=self.cross_page,
            )
        if self.seal is not None and self.digests is not None and not (self.file or self.seals or self.cross_page):
            return DigestsAsked(
                client=client,
                key=key,
                seal_id=self.seal,
                digests=tuple(map(bytes.fromhex, self.digests)),
                output=self.output,
                reason=self.reason,
            )
        raise _wrong(
            "file",
            "应为 file 和 seals（盖文件），或 seal 和 digests（签摘要）。",
            "Send file and seals, to seal a document, or seal and digests, to sign these.",
        )


def _wrong(field: str, zh: str, en: str) -> InvalidInput:
    return InvalidInput(zh, en, problems=[Problem(field, "invalid_value", zh, en)])


class FileShape(msgspec.Struct, frozen=True, kw_only=True):
    """A file that was sent."""

    sha256: Sha256
    size: int


class PlacedShape(msgspec.Struct, frozen=True, kw_only=True):
    """A seal and where its centre stands, in millimetres from the left and the top edge."""

    seal: str
    page: int | None
    x_mm: float | None
    y_mm: float | None


class SealedShape(msgspec.Struct, frozen=True, kw_only=True):
    """The sealed document: `href` is where it can be read."""

    sha256: Sha256
    href: str


class SealRequestShape(msgspec.Struct, frozen=True, kw_only=True):
    """A request. `state` is `waiting`, `done` or `failed`; while it waits, `waiting` is why if a worker tried in vain,
    and it is tried again until `good_until`. `signatures` are in base64, one for each digest."""

    id: str
    state: str
    kind: Literal["document", "digests"]
    reason: str
    seals: list[PlacedShape]
    requested_at: datetime
    good_until: datetime
    file: Sha256 | None = None
    pages: int | None = None
    document: SealedShape | None = None
    digests: list[Sha256] = []
    output: Output | None = None
    signatures: list[str] = []
    finished_at: datetime | None = None
    failure: WaitingShape | None = None
    waiting: WaitingShape | None = None


def request_shape(found: Asked) -> SealRequestShape:
    """A request as it is told."""
    one, why = found.request, found.waiting
    failure = one.failure
    return SealRequestShape(
        id=one.id,
        state=one.state.value,
        kind="document" if one.file else "digests",
        reason=one.reason,
        seals=[
            PlacedShape(
                seal=each.seal_id,
                page=each.place.page if each.place else None,
                x_mm=each.place.x_mm if each.place else None,
                y_mm=each.place.y_mm if each.place else None,
            )
            for each in one.seals
        ],
        requested_at=one.requested_at,
        good_until=one.good_until,
        file=one.file.source.hex() if one.file else None,
        pages=one.file.pages if one.file else None,
        document=SealedShape(sha256=one.sealed.hex(), href=f"{PATH}/{one.id}/document") if one.sealed else None,
        digests=[each.hex() for each in one.digests],
        output=one.output,
        signatures=[base64.b64encode(each).decode("ascii") for each in one.signatures],
        finished_at=one.finished_at,
        failure=WaitingShape(code=failure.code, zh=failure.zh, en=failure.en) if failure else None,
        waiting=WaitingShape(code=why.code, zh=why.zh, en=why.en) if why else None,
    )
