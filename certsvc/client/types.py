"""What can be asked for, and who asks."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import msgspec

from certsvc.client.sending import Sender, as_shape

PATH = "/v1/types"


class Type(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate type in the version that is issued now; `approvals` is how many persons must approve an issue."""

    id: str
    version: int
    zh: str
    en: str
    category: str
    type_code: str
    approvals: int
    href: str


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """A field of the content; `public` is the rule by which others may see it."""

    key: str
    zh: str
    en: str
    public: str | None


class WholeType(msgspec.Struct, frozen=True, kw_only=True):
    """A type with the JSON Schema of its content, and an example that is good."""

    type: Type
    fields: tuple[Field, ...]
    schema: Mapping[str, Any]
    example: Mapping[str, Any]
    layouts: tuple[str, ...]
    legal_basis: tuple[str, ...]


class Me(msgspec.Struct, frozen=True, kw_only=True):
    """The client itself, and the scopes that its token has."""

    id: str
    name: str
    kind: str
    organisation: str | None
    scopes: tuple[str, ...]
    demonstration: bool


class Types:
    """`api.types`."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    async def all(self) -> list[Type]:
        """Every type, in the order of their numbers. Raises `ApiError`."""
        return as_shape(await self._sender.read(PATH), list[Type])

    async def read(self, type_id: str) -> WholeType:
        """One of them, whole. Raises `ApiError`."""
        return as_shape(await self._sender.read(f"{PATH}/{quote(type_id, safe='')}"), WholeType)

    async def me(self) -> Me:
        """Who this client is to the service. Raises `ApiError`."""
        return as_shape(await self._sender.read("/v1/me"), Me)
