"""The public pages with the full view of one proof behind them, over a register in memory, on loopback."""

import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from app_served import app_served, free_port, quietly

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "http"))
from public_site import ROOT, Scripted, Shelf, _Root, catalog, certificate, decided

from certsvc.domain.full_view import TRIES, SealedDigest, SealedProof, Try, View, Viewer, digest_of
from certsvc.domain.states import Status
from certsvc.errors import NoTryLeft
from certsvc.http.application import make_application
from certsvc.http.desk.bundle import Desk
from certsvc.http.desk.full_view import full_view_routes
from certsvc.http.pages import Pages
from certsvc.http.public import public_routes
from certsvc.http.site import Site
from certsvc.ids import Ref, new_ref
from certsvc.issuance.full_view import FullViewing
from certsvc.log import open_log
from certsvc.services import PayloadCipher
from certsvc.verify.anchors import Anchors
from certsvc.verify.inspector import Inspector
from certsvc.verify.service import Verifying

CHARACTERS = "7K3M9Q"
WATER = "tiered-water-proof"


class Plain:
    """A cipher that hides nothing."""

    def decrypt(self, sealed: bytes, context: bytes, key_id: str) -> bytes:
        return sealed

    def look_up(self, text: str) -> bytes:
        return bytes(32)


@dataclass
class Views:
    """`services.FullViews` in memory."""

    proofs: set[Ref] = field(default_factory=set)
    tries: dict[Ref, int] = field(default_factory=dict)
    seen: list[View] = field(default_factory=list)

    async def begin(self, ref: Ref, viewer: Viewer, now: datetime) -> Try | None:
        if ref not in self.proofs:
            return None
        self.tries[ref] = self.tries.get(ref, 0) + 1
        if self.tries[ref] > TRIES:
            raise NoTryLeft(
                "这件证明一小时内已试过 5 次，请过 60 分钟再试。", "Five tries within an hour.", retry_after=3600
            )
        kind = catalog().latest(WATER)
        payload = json.loads((kind.folder / "examples" / "good-zhou.json").read_text("utf-8"))
        return Try(
            number=1,
            proof=SealedProof(
                ref=ref,
                type_id=kind.id,
                type_version=kind.version,
                payload=json.dumps(payload).encode(),
                payload_key_id="data-1",
                digest=SealedDigest(sealed=digest_of(ref, CHARACTERS), key_id="data-1"),
            ),
        )

    async def note_view(self, ref: Ref, number: int, viewer: Viewer, now: datetime) -> None:
        self.seen.insert(0, View(at=now, office=viewer.office, purpose=viewer.purpose))

    async def views(self, ref: Ref, now: datetime) -> tuple[Sequence[View], int]:
        return tuple(self.seen), self.tries[ref]


@dataclass
class Served:
    """Where it is served, and the codes of a proof in force and of one that was withdrawn."""

    base: str
    proof: str
    withdrawn: str
    views: Views


@contextmanager
def serve() -> Iterator[Served]:
    """At a free port of loopback, in a thread of its own."""
    port = free_port()
    proof = certificate(WATER, "good-zhou")
    ended = replace(proof, ref=new_ref(), status=Status.RESCINDED, change=decided("rescind", reason="情况变化"))
    views = Views({proof.ref, ended.ref})
    with tempfile.TemporaryDirectory() as trust:
        with quietly():
            app = _app(Path(trust), f"localhost:{port}", Shelf([proof, ended]), views)
        with app_served(app, port):
            yield Served(f"http://localhost:{port}", proof.ref.typed_code, ended.ref.typed_code, views)


def _app(trust: Path, host: str, shelf: Shelf, views: Views) -> Any:
    async def cipher() -> PayloadCipher:
        return cast(PayloadCipher, Plain())

    anchors = Anchors((_Root(),), {}, True)  # type: ignore[arg-type]
    inspector = cast(Inspector, Scripted())
    verifying = Verifying(catalog=catalog(), trust=anchors, register=shelf, inspector=inspector)
    site = Site(host, f"http://{host}", ROOT / "verifier_web", trust, True)
    pages, log = Pages(site), open_log()
    viewing = FullViewing(catalog=catalog(), views=views, cipher=cipher)
    others: dict[str, Any] = dict.fromkeys(("taking", "keep_days", "following"))
    desk = Desk(register=shelf, site=site, pages=pages, full_views=viewing, **others)
    return make_application([*public_routes(verifying, site, pages, log), *full_view_routes(desk)], site, pages, log)
