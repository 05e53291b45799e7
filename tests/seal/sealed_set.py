"""Real faces, sealed by an authority that a ceremony made: what tools we did not write are shown."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from chosen import chosen, tree_catalog

from certsvc.authority.authority import Authority
from certsvc.authority.ceremony import hold_ceremony, open_authority
from certsvc.catalog import CertificateType, Layout
from certsvc.catalog.load import examples
from certsvc.custody.secret import make_secret_file
from certsvc.domain.acts import Act
from certsvc.domain.calendar import beijing_date
from certsvc.domain.certificate import Issuer
from certsvc.domain.issuing import Reservation
from certsvc.domain.number import NumberSeries
from certsvc.domain.seal import Placement, SealImage, SealPicture
from certsvc.domain.seal_form import Form
from certsvc.ids import certificate_identifier, new_ref
from certsvc.issuance.press import press
from certsvc.issuance.service import Issuing, silent_walk
from certsvc.issuance.sheets import sheets
from certsvc.render.pages import Renderer
from certsvc.render.seal_picture import draw_seal
from certsvc.seal.joint import JointSeal, seal_jointly
from certsvc.seal.pdf import seal_pdf
from certsvc.workbench.sample import sample_face, samples

ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = ROOT / "schemas"
PLAN = ROOT / "keys" / "ceremonies" / "demonstration.toml"
PUBLIC_URL = "https://yz.yunshan.example"
NOW = datetime.now(UTC).replace(microsecond=0)
END = b"%%EOF\n"
JOINT = "joint-completion-acceptance"
SIDE_PX = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One sealed sheet: its file, where the seal's centre was to stand, and the seal's diameter."""

    path: Path
    sealed: bytes
    placement: Placement
    diameter_mm: float
    seal_id: str

    @property
    def page(self) -> bytes:
        """What was rendered, before the one update with the seal."""
        return self.sealed[: self.sealed.index(END) + len(END)]


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedSet:
    """Sealed sheets, the authority behind them, and its public facts as strangers get them. `joint` has several seals,
    `lt` is the first sheet in the form LT under a picture that was supplied."""

    authority: Authority
    public: Path
    sheets: tuple[Sheet, ...]
    joint: Path
    lt: Path

    @property
    def root(self) -> Path:
        """The PEM of the root, the one thing a stranger trusts."""
        return self.public / "anchors" / "root.pem"

    @property
    def paths(self) -> list[Path]:
        """The sealed files."""
        return [sheet.path for sheet in self.sheets]


def make_set(folder: Path, plan: Path = PLAN, types: frozenset[str] | None = None) -> SealedSet:
    """The first good example of every type (of ten without --all; or of `types`), on every layout of it, sealed now."""
    home = folder / "home"
    home.mkdir(mode=0o700)
    make_secret_file(home / "secret")
    hold_ceremony(plan, home, f"file:{home / 'secret'}", NOW, PUBLIC_URL)
    authority = open_authority(home, f"file:{home / 'secret'}", NOW)
    catalog = tree_catalog()
    kinds = chosen(catalog) if types is None else [kind for kind in catalog if kind.id in types]
    kinds = [kind for kind in kinds if kind.id != JOINT and catalog.latest(kind.id) is kind]
    sheets = tuple(_sheets(authority, kinds, folder))
    joint, lt = folder / "joint.pdf", folder / "lt.pdf"
    joint.write_bytes(sealed_jointly(authority, catalog.latest(JOINT)))
    lt.write_bytes(sealed_lt(authority, sheets[0]))
    return SealedSet(authority=authority, public=home / "public", sheets=sheets, joint=joint, lt=lt)


def joint_seals(authority: Authority, seal_ids: Sequence[str]) -> list[JointSeal]:
    """These seals side by side, low on the page."""
    found = {seal.id: seal for seal in authority.seals}
    return [
        JointSeal(
            picture=draw_seal(found[seal_id].design),
            placement=Placement(page=1, x_mm=50 + 50 * number, y_mm=160),
            description=f"电子印章：{found[seal_id].owner}",
            reason="联合盖章",
            sealing=authority.sealing(seal_id),
        )
        for number, seal_id in enumerate(seal_ids)
    ]


