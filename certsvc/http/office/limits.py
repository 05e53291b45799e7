"""How often a client may ask, told with every answer."""

from typing import Any

SECONDS_A_MINUTE = 60


class SayRateLimit:
    """A `before_send` hook: how often this client may ask, and how often it still may now."""

    def __init__(self, per_minute: int) -> None:
        self._policy = f'"client";q={per_minute};w={SECONDS_A_MINUTE}'.encode()

    async def __call__(self, message: Any, scope: Any) -> None:
        left = scope.get("state", {}).get("rate_limit")
        if message["type"] == "http.response.start" and left is not None:
            policy = (b"ratelimit-policy", self._policy)
            message["headers"] = [*message["headers"], policy, (b"ratelimit", f'"client";r={left}'.encode())]
