"""Web-hooks as their owners make and change them. A secret is shown when it is made, and lies encrypted after that."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from certsvc.domain.notice import parse_kinds
from certsvc.domain.webhook import HookRequest, HookState, SealedSecret, WebHook, context_of, new_hook_id
from certsvc.services import PayloadCipher
from certsvc.telling.address import Network, parse_hook_url
from certsvc.telling.parts import WebHooks
from certsvc.telling.signature import as_text, new_secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """A client, and the name of its request."""

    client: str
    key: str

    def request(self, *content: Any) -> HookRequest:
        """The request with its content."""
        digest = hashlib.sha256(json.dumps(content, ensure_ascii=False).encode()).digest()
        return HookRequest(client=self.client, key=self.key, digest=digest)


@dataclass(frozen=True, slots=True, kw_only=True)
class WithSecret:
    """A web-hook and its secret, as its owner is shown it."""

    hook: WebHook
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class HookDesk:
    """What making web-hooks needs. `networks` are those beside the public internet that they may go to."""

    hooks: WebHooks
    cipher: PayloadCipher
    networks: Sequence[Network] = ()

    async def add(self, owner: Owner, url: str, kinds: Iterable[str] | None, now: datetime) -> WithSecret:
        """A new web-hook, with its secret; the same request again gets the same.

        Raises:
            InvalidInput: the address cannot be used, or a kind is malformed.
            KeyReused, Conflict: see `parts.WebHooks`.
        """
        parse_hook_url(url, self.networks)
        wanted = parse_kinds(None if kinds is None else frozenset(kinds))
        hook_id = new_hook_id()
        hook = WebHook(
            id=hook_id,
            client=owner.client,
            url=url,
            kinds=wanted,
            state=HookState.ACTIVE,
            made_at=now,
            secret=self._fresh(hook_id),
        )
        request = owner.request("add", url, None if wanted is None else sorted(wanted))
        return self._shown(await self.hooks.add(hook, request))

    async def rotate(self, owner: Owner, hook_id: str, now: datetime) -> WithSecret:
        """Another secret; the old one signs beside it for a day. The same request again gets the same.

        Raises:
            NotFound, KeyReused: see `parts.WebHooks`.
        """
        request = owner.request("rotate", hook_id)
        return self._shown(await self.hooks.rotate(owner.client, hook_id, self._fresh(hook_id), request, now))

    async def change(self, client: str, hook_id: str, now: datetime, **changes: Any) -> WebHook:
        """Change `url`, `kinds` or `state`; what is not named stays.

        Raises:
            InvalidInput: the address cannot be used, or a kind is malformed.
            NotFound: there is no such web-hook.
        """
        wanted = replace(await self.hooks.hook(client, hook_id), **changes)
        parse_hook_url(wanted.url, self.networks)
        parse_kinds(wanted.kinds)
        return await self.hooks.change(client, hook_id, wanted.url, wanted.kinds, wanted.state, now)

    def _fresh(self, hook_id: str) -> SealedSecret:
        key_id = self.cipher.key_id
        return SealedSecret(sealed=self.cipher.encrypt(new_secret(), context_of(hook_id)), key_id=key_id)

    def _shown(self, hook: WebHook) -> WithSecret:
        secret = self.cipher.decrypt(hook.secret.sealed, hook.context, hook.secret.key_id)
        return WithSecret(hook=hook, secret=as_text(secret))
