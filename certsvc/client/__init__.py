"""certsvc for departments: a typed client of the API, and nothing of the service itself.

    async with Client("https://api.example.cn", "c-…", key="market.pem") as api:
        made = await api.certificates.issue("food-business", payload, key="application-2026-18")
        pdf = await api.certificates.document(made.code)

It gets and renews access tokens by itself, and sends again what did not arrive, under the same key. Needs the extra
`client` (httpx).
"""

from certsvc.client.api import Client
from certsvc.client.errors import (
    AccessRefused,
    ApiError,
    NotReached,
    Problem,
    SignatureWrong,
    WaitedTooLong,
)
from certsvc.client.sending import Retries
from certsvc.client.webhooks import verify as verify_webhook

__all__ = [
    "AccessRefused",
    "ApiError",
    "Client",
    "NotReached",
    "Problem",
    "Retries",
    "SignatureWrong",
    "WaitedTooLong",
    "verify_webhook",
]
