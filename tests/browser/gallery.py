"""Every kind of page a reader can meet, served on loopback in this process, and one real browser to look at them."""

import hashlib
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest
from app_served import app_served, free_port, quietly
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "http"))
from public_site import LINGNAN, TODAY, PublicSite, certificate, decided, licence_with_permits, make_site

from certsvc.domain.certificate import RegisteredCertificate
from certsvc.domain.states import Condition, ConditionKind, Status
from certsvc.ids import new_ref

FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync"
).split()
PHONE = ViewportSize(width=360, height=740)
DESK = ViewportSize(width=1280, height=900)
NARROW = ViewportSize(width=320, height=640)


@dataclass
class Gallery:
    """Addresses by the kind of page; `down` is the register failing under any of them, `files` are for the form."""

    site: PublicSite
    base: str
    pages: dict[str, str] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)

    def url(self, name: str, lang: str = "zh") -> str:
        """The address of a page in a language."""
        return f"{self.base}{self.pages[name]}?lang={lang}"

    @contextmanager
    def down(self) -> Iterator[None]:
        """The register cannot answer meanwhile."""
        self.site.shelf.down = True
        try:
            yield
        finally:
            self.site.shelf.down = False


def fill(gallery: Gallery) -> None:
    """Put a certificate on the shelf for each state, and a page for each certificate."""
    site, shelf = gallery.site, gallery.site.shelf.certificates
    licence, permit = shelf[0], shelf[1]
    for name, one in _states().items():
        shelf.append(one)
        gallery.pages[name] = f"/C/{one.ref.typed_code}"
    revoked = next(one for one in shelf if one.status is Status.REVOKED)
    ended = replace(permit, ref=new_ref(None), licence_ref=revoked.ref)
    shelf.append(ended)
    new = replace(permit, ref=new_ref(None), version=2)
    old = replace(permit, ref=new_ref(None), status=Status.SUPERSEDED, successor=new.ref, change=decided("supersede"))
    shelf += [replace(one, licence_ref=None) for one in (new, old)]
    stray = replace(licence, ref=new_ref(None))
    gallery.pages |= {
        "home": "/",
        "licence": f"/Q/{site.digits(licence)}",
        "permit": f"/C/{permit.ref.typed_code}",
        "superseded": f"/C/{old.ref.typed_code}",
        "ended with licence": f"/C/{ended.ref.typed_code}",
        "no record": f"/Q/{site.digits(stray)}",
        "foreign": f"/Q/{site.digits(licence, foreign=True)}",
        "mistyped": f"/C/{licence.ref.typed_code[:-1]}{'0' if licence.ref.typed_code[-1] != '0' else '1'}",
        "unknown": f"/C/{new_ref(None).typed_code}",
        "problem": "/nothing/here",
        "trust": "/trust",
        "accessibility": "/accessibility",
    }
    sealed = site.sealed(permit)
    site.shelf.documents[hashlib.sha256(sealed).digest()] = permit.ref
    gallery.files = {
        "valid": sealed,
        "changed": site.sealed(permit, {"signature": "altered", "coverage": "not_whole_file"}),
        "unregistered": site.sealed(licence),
        "other": b"not a PDF",
    }


def with_condition(
    one: RegisteredCertificate, status: Status, kind: ConditionKind, due: int | None = None
) -> RegisteredCertificate:
    """In force, with a condition that is due in so many days."""
    day = None if due is None else TODAY + timedelta(days=due)
    basis = "《中华人民共和国行政许可法》第五十条"
    condition = Condition(kind=kind, since=TODAY - timedelta(days=60), due=day, basis=basis)
    return replace(one, status=status, conditions=(condition,), change=None)


def _states() -> dict[str, RegisteredCertificate]:
    def food(start: int, end: int) -> RegisteredCertificate:
        first, last = (str(TODAY + timedelta(days=offset)) for offset in (start, end))
        said = {"number": "JY24419000000026", "valid_from": first, "valid_to": last, "uscc": LINGNAN}
        return certificate("food-business", "good-restaurant", licence=None, **said)

    def licence(status: Status, act: str, **said: str) -> RegisteredCertificate:
        change = decided(act, **said)
        return certificate("business-licence-company", "good-long-scope", status=status, change=change)

    return {
        "proof": certificate("tiered-water-proof", "good-zhou", number="云岗证〔2026〕0007号"),
        "sole trader": certificate("business-licence-sole-trader", "good-aqiang"),
        "suspended": replace(
            food(-300, 900),
            status=Status.SUSPENDED,
            change=decided("suspend", reason="销售侵权出版物", decision_number="云文罚〔2026〕31号"),
        ),
        "revoked": licence(
            Status.REVOKED,
            "revoke",
            reason="提交虚假材料取得登记，情节严重",
            legal_basis="《中华人民共和国市场主体登记管理条例》第四十四条",
            decision_number="云市监罚〔2026〕118号",
        ),
        "closed": licence(Status.CLOSED, "close"),
        "expired": food(-1500, -46),
        "not yet": food(12, 900),
        "soon": food(-900, 7),
        "renewal": with_condition(food(-1500, -3), Status.RENEWAL_PENDING, ConditionKind.RENEWAL_PENDING),
        "conditional": with_condition(food(-90, 900), Status.CONDITIONAL, ConditionKind.COMMITMENT, -5),
        "recheck": with_condition(food(-900, 900), Status.RECHECK_DUE, ConditionKind.RECHECK_DUE, -30),
        "dormant": with_condition(licence(Status.DORMANT, "go_dormant"), Status.DORMANT, ConditionKind.DORMANT, 200),
        "closing due": replace(food(-900, 900), status=Status.CLOSING_DUE, change=decided("require_closing")),
        "stale": certificate("business-licence-company", "good-lingnan", status_age_s=72 * 3600),
    }


def publish(trust: Path) -> None:
    """Public facts for the page on trust: two roots of ours, and every file it leads to."""
    root = (Path(__file__).resolve().parents[2] / "keys" / "anchors" / "jianghai.pem").read_bytes()
    for name in ("anchors/root.pem", "anchors/root.2.pem", "trust/list.json", "trust/anchors.pem", "trust/practice.md"):
        path = trust / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(root)


@contextmanager
def serve() -> Iterator[Gallery]:
    """The gallery at a free port of loopback, in a thread of its own."""
    port = free_port()
    with tempfile.TemporaryDirectory() as trust:
        with quietly():
            publish(Path(trust))
            site = make_site(Path(trust), licence_with_permits(), host=f"localhost:{port}")
        gallery = Gallery(site, f"http://localhost:{port}")
        fill(gallery)
        with app_served(site.app, port):
            yield gallery


@contextmanager
def chromium() -> Iterator[Browser]:
    """A real Chromium, the one of this machine."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


@pytest.fixture(scope="module")
def gallery() -> Iterator[Gallery]:
    with serve() as served:
        yield served


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


def send(page: Page, gallery: Gallery, name: str, lang: str = "zh") -> None:
    """Send one of the gallery's files by the form on the start page."""
    page.goto(gallery.url("home", lang))
    page.set_input_files("#pdf", {"name": f"{name}.pdf", "mimeType": "application/pdf", "buffer": gallery.files[name]})
    page.click("#file button")
