"""Drawing anew and looking in processes of their own, as the service does it; and what the service opens."""

import asyncio
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "verify"))
from asking import run
from changed_fixtures import looking
from changing import another_name, saved_by_another_program
from flaws import Bench
from seal_workshop import ROOT, URL, Shelf

from certsvc.domain.page import PageToDraw
from certsvc.errors import UnreadableFile
from certsvc.render.redraw_pool import Redrawer
from certsvc.settings import load_settings
from certsvc.verify.changed import Changed, what_changed
from certsvc.verify.looker import Looker
from certsvc.verify.photo import examine_upload
from certsvc.verify.service import Verifying

pytest_plugins = ["changed_fixtures"]


def in_processes(bench: Bench, shelf: Shelf, data: bytes) -> Changed | None:
    """What changed, found by real workers."""

    async def ask() -> Changed | None:
        async with Looker() as looker, Redrawer(ROOT / "schemas", URL) as drawer:
            known: Verifying = replace(looking(bench.workshop, shelf), looker=looker, drawer=drawer)
            examined = await examine_upload(known, data, bench.workshop.now)
            for _ in range(5):  # a crowded machine may need a second try
                found = await what_changed(known, examined, data, bench.workshop.now)
                if found is not None:
                    return found
            return None

    return run(ask())


@pytest.mark.long
def test_a_page_is_drawn_anew_and_compared_by_real_workers(bench: Bench, shelf: Shelf) -> None:
    found = in_processes(bench, shelf, saved_by_another_program(bench.genuine))
    assert found is not None and (found.source, found.compared.differences) == ("redrawn", ())
    data, before, after = another_name(bench)
    found = in_processes(bench, shelf, data)
    assert found is not None
    assert [(one.sealed_text, one.yours_text) for one in found.compared.differences] == [(before, after)]


@pytest.mark.long
def test_what_cannot_be_drawn_is_said_and_the_next_page_is_drawn(bench: Bench) -> None:
    row = bench.genuine.registered
    page = PageToDraw(
        type_id=row.type_id,
        type_version=row.type_version,
        layout=bench.genuine.face.layout.name,
        fields=row.public_fields,
        number=row.number,
        identifier=row.identifier,
        version=1,
        issuer=row.issuer,
        seals=(),
        term=row.term,
        issued_on=bench.genuine.face.issued_on,
        typed_code=row.ref.typed_code,
        digits=bench.genuine.digits,
        specimen=True,
    )

    async def draw() -> bytes:
        async with Redrawer(ROOT / "schemas", URL) as drawer:
            with pytest.raises(UnreadableFile):
                await drawer.draw(replace(page, type_id="no-such-type"))
            return await drawer.draw(page)

    assert run(draw()).startswith(b"%PDF-1.7")


def test_who_draws_pages_anew_has_no_secret_and_no_sealed_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CERTSVC_HOME", "/made/up/home")
    monkeypatch.setenv("CERTSVC_DATABASE_URI", "postgresql://made-up-secret@localhost/x")

    async def environment() -> bytes:
        async with Redrawer(ROOT / "schemas", URL) as drawer:
            worker = await drawer._pool._idle.get()
            process = await worker._start()
            seen = await asyncio.to_thread(Path(f"/proc/{process.pid}/environ").read_bytes)
            drawer._pool._idle.put_nowait(worker)
            return seen

    assert b"CERTSVC" not in run(environment())


def test_the_public_role_reads_no_sealed_file() -> None:
    """Neither the verifier nor its workers know where sealed files lie."""
    for folder in ("verify", "http", "render"):
        for path in (ROOT / "certsvc" / folder).glob("*.py"):
            assert "store.blobs" not in path.read_text("utf-8"), path


def test_former_hosts_are_a_setting(tmp_path: Path) -> None:
    told = {**os.environ, "CERTSVC_HOME": str(tmp_path), "CERTSVC_VERIFY_HOSTS": "old.example,older.example"}
    assert load_settings(told).verify.hosts == ("old.example", "older.example")
