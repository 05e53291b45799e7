"""Passwords are kept as Argon2id hashes (RFC 9106) in the usual form, which names its cost: it can be raised later."""

import asyncio
import secrets
import unicodedata
from dataclasses import dataclass

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

SALT, HASH = 16, 32
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
GROUPS, GROUP = 4, 5
"""Of a password that is made here: 99 bits, read aloud without a slip."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a hash costs: memory in KiB, passes over it, lanes."""

    memory: int
    passes: int
    lanes: int


RECOMMENDED = Cost(memory=64 * 1024, passes=3, lanes=4)
"""RFC 9106 section 4, second recommended option."""

AT_ONCE = 2
"""Hashes at once in a process: who tries many passwords takes neither all memory nor all processors."""


class Passwords:
    """Hashes and compares passwords, in threads of their own. Comparing with nothing costs as much as with a hash."""

    def __init__(self, cost: Cost = RECOMMENDED) -> None:
        self._cost, self._room = cost, asyncio.Semaphore(AT_ONCE)
        self._nobody = hash_password(secrets.token_urlsafe(), cost)

    async def hash(self, password: str) -> str:
        """The hash to keep, with a salt of its own."""
        async with self._room:
            return await asyncio.to_thread(hash_password, password, self._cost)

    async def matches(self, password: str, kept: str | None) -> bool:
        """Whether it is the password of a hash; False for None, after the same work."""
        async with self._room:
            is_right = await asyncio.to_thread(_matches, password, kept or self._nobody)
        return is_right and kept is not None


def hash_password(password: str, cost: Cost = RECOMMENDED) -> str:
    """The hash of a password in PHC form, with a salt of its own."""
    made = Argon2id(
        salt=secrets.token_bytes(SALT),
        length=HASH,
        iterations=cost.passes,
        lanes=cost.lanes,
        memory_cost=cost.memory,
    )
    return made.derive_phc_encoded(_bytes(password))


def make_password() -> str:
    """A password that nobody chose."""
    return "-".join("".join(secrets.choice(ALPHABET) for _ in range(GROUP)) for _ in range(GROUPS))


def _matches(password: str, kept: str) -> bool:
    try:
        Argon2id.verify_phc_encoded(_bytes(password), kept)
    except InvalidKey:
        return False
    return True


def _bytes(password: str) -> bytes:
    """One spelling, however the keyboard composes characters (RFC 8265 section 4.2)."""
    return unicodedata.normalize("NFC", password).encode("utf-8", "replace")
