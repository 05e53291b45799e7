"""The key ceremony: one file in, a transcript out.

Everything is made in a folder of its own, and one rename ends it: interrupted before, nothing was held and the next
try starts anew; interrupted after, opening the authority publishes what was not yet published.
"""

import os
import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from certsvc.authority.authority import Authority, Material, Publisher, make_material
from certsvc.authority.plan import Plan, load_plan
from certsvc.custody.keys import SoftwareKey, create_key, open_key
from certsvc.errors import CeremonyError

TRANSCRIPT = "transcript.txt"
PLAN = "plan.json"
ROOT_CRL = "root.crl"


def hold_ceremony(plan_file: Path, home: Path, secret: str, now: datetime, public_url: str) -> Path:
    """Make the authority that `plan_file` describes in `home/authority`; the path of the transcript.

    Held again with the same plan it does nothing. `secret` refers to the passphrase of the key files.

    Raises:
        CeremonyError: the plan is wrong, or another ceremony was held here.
        CustodyError: the passphrase cannot be had.
    """
    plan = msgspec.structs.replace(load_plan(plan_file), public_url=public_url.rstrip("/"))
    folder, staging = home / "authority", home / "authority.unfinished"
    if folder.exists():
        return _same_ceremony(plan, folder)
    shutil.rmtree(staging, ignore_errors=True)
    (staging / "keys").mkdir(mode=0o700, parents=True)
    (staging / "certificates").mkdir()
    staging.chmod(0o700)
    material = make_material(plan, _keys_in(staging, secret, plan), now)
    _write(plan, material, staging, now)
    staging.rename(folder)
    _sync(home)
    return folder / TRANSCRIPT


def open_authority(home: Path, secret: str, now: datetime) -> Authority:
    """Open the authority that a ceremony made, and publish its public facts under `home/public`.

    Raises:
        CeremonyError: no ceremony was held here.
        CustodyError: a key does not open.
    """
    folder = home / "authority"
    if not folder.exists():
        raise CeremonyError(
            f"{home} 中还没有举行过密钥仪式：请运行 certsvc ceremony。",
            f"No key ceremony was held in {home}: run `certsvc ceremony`.",
        )
    plan = msgspec.json.decode((folder / PLAN).read_bytes(), type=Plan)
    certificates = {
        path.stem: x509.load_pem_x509_certificate(path.read_bytes()) for path in (folder / "certificates").glob("*.pem")
    }
    keys = {name: open_key(_uri(folder, name), secret) for name in certificates}
    material = Material(keys=keys, certificates=certificates, root_crl=(folder / ROOT_CRL).read_bytes())
    authority = Authority(plan, material, _keys_in(folder, secret, plan), _publisher(home / "public"))
    authority.publish(now)
    return authority


def _same_ceremony(plan: Plan, folder: Path) -> Path:
    held = msgspec.json.decode((folder / PLAN).read_bytes(), type=Plan)
    if held != plan:
        raise CeremonyError(
            f"{folder} 中已有按另一份计划举行的仪式；如要重来，请换一个 CERTSVC_HOME。",
            f"Another ceremony was held in {folder}; to start anew, use another CERTSVC_HOME.",
        )
    return folder / TRANSCRIPT


def _uri(folder: Path, name: str) -> str:
    return f"file:{folder / 'keys' / name}.key"


def _keys_in(folder: Path, secret: str, plan: Plan) -> Callable[[str], SoftwareKey]:
    return lambda name: create_key(_uri(folder, name), secret, "p256" if name.startswith("token-") else plan.algorithm)


def _write(plan: Plan, material: Material, folder: Path, now: datetime) -> None:
    for name, certificate in material.certificates.items():
        (folder / "certificates" / f"{name}.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    (folder / ROOT_CRL).write_bytes(material.root_crl)
    (folder / PLAN).write_bytes(msgspec.json.encode(plan))
    (folder / TRANSCRIPT).write_text(_transcript(plan, material, now), encoding="utf-8")
    for path in (*folder.rglob("*"), folder):
        _sync(path)


def _transcript(plan: Plan, material: Material, now: datetime) -> str:
    lines = [
        "密钥仪式记录  Key ceremony transcript",
        f"机构 authority: {plan.authority}",
        f"时间 time: {now:%Y-%m-%d %H:%M:%S} UTC",
        f"用途 use: {'演示，无法律效力 demonstration, no legal effect' if plan.demonstration else '正式 in earnest'}",
        f"公开地址 public address: {plan.public_url or '-'}",
        "",
        "制作的密钥和证书 Keys and X.509 certificates made:",
    ]
    for name, certificate in material.certificates.items():
        first, last = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        digest = certificate.fingerprint(hashes.SHA256()).hex(" ", 2)
        lines += [
            f"  {name}",
            f"    主体 subject  {certificate.subject.rfc4514_string()}",
            f"    有效 term     {first:%Y-%m-%d} to {last:%Y-%m-%d}",
            f"    指纹 SHA-256  {digest}",
        ]
    lines += ["", "见证人 witnesses:  1 ______________________    2 ______________________", ""]
    return "\n".join(lines)


def _publisher(public: Path) -> Publisher:
    return lambda name, data: _replace(public / name, data)


def _replace(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_bytes(data)
    temporary.replace(path)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
