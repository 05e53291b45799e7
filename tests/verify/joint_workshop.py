"""A document with joint seals, and a press that puts any seals on any page with no question asked."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec
from seal_workshop import Made, Workshop, on_record

from certsvc.authority.authority import Authority
from certsvc.catalog.load import examples
from certsvc.domain.certificate import Issuer
from certsvc.domain.revision import Earlier, plain_stream
from certsvc.domain.seal import ValidationData
from certsvc.domain.seal_form import reference, sealed_field, store_objects, with_store
from certsvc.render.seal_picture import draw_seal
from certsvc.seal.base_pdf import read_base
from certsvc.seal.cms import room_for
from certsvc.seal.fields import Numbers, prepare_page, signature_opening
from certsvc.seal.joint import JointSeal, seal_jointly
from certsvc.seal.pdf import prepared_seal
from certsvc.seal.update import make_update
from certsvc.services import Timestamper

JOINT = "joint-completion-acceptance"
OWNERS = ("housing", "planning", "civil-defence")

Objects = dict[int, bytes]
Change = Callable[[Objects, bytes, Numbers], bytes]
"""Changes the objects of an update in place, and gives the signature dictionary up to its ByteRange."""


def unchanged(objects: Objects, opening: bytes, numbers: Numbers) -> bytes:
    """No change."""
    return opening


@dataclass(frozen=True, kw_only=True)
class JointBench:
    """What a forger or one of the owners starts from: a genuine document with joint seals, and the workshop."""

    workshop: Workshop
    made: Made
    seals: tuple[JointSeal, ...]
    data: ValidationData

    @property
    def pdf(self) -> bytes:
        """The genuine document."""
        return self.made.pdf

    def page_naming(self, *owners: str) -> bytes:
        """The page with data that names the seals of these owners; the issuer stays."""
        face, named = self.made.face, tuple(map(self.owner, owners))
        places = [face.layout.seals[number % len(face.layout.seals)] for number in range(1, len(named))]
        layout = replace(face.layout, further_seals=tuple(places))
        return self.workshop.page_of(replace(face, seals=named, layout=layout))

    def page_of_type(self, *owners: str, **other: object) -> bytes:
        """The page whose data tells something else of its type, and names the seals of these owners."""
        face, named = self.made.face, tuple(map(self.owner, owners))
        kind = replace(face.type, definition=msgspec.structs.replace(face.type.definition, **other))
        layout = replace(face.layout, further_seals=face.layout.further_seals[: max(len(named) - 1, 0)])
        return self.workshop.page_of(replace(face, type=kind, seals=named, layout=layout))

    def owner(self, seal_id: str) -> Issuer:
        """Whose seal it is."""
        seal = next(seal for seal in self.workshop.ours.seals if seal.id == seal_id)
        return Issuer(name=seal.owner, uscc=seal.owner_uscc)

    def seal(self, seal_id: str, place: int, authority: Authority | None = None) -> JointSeal:
        """A seal at one of the places, by our authority or another."""
        keys = authority or self.workshop.ours
        seal = next(seal for seal in keys.seals if seal.id == seal_id)
        return JointSeal(
            picture=draw_seal(seal.design),
            placement=self.made.face.layout.seals[place],
            description=f"电子印章：{seal.owner}",
            reason="联合盖章",
            sealing=keys.sealing(seal.id),
        )

    def press(
        self,
        seals: Sequence[JointSeal] | None = None,
        *,
        page: bytes | None = None,
        fields: Sequence[JointSeal] | None = None,
        data: ValidationData | None = None,
        changes: Mapping[int, Change] = {},
        before: Mapping[int, Callable[[bytes], bytes]] = {},
        timestampers: Mapping[int, Timestamper] = {},
    ) -> bytes:
        """Sealed with no question asked. `fields` are the seals a field is prepared for; `changes` alter the update at
        a place, `before` the file so far."""
        seals, now = seals or self.seals, self.workshop.now
        base = read_base(page or self.made.page)
        contents = [seal.content for seal in fields or seals]
        numbers = Numbers(base.size, contents)
        prepared = prepare_page(base, contents, numbers)
        pdf = base.data
        for place, seal in enumerate(seals):
            pdf = before.get(place, bytes)(pdf)
            earlier = following(base.earlier, pdf)
            signature, field = earlier.size if place else numbers.first_seal, numbers.fields[place]
            objects = {**({} if place else prepared), field: sealed_field(prepared[field], signature)}
            if place == len(seals) - 1:
                store = signature + 1
                stored = store_objects(store, data or self.data, plain_stream)
                objects |= {base.root: with_store(prepared[base.root], store), **stored}
            opening = signature_opening(seal.reason, reference(place, len(seals)), now)
            opening = changes.get(place, unchanged)(objects, opening, numbers)
            update = make_update(earlier, objects, (signature, opening), room_for(seal.sealing))
            stamper = timestampers.get(place, self.workshop.ours.timestamper)
            pdf = prepared_seal(pdf, update, seal.sealing).seal(stamper, now)
        return pdf


def following(base: Earlier, pdf: bytes) -> Earlier:
    """What an update of this file takes over."""
    table, size = (int(re.findall(found, pdf)[-1]) for found in (rb"startxref\n(\d+)", rb"/Size (\d+)"))
    return replace(base, length=len(pdf), table=table, size=size)


def joint_bench(workshop: Workshop) -> JointBench:
    """A bench with a document of three departments, sealed as issuing does it."""
    kind = workshop.catalog.latest(JOINT)
    face, claims = workshop.face(kind, dict(next(examples(kind, "good"))[1]), workshop.ours)
    page = workshop.page_of(face)
    blank = Made(
        claims=claims, digits=face.digits, face=face, page=page, pdf=b"", registered=on_record(face, claims, kind)
    )
    bench = JointBench(workshop=workshop, made=blank, seals=(), data=data_of(workshop, OWNERS))
    seals = tuple(bench.seal(owner, place) for place, owner in enumerate(OWNERS))
    pdf = seal_jointly(page, seals, timestamper=workshop.ours.timestamper, validation_data=bench.data, now=workshop.now)
    return replace(bench, made=replace(blank, pdf=pdf), seals=seals)


def data_of(workshop: Workshop, owners: Sequence[str]) -> ValidationData:
    """The validation data of all the seals."""
    return workshop.ours.validation_data(owners, workshop.now)
