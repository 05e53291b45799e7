"""The client: one department's system at one service."""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import httpx

from certsvc.client.access import Access, PrivateKey, open_key
from certsvc.client.approvals import Approvals
from certsvc.client.batches import Batches
from certsvc.client.cases import Cases
from certsvc.client.certificates import Certificates
from certsvc.client.events import Events
from certsvc.client.external import External
from certsvc.client.problem_reports import Reports
from certsvc.client.records import Records
from certsvc.client.seal_requests import SealRequests
from certsvc.client.sending import Retries, Sender
from certsvc.client.types import Types
from certsvc.client.webhooks import WebHooks

SECONDS = 60.0


class Client:
    """Everything under `/v1`, by what it is about. To be used in `async with`."""

    def __init__(
        self,
        url: str,
        client_id: str,
        key: PrivateKey | Path | str,
        *,
        password: bytes | None = None,
        kid: str | None = None,
        audience: str | None = None,
        scopes: Sequence[str] = (),
        retries: Retries | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """`key` is the path of a PEM file, or a key; `kid` its name as registered, if that is not its RFC 7638
        thumbprint; `audience` the service's own name for itself, if it is reached at another address; `scopes` fewer
        than are registered.

        Raises:
            ValueError: the key is none that the service takes.
            OSError: it cannot be read.
        """
        self._http = httpx.AsyncClient(base_url=url.rstrip("/"), timeout=SECONDS, transport=transport)
        self.access = Access(
            self._http,
            client_id,
            open_key(key, password),
            audience=audience or url.rstrip("/"),
            kid=kid,
            scopes=tuple(scopes),
        )
        sender = Sender(self._http, self.access, retries or Retries())
        self.certificates, self.approvals, self.types = Certificates(sender), Approvals(sender), Types(sender)
        self.external = External(sender, self.certificates)
        self.batches, self.cases, self.records = Batches(sender), Cases(sender), Records(sender)
        self.reports = Reports(sender)
        self.seal_requests, self.events, self.webhooks = SealRequests(sender), Events(sender), WebHooks(sender)

    async def __aenter__(self) -> "Client":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()
