"""The demonstration end to end: what it promises on its last line, on paper, on the second day, and when killed."""

import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pypdfium2
import pytest
from chosen import tree_catalog
from demonstration import ROOT, Demonstration, Home, NewHome
from PIL import Image
from served import free_port, served
from test_demo_village import rows

from certsvc.demo.orders import demo_orders
from certsvc.demo.screen import draw
from certsvc.demo.village_seal import NOT_OPENED
from certsvc.render.qr import qr_symbol
from certsvc.store.embedded import EmbeddedServer
from certsvc.verify.pixels import read_picture

pytestmark = pytest.mark.long

PAGE, JSON, PDF = "text/html", "application/json", "application/pdf"


def path_of(url: str) -> str:
    """A QR's address without its host."""
    return "/Q/" + url.rpartition("/")[2]


def test_the_last_line_has_the_names_that_others_rely_on(demonstration: Demonstration) -> None:
    summary = demonstration.summary
    issued = sum(summary["issued"].values())
    assert summary.keys() == {
        "issued",
        "verified",
        "offline",
        "pdf_dir",
        "anchors",
        "urls",
        "seconds",
        "sandbox",
        "case",
        "village",
    }
    assert summary["issued"]["licences"] >= 3
    assert summary["issued"]["permits"] >= 6
    assert summary["issued"]["proofs"] >= 1
    assert summary["verified"] == summary["offline"] == {"file": issued, "picture": issued}
    assert len(set(summary["urls"])) == issued
    assert Path(summary["anchors"]).is_file()
    assert len(demonstration.home.papers) == issued + summary["issued"]["licences"]  # 正本 and 副本


def test_the_data_folder_is_private(demonstration: Demonstration) -> None:
    assert demonstration.home.path.stat().st_mode & 0o077 == 0


@pytest.mark.long
def test_every_page_carries_the_specimen_mark(demonstration: Demonstration) -> None:
    for path in demonstration.home.papers:
        with pypdfium2.PdfDocument(path) as document:
            text = document[0].get_textpage().get_text_bounded().replace(" ", "")
            assert text.count("样本SPECIMEN演示") >= 4, path


