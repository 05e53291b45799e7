"""A verifier whose network can be taken away: real HTTP through a gate that opens, shuts and stalls, signed lists of
states and keys as the public facts are, and tokens for every state a list can give."""

import json
import socket
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from app_served import app_served
from cryptography.hazmat.primitives.asymmetric import ec
from gallery import chromium, publish
from playwright.sync_api import Browser, Page
from public_site import PublicSite, licence_with_permits, make_site, sign_digits

from certsvc.domain.jwk import jwk_of, thumbprint
from certsvc.domain.status_list import (
    ListedState,
    compress,
    empty_list,
    list_file,
    list_name,
    set_entry,
)
from certsvc.domain.token import Claims, key_id, parse_digits
from certsvc.ids import new_ref, parse_uscc

CHUNK = 65536
STATES = {state: 100 + place for place, state in enumerate(ListedState)}
"""The index under which the room's list has each state."""

LISTED, UNLISTED = 101, 103
"""Type numbers: with a fresh list, and without any."""


class Gate:
    """Stands between browser and server on loopback: `on`, `off` (refused) or `stalled` (taken, never answered)."""

    def __init__(self, port: int, behind: int) -> None:
        self.port, self._behind = port, behind
        self.state = "off"
        self._listener: socket.socket | None = None
        self._open: list[socket.socket] = []

    def on(self) -> None:
        """Let everything through."""
        self.state = "on"
        self._listen()

    def stalled(self) -> None:
        """Take connections and answer nothing."""
        self._drop()
        self.state = "stalled"
        self._listen()

    def off(self) -> None:
        """No connection can be made, and those there are end."""
        self.state = "off"
        if self._listener is not None:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        self._drop()

    def _listen(self) -> None:
        if self._listener is None:
            self._listener = socket.create_server(("127.0.0.1", self.port), backlog=64)
            threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def _drop(self) -> None:
        for one in self._open:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self._open.clear()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                taken, _ = listener.accept()
            except OSError:
                return
            self._open.append(taken)
            if self.state == "on":
                behind = socket.create_connection(("127.0.0.1", self._behind))
                self._open.append(behind)
                for pair in ((taken, behind), (behind, taken)):
                    threading.Thread(target=self._pass_on, args=pair, daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(CHUNK):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)


@dataclass
class Room:
    """The site behind its gate, and the keys of its lists."""

    site: PublicSite
    gate: Gate
    trust: Path
    status_key: ec.EllipticCurvePrivateKey
    list_key: ec.EllipticCurvePrivateKey
    digits: dict[str, str] = field(default_factory=dict)

    async def __call__(self, *asked: Any) -> None:
        """The application, whichever the room has at the moment."""
        await self.site.app(*asked)

    @property
    def base(self) -> str:
        """Where it is opened."""
        return f"http://localhost:{self.gate.port}"

    def url(self, name: str, lang: str = "zh") -> str:
        """The address of one of the tokens."""
        return f"{self.base}/Q/{self.digits[name]}?lang={lang}"

    def list_of(self, name: str) -> str:
        """The list that one of the tokens is in."""
        claims = parse_digits(self.digits[name]).claims
        return list_name(claims.type_number, claims.issued_at)

    def token(
        self, state: ListedState, *, kind: int = LISTED, end: int | None = 400, issued: int = -1, foreign: bool = False
    ) -> str:
        """The digits of a token issued and ending so many days from now, listed with this state."""
        now = datetime.now(UTC).replace(microsecond=0)
        claims = Claims(
            ref=new_ref(None),
            issued_at=now + timedelta(days=issued),
            expires_at=None if end is None else now + timedelta(days=end),
            subject=parse_uscc("91441900MA51ABC088"),
            type_number=kind,
            version=1,
            list_index=STATES[state],
            holder_name="云山市晨光食品有限公司",
        )
        return sign_digits(claims, self.site.foreign_key if foreign else self.site.key)

    def publish_keys(self, **changes: object) -> None:
        """`trust/verifier.json` as it is published now."""
        now = int(time.time())
        term = {"not_before": now - 10**9, "not_after": now + 10**9, "compromised": False}
        token_key = {"kid": key_id(self.site.key.public_key()).hex(), "jwk": jwk_of(self.site.key.public_key()), **term}
        said = {
            "iss": "云山市",
            "iat": now - 60,
            "exp": now + 7 * 86400,
            "sequence": now,
            "demonstration": False,
            "public_url": self.base,
            "token_keys": [token_key],
            "status_keys": [_named(self.status_key, term)],
            "list_keys": [_named(self.list_key, term)],
            **changes,
        }
        protected, payload, signature = _signed(said, "verifier-keys+jwt", self.list_key).split(".")
        jws = {"payload": payload, "protected": protected, "signature": signature}
        (self.trust / "trust" / "verifier.json").write_text(json.dumps(jws), "utf-8")

    def publish_list(
        self, kind: int = LISTED, *, made: float = 300, lasts: float = 86400, sequence: int | None = None, **states: int
    ) -> str:
        """A list of this type, made so many seconds ago; its name. `states` replaces what an entry says."""
        now = datetime.now(UTC)
        name = list_name(kind, now - timedelta(days=1))
        packed = empty_list()
        for state, index in STATES.items():
            set_entry(packed, index, ListedState(states.get(state.word, state)))
        iat = int(now.timestamp() - made)
        said = {
            "iat": iat,
            "exp": int(iat + lasts),
            "ttl": 60,
            "sequence": iat if sequence is None else sequence,
            "sub": f"{self.base}/status/{name}",
            "status_list": {"bits": 4, "lst": jwt.utils.base64url_encode(compress(bytes(packed))).decode()},
        }
        path = self.trust / list_file(name)
        path.parent.mkdir(exist_ok=True)
        path.write_text(_signed(said, "statuslist+jwt", self.status_key), "utf-8")
        return name


