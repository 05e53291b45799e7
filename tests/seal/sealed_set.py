"""Real faces, sealed by an authority that a ceremony made: what tools we did not write are shown."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from chosen import chosen

from certsvc.authority.authority import Authority
from certsvc.authority.ceremony import hold_ceremony, open_authority
from certsvc.catalog import CertificateType, Layout, load_catalog
from certsvc.catalog.load import examples
from certsvc.custody.secret import make_secret_file
from certsvc.domain.acts import Act
from certsvc.domain.calendar import beijing_date
from certsvc.domain.certificate import Issuer
from certsvc.domain.issuing import Reservation
from certsvc.domain.number import NumberSeries
from certsvc.domain.seal import Placement
from certsvc.ids import certificate_identifier, new_ref
from certsvc.issuance.press import press
from certsvc.issuance.service import Issuing, silent_walk
from certsvc.render.pages import Renderer

ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = ROOT / "schemas"
PLAN = ROOT / "keys" / "ceremonies" / "demonstration.toml"
PUBLIC_URL = "https://yz.yunshan.example"
NOW = datetime.now(UTC).replace(microsecond=0)
END = b"%%EOF\n"


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
    """Sealed sheets, the authority behind them, and its public facts as strangers get them."""

    authority: Authority
    public: Path
    sheets: tuple[Sheet, ...]

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
    catalog = load_catalog(SCHEMAS)
    kinds = chosen(catalog) if types is None else [kind for kind in catalog if kind.id in types]
    sheets = tuple(_sheets(authority, kinds, folder))
    return SealedSet(authority=authority, public=home / "public", sheets=sheets)


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
        for layout in kind.layouts:
            reservation = _reservation(authority, kind, payload)
            sealed = press(issuing, authority, kind, layout, reservation, payload, None, NOW)
            yield _kept(folder / f"{kind.id}-{layout.name}.pdf", sealed, authority, kind, layout)


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
