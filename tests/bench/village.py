"""`./dev bench village [VILLAGES [OPEN]]`: the console of villages, over the real office and the real worker.

How long it takes from approval to a sealed PDF that verifies; what a page costs the server; and what it costs where
596 villages have 2,000 open requests each, against one village alone: two databases, asked in turn. Counted is the
processor time of the office, with what it takes to call it within the process, and of PostgreSQL. Figures, no
judgement: nothing here passes or fails.
"""

import asyncio
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, redirect_stderr
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import asyncpg
from village_cost import Cost, backends, load, middle, postmaster_of, said
from village_seed import loading, seed_town, seed_village, settle_database

from certsvc import app
from certsvc.access.totp import SECONDS, code_at
from certsvc.catalog.load import examples
from certsvc.demo.orders import from_day
from certsvc.demo.people import APPROVER, CLERK, PEOPLE, VILLAGE, Person, confirmed, demo_accounts
from certsvc.departments import open_office
from certsvc.domain.looked_into import Way, looked_into
from certsvc.domain.organ import Member, OrganDuty
from certsvc.domain.proof_acts import ProofAct, ProofState
from certsvc.domain.proof_request import Consent, ConsentGiven, IdentityCheck, ProofRequest
from certsvc.domain.sitting import Agreed, digest_of_said
from certsvc.http.office.app import create_office_app
from certsvc.http.pages import Pages
from certsvc.http.site import Site
from certsvc.ids import Uscc, organisation_check_character, parse_typed_code, uscc_check_character
from certsvc.issuance.village.deciding import certificate_of, decide, submit
from certsvc.issuance.village.drafts import Opening, open_at_counter, record_identity
from certsvc.issuance.village.reading import view
from certsvc.issuance.village.work import Said, VillageWork, member
from certsvc.settings import Settings, load_settings
from certsvc.store.pool import Pool, open_pool
from certsvc.verify.file import verify_file

VILLAGES, OPEN, IN_A_TOWN = 596, 2000, 30
WALKS, ROUNDS, WARM = 12, 30, 3
ROOT = Path(__file__).resolve().parents[2]
TYPE = "tiered-water-proof"
SIGN_IN = "/village/sign-in"
AT = f"/village/at/{VILLAGE}"
LONGEST_SEAL = 60.0


def main(villages: int = VILLAGES, open_: int = OPEN) -> None:
    """Make a demonstration in a folder of its own, measure, print, and leave nothing."""
    with tempfile.TemporaryDirectory(prefix="certsvc-bench-") as folder:
        Path(folder).chmod(0o711)
        home = Path(os.environ.get("CERTSVC_BENCH_HOME") or Path(folder) / "home")
        if not home.exists():
            say("demo --once …")
            _certsvc(home, "demo", "--once").wait()
        settings = load_settings({"CERTSVC_HOME": str(home)})
        with app.databases(settings) as uris:
            asyncio.run(_measure(settings, uris, villages, open_))


def say(text: str) -> None:
    """What is under way."""
    print(text, file=sys.stderr, flush=True)


def _certsvc(home: Path, *arguments: str) -> subprocess.Popen[bytes]:
    environment = {"CERTSVC_HOME": str(home), "PYTHONUTF8": "1", "PATH": "/usr/bin:/bin"}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    command = [sys.executable, "-m", "certsvc", *arguments]
    return subprocess.Popen(command, cwd=ROOT, env=environment, **quiet)  # type: ignore[call-overload,no-any-return]


@contextmanager
def _worker(home: Path) -> Iterator[None]:
    process = _certsvc(home, "serve", "--role", "worker")
    try:
        yield
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()


async def _measure(settings: Settings, uris: app.Databases, villages: int, open_: int) -> None:
    one = uris.writer.replace("/certsvc?", "/one?")
    async with open_pool(uris.writer) as pool, _office(settings, uris.writer) as first:
        desk = await _desk(first, pool)
        with _worker(settings.home):
            await _walks(settings, uris, desk)
        waiting, draft = await _ready(desk, "waits"), await _opened(desk, "draft")
        cookies = {person.name: await first.sign_in(person) for person in PEOPLE}
    superuser = uris.writer.replace("//certsvc@", "//postgres@")
    await _seed_one(superuser, desk.clerk.account, open_)
    await _in_postgres(superuser, "drop database if exists one", "create database one template certsvc owner certsvc")
    await _seed_all(superuser, desk.clerk.account, villages, open_)
    await _vacuum(superuser.replace("/certsvc?", "/one?"))
    await _vacuum(superuser)
    async with _office(settings, one) as alone, _office(settings, uris.writer) as among:
        pages = _pages(draft, waiting)
        await _compare(alone, among, pages, cookies, await postmaster_of(superuser), villages, open_)


# ---- the office, called within this process ----