def sealed_jointly(authority: Authority, kind: CertificateType) -> bytes:
    """A sheet of the type with the seals bound to it, or with every seal of an authority that has none bound."""
    bound = any(kind.id in seal.certificate_types for seal in authority.seals)
    seal_ids = [seal.id for seal in (authority.seals_for(kind.id) if bound else authority.seals)]
    sample = next(samples([kind]))
    placed = zip(joint_seals(authority, seal_ids), sample.layout.seals, strict=False)
    return seal_jointly(
        Renderer(SCHEMAS).render(sample_face(sample, kind)),
        [replace(seal, placement=place) for seal, place in placed],
        timestamper=authority.timestamper,
        validation_data=authority.validation_data(seal_ids, NOW),
        now=NOW,
    )


def sealed_lt(authority: Authority, sheet: Sheet) -> bytes:
    """The page of a sheet in the form LT."""
    (seal,) = joint_seals(authority, [sheet.seal_id])
    side = sheet.diameter_mm * 72 / 25.4
    red, alpha = bytes((215, 14, 17)) * SIDE_PX**2, bytes(x * y % 256 for x in range(SIDE_PX) for y in range(SIDE_PX))
    image = SealImage(width_px=SIDE_PX, height_px=SIDE_PX, rgb=red, alpha=alpha)
    content = b"q %.3f 0 0 %.3f 0 0 cm /Seal Do Q" % (side, side)
    return seal_pdf(
        sheet.page,
        picture=SealPicture(content=content, width_pt=side, height_pt=side, image=image),
        placement=sheet.placement,
        description=seal.description,
        reason=seal.reason,
        sealing=seal.sealing,
        timestamper=authority.timestamper,
        validation_data=authority.validation_data(sheet.seal_id, NOW),
        now=NOW,
        form=Form.LT,
    )


def _sheets(authority: Authority, kinds: list[CertificateType], folder: Path) -> Iterator[Sheet]:
    nothing = cast(Any, None)
    issuing = Issuing(
        catalog=nothing,
        register=nothing,
        blobs=nothing,
        renderer=Renderer(SCHEMAS),
        cipher=nothing,
        keys=authority,
        check_file=nothing,
        lint_keys=nothing,
        lint_file=nothing,
        public_url=PUBLIC_URL,
        area=authority.area,
        walk=silent_walk,
    )
    for kind in kinds:
        payload = next(payload for _, payload in examples(kind, "good"))
        for sheet in sheets(authority, kind, _reservation(authority, kind, payload)):
            reservation = _reservation(authority, kind, payload)
            sealed = asyncio.run(press(issuing, authority, kind, sheet, reservation, payload, NOW))
            yield _kept(folder / f"{kind.id}-{sheet.layout.name}.pdf", sealed, authority, kind, sheet.layout)


def _kept(path: Path, sealed: bytes, authority: Authority, kind: CertificateType, layout: Layout) -> Sheet:
    path.write_bytes(sealed)
    seal = authority.seal_for(kind.id)
    return Sheet(path=path, sealed=sealed, placement=layout.seal, diameter_mm=seal.design.diameter_mm, seal_id=seal.id)


def _reservation(authority: Authority, kind: CertificateType, payload: dict[str, Any]) -> Reservation:
    seal, ref = authority.seal_for(kind.id), new_ref()
    number = kind.number(payload, authority.area, beijing_date(NOW))
    return Reservation(
        ref=ref,
        life=ref,
        act=Act.ISSUE,
        takes_over=beijing_date(NOW),
        licence_ref=None,
        type_id=kind.id,
        type_version=kind.version,
        type_number=kind.type_number,
        number=number.number(1) if isinstance(number, NumberSeries) else number,
        version=1,
        identifier=certificate_identifier(kind.type_code, seal.owner_uscc, f"{ref.value:X}", 1),
        issuer=Issuer(name=seal.owner, uscc=seal.owner_uscc),
        seal_id=seal.id,
        term=kind.term(payload),
        subject=kind.subject(payload),
        sealed_payload=b"",
        payload_key_id="",
        list_name="",
        list_index=7,
        reserved_at=NOW,
        token=None,
        issued_at=None,
    )
