"""Faces of made-up certificates, and sealed sheets: what issuing makes, without a register.

`python tests/render/made_up_faces.py FOLDER [TYPE…]` writes every example of every type there, sealed, to look at.
"""

import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from chosen import tree_catalog

from certsvc.authority.authority import Authority
from certsvc.authority.founding import throw_away_authority
from certsvc.authority.plan import load_plan
from certsvc.catalog import Catalog, CertificateType, Layout
from certsvc.catalog.load import examples
from certsvc.domain.calendar import beijing_date
from certsvc.domain.certificate import Issuer
from certsvc.domain.number import NumberSeries
from certsvc.domain.seal import SealDesign
from certsvc.domain.token import Claims, to_digits
from certsvc.ids import Ref, certificate_identifier
from certsvc.render.face import Face
from certsvc.render.pages import Renderer
from certsvc.render.seal_picture import draw_seal
from certsvc.seal.pdf import seal_pdf
from certsvc.seal.token import sign_token

ROOT = Path(__file__).resolve().parent.parent.parent
SCHEMAS = ROOT / "schemas"
PLAN = ROOT / "keys" / "ceremonies" / "demonstration.toml"
NOW = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
PUBLIC_URL = "HTTPS://YZ.YUNSHAN.EXAMPLE"
REF = Ref(0x1E240_89ABCDEF_0123456)


@cache
def authority() -> Authority:
    """A demonstration authority with keys that are only in memory."""
    return throw_away_authority(load_plan(PLAN), NOW)


@cache
def catalog() -> Catalog:
    """The types as they are published."""
    return tree_catalog()


@cache
def renderer() -> Renderer:
    """One with warm compilers."""
    return Renderer(SCHEMAS)


def make_face(
    kind: CertificateType,
    layout: Layout,
    payload: Mapping[str, Any],
    *,
    serial: int = 1,
    issuer: str | None = None,
    specimen: bool = True,
) -> Face:
    """The face of a certificate reserved at `NOW`; `issuer` is another name than the seal's owner."""
    seal, *further = authority().seals_for(kind.id)
    owners = tuple(Issuer(name=each.owner, uscc=each.owner_uscc) for each in (seal, *further))
    number = kind.number(payload, authority().area, beijing_date(NOW))
    claims = Claims(
        ref=REF,
        issued_at=NOW,
        expires_at=kind.term(payload).expires_at,
        subject=kind.subject(payload),
        type_number=kind.type_number,
        version=1,
        list_index=123_456,
        holder_name=kind.token_name(payload),
    )
    return Face(
        type=kind,
        layout=layout,
        payload=payload,
        number=number.number(serial) if isinstance(number, NumberSeries) else number,
        identifier=certificate_identifier(kind.type_code, seal.owner_uscc, "7G2K9Q4M1X8C5B3N6W0Z", 1),
        version=1,
        issuer=Issuer(name=issuer or seal.owner, uscc=seal.owner_uscc),
        term=kind.term(payload),
        issued_on=beijing_date(NOW),
        typed_code=REF.typed_code,
        host=PUBLIC_URL.partition("://")[2].lower(),
        qr_prefix=f"{PUBLIC_URL}/Q/",
        digits=_digits(claims),
        specimen=specimen,
        seals=owners if further else (),
        full_view="7K3M9Q" if kind.prints_full_view(None) else "",
    )


@cache
def _digits(claims: Claims) -> str:
    """Signed once: two signatures over the same claims differ."""
    kid, key = authority().token_key(NOW)
    return to_digits(sign_token(claims, kid, key))


def seal_face(face: Face, design: SealDesign | None = None) -> bytes:
    """The sealed sheet; `design` is another picture than the seal's own."""
    seal = authority().seal_for(face.type.id)
    return seal_pdf(
        renderer().render(face),
        picture=draw_seal(design or seal.design),
        placement=face.layout.seal,
        description=f"电子印章：{seal.owner}",
        reason=f"{face.type.zh} {face.number}",
        sealing=authority().sealing(seal.id),
        timestamper=authority().timestamper,
        validation_data=authority().validation_data(seal.id, NOW),
        now=NOW,
    )


def good(type_id: str, name: str) -> dict[str, Any]:
    """The payload of a good example."""
    return next(payload for path, payload in examples(catalog().latest(type_id), "good") if path.stem == f"good-{name}")


def first_good(kind: CertificateType) -> dict[str, Any]:
    """The payload of its first good example."""
    return next(examples(kind, "good"))[1]


def face_of(type_id: str, payload: Mapping[str, Any], layout: int = 0, **more: Any) -> Face:
    """A face of the latest version of a type, on its first layout."""
    kind = catalog().latest(type_id)
    return make_face(kind, kind.layouts[layout], payload, **more)


def sheets(kinds: Iterable[CertificateType]) -> Iterator[tuple[str, CertificateType, Layout, dict[str, Any]]]:
    """Every good example on every layout of its type, with a name for a file."""
    for kind in kinds:
        for path, payload in examples(kind, "good"):
            for layout in kind.layouts:
                yield f"{kind.id}-{layout.name}-{path.stem}", kind, layout, payload


def main(folder: Path, types: set[str]) -> None:
    """Write the sealed sheets of the examples."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, kind, layout, payload in sheets(kind for kind in catalog() if not types or kind.id in types):
        (folder / f"{name}.pdf").write_bytes(seal_face(make_face(kind, layout, payload)))


if __name__ == "__main__":
    main(Path(sys.argv[1]), set(sys.argv[2:]))
