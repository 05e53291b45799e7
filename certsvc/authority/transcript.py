"""The transcript of a ceremony: what two witnesses read, compare with the files, and sign."""

import hashlib
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from certsvc.authority.authority import Material, profile_name
from certsvc.authority.plan import Plan

USE = {True: "演示，无法律效力 demonstration, no legal effect", False: "正式 in earnest"}
SHORT_NAMES = {NameOID.ORGANIZATION_IDENTIFIER: "organizationIdentifier"}
HOW_TO_CHECK = """\
核对 To check, in the folder of this transcript 在本记录所在目录:
  openssl x509 -in certificates/root.pem -noout -serial -fingerprint -sha256
  openssl x509 -in certificates/root.pem -noout -pubkey | openssl pkey -pubin -outform DER | openssl sha256
  openssl crl  -in root.crl -inform DER -noout -fingerprint -sha256
"""
WITNESS = """\
见证人 {number} witness
  姓名 name       ______________________________
  签名 signature  ______________________________
  日期 date       ______________________________
"""


def make_transcript(plan: Plan, material: Material, now: datetime) -> str:
    """The transcript of making `material` by `plan`, in Chinese and English, up to 120 columns; times are UTC."""
    blocks = [
        "密钥仪式记录  Key ceremony transcript\n",
        _head(plan, material, now),
        "制作的密钥和 X.509 证书 Keys and X.509 certificates made\n",
        *(_certificate(name, certificate) for name, certificate in material.certificates.items()),
        _crl(material.root_crl),
        HOW_TO_CHECK,
        *(WITNESS.format(number=number) for number in (1, 2)),
    ]
    return "\n".join(blocks)


def _head(plan: Plan, material: Material, now: datetime) -> str:
    return _lines(
        ("机构 authority", plan.authority),
        ("行政区划 area", plan.area),
        ("时间 time", _instant(now)),
        ("用途 use", USE[plan.demonstration]),
        ("公开地址 address", plan.public_url or "-"),
        ("印章 seals", ", ".join(seal.id for seal in plan.seals)),
        ("证书数 count", str(len(material.certificates))),
        indent=0,
    )


def _certificate(name: str, certificate: x509.Certificate) -> str:
    first, last = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return f"  {name}\n" + _lines(
        ("模板 profile", profile_name(name)),
        ("主体 subject", _name(certificate.subject)),
        ("签发者 issuer", _name(certificate.issuer)),
        ("序列号 serial", f"{certificate.serial_number:X}"),
        ("有效 term", f"{_instant(first)} – {_instant(last)}"),
        ("密钥 key", _key_kind(certificate)),
        ("公钥 SPKI SHA-256", _in_groups(_key_digest(certificate))),
        ("证书 SHA-256", _in_groups(certificate.fingerprint(hashes.SHA256()))),
    )


def _crl(encoded: bytes) -> str:
    crl = x509.load_der_x509_crl(encoded)
    number = crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
    until = f"{_instant(crl.next_update_utc)}" if crl.next_update_utc else "-"
    return "  root.crl\n" + _lines(
        ("签发者 issuer", _name(crl.issuer)),
        ("编号 number", f"{number:X}"),
        ("有效 term", f"{_instant(crl.last_update_utc)} – {until}"),
        ("吊销 revoked", str(len(crl))),
        ("列表 SHA-256", _in_groups(hashlib.sha256(encoded).digest())),
    )


def _lines(*rows: tuple[str, str], indent: int = 4) -> str:
    return "".join(f"{' ' * indent}{label}{' ' * (22 - _columns(label))}{text}\n" for label, text in rows)


def _columns(text: str) -> int:
    return sum(1 if character.isascii() else 2 for character in text)


def _instant(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%S}Z"


def _name(name: x509.Name) -> str:
    return name.rfc4514_string(SHORT_NAMES)


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
