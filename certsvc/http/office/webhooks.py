"""`/v1/webhooks`: where a client wants to be told, how deliveries fared, and sending them again."""

import re
from datetime import UTC, datetime
from functools import partial
from typing import Annotated

from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import UNSET

from certsvc.domain.answer import parse_request_key
from certsvc.domain.scope import ALL, NOTIFY
from certsvc.domain.webhook import Delivery, DeliveryState, HookState, parse_hook_id
from certsvc.errors import Conflict, InvalidInput, NotFound
from certsvc.http.office.caller import Caller
from certsvc.http.office.operation import Operations
from certsvc.http.office.parameters import Calling, Cursor, Limit
from certsvc.http.office.shapes import Page
from certsvc.http.office.webhook_shapes import (
    DeliveryShape,
    ReplayedShape,
    WebHookBody,
    WebHookChange,
    WebHookShape,
    WebHookWithSecret,
    delivery_shape,
    hook_shape,
    secret_shape,
)
from certsvc.http.routes import Asked
from certsvc.telling.hooks import HookDesk, Owner

TAG, PATH = "Web-hooks", "/v1/webhooks"
ONE = PATH + "/{webhook_id:str}"
NUMBER = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)
EARLIEST, LATEST = 2000, 2999
Since = Annotated[datetime, QueryParameter(description="An instant with its offset from UTC.")]
InState = Annotated[DeliveryState | None, QueryParameter(name="state", description="Only deliveries in this state.")]


def webhook_routes(operations: Operations, desk: HookDesk) -> list[HTTPRouteHandler]:
    """The operations on web-hooks. Answers that show a secret are not kept under the request's key, as others are: the
    same request shows it again."""
    hooks = _WebHooks(desk)
    return [*_of_web_hooks(operations, hooks), *_of_deliveries(operations, hooks)]


def _of_web_hooks(operations: Operations, hooks: "_WebHooks") -> list[HTTPRouteHandler]:
    plain = partial(operations.operation, tag=TAG)
    one = partial(operations.operation, tag=TAG, problems=(NotFound,))
    added = plain(
        "POST",
        PATH,
        "add_webhook",
        hooks.add,
        summary="Be told by web-hook",
        status=201,
        problems=(Conflict,),
        streamed=True,
    )
    return [
        added,
        plain("GET", PATH, "list_webhooks", hooks.listed, summary="All web-hooks of this client"),
        one("GET", ONE, "read_webhook", hooks.read, summary="A web-hook"),
        one("PATCH", ONE, "change_webhook", hooks.change, summary="Change a web-hook"),
        one("DELETE", ONE, "remove_webhook", hooks.remove, summary="Remove a web-hook", status=204),
        one("POST", ONE + "/secret", "rotate_secret", hooks.rotate, summary="Change the secret", streamed=True),
    ]


def _of_deliveries(operations: Operations, hooks: "_WebHooks") -> list[HTTPRouteHandler]:
    one = partial(operations.operation, tag=TAG, problems=(NotFound,))
    again = partial(operations.operation, "POST", tag=TAG, status=202, problems=(NotFound, Conflict))
    delivery = ONE + "/deliveries/{delivery_id:str}"
    return [
        one("GET", ONE + "/deliveries", "list_deliveries", hooks.deliveries, summary="How deliveries fared"),
        one("GET", delivery, "read_delivery", hooks.delivery, summary="How a delivery fared"),
        again(delivery + "/replay", "replay_delivery", hooks.replay, summary="Send one message again"),
        again(ONE + "/replay", "replay_since", hooks.replay_since, summary="Send again all that happened since"),
        again(ONE + "/test", "test_webhook", hooks.test, summary="Send a ping"),
    ]


