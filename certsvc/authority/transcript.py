"""The transcript of a ceremony: what two witnesses read, compare with the files, and sign."""

import hashlib
import textwrap
from collections.abc import Mapping, Sequence
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from certsvc.authority.names import ROOT, profile_name
from certsvc.authority.plan import Plan
from certsvc.authority.ring import CustodyPlan, custody_of
from certsvc.custody.place import is_made_here, where
from certsvc.domain.revocation import Revocation

USE = {True: "演示，无法律效力 demonstration, no legal effect", False: "正式 in earnest"}
SHORT_NAMES = {NameOID.ORGANIZATION_IDENTIFIER: "organizationIdentifier"}
FOUNDING = "密钥仪式记录  Key ceremony transcript\n"
LATER = "后续密钥仪式记录  Transcript of a later key ceremony\n"
MADE = "制作的密钥和 X.509 证书 Keys and X.509 certificates made\n"
SIGNED = "签发的吊销列表 CRLs signed\n"
REVOKED = "吊销的证书 Certificates revoked\n"
MADE_HERE = "在此次仪式中就地生成 generated there by this ceremony"
FOUND = "原已存在，系事先向服务方申请 found there: ordered beforehand from the remote signer"
OFFLINE = """\
根密钥在 offline 目录中：请移到不联网的介质上，由两人分别保管介质和口令。日常签发不需要它。
The root's key lies in the folder `offline`: move it to a medium that is on no network, and have one person keep the
medium and another the passphrase. Daily work does not need it.
"""
HOW_TO_CHECK = """\
核对 To check, in the folder of the authority 在机构目录中:
  openssl x509 -in certificates/NAME.pem -noout -serial -fingerprint -sha256
  openssl x509 -in certificates/NAME.pem -noout -pubkey | openssl pkey -pubin -outform DER | openssl sha256
  openssl crl  -in root.crl -inform DER -noout -fingerprint -sha256
"""
WITNESS = """\
见证人 {number} witness
  姓名 name       {name}
  签名 signature  ______________________________
  日期 date       ______________________________
"""
BLANK = "_" * 30
LABEL, WIDEST = 22, 90

Certificates = Mapping[str, x509.Certificate]


def founding_transcript(plan: Plan, certificates: Certificates, root_crl: bytes, now: datetime) -> str:
    """The transcript of making `certificates` by `plan`, in Chinese and English, up to 120 columns; times are UTC."""
    head = _lines(
        ("机构 authority", plan.authority),
        ("行政区划 area", plan.area),
        ("时间 time", _instant(now)),
        ("用途 use", USE[plan.demonstration]),
        ("公开地址 address", plan.public_url or "-"),
        ("印章 seals", ", ".join(seal.id for seal in plan.seals)),
        ("证书数 count", str(len(certificates))),
        indent=0,
    )
    made = [_certificate(name, certificate, plan.custody) for name, certificate in certificates.items()]
    offline = () if custody_of(plan.custody, ROOT) else (OFFLINE,)
    return _document(FOUNDING, head, MADE, *made, _crl("root", root_crl), *offline, witnesses=(BLANK, BLANK))


def later_transcript(
    facts: Sequence[tuple[str, str]],
    certificates: Certificates,
    root_crls: Mapping[str, bytes],
    revocations: Sequence[Revocation],
    witnesses: tuple[str, str],
    now: datetime,
    custody: Sequence[CustodyPlan],
) -> str:
    """The transcript of a later ceremony: what was made and by `custody` where it lies, which CRLs roots signed, what
    was revoked."""
    head = _lines(*facts, ("时间 time", _instant(now)), indent=0)
    made = [_certificate(name, certificate, custody) for name, certificate in certificates.items()]
    signed = [_crl(name, crl) for name, crl in root_crls.items()]
    revoked = [_revocation(each) for each in revocations]
    groups = ((MADE, made), (SIGNED, signed), (REVOKED, revoked))
    blocks = [block for title, found in groups if found for block in (title, *found)]
    return _document(LATER, head, *blocks, witnesses=witnesses)


