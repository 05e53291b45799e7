"""A face to look at: everything that an authority would give it is made up, and no key is used."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from certsvc.authority.plan import load_plan
from certsvc.catalog import CertificateType, Layout
from certsvc.catalog.example_checks import AREA
from certsvc.catalog.load import examples
from certsvc.domain.calendar import start_of_day
from certsvc.domain.certificate import Issuer
from certsvc.domain.number import NumberSeries
from certsvc.domain.token import SIGNATURE_BYTES, Claims, assemble, encode_claims, to_digits
from certsvc.ids import Ref, certificate_identifier, parse_uscc
from certsvc.render.face import Face
from certsvc.settings import REPOSITORY
from certsvc.workbench.geometry import Signature

PLAN = REPOSITORY / "keys" / "ceremonies" / "demonstration.toml"
HOST = "preview.invalid"
"""A name that never leads anywhere (RFC 2606)."""

NOBODY = Issuer(name="云山市示例发证机关", uscc=parse_uscc("11441900007330010D"))
"""Issues types that no seal of the demonstration stands under."""

CHARACTERS = "7K3M9Q"
SERIAL = "PREVIEW0000000000000"
KID = bytes(4)
SIGNATURE = (hashlib.sha256(b"preview").digest() * 2)[:SIGNATURE_BYTES]


@dataclass(frozen=True, slots=True)
class Sample:
    """One good example on one layout of its type."""

    kind: CertificateType
    layout: Layout
    example: str
    payload: Mapping[str, Any]

    @property
    def stem(self) -> str:
        """What its files are called."""
        return f"{self.kind.id}-v{self.kind.version}-{self.layout.name}-{self.example}"


def samples(kinds: Sequence[CertificateType]) -> Iterator[Sample]:
    """Every good example on every layout, by type."""
    for kind in kinds:
        for path, payload in examples(kind, "good"):
            for layout in kind.layouts:
                yield Sample(kind, layout, path.stem, payload)


def sample_face(sample: Sample, kind: CertificateType) -> Face:
    """The face of a sample, issued on the first day of its term; `kind` is its type, perhaps in another folder."""
    day = kind.term(sample.payload).start
    number, owners = printed_number(kind, sample.payload, day), owners_of(kind)
    issuer = owners[0]
    return Face(
        type=kind,
        layout=sample.layout,
        payload=sample.payload,
        number=number,
        identifier=certificate_identifier(kind.type_code, issuer.uscc, SERIAL, 1),
        version=1,
        issuer=issuer,
        term=kind.term(sample.payload),
        issued_on=day,
        typed_code=Ref(0).typed_code,
        host=HOST,
        qr_prefix=f"HTTPS://{HOST.upper()}/Q/",
        digits=_digits(kind, sample.payload, day),
        specimen=True,
        seals=owners if len(owners) > 1 else (),
        full_view=CHARACTERS if kind.prints_full_view(None) else "",
    )


def signatures(face: Face) -> list[Signature]:
    """The lines that each seal of a face rides over."""
    day = f"{face.issued_on:%Y年%m月%d日}"
    return [Signature(seal, (owner.name, day)) for seal, owner in zip(face.layout.seals, face.owners, strict=True)]


def printed_number(kind: CertificateType, payload: Mapping[str, Any], day: date) -> str:
    """The first number of its series."""
    number = kind.number(payload, AREA, day)
    return number.number(1) if isinstance(number, NumberSeries) else number


def owners_of(kind: CertificateType) -> tuple[Issuer, ...]:
    """Whose seals stand under the type in the demonstration; if those do not fit its places, somebody's in each."""
    places = len(kind.layouts[0].seals)
    known = _owners(PLAN).get(kind.id, ())
    return known if len(known) == places else (NOBODY,) * places


@cache
def _owners(path: Path) -> Mapping[str, tuple[Issuer, ...]]:
    if not path.exists():
        return {}
    plan = load_plan(path)
    seals = {seal.id: Issuer(name=seal.owner, uscc=parse_uscc(seal.owner_uscc)) for seal in plan.seals}
    single = {kind: (seals[seal.id],) for seal in plan.seals for kind in seal.certificate_types}
    return single | {joint.certificate_type: tuple(seals[each] for each in joint.seals) for joint in plan.joint}


def _digits(kind: CertificateType, payload: Mapping[str, Any], day: date) -> str:
    """Digits of the length that a token would have; no key ever made such a signature."""
    claims = Claims(
        ref=Ref(0),
        issued_at=start_of_day(day),
        expires_at=kind.term(payload).expires_at,
        subject=kind.subject(payload),
        type_number=kind.type_number,
        version=1,
        list_index=0,
        holder_name=kind.token_name(payload),
    )
    return to_digits(assemble(KID, encode_claims(claims), SIGNATURE))
