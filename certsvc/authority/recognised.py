"""Authorities of other regions whose certificates are recognised: a TOML file and a root certificate for each."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Annotated

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from msgspec import Meta

from certsvc.catalog.faults import Fault, explain
from certsvc.catalog.files import read_toml
from certsvc.catalog.shape import Shaped
from certsvc.domain.calendar import beijing_date
from certsvc.domain.recognition import Addresses, CoveredType, Scope, TrustedAuthority
from certsvc.domain.trust import is_demonstration
from certsvc.errors import CertsvcError, MalformedDer, Problem, RecognitionWrong
from certsvc.ids import parse_type_code
from certsvc.x509_reader import read_pem_certificate

MAX_CERTIFICATE = 16 * 1024
MOST = 500
EC_BITS, RSA_BITS = 256, 2048
NO_END = 9999
"""The year in which a certificate ends that has no end (RFC 5280 section 4.1.2.5)."""

FILE_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*", re.ASCII)

Text = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"\A[^\x00-\x1f\x7f]+\Z")]
"""One line: it is printed as a comment among the certificates."""

Area = Annotated[str, Meta(pattern=r"\A[0-9]{6}\Z")]
Address = Annotated[str, Meta(pattern=r"\Ahttps?://\S+\Z", max_length=200)]


class _Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    zh: Text
    en: Text


class _Addresses(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    crl: tuple[Address, ...] = ()
    ca: tuple[Address, ...] = ()
    ocsp: Address | None = None
    tsa: Address | None = None
    practice: Address | None = None


class _Scope(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    certificate_types: Annotated[tuple[str, ...], Meta(min_length=1)]
    first: date
    last: date | None = None


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: _Words
    area: Area
    legal_ground: _Words
    scope: Annotated[tuple[_Scope, ...], Meta(min_length=1)]
    addresses: _Addresses = _Addresses()


def load_recognised(
    folder: Path, kinds: Mapping[str, str], ours: Sequence[x509.Certificate]
) -> tuple[TrustedAuthority, ...]:
    """The recognised authorities in `folder`, by file name; none when there is no such folder.

    Each is `<name>.toml` with `<name>.pem`, its root; `keys/anchors/` holds an example. `kinds` has the code
    (GB/T 36904) of each of our types by its id, `ours` are our roots. A scope reaches no further than the term of its
    root. That a term ends is no mistake: it would stop the list for everybody on a day when nobody did anything.

    Raises:
        RecognitionWrong: with every problem of every file. Refused is also a root that is no authority's, that is one
            of ours or another's here, that is too weak, or that says it is a demonstration while ours are not.
    """
    if not folder.is_dir():
        return ()
    door = _Door(folder, kinds, ours)
    names = sorted({path.stem for path in folder.iterdir() if path.suffix in (".toml", ".pem")})
    if len(names) > MOST:
        door.add(folder.name, "too_many", f"认可的机构超过 {MOST} 个", f"there are more than {MOST} authorities")
    authorities = [authority for name in names[:MOST] if (authority := door.read(name))]
    if door.problems:
        said = door.problems[0]
        raise RecognitionWrong(
            f"{folder} 中有 {len(door.problems)} 处错误，第一处：{said.field}：{said.zh}。",
            f"There are {len(door.problems)} mistakes in {folder}; the first: {said.field}: {said.en}.",
            problems=door.problems,
        )
    return tuple(authorities)


@dataclass
class _Door:
    """Where the files come in; it says everything that is wrong before anything is taken."""

    folder: Path
    kinds: Mapping[str, str]
    ours: Sequence[x509.Certificate]
    problems: list[Problem] = field(default_factory=list)
    roots: dict[bytes, str] = field(default_factory=dict)

    def add(self, place: str, code: str, zh: str, en: str) -> None:
        self.problems.append(Problem(place, code, zh, en))

    def read(self, name: str) -> TrustedAuthority | None:
        before = len(self.problems)
        if not FILE_NAME.fullmatch(name):
            said = "文件名只用小写字母、数字和单个连字符", "a file's name has small letters, digits, single hyphens"
            self.add(name, "name_wrong", *said)
            return None
        table = self._table(f"{name}.toml")
        certificate = self._certificate(f"{name}.pem")
        scopes = tuple(self._scopes(f"{name}.toml", table)) if table else ()
        if table is None or certificate is None or len(self.problems) > before:
            return None
        return TrustedAuthority(
            name_zh=table.name.zh,
            name_en=table.name.en,
            area=table.area,
            certificate=certificate.public_bytes(Encoding.DER),
            sha256=certificate.fingerprint(hashes.SHA256()).hex(),
            scopes=tuple(_in_term(certificate, scopes)),
            ground_zh=table.legal_ground.zh,
            ground_en=table.legal_ground.en,
            addresses=Addresses(**msgspec.structs.asdict(table.addresses)),
        )

    def _table(self, file: str) -> _File | None:
        faults: list[Fault] = []
        content = read_toml(self.folder, file, faults)
        shaped = None if content is None else Shaped(content, _File, file)
        for fault in [*faults, *(shaped.faults if shaped else ())]:
            said = explain(fault, self.folder)
            self.add(": ".join(filter(None, (file, _key(fault)))), said.code, said.zh.rstrip("。"), said.en.rstrip("."))
        return shaped.value if shaped and not shaped.faults else None

    def _scopes(self, file: str, table: _File) -> Iterator[Scope]:
        for number, scope in enumerate(table.scope, 1):
            place = f"{file}: scope[{number}]"
            if scope.last is not None and scope.last < scope.first:
                self.add(f"{place}.last", "dates_reversed", "last 早于 first", "last lies before first")
            covered = tuple(
                kind
                for written in scope.certificate_types
                if (kind := self._kind(f"{place}.certificate_types", written))
            )
            yield Scope(certificate_types=covered, first=scope.first, last=scope.last)

    def _kind(self, place: str, written: str) -> CoveredType | None:
        if written in self.kinds:
            return CoveredType(self.kinds[written], written)
        try:
            return CoveredType(parse_type_code(written))
        except CertsvcError:
            self.add(
                place,
                "type_unknown",
                f"{written} 既不是这里的证照类型，也不是合规的证照类型代码（GB/T 36904）",
                f"{written} is neither a type here nor a sound type code (GB/T 36904)",
            )
            return None

    def _certificate(self, file: str) -> x509.Certificate | None:
        certificate = self._parsed(file)
        if certificate is None:
            return None
        for code, zh, en in self._refusals(certificate):
            self.add(file, code, zh, en)
        first = self.roots.setdefault(certificate.public_bytes(Encoding.DER), file)
        if first != file:
            self.add(file, "same_as_other", f"与 {first} 是同一张证书", f"it is the same certificate as {first}")
        return certificate

    def _parsed(self, file: str) -> x509.Certificate | None:
        try:
            with (self.folder / file).open("rb") as opened:
                data = opened.read(MAX_CERTIFICATE + 1)
            if len(data) > MAX_CERTIFICATE:
                raise MalformedDer("过大", "it is too large")
            certificate = read_pem_certificate(data)
        except FileNotFoundError:
            self.add(file, "certificate_missing", "缺少这个根证书文件", "this root certificate is missing")
        except (OSError, MalformedDer):
            self.add(
                file,
                "certificate_unreadable",
                "应是一张 PEM 格式的 X.509 证书，密钥为 EC 或 RSA",
                "it should hold one X.509 certificate as PEM, with an EC or an RSA key",
            )
        else:
            return certificate
        return None

    def _refusals(self, certificate: x509.Certificate) -> Iterator[tuple[str, str, str]]:
        demonstrations = [is_demonstration(root) for root in self.ours]
        if not _is_authority(certificate):
            yield "not_an_authority", "不是可签发证书的机构证书", "it is no authority's certificate"
        if not _is_root(certificate):
            yield "not_a_root", "不是自签名的根证书", "it is no root: it has not signed itself"
        if certificate.public_key() in [root.public_key() for root in self.ours]:
            yield "same_as_ours", "这是本机构自己的根", "it is our own root"
        if not _is_strong(certificate):
            yield "key_weak", f"密钥太短：EC 至少 {EC_BITS} 位，RSA 至少 {RSA_BITS} 位", "its key is too short"
        if is_demonstration(certificate) and not any(demonstrations):
            yield "demonstration", "这是演示用的根，正式机构不得认可", "it is a demonstration's: not to be recognised"


def _in_term(root: x509.Certificate, scopes: Sequence[Scope]) -> Iterator[Scope]:
    """The part of each scope that lies in the term of the root; a scope of which none does falls away."""
    begins, ends = beijing_date(root.not_valid_before_utc), _last_day(root)
    for scope in scopes:
        first = max(scope.first, begins)
        last = min((day for day in (scope.last, ends) if day is not None), default=None)
        if last is None or first <= last:
            yield replace(scope, first=first, last=last)


def _last_day(root: x509.Certificate) -> date | None:
    end = root.not_valid_after_utc
    return None if end.year == NO_END else beijing_date(end)


def _key(fault: Fault) -> str:
    """The key that a fault lies at or that is missing, entries counted from 1; the line where there is no key."""
    if isinstance(fault.at, int):
        return f"line {fault.at}"
    steps = (*fault.at, str(fault.said["key"])) if fault.code == "key_missing" else fault.at
    return "".join(f"[{step + 1}]" if isinstance(step, int) else f".{step}" for step in steps).removeprefix(".")


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except (x509.ExtensionNotFound, ValueError):
        return False
    return constraints.ca and usage.key_cert_sign


def _is_root(certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(certificate)
    except (InvalidSignature, ValueError, TypeError, UnsupportedAlgorithm):
        return False
    return True


def _is_strong(certificate: x509.Certificate) -> bool:
    key = certificate.public_key()
    if isinstance(key, ec.EllipticCurvePublicKey):
        return key.key_size >= EC_BITS
    return isinstance(key, rsa.RSAPublicKey) and key.key_size >= RSA_BITS
