"""A workshop with three authorities: ours, a look-alike of the same names, and keys that press any page.

The real renderer, sealer, token signer and certificates; only the register is in memory (`Shelf`).
"""

import hashlib
import re
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from chosen import tree_catalog
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pdf_bytes import append_revision, objects, sign

from certsvc.authority.authority import Authority
from certsvc.authority.founding import throw_away_authority
from certsvc.authority.plan import load_plan
from certsvc.catalog import Catalog, CertificateType
from certsvc.catalog.load import examples
from certsvc.domain.calendar import beijing_date
from certsvc.domain.certificate import Gathered, Issuer, RegisteredCertificate, RegisteredDocument
from certsvc.domain.document_seal import DepartmentDocument
from certsvc.domain.revision import plain_stream
from certsvc.domain.seal import ValidationData
from certsvc.domain.seal_form import Form, store_objects, store_revision, with_store
from certsvc.domain.states import Status
from certsvc.domain.token import Claims, fits, to_digits
from certsvc.errors import RegisterUnavailable
from certsvc.ids import Ref, certificate_identifier, new_ref
from certsvc.issuance.press import qr_prefix
from certsvc.render.face import Face
from certsvc.render.pages import Renderer
from certsvc.render.seal_picture import draw_seal
from certsvc.seal.base_pdf import read_base
from certsvc.seal.cms import make_cms, room_for
from certsvc.seal.fields import SealContent
from certsvc.seal.pdf import lay_out, seal_pdf
from certsvc.seal.token import sign_token
from certsvc.services import Sealing, Timestamper
from certsvc.verify.anchors import AnchorFiles

ROOT = Path(__file__).resolve().parents[2]
PLAN = ROOT / "keys" / "ceremonies" / "demonstration.toml"
URL = "http://yz.test"
NOW = datetime.now(UTC).replace(microsecond=0)
FOOD, COMPANY = "food-business", "business-licence-company"

Edit = Callable[[bytes], bytes]


def unchanged(data: bytes) -> bytes:
    """No edit."""
    return data


@dataclass(frozen=True, kw_only=True)
class Made:
    """One certificate with its sealed file."""

    claims: Claims
    digits: str
    face: Face
    page: bytes
    pdf: bytes
    registered: RegisteredCertificate


@dataclass
class Shelf:
    """`services.RegisterReader` in memory. It counts what it is asked; `down` makes it one that cannot answer."""

    certificates: dict[Ref, RegisteredCertificate] = field(default_factory=dict)
    documents: dict[bytes, Ref] = field(default_factory=dict)
    papers: dict[bytes, DepartmentDocument] = field(default_factory=dict)
    down: bool = False
    asked: list[str] = field(default_factory=list)

    def add(self, made: "Made") -> None:
        """Put a certificate and its file on record."""
        self.certificates[made.registered.ref] = made.registered
        self.documents[hashlib.sha256(made.pdf).digest()] = made.registered.ref

    async def gather(self, ref: Ref, on: date, known_at: datetime) -> Gathered | None:
        """The certificate, and nothing tied to it."""
        self._answer("gather")
        found = self.certificates.get(ref)
        return Gathered(certificate=found, root=found) if found else None

    async def find_document(self, sha256: bytes) -> RegisteredDocument | None:
        """The file with this digest."""
        self._answer("find_document")
        ref = self.documents.get(sha256)
        return RegisteredDocument(sha256=sha256, ref=ref, layout="sheet", sealed_at=NOW) if ref else None

    async def find_department_document(self, sha256: bytes) -> DepartmentDocument | None:
        """The document of a department with this digest."""
        self._answer("find_department_document")
        return self.papers.get(sha256)

    async def progress(self, ref: Ref) -> None:
        """No case was opened."""

    async def ready(self) -> bool:
        """Whether it answers."""
        return not self.down

    def _answer(self, question: str) -> None:
        self.asked.append(question)
        if self.down:
            raise RegisterUnavailable("登记簿现在查不了。", "The register cannot be asked now.")


