"""What one row of a batch says: of a first issue its payload, of an act the certificate, the grounds, and perhaps the
content of the next version."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal

import msgspec

from certsvc.catalog import CertificateType
from certsvc.domain.acts import ACTS, Act, Makes, Organ
from certsvc.domain.batch import BatchRequest, RowError
from certsvc.domain.issuing import Order, issuing_organ
from certsvc.domain.life import Ground
from certsvc.errors import Problem
from certsvc.ids import Ref, parse_typed_code
from certsvc.issuance.acts import Acting
from certsvc.issuance.external.said import ExternalFileBody

Short = Annotated[str, msgspec.Meta(min_length=1, max_length=400)]
Long = Annotated[str, msgspec.Meta(min_length=1, max_length=4000)]
DEEPEST = 32
KEPT_BY_A_REISSUE = frozenset({Act.REISSUE})
"""Acts whose new sheet may be asked for without content: it is the same as before."""


class BadRow(Exception):
    """A row that cannot be read, and why."""

    def __init__(self, code: str, zh: str, en: str) -> None:
        super().__init__(en)
        self.error = RowError(code="row_unreadable", zh=zh, en=en, problems=(Problem("", code, zh, en),))


class RowGround(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """Why an act is done, and on what it rests."""

    reason_code: Short | None = None
    reason: Long | None = None
    legal_basis: Long | None = None
    decision_number: Short | None = None
    due: date | None = None
    successor: Short | None = None


class RowContent(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """What a row asks for. `code` is the typed code of the certificate to act on; `layout`, `file` and
    `issued_by` (a USCC) are as in an order of one certificate."""

    payload: dict[str, Any] | None = None
    code: Short | None = None
    ground: RowGround = RowGround()
    effective: date | None = None
    organ: Organ = Organ.ISSUER
    retroactive: bool = False
    previous_identifier: Short | None = None
    strikes: int | None = None
    layout: Literal["external"] | None = None
    file: ExternalFileBody | None = None
    issued_by: Short | None = None


class RowLine(RowContent, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A line of NDJSON."""

    key: str | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """A row as it was read: its own key, and what it asks for."""

    key: str | None
    content: Mapping[str, Any]


def read_json(data: bytes, request: BatchRequest) -> Said:
    """A line of NDJSON.

    Raises:
        BadRow: it is no JSON, says something unknown or of the wrong kind, or lacks what its act needs.
    """
    try:
        line = msgspec.json.decode(data, type=RowLine)
        json.loads(data, object_pairs_hook=_members)
        content = msgspec.to_builtins(line)
    except (ValueError, RecursionError) as error:
        said = "nested too deep" if isinstance(error, RecursionError) else str(error)[:200]
        raise BadRow(
            "json", f"这一行不是所要的 JSON：{said}。", f"The row is not the JSON asked for: {said}."
        ) from None
    return said_for(line.key, {name: value for name, value in content.items() if name != "key"}, request.act)


def said_for(key: str | None, content: Mapping[str, Any], act: Act) -> Said:
    """What a row says, once it is seen that it says what its act needs.

    Raises:
        BadRow: it does not.
    """
    makes = ACTS[act].makes
    _require_shallow(content)
    if strange := sorted(name for name, value in content.items() if value is not None and name in _STRANGE[makes]):
        raise BadRow(
            "strange", f"{ACTS[act].zh}没有这一项：{strange[0]}。", f"To {ACTS[act].en} takes no “{strange[0]}”."
        )
    if makes is not Makes.FIRST and content.get("code") is None:
        raise BadRow("required", "缺少要办理的证照的代码。", "The typed code of the certificate to act on is missing.")
    if makes is not Makes.NOTHING and content.get("payload") is None and act not in KEPT_BY_A_REISSUE:
        raise BadRow("required", "缺少证照内容。", "The payload is missing.")
    return Said(key, content)


def _members(pairs: list[tuple[str, Any]]) -> None:
    """What two readers would read differently is refused."""
    if len({name for name, _ in pairs}) != len(pairs):
        raise BadRow("member_twice", "同一成员出现两次。", "A member is there twice.")


def _require_shallow(content: Mapping[str, Any]) -> None:
    level, depth = [content], 0
    while level := [child for one in level for child in _children(one)]:
        depth += 1
        if depth > DEEPEST:
            raise BadRow("too_deep", f"嵌套超过 {DEEPEST} 层。", f"It is nested deeper than {DEEPEST} levels.")


def _children(value: Any) -> Any:
    found = value.values() if isinstance(value, Mapping) else value
    return [one for one in found if isinstance(one, Mapping | list)]


_OF_ACTS = frozenset({"effective", "organ", "retroactive", "strikes"})
_STRANGE: Mapping[Makes, frozenset[str]] = {
    Makes.FIRST: _OF_ACTS | {"code"},
    Makes.NEXT: _OF_ACTS | {"previous_identifier"},
    Makes.NOTHING: frozenset({"payload", "previous_identifier", "layout", "file", "issued_by"}),
}
"""What a row cannot say, because its act has no use for it."""


def content_bytes(content: Mapping[str, Any]) -> bytes:
    """A row's content as it is encrypted."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def read_content(data: bytes) -> RowContent:
    """A row's content as it was encrypted."""
    return msgspec.convert(json.loads(data), RowContent)


def target_of(content: RowContent) -> Ref:
    """The certificate that a row acts on.

    Raises:
        InvalidIdentifier, WrongCheckCharacter: it is no typed code.
    """
    return parse_typed_code(content.code or "")


def ground_of(content: RowContent) -> Ground:
    """Why it is done."""
    return Ground(**msgspec.structs.asdict(content.ground))


def order_of(content: RowContent, client: str, key: str, act: Act, kind: CertificateType) -> Order:
    """The order that a row is, of an act that makes a sheet.

    Raises:
        InvalidIdentifier, WrongCheckCharacter: it names no certificate.
    """
    return Order(
        client=client,
        key=key,
        type_id=kind.id,
        payload=content.payload or {},
        act=act,
        previous=None if ACTS[act].makes is Makes.FIRST else target_of(content),
        previous_identifier=content.previous_identifier,
        ground=ground_of(content),
        layout=content.layout,
        file=content.file.file() if content.file else None,
        issued_by=issuing_organ(content.issued_by),
    )


def acting_of(content: RowContent, client: str, key: str, act: Act) -> Acting:
    """The act that a row is, of those that make no sheet.

    Raises:
        InvalidIdentifier, WrongCheckCharacter: it names no certificate.
    """
    return Acting(
        client=client,
        key=key,
        act=act,
        ref=target_of(content),
        effective=content.effective,
        organ=content.organ,
        ground=ground_of(content),
        retroactive=content.retroactive,
        strikes=content.strikes,
    )
