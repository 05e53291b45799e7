"""Runs under the Python that has `cwt`, which the product does not use: standard input and output are JSON.

In: `{"key": PEM, "kid": hexadecimal, "tokens": {name: hexadecimal COSE_Sign1}}`. Out: `{name: {"claims": …}}`, byte
strings as hexadecimal, or `{name: {"error": class}}`. The term is not looked at: an expired token is a token.
"""

import json
import sys
from typing import Any

import cwt  # type: ignore[import-not-found, unused-ignore]

TAG_18 = b"\xd2"
"""`cwt` reads tagged messages only; the tag is not signed."""


def plain(value: Any) -> Any:
    """What JSON can hold of it."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {str(name): plain(item) for name, item in value.items()}
    return value


def answer(key: Any, token: bytes) -> dict[str, Any]:
    """What `cwt` makes of one token."""
    try:
        claims = cwt.decode(TAG_18 + token, key, no_verify=True)
    except Exception as error:  # what it raises is what is asked
        return {"error": type(error).__name__}
    return {"claims": plain(claims)}


def main() -> None:
    """Answer for every token."""
    asked = json.load(sys.stdin)
    key = cwt.COSEKey.from_pem(asked["key"], kid=bytes.fromhex(asked["kid"]))
    answers = {name: answer(key, bytes.fromhex(token)) for name, token in asked["tokens"].items()}
    json.dump(answers, sys.stdout, default=str)


if __name__ == "__main__":
    main()