class _WebHooks:
    """What the operations do. `now` is taken here, once per request."""

    def __init__(self, desk: HookDesk) -> None:
        self._desk, self._hooks = desk, desk.hooks

    async def add(self, request: Asked, caller: Calling, data: JSONBody[WebHookBody]) -> Response[WebHookWithSecret]:
        """From now on, what this client may know is sent there, signed by Standard Webhooks 1.0 with the secret that
        this answer shows. What is answered with anything but 2xx is sent again, for three days; 410 ends it all."""
        _require(caller)
        owner = Owner(client=caller.actor.name, key=_key(request))
        made = await self._desk.add(owner, data.url, data.kinds, datetime.now(UTC))
        headers = {"Location": f"{PATH}/{made.hook.id}", "Cache-Control": "no-store"}
        return Response(secret_shape(made), status_code=201, headers=headers)

    async def listed(self, request: Asked, caller: Calling) -> Response[Page[WebHookShape]]:
        """All of them, oldest first."""
        _require(caller)
        found = await self._hooks.hooks(caller.actor.name)
        return Response(Page(items=[hook_shape(hook) for hook in found]))

    async def read(self, request: Asked, caller: Calling, webhook_id: FromPath[str]) -> Response[WebHookShape]:
        """One of them."""
        _require(caller)
        return Response(hook_shape(await self._hooks.hook(caller.actor.name, parse_hook_id(webhook_id))))

    async def change(
        self, request: Asked, caller: Calling, data: JSONBody[WebHookChange], webhook_id: FromPath[str]
    ) -> Response[WebHookShape]:
        """What is not named stays as it is. Made active again, it gets what happens from then on; what happened
        meanwhile is had by a replay."""
        _require(caller)
        changes: dict[str, object] = {}
        if data.url is not UNSET:
            changes["url"] = data.url
        if data.kinds is not UNSET:
            changes["kinds"] = None if data.kinds is None else frozenset(data.kinds)
        if data.state is not UNSET:
            changes["state"] = HookState(data.state)
        hook_id = parse_hook_id(webhook_id)
        changed = await self._desk.change(caller.actor.name, hook_id, datetime.now(UTC), **changes)
        return Response(hook_shape(changed))

    async def remove(self, request: Asked, caller: Calling, webhook_id: FromPath[str]) -> Response[None]:
        """Nothing more is sent there, and its secret is forgotten."""
        _require(caller)
        await self._hooks.remove(caller.actor.name, parse_hook_id(webhook_id), datetime.now(UTC))
        return Response(None, status_code=204)

    async def rotate(self, request: Asked, caller: Calling, webhook_id: FromPath[str]) -> Response[WebHookWithSecret]:
        """A new secret. For a day, messages carry signatures by both."""
        _require(caller)
        owner = Owner(client=caller.actor.name, key=_key(request))
        made = await self._desk.rotate(owner, parse_hook_id(webhook_id), datetime.now(UTC))
        return Response(secret_shape(made), headers={"Cache-Control": "no-store"})

    async def deliveries(
        self,
        request: Asked,
        caller: Calling,
        webhook_id: FromPath[str],
        in_state: InState = None,
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> Response[Page[DeliveryShape]]:
        """Newest first, with the last attempts of each and the beginning of what was answered. They can be looked up
        for thirty days after they ended."""
        _require(caller)
        before = None if cursor is None else _number(cursor)
        if cursor is not None and before is None:
            raise InvalidInput("cursor 应取自上一页的 next。", "A cursor is what `next` of the page before says.")
        hook_id, state = parse_hook_id(webhook_id), in_state
        found = await self._hooks.deliveries(caller.actor.name, hook_id, state, before, limit + 1)
        shown = found[:limit]
        attempts = await self._hooks.attempts([one.id for one in shown])
        following = str(shown[-1].id) if len(found) > limit else None
        return Response(Page(items=[delivery_shape(one, attempts) for one in shown], next=following))

    async def delivery(
        self, request: Asked, caller: Calling, webhook_id: FromPath[str], delivery_id: FromPath[str]
    ) -> Response[DeliveryShape]:
        """One delivery, with its last attempts and the beginning of what was answered."""
        _require(caller)
        hook_id, number = parse_hook_id(webhook_id), _delivery_number(delivery_id)
        found = await self._hooks.delivery(caller.actor.name, hook_id, number)
        return Response(delivery_shape(found, await self._hooks.attempts([found.id])))

    async def replay(
        self, request: Asked, caller: Calling, webhook_id: FromPath[str], delivery_id: FromPath[str]
    ) -> Response[DeliveryShape]:
        """It is sent again under the same `webhook-id`, and tried anew for three days; one that is pending stays."""
        _require(caller)
        name, hook_id, number = caller.actor.name, parse_hook_id(webhook_id), _delivery_number(delivery_id)
        return _on_its_way(await self._hooks.replay(name, hook_id, number, datetime.now(UTC)))

    async def replay_since(
        self, request: Asked, caller: Calling, webhook_id: FromPath[str], since: Since
    ) -> Response[ReplayedShape]:
        """Everything that happened since then, that this client may know and the web-hook wants, is sent again under
        the same ids, whether or not it arrived."""
        _require(caller)
        if since.tzinfo is None or not EARLIEST <= since.year <= LATEST:
            raise InvalidInput("since 应为带时区的时刻。", "Give `since` as an instant with its offset from UTC.")
        name, hook_id = caller.actor.name, parse_hook_id(webhook_id)
        begun = await self._hooks.replay_since(name, hook_id, since, datetime.now(UTC))
        where = {"Location": f"{PATH}/{hook_id}/deliveries"}
        return Response(ReplayedShape(deliveries=begun), status_code=202, headers=where)

    async def test(self, request: Asked, caller: Calling, webhook_id: FromPath[str]) -> Response[DeliveryShape]:
        """A message of the kind `webhook.ping`, at once; how it fares is seen among the deliveries."""
        _require(caller)
        name, hook_id = caller.actor.name, parse_hook_id(webhook_id)
        return _on_its_way(await self._hooks.ping(name, hook_id, datetime.now(UTC)))


def _on_its_way(delivery: Delivery) -> Response[DeliveryShape]:
    where = {"Location": f"{PATH}/{delivery.hook_id}/deliveries/{delivery.id}"}
    return Response(delivery_shape(delivery), status_code=202, headers=where)


def _delivery_number(text: str) -> int:
    number = _number(text)
    if number is None:
        raise NotFound("没有这个投递。", "There is no such delivery.")
    return number


def _require(caller: Caller) -> None:
    caller.actor.require(NOTIFY, ALL)


def _key(request: Asked) -> str:
    return parse_request_key(request.headers.get("idempotency-key"))


def _number(text: str) -> int | None:
    return int(text) if NUMBER.fullmatch(text) else None
