"""The demonstration, step by step; a second run finds everything as it was."""

import asyncio
import json
import multiprocessing
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from certsvc import app
from certsvc.authorities import open_keys, publish_trust
from certsvc.authority.certificates import BACKDATED
from certsvc.catalog import CertificateType
from certsvc.demo.case import demo_case
from certsvc.demo.look import Seen, look_at
from certsvc.demo.orders import demo_orders
from certsvc.demo.people import PEOPLE, VILLAGE
from certsvc.demo.sandbox import CLIENT, Sandbox, make_sandbox
from certsvc.demo.screen import show_case, show_ready, show_sandbox, show_serving, show_village, track
from certsvc.demo.sources import demo_sources
from certsvc.demo.village import demo_village
from certsvc.domain.actor import Actor
from certsvc.domain.calendar import beijing_date
from certsvc.domain.certificate import Category
from certsvc.domain.issuing import Reservation
from certsvc.domain.token import to_digits
from certsvc.errors import CertsvcError, Queued, SelfCheckFailed, SettingsError
from certsvc.issuance.issue import issue, resume
from certsvc.issuance.papers import write_papers
from certsvc.issuance.press import qr_prefix
from certsvc.issuance.service import Issuing, silent_walk
from certsvc.issuing import open_issuing
from certsvc.listing import status_list_work
from certsvc.render.qr import qr_symbol
from certsvc.serving import require_free_port, serve_database
from certsvc.settings import REPOSITORY, Settings, keep_service
from certsvc.store.clients import PostgresClients
from certsvc.store.migrate import migrate
from certsvc.store.pool import open_pool
from certsvc.verify.anchors import AnchorFolder

PLAN = REPOSITORY / "keys" / "ceremonies" / "demonstration.toml"
ACTOR = Actor(name="demo", scopes=frozenset({"issue:*"}))
MANY = {Category.LICENCE: "licences", Category.PERMIT: "permits", Category.PROOF: "proofs"}


@dataclass(frozen=True, slots=True)
class Issued:
    """One certificate of the demonstration and its sealed files."""

    kind: CertificateType
    reservation: Reservation
    papers: Sequence[Path]

    @property
    def digits(self) -> str:
        """What its QR holds after the address."""
        return to_digits(self.reservation.token or b"")


def run_demo(settings: Settings, *, once: bool, port: int | None, public_url: str | None, quiet: bool) -> None:
    """Do it all; without `once` serve until Ctrl-C.

    Raises:
        MachineProblem: the port is taken, or the data folder cannot be used.
        SettingsError: another address is on paper already.
        SelfCheckFailed: something issued did not verify.
    """
    app.make_home(settings)
    settings = _with_address(settings, port, public_url)
    if not once:
        require_free_port(settings.service.port)
    clock = _Clock()
    if not _was_held(settings):
        app.hold_ceremony(settings, PLAN, datetime.now(UTC))
    with app.databases(settings) as uris:
        asyncio.run(migrate(uris.writer))
        clock.lap("start")
        issued, case = asyncio.run(_issue(settings, uris.writer, quiet, serves=not once))
        sandbox = asyncio.run(_sandbox(settings, uris.writer))
        clock.lap("issue")
        online = asyncio.run(_look(settings, uris.reader, issued, "查验 verifying", quiet))
        clock.lap("verify")
        offline = asyncio.run(_look(settings, None, issued, "离线 offline  ", quiet))
        clock.lap("verify_offline")
        summary = _summary(settings, issued, online, offline, clock)
        summary |= {"case": case, "sandbox": _sandbox_json(settings, sandbox), "village": _village_json(settings)}
        _require_all_good(len(issued), summary)
        if once:
            click.echo(json.dumps(summary, ensure_ascii=False))
            return
        _show(settings, issued)
        show_case(settings.public_url, case)
        show_sandbox(settings.office_url, sandbox)
        show_village(settings.office_url, PEOPLE)
        # A fork of this process, which has drawn pages, would wait for ever for threads that did not come along.
        multiprocessing.set_start_method("spawn")
        serve_database(settings, "all", uris, show_serving)


class _Clock:
    """Seconds by name, for the summary."""

    def __init__(self) -> None:
        self._began = self._last = time.monotonic()
        self._laps: dict[str, float] = {}

    def lap(self, name: str) -> None:
        now = time.monotonic()
        self._laps[name], self._last = round(now - self._last, 2), now

    @property
    def seconds(self) -> dict[str, float]:
        return {**self._laps, "total": round(time.monotonic() - self._began, 2)}


def _with_address(settings: Settings, port: int | None, public_url: str | None) -> Settings:
    """The address that QR codes begin with is chosen once and kept with the data: it is on paper."""
    kept, wanted = settings.service.public_url, settings.at(port, public_url)
    if not kept:
        wanted = wanted.at(None, wanted.public_url)
        keep_service(settings.home, wanted.service)
    elif wanted.public_url != settings.public_url:
        raise SettingsError(
            f"已印出的二维码以 {kept} 开头，不能改为 {wanted.public_url}；如要重来，请换一个 CERTSVC_HOME。",
            f"QR codes are printed with {kept} and cannot change to {wanted.public_url}; to start anew, use another "
            "CERTSVC_HOME.",
        )
    return wanted


