"""The feed: everything that happened and that this client may know, in order."""

from collections.abc import AsyncIterator, Sequence

import msgspec

from certsvc.client.sending import Sender
from certsvc.client.shapes import Notice

PATH = "/v1/events"
LONGEST_WAIT = 20


class Events:
    """`api.events`."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    async def since(self, after: str = "0", *, kinds: Sequence[str] = (), wait: int = 0) -> tuple[list[Notice], str]:
        """What happened after a place in the feed (`latest`: what comes from now on), and the place to ask after the
        next time; `wait` is how many seconds to wait for something. Keep the place together with what was done about
        the notices: then none is missed, and none done twice. Raises `ApiError`."""
        query = {"after": after, "kind": ",".join(kinds) or None, "wait": wait}
        page = (await self._sender.read(PATH, query)).json()
        return msgspec.convert(page["items"], list[Notice]), page["next"]

    async def follow(self, after: str = "0", *, kinds: Sequence[str] = ()) -> AsyncIterator[tuple[Notice, str]]:
        """What happened and what happens, without end: each notice, with the place in the feed from which to go on if
        this is broken off before the next. Raises `ApiError`."""
        while True:
            found, following = await self.since(after, kinds=kinds, wait=LONGEST_WAIT)
            for number, notice in enumerate(found, 1):
                yield notice, following if number == len(found) else after
            after = following
