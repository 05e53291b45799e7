"""How often one address may ask what needs the database: room for a counter and its queue, not for a search.

Nothing here can be guessed (a code has 68 random bits), so the limits are against load and against curiosity. Nobody is
told apart from the others: an office behind one address shares its limit, which is made for that.
"""

import math
import time
from typing import Any

from litestar import Request

from certsvc.errors import TooManyRequests
from certsvc.http.access import route_name
from certsvc.http.negotiation import FOR_PROGRAMS
from certsvc.http.rate import Buckets, address_of, is_this_machine

READS_PER_MINUTE, WRITES_PER_MINUTE = 300, 60
"""Scans, codes, histories; and whatever is sent: files to check, reports. Five a second, for minutes."""

WITHOUT_DATABASE = frozenset(
    (
        "home accessibility static worker crl ca trust trusting trust_files status status_list ocsp ocsp_get tsa health"
    ).split()
)
"""Names of routes that read files, which any cache may hold, have a gate of their own, or are asked by who watches over
the service."""

PUBLIC_API = "/v1/public/"


class Turnstiles:
    """A litestar `before_request` hook. What departments call has limits of its own, for each client; requests of this
    machine itself, which come past the proxy, have none."""

    def __init__(self, reads: int = READS_PER_MINUTE, writes: int = WRITES_PER_MINUTE) -> None:
        self._reads, self._writes = (Buckets(reads), reads), (Buckets(writes), writes)

    async def __call__(self, request: Request[Any, Any, Any]) -> None:
        """Let a request in.

        Raises:
            TooManyRequests: its address asked too often.
        """
        scope = request.scope
        path = scope["path"]
        is_program = path.startswith(FOR_PROGRAMS) and not path.startswith(PUBLIC_API)
        if is_program or route_name(scope) in WITHOUT_DATABASE or is_this_machine(scope):
            return
        buckets, per_minute = self._writes if request.method == "POST" else self._reads
        wait = math.ceil(buckets.wait(address_of(scope), time.monotonic()))
        if wait:
            raise too_often(per_minute, wait)


def too_often(per_minute: int, wait: int) -> TooManyRequests:
    """What to say to somebody who asked too often: it is no fault, and passes by itself."""
    return TooManyRequests(
        f"从您的网络一分钟内查了 {per_minute} 次以上。请过 {wait} 秒再试，不用重新填写；"
        "这与证照的真伪无关。同一网络很多人同时查的，请分开查。",
        f"More than {per_minute} requests came from your network within a minute. Try again in {wait} seconds; "
        "this says nothing about the certificate. If many people share your network, take turns.",
        retry_after=wait,
    )
