"""Web-hooks as their owners have them: made once, changed, replayed, looked into; and nobody else's."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

import asyncpg
import pytest
from receiver import Receiver, answer, receiving
from telling_desk import FIRE, MARKET, NOW, Database, Desk, fresh_database, open_desk, told
from worker import Worker

from certsvc.domain.notice import Notice
from certsvc.domain.webhook import DeliveryState, DisabledWhy, HookState, new_hook_id, parse_hook_id
from certsvc.errors import Conflict, InvalidIdentifier, InvalidInput, KeyReused, NotFound
from certsvc.store import deliveries as deliveries_module
from certsvc.store import webhooks as webhooks_module
from certsvc.store.embedded import EmbeddedServer
from certsvc.telling.hooks import HookDesk, Owner

pytest_plugins = ["store_fixtures"]

URL = "https://hooks.example.com/certsvc"
Result = TypeVar("Result")
Story = Callable[[Desk, Worker, Receiver], Awaitable[Result]]


def delivered(database: Database, story: Story[Result]) -> Result:
    """Run a story with a desk, a worker and a receiver."""

    async def run() -> Result:
        async with open_desk(database.uri) as desk, receiving() as receiver:
            return await story(desk, Worker(desk), receiver)

    return asyncio.run(run())


def test_the_same_request_makes_one_web_hook_and_shows_the_same_secret(database: Database) -> None:
    async def story(desk: Desk) -> None:
        owner = Owner(client=MARKET, key="k")
        made = await asyncio.gather(*(desk.desk.add(owner, URL, ["a.b"], NOW) for _ in range(5)))
        assert len({(one.hook.id, one.secret) for one in made}) == 1
        assert [hook.id for hook in await desk.hooks.hooks(MARKET)] == [made[0].hook.id]
        with pytest.raises(KeyReused):
            await desk.desk.add(owner, URL, None, NOW)
        other = await desk.desk.add(Owner(client=FIRE, key="k"), URL, ["a.b"], NOW)
        assert (other.hook.id, other.secret) not in {(one.hook.id, one.secret) for one in made}

    told(database, story)


def test_the_same_request_changes_the_secret_once(database: Database) -> None:
    async def story(desk: Desk) -> None:
        made = await desk.desk.add(Owner(client=MARKET, key="k"), URL, None, NOW)
        first, again = [await desk.desk.rotate(Owner(client=MARKET, key="r"), made.hook.id, NOW) for _ in range(2)]
        assert first.secret == again.secret != made.secret
        assert first.hook.old_secret == made.hook.secret == again.hook.old_secret
        with pytest.raises(KeyReused):
            await desk.desk.rotate(Owner(client=MARKET, key="k"), made.hook.id, NOW)

    told(database, story)


def test_a_secret_lies_encrypted_and_bound_to_its_web_hook(database: Database) -> None:
    async def story(desk: Desk) -> None:
        made = [await desk.desk.add(Owner(client=MARKET, key=key), URL, None, NOW) for key in "ab"]
        rows = await desk.fetch("select sealed_secret from webhook order by made_at")
        assert all(made[0].secret.encode() not in row[0] and len(row[0]) == 32 + 12 + 16 for row in rows)
        with pytest.raises(Exception, match="open"):
            desk.cipher.decrypt(made[0].hook.secret.sealed, made[1].hook.context, "data-1")
        assert made[0].secret not in repr(made[0])

    told(database, story)


def test_the_audit_names_the_host_and_no_password_in_a_path(database: Database) -> None:
    async def story(desk: Desk) -> None:
        hook_id = await desk.hook("https://hooks.example.com/secret-path?token=secret")
        await desk.desk.change(MARKET, hook_id, NOW, url="https://hooks.example.com/secret-too")
        rows = await desk.fetch("select action, detail from audit where action like '%_webhook' order by id")
        assert [action for action, _ in rows] == ["add_webhook", "change_webhook"]
        assert all("hooks.example.com" in detail and "secret" not in detail for _, detail in rows)

    told(database, story)


def test_another_client_finds_nothing(database: Database) -> None:
    async def story(desk: Desk) -> None:
        hook_id = await desk.hook("http://127.0.0.1:1/")
        delivery = await desk.hooks.ping(MARKET, hook_id, NOW)
        for ask in (
            desk.hooks.hook(FIRE, hook_id),
            desk.desk.change(FIRE, hook_id, NOW, state=HookState.PAUSED),
            desk.desk.rotate(Owner(client=FIRE, key="x"), hook_id, NOW),
            desk.hooks.remove(FIRE, hook_id, NOW),
            desk.hooks.ping(FIRE, hook_id, NOW),
            desk.hooks.replay(FIRE, hook_id, delivery.id, NOW),
            desk.hooks.replay_since(FIRE, hook_id, NOW, NOW),
            desk.hooks.deliveries(FIRE, hook_id, None, None, 9),
            desk.hooks.delivery(FIRE, hook_id, delivery.id),
            desk.hooks.hook(MARKET, new_hook_id()),
        ):
            with pytest.raises(NotFound):
                await ask
        assert await desk.hooks.hooks(FIRE) == []
        other = await desk.hook("http://127.0.0.1:1/", client=FIRE)
        for ask_of_theirs in (
            desk.hooks.replay(FIRE, other, delivery.id, NOW),
            desk.hooks.delivery(FIRE, other, delivery.id),
        ):
            with pytest.raises(NotFound):
                await ask_of_theirs
        assert await desk.hooks.delivery(MARKET, hook_id, delivery.id) == delivery

    told(database, story)


@pytest.mark.parametrize("url", ["http://hooks.example.com/", "https://10.0.0.1/", "http://127.0.0.1/"])
def test_an_address_that_is_not_taken_makes_and_changes_nothing(database: Database, url: str) -> None:
    async def story(desk: Desk) -> None:
        strict = HookDesk(hooks=desk.hooks, cipher=desk.cipher)
        made = await strict.add(Owner(client=MARKET, key="k"), URL, None, NOW)
        with pytest.raises(InvalidInput):
            await strict.add(Owner(client=MARKET, key="l"), url, None, NOW)
        with pytest.raises(InvalidInput):
            await strict.change(MARKET, made.hook.id, NOW, url=url)
        assert [hook.url for hook in await desk.hooks.hooks(MARKET)] == [URL]

    told(database, story)


def test_a_client_has_so_many_and_not_more_even_at_once(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks_module, "MOST_HOOKS", 3)

    async def story(desk: Desk) -> None:
        asked = [desk.desk.add(Owner(client=MARKET, key=str(number)), URL, None, NOW) for number in range(6)]
        done = await asyncio.gather(*asked, return_exceptions=True)
        assert sum(isinstance(one, Conflict) for one in done) == 3
        first = (await desk.hooks.hooks(MARKET))[0]
        await desk.hooks.remove(MARKET, first.id, NOW)
        assert await desk.hook(URL)

    told(database, story)


def test_what_is_paused_waits_and_arrives_when_it_goes_on(database: Database) -> None:
    async def story(desk: Desk, worker: Worker, receiver: Receiver) -> None:
        hook_id = await desk.hook(receiver.url())
        await desk.desk.change(MARKET, hook_id, NOW, state=HookState.PAUSED)
        await desk.tell()
        await worker.wait(hours=5)
        assert receiver.connections == 0
        await desk.desk.change(MARKET, hook_id, NOW, state=HookState.ACTIVE)
        await worker.deliver()
        assert receiver.ids() == ["notice-1"]

    delivered(database, story)


@pytest.mark.long
def test_what_is_disabled_gets_nothing_until_it_is_replayed(database: Database) -> None:
    async def story(desk: Desk, worker: Worker, receiver: Receiver) -> None:
        hook_id = await desk.hook(receiver.url(), kinds=["batch.finished", "certificate.issue"])
        hook = await desk.desk.change(MARKET, hook_id, NOW, state=HookState.DISABLED)
        assert hook.disabled_why is DisabledWhy.OWNER
        await desk.tell()
        await desk.tell("batch.begun")
        await desk.tell(client=FIRE)
        await desk.licence()
        await worker.deliver()
        for ask in (desk.hooks.ping(MARKET, hook_id, NOW), desk.hooks.replay_since(MARKET, hook_id, NOW, NOW)):
            with pytest.raises(Conflict):
                await ask
        await desk.desk.change(MARKET, hook_id, NOW, state=HookState.ACTIVE)
        await worker.deliver()
        assert receiver.connections == 0
        assert await desk.hooks.replay_since(MARKET, hook_id, NOW + timedelta(seconds=1), NOW) == 0
        assert await desk.hooks.replay_since(MARKET, hook_id, NOW, NOW) == 2
        assert await desk.hooks.replay_since(MARKET, hook_id, NOW, NOW) == 0
        await worker.deliver()
        assert sorted(receiver.ids()) == ["notice-1", "notice-4"]
        assert await desk.hooks.replay_since(MARKET, hook_id, NOW, NOW) == 2
        await worker.deliver()
        assert sorted(receiver.ids()) == ["notice-1", "notice-1", "notice-4", "notice-4"]

    delivered(database, story)


def test_more_than_can_be_replayed_at_once_is_not_begun(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks_module, "MOST_REPLAYED", 3)

    async def story(desk: Desk, worker: Worker, receiver: Receiver) -> None:
        hook_id = await desk.hook(receiver.url())
        for _ in range(4):
            await desk.tell()
        await worker.deliver()
        with pytest.raises(Conflict):
            await desk.hooks.replay_since(MARKET, hook_id, NOW, NOW)
        await worker.deliver()
        assert len(receiver.received) == 4

    delivered(database, story)


def test_a_delivery_is_replayed_under_its_id_and_tried_anew_for_days(database: Database) -> None:
    async def story(desk: Desk, worker: Worker, receiver: Receiver) -> None:
        hook_id = await desk.hook(receiver.url())
        await desk.tell()
        await worker.deliver()
        (delivery,) = await desk.hooks.deliveries(MARKET, hook_id, None, None, 9)
        receiver.answers["/hook"] = [answer(500), answer(200)]
        begun = await desk.hooks.replay(MARKET, hook_id, delivery.id, NOW)
        assert (begun.state, begun.tries, begun.attempts) == (DeliveryState.PENDING, 0, 1)
        await worker.deliver()
        await worker.wait(seconds=10)
        assert receiver.ids() == ["notice-1"] * 3
        (delivery,) = await desk.hooks.deliveries(MARKET, hook_id, None, None, 9)
        assert (delivery.state, delivery.tries, delivery.attempts) == (DeliveryState.DELIVERED, 2, 3)
        assert [one.number for one in await desk.hooks.attempts([delivery.id])] == [3, 2, 1]

    delivered(database, story)


def test_a_ping_arrives_at_once_even_at_a_receiver_that_is_left_alone(database: Database) -> None:
    async def story(desk: Desk, worker: Worker, receiver: Receiver) -> None:
        receiver.answers["/hook"] = [answer(500), answer(200)]
        hook_id = await desk.hook(receiver.url())
        await desk.tell()
        await worker.deliver()
        ping = await desk.hooks.ping(MARKET, hook_id, worker.now)
        await worker.deliver()
        assert receiver.ids() == ["notice-1", ping.message_id]
        assert b'"type":"webhook.ping"' in receiver.received[-1].body
        assert hook_id.encode() in receiver.received[-1].body
        assert [one.kind for one in await desk.feed()] == ["batch.finished"]

    delivered(database, story)


def test_another_address_begins_without_the_failures_of_the_one_before(database: Database) -> None:
    async def story(desk: Desk, worker: Worker, receiver: Receiver) -> None:
        receiver.answers["/old"] = [answer(500)]
        hook_id = await desk.hook(receiver.url("/old"))
        await desk.tell()
        await worker.deliver()
        changed = await desk.desk.change(MARKET, hook_id, NOW, url=receiver.url("/new"))
        assert (changed.failures, changed.failing_since, changed.rests_until) == (0, None, None)
        await worker.wait(seconds=7)
        assert receiver.ids("/new") == ["notice-1"]

    delivered(database, story)


def test_what_is_removed_is_gone_with_its_secret_and_what_waited(database: Database) -> None:
    async def story(desk: Desk, worker: Worker, receiver: Receiver) -> None:
        hook_id = await desk.hook(receiver.url())
        await desk.tell()
        await worker.telling.settle(NOW)
        await desk.desk.rotate(Owner(client=MARKET, key="r"), hook_id, NOW)
        await desk.hooks.remove(MARKET, hook_id, NOW)
        await worker.deliver()
        assert receiver.connections == 0
        with pytest.raises(NotFound):
            await desk.hooks.remove(MARKET, hook_id, NOW)
        (row,) = await desk.fetch("select sealed_secret, old_sealed_secret, secret_key_id from webhook")
        assert row == (None, None, None)

    delivered(database, story)


def test_removed_while_a_message_is_on_its_way_it_is_not_sent_again(database: Database) -> None:
    async def story(desk: Desk, worker: Worker, receiver: Receiver) -> None:
        hook_id = await desk.hook(receiver.url("/never"))
        await desk.tell()
        work = asyncio.create_task(worker.deliver())
        while not receiver.received:  # noqa: ASYNC110 - the event is on another side of a socket
            await asyncio.sleep(0.01)
        await desk.hooks.remove(MARKET, hook_id, NOW)
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        await worker.wait(days=1)
        assert len(receiver.received) == 1

    delivered(database, story)


def test_deliveries_are_listed_in_pages_newest_first_and_by_state(database: Database) -> None:
    async def story(desk: Desk, worker: Worker, receiver: Receiver) -> None:
        hook_id = await desk.hook(receiver.url())
        receiver.poison.add("notice-3")
        for _ in range(5):
            await desk.tell()
        await worker.deliver()
        await worker.wait(seconds=30)
        seen, before = list[Notice | None](), None
        while page := await desk.hooks.deliveries(MARKET, hook_id, None, before, 2):
            seen += [one.notice for one in page]
            before = page[-1].id
        assert [one and one.id for one in seen] == [5, 4, 3, 2, 1]
        (waiting,) = await desk.hooks.deliveries(MARKET, hook_id, DeliveryState.PENDING, None, 9)
        assert waiting.message_id == "notice-3"

    delivered(database, story)


def test_how_deliveries_fared_is_forgotten_after_a_month_and_what_waits_is_not(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries_module, "TIDIED_AT_ONCE", 2)

    async def story(desk: Desk, worker: Worker, receiver: Receiver) -> None:
        hook_id = await desk.hook(receiver.url())
        receiver.poison.add("notice-3")
        for _ in range(6):
            await desk.tell()
        await worker.deliver()
        await worker.wait(seconds=30)
        await worker.telling.tidy(NOW + timedelta(days=29))
        assert len(await desk.hooks.deliveries(MARKET, hook_id, None, None, 9)) == 6
        await worker.telling.tidy(NOW + timedelta(days=31))
        (left,) = await desk.hooks.deliveries(MARKET, hook_id, None, None, 9)
        assert left.message_id == "notice-3"
        assert await desk.fetch("select distinct delivery_id from webhook_attempt") == [(left.id,)]
        assert len(await desk.feed()) == 6

    delivered(database, story)


@pytest.mark.parametrize("text", ["", "w-", "w-" + "a" * 19, "w-" + "A" * 20, "w-" + "a" * 20 + "\n", "x-" + "a" * 20])
def test_what_is_no_id_of_ours_is_refused(text: str) -> None:
    with pytest.raises(InvalidIdentifier):
        parse_hook_id(text)


def test_ids_are_of_our_form() -> None:
    assert parse_hook_id(new_hook_id()) != new_hook_id()


@pytest.fixture(scope="module")
def used(server: EmbeddedServer) -> Database:
    """A database with a web-hook, a delivery and an attempt that ended."""
    database = fresh_database(server)

    async def story(desk: Desk, worker: Worker, receiver: Receiver) -> None:
        await desk.hook(receiver.url())
        gone = await desk.hook(receiver.url())
        await desk.hooks.remove(MARKET, gone, NOW)
        await desk.tell()
        await worker.deliver()

    delivered(database, story)
    return database


@pytest.mark.parametrize(
    "statement",
    [
        "delete from webhook",
        "truncate webhook cascade",
        "delete from webhook_request",
        "update webhook_request set digest = digest",
        "truncate webhook_request",
        "update webhook set client = 'fire-system'",
        "update webhook set made_at = now() where state = 'active'",
        "update webhook set state = 'paused' where state = 'removed'",
        "update webhook set sealed_secret = null where state = 'active'",
        "update webhook set state = 'disabled' where state = 'active'",
        "update webhook set failures = 1 where state = 'active'",
        "update webhook set url = '' where state = 'active'",
        "update webhook set kinds = '{}' where state = 'active'",
        "update webhook_attempt set status = 500",
        "update webhook_attempt set begun_at = now()",
        "insert into webhook_attempt (delivery_id, number, begun_at, took_ms) select 1, 9, now(), 1",
        "insert into webhook_attempt (delivery_id, number, begun_at, status) select 1, 9, now(), 200",
        "update webhook_delivery set state = 'pending'",
        "insert into webhook_delivery (webhook_id, notice_id, made_at, due_at) "
        "select webhook_id, notice_id, made_at, due_at from webhook_delivery",
    ],
)
def test_the_database_keeps_the_promises_of_web_hooks(used: Database, statement: str) -> None:
    refusals = asyncpg.RestrictViolationError, asyncpg.CheckViolationError, asyncpg.UniqueViolationError

    async def story(desk: Desk) -> None:
        async with desk.pool.transaction() as connection:
            with pytest.raises(refusals):
                await connection.execute(statement)
            raise NotFound("没有。", "No.")  # nothing of it stays

    with pytest.raises(NotFound):
        told(used, story)