def _named(key: ec.EllipticCurvePrivateKey, term: Mapping[str, object]) -> dict[str, object]:
    jwk = jwk_of(key.public_key())
    return {"kid": thumbprint(jwk), "jwk": jwk, **term}


def _signed(said: Mapping[str, object], kind: str, key: ec.EllipticCurvePrivateKey) -> str:
    kid = thumbprint(jwk_of(key.public_key()))
    head = {"typ": kind, "kid": kid, "x5c": ["MA==", "MA=="]}
    return jwt.PyJWS().encode(json.dumps(said).encode(), key, "ES256", head)


def fill(room: Room) -> None:
    """A token for every answer without network."""
    (room.trust / "trust").mkdir(exist_ok=True)
    room.publish_keys()
    room.publish_list()
    valid = ListedState.VALID
    room.digits = {state.word: room.token(state) for state in ListedState}
    room.digits |= {
        "no list": room.token(valid, kind=UNLISTED),
        "expired": room.token(valid, end=-30),
        "expired, no list": room.token(valid, kind=UNLISTED, end=-30),
        "renewal past its end": room.token(ListedState.RENEWAL_PENDING, end=-30),
        "foreign": room.token(valid, foreign=True),
        "newer key": room.token(valid, foreign=True, issued=3),
        "licence": room.site.digits(room.site.shelf.certificates[0]),
    }
    changed = room.digits["valid"]
    room.digits["one digit changed"] = changed[:-1] + str((int(changed[-1]) + 1) % 10)


def free_port() -> int:
    """A port of loopback that nobody has."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


@contextmanager
def open_room() -> Iterator[Room]:
    """The room at a free port, its gate open."""
    front, behind = free_port(), free_port()
    with tempfile.TemporaryDirectory() as folder:
        trust = Path(folder)
        publish(trust)
        site = make_site(trust, licence_with_permits(), host=f"localhost:{front}")
        keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
        room = Room(site, Gate(front, behind), trust, keys[0], keys[1])
        fill(room)
        with app_served(room, behind):
            room.gate.on()
            try:
                yield room
            finally:
                room.gate.off()


@pytest.fixture(scope="module")
def room() -> Iterator[Room]:
    with open_room() as opened:
        yield opened


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


KEPT = """async wanted => {
  const cache = await caches.open('facts-1');
  const kept = (await cache.keys()).map(({url}) => new URL(url).pathname);
  return wanted.every(path => kept.includes(path));
}"""


def make_ready(page: Page, room: Room, *names: str) -> None:
    """Open the site with the network and look at these tokens, until everything needed without it is kept."""
    room.gate.on()
    page.goto(f"{room.base}/?lang=zh")
    page.evaluate("navigator.serviceWorker.ready.then(() => null)")
    wait_for_kept(page, "/trust/verifier.json")
    for name in names:
        page.goto(room.url(name))
        wait_for_kept(page, f"/status/{room.list_of(name)}")


def wait_for_kept(page: Page, *paths: str) -> None:
    """Until these public facts are kept on the device."""
    wait_until(page, KEPT, list(paths))


def wait_until(page: Page, script: str, argument: object = None) -> None:
    """Until a script's promise is true: the browser's own waiting takes any promise for truth."""
    for _ in range(300):
        if page.evaluate(script, argument):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"never came true: {script} {argument}")


def said(page: Page) -> tuple[str, ...]:
    """The headline and the words of the three answers."""
    heading = " ".join(page.locator("h1").inner_text().split())
    return (heading, *(page.locator(".answers .word").all_inner_texts()))


def open_token(page: Page, room: Room, name: str, lang: str = "zh") -> None:
    """Open a token's address and wait for what the device finds."""
    page.goto(room.url(name, lang))
    page.locator(".answers").wait_for()
