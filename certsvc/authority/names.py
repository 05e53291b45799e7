"""Names of keys and X.509 certificates: `issuing`, its next generation `issuing.2`, `seal-fire`, `token-2026q4`.

A name is a file's name too, on disk and in public addresses. The first generation has no number.
"""

from collections.abc import Iterable

ROOT, ISSUING, TIMESTAMP, OCSP, LIST = "root", "issuing", "timestamp", "ocsp", "list"
STATUS, RECEIPT = "status", "receipt"
SERVICES = (TIMESTAMP, OCSP, LIST, STATUS, RECEIPT)
"""Made by the issuing authority, beside seals and token keys."""


def seal_name(seal_id: str) -> str:
    """The name of a seal's key and certificate."""
    return f"seal-{seal_id}"


def token_name(quarter: str) -> str:
    """The name of the key of QR tokens of a quarter such as `2026q4`."""
    return f"token-{quarter}"


def base_name(name: str) -> str:
    """The name without its generation: `issuing` for `issuing.2`."""
    return name.partition(".")[0]


def profile_name(name: str) -> str:
    """The profile of the certificate with this name: `seal` for `seal-market.2`."""
    return base_name(name).partition("-")[0]


def generation(name: str) -> int:
    """The number of the generation, from 1."""
    return int(name.partition(".")[2] or 1)


def newest(names: Iterable[str], base: str) -> str | None:
    """The newest generation of `base` among `names`."""
    return max((name for name in names if base_name(name) == base), key=generation, default=None)


def next_generation(names: Iterable[str], base: str) -> str:
    """The name that follows the newest generation of `base`; the plain name when there is none."""
    latest = newest(names, base)
    return base if latest is None else f"{base}.{generation(latest) + 1}"
