"""A public verifier over a register in memory: every state a reader can meet, through the real checks."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, cast

import msgspec
from chosen import tree_catalog
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from litestar import Litestar

from certsvc.catalog import Catalog
from certsvc.domain.calendar import beijing_date
from certsvc.domain.case import PendingPart, Progress
from certsvc.domain.certificate import Gathered, Issuer, RegisteredCertificate, RegisteredDocument, StatusChange
from certsvc.domain.document_seal import DepartmentDocument
from certsvc.domain.states import Status
from certsvc.domain.token import P256_ORDER, Claims, assemble, encode_claims, key_id, signing_input, to_digits
from certsvc.errors import RegisterUnavailable, UnreadableFile, WorkersBusy
from certsvc.http.public import create_public_app
from certsvc.http.site import Site
from certsvc.ids import Ref, Uscc, certificate_identifier, new_ref, slot_of_licence
from certsvc.services import RecordReader
from certsvc.verify.anchors import Anchors, TokenKey
from certsvc.verify.inspection import Inspection, Signer
from certsvc.verify.inspector import Inspector
from certsvc.verify.report import Check, Outcome
from certsvc.verify.service import Verifying

ROOT = Path(__file__).resolve().parents[2]
HOST = "yz.example"
NOW = datetime.now(UTC).replace(microsecond=0)
TODAY = beijing_date(NOW)
LINGNAN, FENGSUI = Uscc("91441900MA51ABC088"), Uscc("93441900MF3000A12K")
MARKET, FIRE = Issuer(name="云山市市场监督管理局", uscc=Uscc("11441900007330010D")), "云山市消防救援支队"
SEALED_AT = b"%PDF-1.7 made up "


@cache
def catalog() -> Catalog:
    """The types in the tree."""
    return tree_catalog()


@dataclass
class Shelf:
    """`services.RegisterReader` over a list; `down` makes it the register that cannot answer."""

    certificates: list[RegisteredCertificate] = field(default_factory=list)
    documents: dict[bytes, Ref] = field(default_factory=dict)
    cases: list[Progress] = field(default_factory=list)
    pending: dict[Ref, tuple[PendingPart, ...]] = field(default_factory=dict)
    papers: dict[bytes, DepartmentDocument] = field(default_factory=dict)
    down: bool = False

    async def gather(self, ref: Ref, on: date, known_at: datetime) -> Gathered | None:
        self._answer()
        found = next((one for one in self.certificates if one.ref == ref), None)
        if found is None:
            return None
        licence = next((one for one in self.certificates if one.ref == found.licence_ref), None)
        permits = tuple(one for one in self.certificates if one.licence_ref == ref)
        pending = self.pending.get(ref, ())
        return Gathered(certificate=found, licence=licence, root=licence or found, permits=permits, pending=pending)

    async def progress(self, ref: Ref) -> Progress | None:
        self._answer()
        return next((one for one in self.cases if one.ref == ref), None)

    async def find_document(self, sha256: bytes) -> RegisteredDocument | None:
        self._answer()
        ref = self.documents.get(sha256)
        return RegisteredDocument(sha256=sha256, ref=ref, layout="sheet", sealed_at=NOW) if ref else None

    async def find_department_document(self, sha256: bytes) -> DepartmentDocument | None:
        self._answer()
        return self.papers.get(sha256)

    async def ready(self) -> bool:
        return not self.down

    def _answer(self) -> None:
        if self.down:
            raise RegisterUnavailable("登记簿现在查不了。", "The register cannot be asked now.")


@dataclass
class Scripted:
    """An inspector that finds what the test put into the file, and counts what it was asked."""

    busy: bool = False
    inspected: int = 0

    async def inspect(self, pdf: bytes, root: bytes, now: datetime) -> Inspection:
        self.inspected += 1
        if self.busy:
            raise WorkersBusy("核对文件的人很多，请过几秒再试。", "Many files are being checked: try again in seconds.")
        try:
            return msgspec.json.decode(pdf.removeprefix(SEALED_AT), type=Inspection)
        except msgspec.DecodeError:
            raise UnreadableFile("这个文件读不出来。", "This file cannot be read.") from None


@dataclass
class PublicSite:
    """The application and what stands behind it; `sealed` and `digits` make what a reader brings."""

    app: Litestar
    shelf: Shelf
    inspector: Scripted
    key: ec.EllipticCurvePrivateKey
    foreign_key: ec.EllipticCurvePrivateKey

    def digits(self, certificate: RegisteredCertificate, *, foreign: bool = False) -> str:
        """The digits of its QR, signed by our key or by somebody else's."""
        claims = Claims(
            ref=certificate.ref,
            issued_at=certificate.issued_at.replace(microsecond=0),
            expires_at=certificate.term.expires_at,
            subject=certificate.subject,
            type_number=certificate.type_number,
            version=certificate.version,
            list_index=7,
            holder_name=certificate.holder_name if certificate.subject and len(certificate.holder_name) <= 20 else None,
        )
        return sign_digits(claims, self.foreign_key if foreign else self.key)

    def sealed(self, certificate: RegisteredCertificate, failing: Mapping[str, str] | None = None) -> bytes:
        """A file that inspects as the certificate's sealed PDF, with the failures named (kind: reason)."""
        kinds = ("format", "coverage", "padding", "active_content", "signature", "signer", "revocation", "timestamp")
        checks = tuple(
            Check(kind, Outcome.PASSED, "intact") for kind in (*kinds, "docmdp") if kind not in (failing or {})
        )
        failures = tuple(Check(kind, Outcome.FAILED, reason) for kind, reason in (failing or {}).items())
        digits = self.digits(certificate)
        attached = {
            "schema": "certsvc:certificate:1",
            "type": certificate.type_id,
            "type_version": certificate.type_version,
            "type_number": certificate.type_number,
            "number": certificate.number,
            "version": certificate.version,
            "issuer": {"name": certificate.issuer.name, "uscc": certificate.issuer.uscc},
            "term": {"start": certificate.term.start, "end": certificate.term.end},
            "typed_code": certificate.ref.typed_code,
            "token": digits,
        }
        inspection = Inspection(
            checks=(*checks, *failures),
            attachment=msgspec.json.encode(attached),
            qr_digits=(digits,),
            signers=(Signer(certificate.issuer.uscc, NOW.timestamp(), b"", b""),),
        )
        return SEALED_AT + msgspec.json.encode(inspection)


