"""The sandbox: made once, only in a demonstration, with keys that get tokens."""

import asyncio
import secrets
import stat
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from certsvc.demo.sandbox import Sandbox, make_sandbox
from certsvc.domain.actor import Actor
from certsvc.domain.acts import Act
from certsvc.domain.client import ClientKind, ClientState, RegisteredClient
from certsvc.domain.scope import ACTIONS, APPROVE, READ
from certsvc.errors import Conflict, Forbidden
from certsvc.store.clients import PostgresClients
from certsvc.store.embedded import EmbeddedServer
from certsvc.store.pool import open_pool

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "store"))
from embedded_fixture import Database, fresh_database
from on_record import NOW, Keyed, access, named, on, registered

LATER = NOW + timedelta(minutes=1)


@pytest.fixture
def database(embedded_server: EmbeddedServer) -> Database:
    """A database of this test's own."""
    return fresh_database(embedded_server)


def make(database: Database, home: Path) -> Sandbox:
    """The sandbox of a demonstration."""
    return on(database, lambda clients: make_sandbox(home, clients, LATER, demonstration=True))


def keyed(path: Path, found: RegisteredClient) -> Keyed:
    """The key in a file, to sign with."""
    private = serialization.load_pem_private_key(path.read_bytes(), None)
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    key = Keyed()
    key.private, key.key = private, found.keys[-1]
    return key


def test_it_is_made_once_and_its_keys_get_tokens(database: Database, tmp_path: Path) -> None:
    made = make(database, tmp_path)
    assert make(database, tmp_path) == made
    for path in (made.system.key, made.approver.key, made.second_approver.key):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "sandbox").stat().st_mode) == 0o700

    async def story(clients: PostgresClients) -> None:
        for member in (made.system, made.approver, made.second_approver):
            found = member.registered
            assertion = keyed(member.key, found).assertion(found.client.id, now=LATER)
            granted = await access(clients).grant(assertion, "", None, LATER)
            assert granted.scopes == found.client.scopes

    on(database, story)


def test_its_client_may_do_everything_but_approve_and_its_persons_read_and_approve(
    database: Database, tmp_path: Path
) -> None:
    made = make(database, tmp_path)
    machine = Actor(name=made.system.registered.client.name, scopes=made.system.registered.client.scopes)
    person = Actor(name=made.approver.registered.client.name, scopes=made.approver.registered.client.scopes)
    assert (made.system.registered.client.kind, made.approver.registered.client.kind) == (
        ClientKind.SYSTEM,
        ClientKind.PERSON,
    )
    assert {action for action in ACTIONS if not machine.may(action, "food-business", ("market",), "441900")} == {
        APPROVE
    }
    may = {action for action in ACTIONS if person.may(action, "food-business", ("market",), "441900")}
    assert may == {APPROVE, READ}
    assert set(Act) <= ACTIONS


def test_a_key_file_that_is_gone_is_made_anew_and_the_old_key_ends(database: Database, tmp_path: Path) -> None:
    before = make(database, tmp_path)
    before.system.key.unlink()
    after = make(database, tmp_path)
    assert after.system.id == before.system.id
    assert [key.vouches(LATER) for key in after.system.registered.keys] == [False, True]


def test_one_that_was_cut_off_stays_cut_off(database: Database, tmp_path: Path) -> None:
    made = make(database, tmp_path)
    on(database, lambda clients: clients.cut_off(made.system.registered.client.id, "演示", "试", LATER))
    assert make(database, tmp_path).system.registered.client.state is ClientState.CUT_OFF


def test_a_name_that_is_somebody_elses_is_a_conflict(database: Database, tmp_path: Path) -> None:
    registered(database, named("sandbox", kind=ClientKind.PERSON), Keyed())
    with pytest.raises(Conflict, match="another kind"):
        make(database, tmp_path)


def test_an_authority_that_is_no_demonstration_has_none(tmp_path: Path) -> None:
    async def story() -> None:
        async with open_pool(f"postgresql://nobody@/x?host=/nowhere/{secrets.token_hex(4)}") as pool:
            await make_sandbox(tmp_path, PostgresClients(pool), NOW, demonstration=False)

    with pytest.raises(Forbidden, match="Only a demonstration"):
        asyncio.run(story())
    assert list(tmp_path.iterdir()) == []