@pytest.mark.long(seconds=30)
def test_killed_at_any_time_the_next_start_completes_it(new_home: NewHome) -> None:
    home, address = new_home(), "https://yz.example"
    command = [sys.executable, "-m", "certsvc", "demo", "--once", "--public-url", address]
    for seconds in (random.uniform(0.5, 3.0), random.uniform(1.0, 5.0)):  # another moment on every run
        process = subprocess.Popen(
            command, cwd=ROOT, env=home.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        time.sleep(seconds)
        process.kill()
        process.wait()
    summary = home.json("demo", "--once", "--public-url", address)[-1]
    issued = sum(summary["issued"].values())
    assert summary["verified"] == summary["offline"] == {"file": issued, "picture": issued}
    assert len(set(summary["urls"])) == issued
    assert all(url.startswith(f"{address}/Q/") for url in summary["urls"])
    assert 'public_url = "https://yz.example"' in (home.path / "settings.toml").read_text("utf-8")


@pytest.mark.long
def test_the_orders_of_a_day_are_always_the_same_and_their_terms_whole_years() -> None:
    catalog = tree_catalog()
    for day in (date(2026, 11, 25), date(2028, 2, 29), date(2031, 12, 31)):
        orders = demo_orders(catalog, "demo", day)
        assert orders == demo_orders(catalog, "demo", day)
        for order in orders:
            assert catalog.latest(order.type_id).problems(order.payload) == [], (order.key, day)


def scanned(text: str) -> tuple[str, ...]:
    """What a camera reads from half blocks on a white screen."""
    lines = [line for line in text.splitlines() if re.fullmatch("[█▀▄ ]{40,}", line)]
    rows = [[character in dark for character in line] for line in lines for dark in ("█▀", "█▄")]
    picture = Image.new("L", (len(rows[0]), len(rows)), 255)
    picture.putdata([0 if dark else 255 for row in rows for dark in row])
    return read_picture(picture.resize((picture.width * 4, picture.height * 4)))


def test_the_qr_in_the_terminal_can_be_scanned() -> None:
    symbol = qr_symbol("HTTP://LOCALHOST:8000/Q/", "1234567890" * 30)
    assert scanned(draw(symbol, colours=False)) == ("1234567890" * 30,)


@dataclass(frozen=True, slots=True)
class SecondDay:
    """A second start of the demonstration: what `demo` said, and what the verifier answered meanwhile."""

    home: Home
    revoked: str
    said: str
    scans: Sequence[Mapping[str, Any]]
    file: Mapping[str, Any]
    anchor: bytes


@pytest.fixture(scope="module")
def second_day(demonstration: Demonstration, new_home: NewHome) -> SecondDay:
    """Somebody acted on what the first day issued: one licence is revoked."""
    home = demonstration.home.copied_to(new_home())
    shown = home.json("holder", "91441900MA51ABC088")[0]
    licence = next(one for one in shown["certificates"] if one["type"] == "business-licence-company")
    reason = ["--reason", "查处", "--basis", "某法第一条", "--decision", "云罚〔2026〕1号", "--confirmed-by", "other"]
    assert home.json("act", "revoke", licence["typed_code"], *reason)[0]["status"] == "revoked"
    with served(home, "demo", port=free_port()) as site:
        scans = [site.get(path_of(url)).json() for url in demonstration.summary["urls"]]
        with home.papers[-1].open("rb") as file:
            answer = httpx.post(site.url + "/verify", files={"file": file}, headers={"Accept": JSON}).json()
        anchor = site.get("/trust/anchors/root.pem").content
        said, _ = site.stop()
    assert not (home.path / "postgres" / "data" / "postmaster.pid").exists()
    return SecondDay(home, licence["number"], said, scans, answer, anchor)


def test_demo_prints_address_qr_codes_folder_and_how_to_stop(
    second_day: SecondDay, demonstration: Demonstration
) -> None:
    said = second_day.said
    assert "http://localhost:" in said
    assert scanned(said) == (demonstration.summary["urls"][0].rpartition("/")[2],)
    assert "pdf" in said
    assert "Ctrl-C" in said
    assert "--public-url" in said
    codes = re.findall(r"^  ((?:[0-9A-Z]{4}-){4}[0-9A-Z])  ", said, re.M)
    assert len(set(codes)) == sum(demonstration.summary["issued"].values())


def test_a_second_start_issues_nothing_anew(second_day: SecondDay, demonstration: Demonstration) -> None:
    before, after = demonstration.home.papers, second_day.home.papers
    assert [path.name for path in after] == [path.name for path in before]
    assert [path.read_bytes() for path in after] == [path.read_bytes() for path in before]


def test_village_what_was_approved_waits_until_its_keeper_opens_the_seal_for_its_kind(second_day: SecondDay) -> None:
    """Only where a worker serves: `--once` leaves nothing that waits."""
    statement = f"""select r.state, w.reason from proof_request r join issue_order o on o.key = r.approval_id
      join seal_wait w using (slot, ref) where r.type_id = '{NOT_OPENED}'"""
    assert [tuple(row) for row in rows(second_day.home, statement)] == [("approved", "authorisation_not_of_kind")]


def test_every_code_on_paper_opens_a_valid_answer_but_the_revoked_licence_and_its_permits(
    second_day: SecondDay,
) -> None:
    assert second_day.file["verdict"] == "valid", second_day.file["checks"]
    refused, permits = [], 0
    for scan in second_day.scans:
        number, ended = scan["certificate"]["number"], scan["verdict"] != "valid"
        if ended:
            refused.append(number)
        if scan["certificate"]["type"].startswith("business-licence"):
            assert ended is (number == second_day.revoked)
            assert [permit["verdict"] != "valid" for permit in scan["permits"]] == [ended] * len(scan["permits"])
            assert all(permit["status_age_s"] >= 0 for permit in scan["permits"])
            permits += len(scan["permits"])
    assert second_day.revoked in refused and 1 < len(refused) < len(second_day.scans) / 2
    assert permits >= 6


def test_the_first_licence_shows_a_case_and_which_of_two_departments_is_late(
    second_day: SecondDay, demonstration: Demonstration
) -> None:
    licence = second_day.scans[0]
    assert [(one["type"], one["state"]) for one in licence["pending"]] == [("sewage-discharge", "accepted")]
    assert [one["type"] for one in licence["permits"]].count("medical-device-business") == 1
    sources = {one["id"]: one["freshness"] for one in licence["elsewhere"]["sources"]}
    assert sources == {"tobacco": "fresh", "water": "late"}
    assert all(one["last_heard_at"] for one in licence["elsewhere"]["sources"])
    reported = [(one["type"], one["reported_state"]) for one in licence["elsewhere"]["records"]]
    assert reported == [("tobacco-retail", "valid"), ("water-intake", "valid")]
    assert f"/P/{demonstration.summary['case']}" in second_day.said


@pytest.mark.long(seconds=50)
def test_the_first_start_serves_and_prints_several_receipts_at_once(new_home: NewHome) -> None:
    """What serves must not be a fork of what drew pages: its compiler would wait for ever."""
    with served(new_home(), "demo", port=free_port()) as site:
        found = site.get("/v1/public/licences/by-uscc/91441900MA51ABC088?name=云山").json()
        code = found["certificate"]["typed_code"]

        def printed(_: int) -> httpx.Response:
            return httpx.post(site.url + "/receipts", data={"code": code}, headers={"Accept": PDF}, timeout=60)

        with ThreadPoolExecutor(3) as people:
            answers = list(people.map(printed, range(3)))
        site.stop()
    assert [answer.status_code for answer in answers] == [200] * 3
    assert all(answer.content.startswith(b"%PDF-") for answer in answers)


def test_the_anchor_is_public(second_day: SecondDay, demonstration: Demonstration) -> None:
    assert second_day.anchor == Path(demonstration.summary["anchors"]).read_bytes()


def test_a_database_that_is_killed_never_yields_green(own_home: Home, demonstration: Demonstration) -> None:
    path = path_of(demonstration.summary["urls"][0])
    with served(own_home, "serve", port=free_port()) as site:
        assert site.get(path).json()["verdict"] == "valid"
        pid = int((own_home.path / "postgres" / "data" / "postmaster.pid").read_text().splitlines()[0])
        os.kill(pid, signal.SIGKILL)
        for _ in range(3):
            answer = site.get(path)
            assert answer.status_code == 503
            assert answer.json()["verdict"] == "undetermined"
            assert answer.json()["document"] == "sound"
        page = site.get(path, PAGE)
        assert page.status_code == 503
        assert "无法判定" in page.text
        assert site.get("/health").status_code == 503
        server = EmbeddedServer(own_home.path)
        server.start()  # by whoever looks after it; the verifier finds it again by itself
        try:
            site.wait_until_ready()
            assert site.get(path).json()["verdict"] == "valid"
        finally:
            server.stop()
        site.stop()


def test_the_public_process_holds_no_key_and_cannot_write(own_home: Home) -> None:
    """The verifier's own processes, looked at while they run: no key file open, no owner's address in their memory."""
    with served(own_home, "serve", port=free_port()) as site:
        workers = _children(site.process.pid)
        assert workers
        for pid in workers:
            environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
            addresses = [value for value in environment if value.startswith(b"CERTSVC_DATABASE")]
            assert all(b"certsvc_public@" in address for address in addresses)
            opened = [os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()]
            assert not [name for name in opened if "/authority/" in name or "/secrets/" in name]
        site.stop()


def _children(parent: int) -> list[int]:
    listed = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return [int(pid) for pid in listed]


def test_a_port_that_is_taken_is_said_in_one_line(own_home: Home) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        for command in ("demo", "serve"):
            done = own_home.run(command, "--port", taken.getsockname()[1])
            assert done.returncode == 2
            assert len(done.stderr.strip().splitlines()) == 1
            assert "--port" in done.stderr


def test_another_address_than_the_one_on_paper_is_refused(own_home: Home) -> None:
    done = own_home.run("demo", "--once", "--public-url", "https://yz.example")
    assert done.returncode == 2
    assert "https://yz.example" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.needs("postgres-15")
def test_the_register_may_be_any_postgresql_from_15(new_home: NewHome) -> None:
    home, elsewhere = new_home(), new_home()
    server = EmbeddedServer(elsewhere.path, Path(os.environ["CERTSVC_TEST_POSTGRES_BIN"]))
    server.start()
    try:
        addresses = {
            "CERTSVC_DATABASE_URI": server.uri("certsvc"),
            "CERTSVC_DATABASE_PUBLIC_URI": server.uri("certsvc_public"),
        }
        done = home.run("demo", "--once", **addresses)
        assert done.returncode == 0, done.stderr
        assert not (home.path / "postgres").exists()
        refused = home.run("serve", "--port", free_port(), CERTSVC_DATABASE_URI=server.uri("certsvc"))
        assert refused.returncode == 2
        assert "database.public_uri" in refused.stderr
    finally:
        server.stop()
