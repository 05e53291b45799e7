"""The key ceremony: one file in, a transcript out.

Everything is made in a folder of its own, and one rename ends it: interrupted before, nothing was held and the next
try starts anew; interrupted after, opening the authority publishes what was not yet published. Of several at once, one
is held and the others find it held.
"""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from certsvc.authority.authority import (
    ISSUING,
    ROOT,
    TIMESTAMP,
    Authority,
    Material,
    Publisher,
    make_material,
    seal_name,
)
from certsvc.authority.plan import Plan, load_plan
from certsvc.authority.transcript import make_transcript
from certsvc.custody.keys import SoftwareKey, create_key, open_key
from certsvc.errors import CeremonyError
from certsvc.files import FOR_EVERYONE, replace_file, sync

TRANSCRIPT = "transcript.txt"
PLAN = "plan.json"
ROOT_CRL = "root.crl"


def hold_ceremony(plan_file: Path, home: Path, secret: str, now: datetime, public_url: str) -> Path:
    """Make the authority that `plan_file` describes in `home/authority`; the path of the transcript.

    Held again with the same plan it does nothing. `secret` refers to the passphrase of the key files; `public_url` is
    the address under which CRLs will be found.

    Raises:
        CeremonyError: the plan is wrong, another ceremony was held here, or what it left is damaged.
        CustodyError: the passphrase cannot be had.
    """
    plan = msgspec.structs.replace(load_plan(plan_file), public_url=public_url.rstrip("/"))
    folder, staging = home / "authority", home / "authority.unfinished"
    with _alone(home):
        if folder.exists():
            return _same_ceremony(plan, folder)
        shutil.rmtree(staging, ignore_errors=True)
        staging.mkdir(mode=0o700)
        (staging / "keys").mkdir(mode=0o700)
        (staging / "certificates").mkdir()
        material = make_material(plan, _keys_in(staging, secret, plan), now)
        _write(plan, material, staging, now)
        staging.rename(folder)
        sync(home)
    return folder / TRANSCRIPT


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """One ceremony at a time in a home; the lock goes with the process that has it."""
    descriptor = os.open(home, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def open_authority(home: Path, secret: str, now: datetime) -> Authority:
    """Open the authority that a ceremony made, and publish its public facts under `home/public`.

    Raises:
        CeremonyError: no ceremony was held here, or what it left is damaged.
        CustodyError: a key does not open.
    """
    folder = home / "authority"
    if not folder.exists():
        raise CeremonyError(
            f"{home} 中还没有举行过密钥仪式：请运行 certsvc ceremony。",
            f"No key ceremony was held in {home}: run `certsvc ceremony`.",
        )
    plan, material = _read(folder, secret)
    authority = Authority(plan, material, _keys_in(folder, secret, plan), _publisher(home / "public"))
    authority.publish(now)
    return authority


def _read(folder: Path, secret: str) -> tuple[Plan, Material]:
    plan = _read_plan(folder)
    try:
        paths = sorted((folder / "certificates").glob("*.pem"))
        certificates = {path.stem: x509.load_pem_x509_certificate(path.read_bytes()) for path in paths}
        root_crl = (folder / ROOT_CRL).read_bytes()
        x509.load_der_x509_crl(root_crl)
    except (OSError, ValueError) as error:
        raise _damaged(folder, str(error)) from None
    missing = {ROOT, ISSUING, TIMESTAMP, *(seal_name(seal.id) for seal in plan.seals)} - set(certificates)
    if missing:
        raise _damaged(folder, ", ".join(sorted(missing)))
    keys = {name: open_key(_uri(folder, name), secret) for name in certificates}
    for name, certificate in certificates.items():
        if certificate.public_key() != keys[name].public_key:
            raise _damaged(folder, f"{name}: key and certificate do not belong together")
    return plan, Material(keys=keys, certificates=certificates, root_crl=root_crl)


def _read_plan(folder: Path) -> Plan:
    try:
        return msgspec.json.decode((folder / PLAN).read_bytes(), type=Plan)
    except (OSError, msgspec.MsgspecError) as error:
        raise _damaged(folder, str(error)) from None


def _damaged(folder: Path, what: str) -> CeremonyError:
    return CeremonyError(
        f"{folder} 已损坏（{what}）：请从备份恢复。", f"{folder} is damaged ({what}): restore it from a backup."
    )


def _same_ceremony(plan: Plan, folder: Path) -> Path:
    if _read_plan(folder) != plan:
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
    (folder / TRANSCRIPT).write_text(make_transcript(plan, material, now), encoding="utf-8")
    for path in (*folder.rglob("*"), folder):
        sync(path)


def _publisher(public: Path) -> Publisher:
    return lambda name, data: replace_file(public / name, data, FOR_EVERYONE)