def _was_held(settings: Settings) -> bool:
    """Whether a demonstration's ceremony was held here, perhaps with fewer seals than today's plan has."""
    try:
        return AnchorFolder(settings.public).current().is_demonstration
    except CertsvcError:
        return False


async def _sandbox(settings: Settings, writer: str) -> Sandbox:
    demonstration = AnchorFolder(settings.public).current().is_demonstration
    async with open_pool(writer) as pool:
        clients = PostgresClients(pool)
        return await make_sandbox(settings.home, clients, datetime.now(UTC), demonstration=demonstration)


def _sandbox_json(settings: Settings, sandbox: Sandbox) -> dict[str, str]:
    return {
        "url": settings.office_url,
        "client_id": sandbox.system.id,
        "key": str(sandbox.system.key),
        "approver_id": sandbox.approver.id,
        "approver_key": str(sandbox.approver.key),
        "second_approver_id": sandbox.second_approver.id,
        "second_approver_key": str(sandbox.second_approver.key),
    }


def _village_json(settings: Settings) -> dict[str, Any]:
    people = [
        {
            "name": one.name,
            "organ": one.organ,
            "duty": one.duty,
            "password": one.password,
            "totp_secret": one.secret_text,
        }
        for one in PEOPLE
    ]
    return {"url": f"{settings.office_url}/village", "organ": VILLAGE, "people": people}


async def _issue(settings: Settings, writer: str, quiet: bool, *, serves: bool) -> tuple[list[Issued], str | None]:
    """What is issued, and the code of the case under the first licence."""
    authority = open_keys(settings, datetime.now(UTC))
    async with open_issuing(settings, writer, silent_walk, datetime.now(UTC), authority) as issuing:
        publish_trust(settings, authority, issuing.catalog, datetime.now(UTC))
        with suppress(Queued):  # it waits for its seal, and the worker goes on with it
            await resume(issuing, ACTOR)
        held_at = AnchorFolder(settings.public).current().root.not_valid_before_utc + BACKDATED
        orders = demo_orders(issuing.catalog, ACTOR.name, beijing_date(held_at))
        issued = [
            await _with_papers(settings, issuing, await issue(issuing, ACTOR, order, datetime.now(UTC)))
            for order in track(orders, "签发 issuing  ", quiet=quiet)
        ]
        async with open_pool(writer) as pool:
            proofs = await demo_village(settings, issuing, pool, beijing_date(held_at), serves=serves)
            issued += [await _with_papers(settings, issuing, proof) for proof in proofs]
            licence = issued[0].reservation
            await demo_sources(issuing, pool, CLIENT, licence, held_at)
            case = await demo_case(issuing, pool, CLIENT, licence.ref, beijing_date(held_at))
            authority.make_services(datetime.now(UTC))
            publish_trust(settings, authority, issuing.catalog, datetime.now(UTC))
            await status_list_work(settings, authority, issuing.catalog, pool).keep_up(datetime.now(UTC))
        if case is None:
            return issued, None
        return [*issued, await _with_papers(settings, issuing, case.permit)], case.ref.typed_code


async def _with_papers(settings: Settings, issuing: Issuing, reservation: Reservation) -> Issued:
    papers = await write_papers(issuing, reservation, settings.papers)
    return Issued(issuing.catalog.version(reservation.type_id, reservation.type_version), reservation, papers)


async def _look(
    settings: Settings, reader: str | None, issued: Sequence[Issued], what: str, quiet: bool
) -> Counter[str]:
    counts: Counter[str] = Counter()
    async with app.verifying(settings, reader) as verifying:
        turn = asyncio.Semaphore(settings.verify.workers)
        looking = [asyncio.create_task(look_at(verifying, item.papers, turn)) for item in issued]
        for task in track(looking, what, quiet=quiet):
            seen: Seen = await task
            counts.update(seen.counts(sound_is_enough=reader is None))
    return counts


def _summary(
    settings: Settings, issued: Sequence[Issued], online: Counter[str], offline: Counter[str], clock: _Clock
) -> dict[str, Any]:
    """The last line of `demo --once`; other programs rely on its names."""
    kinds = Counter(MANY[item.kind.category] for item in issued)
    return {
        "issued": {name: kinds[name] for name in MANY.values()},
        "verified": {name: online[name] for name in ("file", "picture")},
        "offline": {name: offline[name] for name in ("file", "picture")},
        "pdf_dir": str(settings.papers),
        "anchors": str(settings.anchors / "root.pem"),
        "urls": [f"{settings.public_url}/Q/{item.digits}" for item in issued],
        "seconds": clock.seconds,
    }


def _require_all_good(issued: int, summary: dict[str, Any]) -> None:
    if any(count != issued for name in ("verified", "offline") for count in summary[name].values()):
        raise SelfCheckFailed(
            f"签发 {issued} 件，但查验结果是 {summary['verified']}，离线 {summary['offline']}。",
            f"{issued} were issued, but {summary['verified']} verified, and {summary['offline']} offline.",
        )


def _show(settings: Settings, issued: Sequence[Issued]) -> None:
    codes = [(item.reservation.ref.typed_code, f"{item.kind.zh}  {item.reservation.number}") for item in issued]
    symbol = qr_symbol(qr_prefix(settings.public_url), issued[0].digits)
    show_ready(settings.public_url, settings.papers, settings.anchors / "root.pem", codes, symbol)