@dataclass(frozen=True, slots=True)
class Office:
    """An office over one database, and who works in its village."""

    application: Any
    work: VillageWork

    async def ask(
        self, method: str, path: str, cookie: str = "", fields: Mapping[str, str] | None = None
    ) -> tuple[int, Mapping[bytes, bytes], bytes]:
        """Send one request; status, headers and content."""
        route, _, query = path.partition("?")
        body = urlencode(fields or {}).encode()
        headers = {
            "host": "localhost:8000",
            "accept": "text/html",
            "sec-fetch-site": "same-origin",
            "user-agent": "Chrome Linux",
            "cookie": cookie,
            "content-type": "application/x-www-form-urlencoded",
            "content-length": str(len(body)),
        }
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": route,
            "raw_path": route.encode(),
            "query_string": query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in headers.items() if value],
            "client": ("127.0.0.1", 1),
            "server": ("localhost", 8000),
        }
        said: list[Any] = []

        async def receive() -> Mapping[str, object]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            said.append(message)

        await self.application(scope, receive, send)
        return said[0]["status"], dict(said[0]["headers"]), b"".join(one.get("body", b"") for one in said[1:])

    async def sign_in(self, person: Person) -> str:
        """The cookie of somebody who signs in with password and code."""
        code = code_at(person.secret, int(time.time()) // SECONDS)
        status, headers, _ = await self.ask(
            "POST", SIGN_IN, fields={"name": person.name, "password": person.password, "code": code}
        )
        assert status == 303, f"{person.name} could not sign in: {status}"
        return headers[b"set-cookie"].decode().partition(";")[0]


@asynccontextmanager
async def _office(settings: Settings, uri: str) -> AsyncIterator[Office]:
    site, pages = _shown(settings.public_url, settings.web, settings.public)
    with redirect_stderr(StringIO()):  # the access log
        async with open_office(settings, uri, site, pages, datetime.now(UTC)) as office:
            yield Office(create_office_app(office), office.villages.work)


@cache
def _shown(url: str, web: Path, public: Path) -> tuple[Site, Pages]:
    """Templates and words as they are when it begins: seeding takes minutes, and somebody may edit them meanwhile."""
    site = Site(urlsplit(url).netloc, url, web, public, is_demonstration=True)
    return site, Pages(site)


# ---- from approval to a sealed PDF ----


@dataclass(frozen=True, slots=True)
class Desk:
    """The two people of the village."""

    work: VillageWork
    pool: Pool
    clerk: Member
    approver: Member


async def _desk(office: Office, pool: Pool) -> Desk:
    now = datetime.now(UTC)
    accounts = await demo_accounts(pool, now)
    clerk, approver = [await member(office.work, accounts[one.name], VILLAGE, now) for one in (CLERK, APPROVER)]
    return Desk(office.work, pool, clerk, approver)


async def _opened(desk: Desk, key: str) -> ProofRequest:
    now = datetime.now(UTC)
    kind = desk.work.issuing.catalog.latest(TYPE)
    _, payload = next(iter(examples(kind, "good")))
    day = now.astimezone().date()
    notes, consent = looked_into((Way.VISIT,), "入户看过。"), Consent(what="核对户籍人口", how=ConsentGiven.IN_PERSON)
    said = Said(payload=from_day(kind, payload, day), notes=notes, consent=consent)
    asked = Opening(key=f"bench {now} {key}", type_id=TYPE, said=said, due=day + timedelta(days=3))
    return (await open_at_counter(desk.work, desk.clerk, asked, now)).request


async def _ready(desk: Desk, key: str) -> ProofRequest:
    """A request that waits for approval."""
    now, request = datetime.now(UTC), await _opened(desk, key)
    how = IdentityCheck.IN_PERSON
    request = await record_identity(desk.work, desk.clerk, request.id, how, request.version, "seen", now)
    return await submit(desk.work, desk.clerk, request.id, request.version, "submit", now)


async def _walks(settings: Settings, uris: app.Databases, desk: Desk) -> None:
    """Approved by a person, sealed by the worker, then everything that a stranger checks."""
    sealed, verified = [], []
    async with AsyncExitStack() as stack:
        verifying = await stack.enter_async_context(app.verifying(settings, uris.reader))
        for number in range(WARM + WALKS):
            say(f"walk {number + 1} of {WARM + WALKS} …")
            request = await _ready(desk, f"walk {number}")
            await view(desk.work, desk.approver, request.id, datetime.now(UTC))
            digest = digest_of_said([Agreed(request.id, request.version, ProofAct.APPROVE)])
            cipher = desk.work.issuing.cipher
            sure = (await confirmed(desk.pool, cipher, APPROVER, digest, datetime.now(UTC))).id
            began = time.perf_counter()
            await decide(
                desk.work, desk.approver, request.id, True, None, request.version, "yes", datetime.now(UTC), sure
            )
            done = await _until_sealed(desk, request.id)
            sealed.append(time.perf_counter() - began)
            ref = parse_typed_code(await certificate_of(desk.work, done))
            (document,) = await desk.work.issuing.register.documents(ref)
            report = await verify_file(verifying, desk.work.issuing.blobs.get(document.sha256), datetime.now(UTC))
            verified.append(time.perf_counter() - began)
            assert report.verdict.value == "valid", report.verdict
    _show_seconds("approved to sealed, our own check of the PDF included", sealed[WARM:])
    _show_seconds("the same, and checked once more as a stranger's file", verified[WARM:])


async def _until_sealed(desk: Desk, request_id: str) -> ProofRequest:
    deadline = time.monotonic() + LONGEST_SEAL
    while (request := await desk.work.requests.request(request_id)).state is not ProofState.SEALED:
        assert time.monotonic() < deadline, f"{request.state} after {LONGEST_SEAL} s"
        await asyncio.sleep(0.005)
    return request


def _show_seconds(what: str, taken: Sequence[float]) -> None:
    middle, slowest = statistics.median(taken), max(taken)
    print(f"{what:55} median {middle:6.3f} s   slowest {slowest:6.3f} s   {len(taken)} in turn, load {load():.1f}")


# ---- a whole city ----


async def _seed_one(uri: str, account: str, open_: int) -> None:
    connection = await asyncpg.connect(uri)
    try:
        await seed_village(connection, [VILLAGE], account, open_)
    finally:
        await connection.close()


async def _seed_all(uri: str, account: str, villages: int, open_: int) -> None:
    codes = [_uscc(100 + number) for number in range(villages - 1)]
    portions = [codes[start : start + IN_A_TOWN] for start in range(0, len(codes), IN_A_TOWN)]
    towns = [_uscc(10_000 + number) for number in range(len(portions))]
    began = time.monotonic()
    connection = await asyncpg.connect(uri)
    try:
        async with loading(connection):
            for number, (town, its) in enumerate(zip(towns, portions, strict=True)):
                say(f"town {number + 1} of {len(towns)}, {time.monotonic() - began:.0f} s …")
                await seed_town(connection, number, town, its, account, open_)
    finally:
        await connection.close()


async def _vacuum(uri: str) -> None:
    connection = await asyncpg.connect(uri)
    try:
        await settle_database(connection)
    finally:
        await connection.close()


async def _in_postgres(uri: str, *statements: str) -> None:
    connection = await asyncpg.connect(uri.replace("/certsvc?", "/postgres?"))
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


def _uscc(number: int) -> Uscc:
    body = f"ME{number:06d}"
    first = f"54441900{body}"
    seventeen = first + organisation_check_character(body)
    return Uscc(seventeen + uscc_check_character(seventeen))


# ---- what a page costs ----


def _pages(draft: ProofRequest, waiting: ProofRequest) -> Mapping[str, tuple[str, str]]:
    """Whose page at which address, by its name."""
    town, city = (one for one in PEOPLE if one.duty is OrganDuty.OVERSEER)
    month = "?from=2026-01-01&to=2026-11-20"
    return {
        "clerk: inbox": (CLERK.name, AT),
        "clerk: choose a proof": (CLERK.name, f"{AT}/new"),
        "clerk: a draft": (CLERK.name, f"{AT}/requests/{draft.id}"),
        "clerk: its form": (CLERK.name, f"{AT}/requests/{draft.id}/form"),
        "clerk: a request that waits": (CLERK.name, f"{AT}/requests/{waiting.id}"),
        "clerk: seal-use book": (CLERK.name, f"{AT}/book"),
        "clerk: figures": (CLERK.name, f"{AT}/figures"),
        "approver: inbox": (APPROVER.name, AT),
        "approver: approval page": (APPROVER.name, f"{AT}/requests/{waiting.id}"),
        "approver: sitting": (APPROVER.name, f"{AT}/sitting"),
        "town: figures, eleven months": (town.name, f"/village/at/{town.organ}/figures{month}"),
        "city: figures, this month": (city.name, f"/village/at/{city.organ}/figures"),
        "city: figures, eleven months": (city.name, f"/village/at/{city.organ}/figures{month}"),
        "city: figures of a town": (city.name, f"/village/at/{city.organ}/figures?town={town.organ}"),
    }


async def _compare(
    alone: Office,
    among: Office,
    pages: Mapping[str, tuple[str, str]],
    cookies: Mapping[str, str],
    postmaster: int,
    villages: int,
    open_: int,
) -> None:
    print(f"\nCPU per page, office and PostgreSQL; one village alone | among {villages}, {open_} open requests each")
    for name, (who, path) in pages.items():
        spent: tuple[list[Cost], list[Cost]] = [], []
        for number in range(WARM + ROUNDS):
            for office, kept in zip((alone, among), spent, strict=True):
                cost = await _cost(office, path, cookies[who], postmaster)
                if number >= WARM:
                    kept.append(cost)
        print(f"{name:30} {said(spent[0])} | {said(spent[1])}   ratio {middle(spent[1]) / middle(spent[0]):4.2f}")
    print(f"{ROUNDS} rounds in turn, load {load():.1f}")


async def _cost(office: Office, path: str, cookie: str, postmaster: int) -> Cost:
    before, began = backends(postmaster), time.process_time()
    status, _, content = await office.ask("GET", path, cookie)
    spent = time.process_time() - began
    after = backends(postmaster)
    assert status == 200, content.decode()[-3000:]
    return Cost(spent, sum(seconds - before.get(pid, 0.0) for pid, seconds in after.items()))