class Workshop:
    """Makes genuine files, and files that somebody else or an insider could make."""

    def __init__(self) -> None:
        plan = load_plan(PLAN)
        self.now = NOW
        self.catalog: Catalog = tree_catalog()
        self.renderer = Renderer(ROOT / "schemas")
        self.trust = AnchorFiles()
        self.published: dict[str, bytes] = {}
        self.ours = throw_away_authority(plan, NOW, self._publish)
        self.ours.token_key(NOW)
        self.form = Form.ONE_REVISION

    def in_form(self, form: Form) -> "Workshop":
        """The same workshop, which seals in another form."""
        other = copy(self)
        other.form = form
        return other

    def _publish(self, name: str, data: bytes) -> None:
        self.published[name] = data
        self.trust.put(name, data)

    @cached_property
    def lookalike(self) -> Authority:
        """An authority with every name of ours and other keys."""
        return throw_away_authority(load_plan(PLAN), NOW)

    @property
    def roots(self) -> tuple[bytes, ...]:
        """The DER of our root."""
        return tuple(certificate_der(root) for root in self.trust.current().roots)

    def make(self, type_id: str = FOOD, example: int = 0, *, authority: Authority | None = None) -> Made:
        """A certificate of a good example, in force since today, sealed by our authority or another."""
        keys, kind = authority or self.ours, self.catalog.latest(type_id)
        face, claims = self.face(kind, dict(list(examples(kind, "good"))[example][1]), keys)
        page = self.renderer.render(face)
        return Made(
            claims=claims,
            digits=face.digits,
            face=face,
            page=page,
            pdf=self.seal(page, face, authority=keys),
            registered=on_record(face, claims, kind),
        )

    def seal(self, page: bytes, face: Face, *, authority: Authority | None = None) -> bytes:
        """A page sealed as issuing does it."""
        keys = authority or self.ours
        seal = keys.seal_for(face.type.id)
        return seal_pdf(
            page,
            picture=draw_seal(seal.design),
            placement=face.layout.seal,
            description=f"电子印章：{seal.owner}",
            reason=f"{face.type.zh} {face.number}",
            sealing=keys.sealing(seal.id),
            timestamper=keys.timestamper,
            validation_data=keys.validation_data(seal.id, self.now),
            now=self.now,
            form=self.form,
        )

    def press(
        self,
        made: Made,
        edit: Edit = unchanged,
        *,
        page: bytes | None = None,
        sealing: Sealing | None = None,
        timestamper: Timestamper | None = None,
        validation_data: ValidationData | None = None,
        at: datetime | None = None,
    ) -> bytes:
        """Sealed with no question asked: `edit` changes the whole file before it is signed."""
        keys, at = self.ours, at or self.now
        seal = keys.seal_for(made.face.type.id)
        credential = sealing or keys.sealing(seal.id)
        stamper = timestamper or keys.timestamper
        base = read_base(page or made.page)
        content = SealContent(
            picture=draw_seal(seal.design),
            placement=made.face.layout.seal,
            description=f"电子印章：{seal.owner}",
            reason="用印",
        )
        data = validation_data or keys.validation_data(seal.id, self.now)
        blank = lay_out(base, content, data, room_for(credential), at, self.form).filled(base.data, b"")
        sealed = sign(edit(blank), lambda digest: make_cms(digest, credential, stamper, at))
        return sealed + store_after(sealed, data) if self.form is Form.LT else sealed

    def resign(self, data: bytes, made: Made) -> bytes:
        """A file with a hole, signed anew with our key."""
        credential = self.ours.sealing(self.ours.seal_for(made.face.type.id).id)
        return sign(data, lambda digest: make_cms(digest, credential, self.ours.timestamper, self.now))

    def page_of(self, face: Face) -> bytes:
        """A rendered page, not sealed."""
        return self.renderer.render(face)

    def claims(self, kind: CertificateType, payload: dict[str, Any], ref: Ref) -> Claims:
        """What a token of ours says."""
        subject, name = kind.subject(payload), kind.holder(payload).name
        return Claims(
            ref=ref,
            issued_at=self.now,
            expires_at=kind.term(payload).expires_at,
            subject=subject,
            type_number=kind.type_number,
            version=1,
            list_index=77,
            holder_name=name if subject and fits(name) else None,
        )

    def digits(self, claims: Claims, authority: Authority | None = None) -> str:
        """The digits of a token over `claims`."""
        kid, key = (authority or self.ours).token_key(self.now)
        return to_digits(sign_token(claims, kid, key))

    def face(self, kind: CertificateType, payload: dict[str, Any], keys: Authority) -> tuple[Face, Claims]:
        """A face of the type in force since today, with a token of its own, and what that says."""
        payload |= self._from_today(kind, payload)
        ref, seal, *further = new_ref(), *keys.seals_for(kind.id)
        owners = tuple(Issuer(name=each.owner, uscc=each.owner_uscc) for each in (seal, *further))
        claims = self.claims(kind, payload, ref)
        number = str(payload.get("number") or payload.get("uscc") or "JY14419000000025")
        face = Face(
            type=kind,
            layout=kind.layouts[0],
            payload=payload,
            number=number,
            identifier=certificate_identifier(kind.type_code, seal.owner_uscc, f"{ref.value:X}", 1),
            version=1,
            issuer=owners[0],
            term=kind.term(payload),
            issued_on=beijing_date(self.now),
            typed_code=ref.typed_code,
            host="yz.test",
            qr_prefix=qr_prefix(URL),
            digits=self.digits(claims, keys),
            specimen=True,
            seals=owners if further else (),
        )
        return face, claims

    def _from_today(self, kind: CertificateType, payload: dict[str, Any]) -> dict[str, str]:
        start, end = kind.definition.term.start, kind.definition.term.end
        first = beijing_date(self.now)
        moved = {start: first.isoformat()}
        if end is not None and end in payload:
            moved[end] = (first + timedelta(days=400)).isoformat()
        return moved


