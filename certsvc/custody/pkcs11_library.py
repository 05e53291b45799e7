"""One PKCS #11 library in this process: one thread that makes every call, its sessions, and how it comes back.

The binding promises a library that it will be called by one thread alone (`C_Initialize` without locks), so one thread
is what each library gets. Callers wait for it, and never longer than they said: a token that hangs costs an error, not
a service. Signatures of one process are therefore made one after the other; more processes make more at a time.
"""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any, TypeVar

import pkcs11
from pkcs11 import TokenFlag

from certsvc.custody.alone import alone
from certsvc.custody.pkcs11_pin import Pins
from certsvc.custody.pkcs11_uri import Pkcs11Uri
from certsvc.errors import CustodyError

ANSWER_WITHIN = 30.0
GENERATE_WITHIN = 300.0
"""Seconds a caller waits for the library; small tokens take minutes to find the primes of an RSA key."""

T = TypeVar("T")


class Pkcs11Library:
    """A library, loaded once. `run` is for everybody; the rest is for what `run` is given."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._process = os.getpid()
        self._queue: SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = SimpleQueue()
        self._library: Any = None
        self._sessions: dict[bytes, pkcs11.Session] = {}
        self._pins = Pins()
        self._is_alone = False
        self.found: dict[bytes, pkcs11.PrivateKey] = {}
        """Private keys by whatever name their finder gave them; forgotten when the library starts again."""
        Thread(target=self._serve, name=f"pkcs11 {path.name}", daemon=True).start()

    def run(self, work: Callable[[], T], within: float = ANSWER_WITHIN) -> T:
        """Have the library's thread do `work`; where the token was lost meanwhile, start the library again and repeat.

        Raises:
            CustodyError: twice an error of the token, no answer in `within` seconds, or this process was forked from
                the one that loaded the library.
        """
        if os.getpid() != self._process:
            # A copied library would talk on its parent's sessions and may repeat the parent's random numbers: two
            # ECDSA signatures that share one give the key away.
            raise CustodyError(
                "fork 出的进程不能沿用父进程的 PKCS #11 程序库；请用 spawn 启动进程，或 fork 之后再打开密钥。",
                "A forked process cannot use its parent's PKCS #11 library: start processes by spawn, or open keys "
                "only after the fork.",
            )
        future: Future[T] = Future()
        self._queue.put((future, work))
        try:
            return future.result(within)
        except TimeoutError:
            future.cancel()
            raise CustodyError(
                f"{self._path.name} 在 {within:.0f} 秒内没有回应；请检查令牌，必要时重启服务。",
                f"{self._path.name} did not answer in {within:.0f} seconds: look at the token, then restart.",
            ) from None

    def session(self, uri: Pkcs11Uri, secret: str) -> pkcs11.Session:
        """The session of this process on the token that `uri` names, logged in with the PIN `secret` refers to.

        Raises:
            CustodyError: no such PIN, a wrong one, or more tokens than one go by that name.
            PKCS11Error: the token is not there.
        """
        token = self._token(uri)
        session = self._sessions.get(token.serial)
        if session is not None:
            self._pins.confirm(token, uri.pin_source or secret)
            return session
        with self.alone():
            now = token.slot.get_token()  # with the flags of now: another process may just have been refused
            session = self._pins.log_in(now, uri.pin_source or secret)
        self._sessions[token.serial] = session
        return session

    @contextmanager
    def alone(self) -> Iterator[None]:
        """One process of this machine at a time: a second one must see what the first did to the token.

        Raises:
            CustodyError: another process does not let go.
        """
        if self._is_alone:
            yield
            return
        with self._path.open("rb") as file, alone(file, self._path):
            self._is_alone = True
            try:
                yield
            finally:
                self._is_alone = False

    def _serve(self) -> None:
        while True:
            future, work = self._queue.get()
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(self._twice(work))
                except BaseException as error:
                    future.set_exception(error)
            del future, work

    def _twice(self, work: Callable[[], T]) -> T:
        try:
            self._load()
            return work()
        except pkcs11.PKCS11Error:
            # Which error a lost token gives differs by library, and starting again is the remedy for all of them.
            pass
        try:
            # Alone, because a token that another process of ours is just logging in to may look like none.
            with self.alone():
                self._restart()
                return work()
        except pkcs11.PKCS11Error as error:
            name, detail = type(error).__name__, str(error)
        raise CustodyError(
            f"令牌不可用（{name}）。是否已拔出？{detail}",
            f"The token cannot be used ({name}). Is it plugged in? {detail}".rstrip(),
        )

    def _load(self) -> None:
        if self._library is None:
            self._library = pkcs11.lib(str(self._path))

    def _restart(self) -> None:
        self._sessions.clear()
        self.found.clear()
        self._load()
        with suppress(pkcs11.PKCS11Error):
            self._library.finalize()
        self._library.initialize()

    def _token(self, uri: Pkcs11Uri) -> pkcs11.Token:
        found = [token for token in self._tokens() if _is_named(token, uri)]
        if len(found) > 1:
            raise CustodyError(
                f"{uri}：符合的令牌不止一个，请加 serial。", f"{uri}: more tokens than one fit, add the serial."
            )
        if not found:
            raise pkcs11.NoSuchToken(str(uri))
        return found[0]

    def _tokens(self) -> Iterator[pkcs11.Token]:
        for slot in self._library.get_slots(token_present=True):
            with suppress(pkcs11.TokenNotPresent, pkcs11.TokenNotRecognised):
                token = slot.get_token()
                if token.flags & TokenFlag.TOKEN_INITIALIZED:
                    yield token


_libraries: dict[Path, Pkcs11Library] = {}
_loading = Lock()


def library_at(path: Path) -> Pkcs11Library:
    """The library at `path`, loaded once a process: two copies of its state would fall over each other.

    Raises:
        CustodyError: there is no such file.
    """
    real = path.resolve()
    if not real.is_file():
        raise CustodyError(f"没有程序库 {path}。", f"There is no library {path}.")
    if real not in _libraries:
        with _loading:
            if real not in _libraries:
                _libraries[real] = Pkcs11Library(real)
    return _libraries[real]


def _is_named(token: pkcs11.Token, uri: Pkcs11Uri) -> bool:
    said = (
        (uri.token, token.label),
        (uri.serial, token.serial.decode("utf-8", "replace")),
        (uri.manufacturer, token.manufacturer_id),
        (uri.model, token.model),
        (uri.slot, token.slot.slot_id),
    )
    return all(wanted is None or wanted == found for wanted, found in said)
