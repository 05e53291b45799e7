"""What a face shows, and the data attached to it: the same, and which version it replaces."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from certsvc.catalog import CertificateType, Layout
from certsvc.catalog.types import as_text
from certsvc.domain.calendar import Term
from certsvc.domain.certificate import Issuer
from certsvc.domain.full_view import in_groups
from certsvc.render.qr import qr_symbol

SCHEMA = "certsvc-certificate/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """One page to render. `typed_code` is in groups of four; `digits` is the token; `host` as people read it. `seals`
    are the owners of joint seals in their order, the issuer first; with one seal there are none. `replaces`, the typed
    code of the version before, is in the attached data, and printed where the face has words for it. `full_view` are
    the six characters of a proof, which are printed and not in the attached data: they open it, and are none of it."""

    type: CertificateType
    layout: Layout
    payload: Mapping[str, Any]
    number: str
    identifier: str
    version: int
    issuer: Issuer
    term: Term
    issued_on: date
    typed_code: str
    host: str
    qr_prefix: str
    digits: str
    specimen: bool
    seals: tuple[Issuer, ...] = ()
    replaces: str | None = None
    full_view: str = ""

    @property
    def owners(self) -> tuple[Issuer, ...]:
        """Whose seals stand on it."""
        return self.seals or (self.issuer,)


def attachment(face: Face) -> bytes:
    """The JSON attached to the page (AFRelationship Data)."""
    data = {
        "schema": SCHEMA,
        "type": face.type.id,
        "type_version": face.type.version,
        "type_number": face.type.type_number,
        "title": face.type.zh,
        "layout": face.layout.name,
        "number": face.number,
        "identifier": face.identifier,
        "version": face.version,
        **({"replaces": face.replaces} if face.replaces else {}),
        "issuer": {"name": face.issuer.name, "uscc": face.issuer.uscc},
        **({"seals": [{"name": owner.name, "uscc": owner.uscc} for owner in face.seals]} if face.seals else {}),
        "term": {
            "start": face.term.start.isoformat(),
            "end": face.term.end.isoformat() if face.term.end else None,
        },
        "issued_on": face.issued_on.isoformat(),
        "typed_code": face.typed_code,
        "token": face.digits,
        "specimen": face.specimen,
        "fields": dict(face.payload),
    }
    return json.dumps(data, ensure_ascii=False, indent=1).encode("utf-8")


def template_input(face: Face) -> dict[str, Any]:
    """What the template gets: texts ready to set, the symbol as SVG, sizes in millimetres."""
    symbol = qr_symbol(face.qr_prefix, face.digits)
    return {
        "title": face.type.zh,
        "layout": {"name": face.layout.name, "zh": face.layout.zh},
        "width": face.layout.width_mm,
        "height": face.layout.height_mm,
        "scale": face.layout.scale,
        "seal": {"x": face.layout.seal.x_mm, "y": face.layout.seal.y_mm},
        "seals": [
            {"x": seal.x_mm, "y": seal.y_mm, "owner": owner.name}
            for seal, owner in zip(face.layout.seals, face.owners, strict=True)
        ],
        "rows": [
            {"key": field.key, "label": field.zh, "text": text, "place": field.place}
            for field, text in face.type.rows(face.payload)
        ],
        "number": face.number,
        "identifier": face.identifier,
        "issuer": face.issuer.name,
        "date": as_text(face.issued_on.isoformat()),
        "year": face.issued_on.year,
        "month": face.issued_on.month,
        "day": face.issued_on.day,
        "code": face.typed_code,
        "host": face.host,
        "full_view": in_groups(face.full_view) if face.full_view else "",
        "replaces": face.replaces or "",
        "qr": symbol.svg,
        "modules": symbol.modules,
        "specimen": face.specimen,
        "attachment": attachment(face).decode("utf-8"),
    }


def texts(face: Face) -> list[tuple[str, str]]:
    """Every text that is set, with the field it comes from: what the fonts must be able to print."""
    found = [(field.key, text) for field, text in face.type.rows(face.payload)]
    owners = [("issuer", owner.name) for owner in face.owners]
    return [*found, ("number", face.number), *owners, ("host", face.host)]
