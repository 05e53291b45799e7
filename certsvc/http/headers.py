"""Headers on every answer, errors too: nothing from elsewhere, nothing kept, nothing told to other sites."""

from litestar.datastructures import MutableScopeHeaders
from litestar.types import Message, Scope

from certsvc.http.site import Site

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "style-src 'self'",
        "script-src 'self'",
        "img-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types worker",
    )
)
"""The one policy of trusted types is page.js's own: it gives the address of the worker and nothing else."""

POLICY_WITH_PICTURES = CONTENT_SECURITY_POLICY.replace("img-src 'self'", "img-src 'self' data:")
"""Of a page that holds pictures of a stranger's file: they come with the page and are kept nowhere. A picture in a
`data:` address can run nothing."""

POWERS = (
    "accelerometer browsing-topics camera display-capture geolocation gyroscope magnetometer microphone midi"
    " payment usb"
).split()


def no_powers_but(*kept: str) -> str:
    """A Permissions-Policy under which a page may ask for what is named, and for nothing else."""
    return ", ".join(f"{power}=({'self' if power in kept else ''})" for power in POWERS)


ALWAYS = {
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
}
UNLESS_SET = {
    "Permissions-Policy": no_powers_but(),
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Vary": "Accept, Accept-Language",
}
"""What a route may set otherwise: static files and trust anchors are for everyone and may be kept, the page that shows
the contract has a viewer that needs a policy of its own, and the page that scans needs the camera."""

HTTPS_ONLY = "max-age=31536000"


class AddHeaders:
    """A litestar `before_send` hook, the one place that also sees errors of routing."""

    def __init__(self, site: Site) -> None:
        self._always = ALWAYS | ({"Strict-Transport-Security": HTTPS_ONLY} if site.is_https else {})

    async def __call__(self, message: Message, scope: Scope) -> None:
        if message["type"] == "http.response.start":
            headers = MutableScopeHeaders.from_message(message)
            for name, value in self._always.items():
                headers[name] = value
            for name, value in UNLESS_SET.items():
                headers.setdefault(name, value)


async def drop_body_of_head(message: Message, scope: Scope) -> None:
    """A `before_send` hook: HEAD is answered as GET is, without the content (RFC 9110 section 9.3.2)."""
    if message["type"] == "http.response.body" and scope.get("method") == "HEAD":
        message["body"] = b""
