"""Make every vector of a receipt's record anew: `python tests/receipts/make_receipt_vectors.py [FOLDER]`.

The authority is made for it and thrown away: only what it publishes is kept. The committed vectors are what the tests
read; run this only to add one, because every signature changes.
"""

import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import typst
from receipt_flaws import FLAWS, Bench, press_of
from receipt_room import PDF, Room, now, opened_room

from certsvc.authority.ceremony import open_authority
from certsvc.domain.revocation import Reason, Revocation
from certsvc.domain.states import Status

FOLDER = Path(__file__).resolve().parents[1] / "vectors" / "receipts"
PUBLISHED = ("anchors/root.pem", "anchors/issuing.pem", "crl/root.crl", "crl/issuing.crl")


def good(room: Room) -> Iterator[tuple[str, str]]:
    """Receipts of each verdict and of everything that can be asked about."""
    code = room.licence.ref.typed_code
    yield "a_code_that_is_valid", room.made(code=code, purpose="东城支行 开户 2026-1127")[1]
    yield "a_qr_that_is_valid", room.made(qr=room.digits(room.licence))[1]
    kept = room.shelf.certificates[0]
    room.shelf.certificates[0] = replace(kept, status=Status.REVOKED)
    yield "a_code_that_is_not_valid", room.made(code=code)[1]
    room.shelf.certificates[0] = kept
    room.shelf.down = True
    yield "a_code_of_which_nothing_can_be_told", room.made(code=code)[1]
    room.shelf.down = False
    page = typst.compile(b"= A page that nobody sealed")
    yield "a_file_that_is_not_valid", room.receipt(files={"file": ("x.pdf", page, PDF)}).json()["jws"]


def make(folder: Path, room: Room, other: Room) -> None:
    """Write the vectors and what a reader needs."""
    for name in ("good", "bad", "public"):
        shutil.rmtree(folder / name, ignore_errors=True)
        (folder / name).mkdir(parents=True)
    listed = []

    def keep(place: str, name: str, data: str, verdict: str, answer: str | None, crl: str | None = None) -> None:
        (folder / place / f"{name}.jws").write_text(data, encoding="ascii")
        said = {"name": name, "file": f"{place}/{name}.jws", "verdict": verdict, "check": answer}
        listed.append(said | ({"crl": crl} if crl else {}))

    for name, jws in good(room):
        keep("good", name, jws, "receipt", None)
    permit = room.shelf.certificates[-1].ref.typed_code
    content, jws = room.made(code=permit)
    bench = Bench(room, other, content, jws, room.made(code=permit)[1])
    for each in FLAWS:
        made = each.make(bench)
        if not made.startswith(b"%PDF-"):
            keep("bad", each.name, made.decode("ascii"), "not_valid", each.answer)
    for name in PUBLISHED:
        (folder / "public" / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(room.settings.public / name, folder / "public" / name)
    later = press_of(room).sign(content | {"made_at": (now() + timedelta(seconds=60)).isoformat()})
    for name, reason in (("superseded", Reason.SUPERSEDED), ("compromised", Reason.KEY_COMPROMISE)):
        revoke(room, reason)
        crl = f"public/issuing-{name}.crl"
        shutil.copyfile(room.settings.public / "crl" / "issuing.crl", folder / crl)
        ended = "not_valid" if name == "superseded" else "undetermined"
        answer = "signed_outside_key_term" if name == "superseded" else "compromised_key"
        keep("bad", f"made_after_its_key_was_{name}", later, ended, f"receipt_signature.{answer}", crl)
    said = {"now": (now() + timedelta(seconds=90)).isoformat(), "vectors": listed}
    (folder / "vectors.json").write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")


def revoke(room: Room, reason: Reason) -> None:
    """The certificate of receipts is revoked half a minute from now or, compromised, from a while ago."""
    decided = now() + timedelta(seconds=30)
    authority = open_authority(room.settings.home, room.settings.secret, now())
    authority.record(
        Revocation(
            name="receipt",
            reason=reason,
            effective=decided - timedelta(minutes=30) if reason.is_compromise else decided,
            decided_at=decided,
            by="陈主管",
            confirmed_by="林副主管",
            why="演练",
        )
    )
    authority.facts.renew(decided)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        homes = Path(scratch)
        with opened_room(homes / "ours") as ours, opened_room(homes / "theirs") as theirs:
            ours.digits(ours.licence)  # the quarter's key is made
            make(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER, ours, theirs)