def _document(*blocks: str, witnesses: tuple[str, str]) -> str:
    signatures = [WITNESS.format(number=number, name=name) for number, name in enumerate(witnesses, 1)]
    return "\n".join((*blocks, HOW_TO_CHECK, *signatures))


def _revocation(each: Revocation) -> str:
    return f"  {each.name}\n" + _lines(
        ("原因 reason", each.reason.value),
        ("生效 effective", _instant(each.effective)),
        ("说明 why", each.why),
    )


def _certificate(name: str, certificate: x509.Certificate, custody: Sequence[CustodyPlan]) -> str:
    first, last = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return f"  {name}\n" + _lines(
        ("模板 profile", profile_name(name)),
        ("主体 subject", _name(certificate.subject)),
        ("签发者 issuer", _name(certificate.issuer)),
        ("序列号 serial", f"{certificate.serial_number:X}"),
        ("有效 term", f"{_instant(first)} – {_instant(last)}"),
        ("密钥 key", _key_kind(certificate)),
        *_place(name, custody),
        ("公钥 SPKI SHA-256", _in_groups(_key_digest(certificate))),
        ("证书 SHA-256", _in_groups(certificate.fingerprint(hashes.SHA256()))),
    )


def _place(name: str, custody: Sequence[CustodyPlan]) -> tuple[tuple[str, str], ...]:
    """Where a key lies and where it comes from. Ceremonies take over no key that they did not make, but for those of
    remote signers, so the kind of the place tells (`FolderKeys.ready`)."""
    plan = custody_of(custody, name)
    uri = plan.uri.replace("{name}", name) if plan else "file:"
    place = "\n".join(textwrap.wrap(where(uri).rstrip(), WIDEST, break_on_hyphens=False))
    return ("位置 place", place), ("来历 origin", MADE_HERE if is_made_here(uri) else FOUND)


def _crl(name: str, encoded: bytes) -> str:
    crl = x509.load_der_x509_crl(encoded)
    number = crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
    until = f"{_instant(crl.next_update_utc)}" if crl.next_update_utc else "-"
    return f"  {name}.crl\n" + _lines(
        ("签发者 issuer", _name(crl.issuer)),
        ("编号 number", f"{number:X}"),
        ("有效 term", f"{_instant(crl.last_update_utc)} – {until}"),
        ("吊销 revoked", str(len(crl))),
        ("列表 SHA-256", _in_groups(hashlib.sha256(encoded).digest())),
    )


def _lines(*rows: tuple[str, str], indent: int = 4) -> str:
    beside = "\n" + " " * (indent + LABEL)
    return "".join(
        f"{' ' * indent}{label}{' ' * (LABEL - _columns(label))}{text.replace(chr(10), beside)}\n"
        for label, text in rows
    )


def _columns(text: str) -> int:
    return sum(1 if character.isascii() else 2 for character in text)


def _instant(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%S}Z"


def _name(name: x509.Name) -> str:
    """As RFC 4514 writes it, from the last part to the first; a new line where one is full."""
    lines = [""]
    for part in reversed(name.rdns):
        text = part.rfc4514_string(SHORT_NAMES)
        if lines[-1] and _columns(f"{lines[-1]},{text}") > WIDEST:
            lines.append("")
        lines[-1] += f",{text}" if lines[-1] else text
    return ",\n".join(lines)


def _key_kind(certificate: x509.Certificate) -> str:
    key = certificate.public_key()
    if isinstance(key, ec.EllipticCurvePublicKey):
        return f"ECDSA {key.curve.name}"
    return f"RSA {key.key_size}" if isinstance(key, rsa.RSAPublicKey) else type(key).__name__


def _key_digest(certificate: x509.Certificate) -> bytes:
    spki = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(spki).digest()


def _in_groups(digest: bytes) -> str:
    return digest.hex(" ", 2).upper()
