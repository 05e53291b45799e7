"""Names are looked up in threads that nobody waits for, and never in too many."""

import asyncio
import socket
import threading
from typing import Any

import pytest

from certsvc.telling import resolver as resolver_module
from certsvc.telling.resolver import Resolver

FOUND = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("8.8.8.8", 443)), (socket.AF_INET6, 1, 6, "", ("::1", 443, 0, 0))]


class NameServer:
    """Answers when it is let to."""

    def __init__(self) -> None:
        self.let = threading.Event()
        self.asked = self.at_once = self.most = 0
        self._lock = threading.Lock()

    def __call__(self, host: str, port: int, **_: Any) -> Any:
        with self._lock:
            self.asked += 1
            self.at_once += 1
            self.most = max(self.most, self.at_once)
        assert self.let.wait(30)
        with self._lock:
            self.at_once -= 1
        if host == "unknown":
            raise socket.gaierror(-2, "Name or service not known")
        return FOUND


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> NameServer:
    """A name server instead of the system's, and few threads."""
    made = NameServer()
    monkeypatch.setattr(socket, "getaddrinfo", made)
    monkeypatch.setattr(resolver_module, "LOOK_UPS", 2)
    return made


def test_addresses_of_both_kinds_are_found_and_an_unknown_name_is_an_error(names: NameServer) -> None:
    async def story() -> None:
        names.let.set()
        resolver = Resolver()
        assert await resolver("known", 443) == ["8.8.8.8", "::1"]
        with pytest.raises(OSError, match="not known"):
            await resolver("unknown", 443)
        assert await resolver("known", 443) == ["8.8.8.8", "::1"]

    asyncio.run(story())


def test_who_stops_waiting_leaves_a_thread_behind_and_it_still_counts(names: NameServer) -> None:
    async def story() -> None:
        resolver = Resolver()
        for _ in range(2):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(resolver("slow", 443), 0.05)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(resolver("slow", 443), 0.05)
        assert (names.asked, names.most) == (2, 2)
        names.let.set()
        assert await resolver("known", 443) == ["8.8.8.8", "::1"]
        assert names.most <= 2

    asyncio.run(story())


def test_a_loop_that_ended_meanwhile_is_no_error_for_the_thread(names: NameServer) -> None:
    async def story() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(Resolver()("slow", 443), 0.05)

    asyncio.run(story())
    names.let.set()
    for thread in threading.enumerate():
        if thread.name == "webhook-name":
            thread.join(30)
            assert not thread.is_alive()