def sign_digits(claims: Claims, key: ec.EllipticCurvePrivateKey) -> str:
    """A token over the claims, as the digits of a QR."""
    payload = encode_claims(claims)
    r, s = decode_dss_signature(key.sign(signing_input(payload), ec.ECDSA(hashes.SHA256())))
    s = min(s, P256_ORDER - s)
    return to_digits(assemble(key_id(key.public_key()), payload, r.to_bytes(32, "big") + s.to_bytes(32, "big")))


def make_site(
    trust_folder: Path,
    certificates: Iterable[RegisteredCertificate] = (),
    *,
    demonstration: bool = True,
    host: str = HOST,
    records: RecordReader | None = None,
    works_offline: bool = True,
) -> PublicSite:
    """A site with these certificates on its shelf; trust anchors lie in `trust_folder`. `records` is asked for what
    others reported."""
    key, foreign = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    token_key = TokenKey(key.public_key(), NOW - timedelta(days=9000), NOW + timedelta(days=9000))
    shelf, inspector = Shelf(list(certificates)), Scripted()
    verifying = Verifying(
        catalog=catalog(),
        trust=Anchors((_Root(),), {key_id(key.public_key()): (token_key,)}, demonstration),  # type: ignore[arg-type]
        register=shelf,
        inspector=cast(Inspector, inspector),
        records=records,
    )
    site = Site(host, f"http://{host}", ROOT / "verifier_web", trust_folder, demonstration, works_offline)
    return PublicSite(create_public_app(verifying, site), shelf, inspector, key, foreign)


class _Root:
    """Stands for the root, of which the scripted inspector needs nothing."""

    def public_bytes(self, encoding: object) -> bytes:
        return b"root"


def certificate(
    type_id: str,
    example: str,
    *,
    licence: RegisteredCertificate | None = None,
    issuer: str = MARKET.name,
    number: str | None = None,
    **changes: Any,
) -> RegisteredCertificate:
    """A certificate of this type from its good example, with `changes` to the payload or to the record."""
    kind = catalog().latest(type_id)
    payload = msgspec.json.decode((kind.folder / "examples" / f"{example}.json").read_bytes())
    payload |= {key: changes.pop(key) for key in list(changes) if key in payload}
    subject = kind.subject(payload)
    slot = slot_of_licence(subject) if subject else None
    ref = new_ref(slot)
    record = RegisteredCertificate(
        ref=ref,
        life=ref,
        licence_ref=licence.ref if licence else None,
        category=kind.category,
        type_id=type_id,
        type_version=kind.version,
        type_number=kind.type_number,
        number=number or payload.get("uscc", "1"),
        version=1,
        identifier=certificate_identifier(kind.type_code, MARKET.uscc, "7K3M9Q2DHXF46T0BY1Z3", 1),
        holder_name=kind.public_holder_name(payload),
        subject=subject,
        issuer=replace(MARKET, name=issuer),
        term=kind.term(payload),
        issued_at=NOW - timedelta(days=1),
        public_fields=kind.public_view(payload),
        status=Status.VALID,
        status_age_s=180,
    )
    return replace(record, **changes)


def decided(act: str, **said: Any) -> StatusChange:
    """The act behind a state."""
    return StatusChange(act=act, effective=TODAY - timedelta(days=9), recorded_at=NOW - timedelta(days=9), **said)


def licence_with_permits() -> Sequence[RegisteredCertificate]:
    """A licence and its six permits, three of them in trouble."""
    licence = certificate("business-licence-company", "good-lingnan")

    def day(offset: int) -> str:
        return (TODAY + timedelta(days=offset)).isoformat()

    def permit(type_id: str, example: str, number: str, **changes: Any) -> RegisteredCertificate:
        return certificate(type_id, example, licence=licence, number=number, uscc=LINGNAN, **changes)

    suspended = decided("suspend", reason="销售侵权出版物", decision_number="云文罚〔2026〕31号")
    return (
        licence,
        permit("food-business", "good-snack-bar", "JY24419000000018", valid_from=day(-300), valid_to=day(1500)),
        permit(
            "drug-retail",
            "good-pharmacy",
            "粤DA769000035",
            valid_from=day(-1700),
            valid_to=day(42),
            status_age_s=7000,
        ),
        permit("fire-safety-check", "good-hotel", "云消安检字〔2023〕第0187号", issuer=FIRE, status_age_s=26 * 3600),
        permit(
            "publications-retail",
            "good-books",
            "新出发粤云零字第00456号",
            issuer="云山市文化广电旅游体育局",
            valid_from=day(-900),
            valid_to=day(190),
            status=Status.SUSPENDED,
            change=suspended,
        ),
        permit(
            "public-place-hygiene",
            "good-hotel",
            "粤卫公证字〔2022〕第1900A00123号",
            issuer="云山市卫生健康局",
            valid_from=day(-1500),
            valid_to=day(-46),
        ),
        permit("hotel-special-trade", "good-hotel", "云公特旅字第0099号", issuer="云山市公安局", status_age_s=60),
    )
