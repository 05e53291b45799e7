"""The key ceremony: one file in, a transcript out.

The founding ceremony makes everything in a folder of its own, and one rename ends it: interrupted before, nothing was
held and the next try starts anew; interrupted after, opening the authority publishes what was not yet published. Of
several at once, one is held and the others find it held. Later ceremonies are in `later.py`.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

import msgspec

from certsvc.authority.archive import FolderArchive, damaged
from certsvc.authority.authority import Authority
from certsvc.authority.founding import found
from certsvc.authority.inventory import KeyState, inventory
from certsvc.authority.ledger import FolderLedger
from certsvc.authority.names import ISSUING, ROOT, SERVICES, TIMESTAMP, seal_name
from certsvc.authority.plan import Plan, load_plan
from certsvc.authority.ring import OFFLINE, FolderKeys
from certsvc.authority.shelf import FolderShelf
from certsvc.authority.transcript import founding_transcript
from certsvc.errors import CeremonyError, CustodyError, RevocationDataStale
from certsvc.files import sync
from certsvc.services import Timestamper

TRANSCRIPT = "transcript.txt"
PLAN = "plan.json"


def hold_ceremony(plan_file: Path, home: Path, secret: str, now: datetime, public_url: str) -> Path:
    """Make the authority that `plan_file` describes in `home/authority`; the path of the transcript.

    Held again with the same plan it does nothing. `secret` refers to the passphrase of the key files; `public_url` is
    the address under which CRLs will be found. The root's key lies in a folder of its own, to be taken away.

    Raises:
        CeremonyError: the plan is wrong, another ceremony was held here, or what it left is damaged.
        CustodyError: the passphrase cannot be had.
    """
    plan = msgspec.structs.replace(load_plan(plan_file), public_url=public_url.rstrip("/"))
    folder, staging = home / "authority", home / "authority.unfinished"
    with alone(home):
        if folder.exists():
            return _same_ceremony(plan, folder)
        shutil.rmtree(staging, ignore_errors=True)
        staging.mkdir(mode=0o700)
        for name, mode in (("keys", 0o700), (OFFLINE, 0o700), ("certificates", 0o755)):
            (staging / name).mkdir(mode=mode)
        archive, keys = FolderArchive(staging), _keys(staging, secret, plan, None)
        found(plan, archive, keys, now, SERVICES)
        (staging / PLAN).write_bytes(msgspec.json.encode(plan))
        text = founding_transcript(plan, archive.certificates(), archive.root_crl(ROOT), now)
        (staging / TRANSCRIPT).write_text(text, encoding="utf-8")
        for path in (*staging.rglob("*"), staging):
            sync(path)
        staging.rename(folder)
        sync(home)
    return folder / TRANSCRIPT


@contextmanager
def alone(home: Path) -> Iterator[None]:
    """One ceremony at a time in a home; the lock goes with the process that has it."""
    descriptor = os.open(home, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def open_authority(
    home: Path, secret: str, now: datetime, *, timestamper: Timestamper | None = None, roots: Path | None = None
) -> Authority:
    """Open the authority that a ceremony made, and publish its public facts under `home/public`.

    Keys are opened when they are first used. `timestamper` is another timestamp service than the key here; `roots` is
    where the root's key is, for a ceremony. An issuing key that cannot be used is no error here: orders are taken, and
    wait for their seals.

    Raises:
        CeremonyError: no ceremony was held here, or what it left is damaged.
    """
    authority = read_authority(home, secret, timestamper=timestamper, roots=roots)
    authority.facts.publish_certificates()
    with suppress(CustodyError, RevocationDataStale):
        authority.make_services(now)
        authority.facts.renew(now)
    return authority


def read_authority(
    home: Path, secret: str, *, timestamper: Timestamper | None = None, roots: Path | None = None
) -> Authority:
    """The authority that a ceremony made, without publishing anything; see `open_authority`.

    Raises:
        CeremonyError: no ceremony was held here, or what it left is damaged.
    """
    folder = home / "authority"
    if not folder.exists():
        raise CeremonyError(
            f"{home} 中还没有举行过密钥仪式：请运行 certsvc ceremony。",
            f"No key ceremony was held in {home}: run `certsvc ceremony`.",
        )
    plan, archive = _read_plan(folder), FolderArchive(folder)
    archive.root_crl(ROOT)
    missing = {ROOT, ISSUING, TIMESTAMP, *(seal_name(seal.id) for seal in plan.seals)} - archive.certificates().keys()
    if missing:
        raise damaged(folder, ", ".join(sorted(missing)))
    keys, shelf = _keys(folder, secret, plan, roots), FolderShelf(home / "public")
    return Authority(plan, archive, keys, shelf, FolderLedger(folder / "revoked"), timestamper)


def read_inventory(home: Path, secret: str, now: datetime) -> list[KeyState]:
    """Every key of the authority in `home`, and whether it works.

    Raises:
        CeremonyError: no ceremony was held here, or what it left is damaged.
    """
    authority = read_authority(home, secret)
    folder = home / "authority"
    return list(inventory(authority, _keys(folder, secret, authority.plan, None), now))


def _keys(folder: Path, secret: str, plan: Plan, roots: Path | None) -> FolderKeys:
    return FolderKeys(folder, secret, plan.algorithm, plan.custody, plan.limits, roots)


def _read_plan(folder: Path) -> Plan:
    try:
        return msgspec.json.decode((folder / PLAN).read_bytes(), type=Plan)
    except (OSError, msgspec.MsgspecError) as error:
        raise damaged(folder, str(error)) from None


def _same_ceremony(plan: Plan, folder: Path) -> Path:
    if _read_plan(folder) != plan:
        raise CeremonyError(
            f"{folder} 中已有按另一份计划举行的仪式；如要重来，请换一个 CERTSVC_HOME。",
            f"Another ceremony was held in {folder}; to start anew, use another CERTSVC_HOME.",
        )
    return folder / TRANSCRIPT