def store_after(sealed: bytes, data: ValidationData) -> bytes:
    """The revision with the validation data, also after a file that is none of ours: then as anybody would write it."""
    try:
        return store_revision(sealed, data)
    except ValueError:
        found, root = objects(sealed), int(re.findall(rb"/Root (\d+) 0 R", sealed)[-1])
        first = max(found) + 1
        changed = {root: with_store(found[root], first), **store_objects(first, data, plain_stream)}
        return append_revision(sealed, changed)[len(sealed) :]


def on_record(face: Face, claims: Claims, kind: CertificateType) -> RegisteredCertificate:
    """The register's row for a face."""
    return RegisteredCertificate(
        ref=claims.ref,
        life=claims.ref,
        licence_ref=None,
        category=kind.category,
        type_id=kind.id,
        type_version=kind.version,
        type_number=kind.type_number,
        number=face.number,
        version=face.version,
        identifier=certificate_identifier(kind.type_code, face.issuer.uscc, f"{claims.ref.value:X}", 1),
        holder_name=kind.public_holder_name(face.payload),
        subject=claims.subject,
        issuer=face.issuer,
        term=face.term,
        issued_at=claims.issued_at,
        public_fields=kind.public_view(face.payload),
        status=Status.VALID,
        status_age_s=0,
    )


def with_status(registered: RegisteredCertificate, status: Status, age_s: int = 0) -> RegisteredCertificate:
    """The row in another state."""
    return replace(registered, status=status, status_age_s=age_s)


def certificate_der(certificate: x509.Certificate) -> bytes:
    """An X.509 certificate as DER."""
    return certificate.public_bytes(Encoding.DER)
