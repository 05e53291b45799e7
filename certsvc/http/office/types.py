"""`/v1/types`: which certificates can be asked for, and with what content; `/v1/me`: what this client may."""

from typing import Any

import msgspec
from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from certsvc.domain.acts import Act
from certsvc.errors import NotFound
from certsvc.http.office.bundle import Office
from certsvc.http.office.operation import Operations
from certsvc.http.office.parameters import Calling
from certsvc.http.routes import Asked
from certsvc.issuance.approvals import needed
from certsvc.issuance.types import Described, describe

TAG, PATH = "Types", "/v1/types"


class TypeShape(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate type. `approvals` is how many registered persons approve a first sheet of it."""

    id: str
    version: int
    zh: str
    en: str
    category: str
    type_code: str
    approvals: int
    href: str


class FieldShape(msgspec.Struct, frozen=True, kw_only=True):
    """A field of the content, in the order of the face; `public` is the rule by which others may see it."""

    key: str
    zh: str
    en: str
    public: str | None


class WholeTypeShape(msgspec.Struct, frozen=True, kw_only=True):
    """A type with everything needed to ask for one: the JSON Schema of its content and an example that is good."""

    type: TypeShape
    fields: list[FieldShape]
    schema: dict[str, Any]
    example: dict[str, Any]
    layouts: list[str]
    legal_basis: list[str]


class MeShape(msgspec.Struct, frozen=True, kw_only=True):
    """Who calls: the name it acts under, and the scopes that its token has."""

    id: str
    name: str
    kind: str
    organisation: str | None
    scopes: list[str]
    demonstration: bool


def type_routes(operations: Operations, office: Office) -> list[HTTPRouteHandler]:
    """The operations that say what can be asked for."""
    api, route = Types(office), operations.tagged(TAG)
    return [
        route("GET", PATH, "list_types", api.list, "Which certificates can be asked for"),
        route("GET", PATH + "/{type_id:str}", "read_type", api.read, "What a type's content is", NotFound),
        route("GET", "/v1/me", "read_me", api.me, "Who I am here, and what I may"),
    ]


class Types:
    """What the operations do."""

    def __init__(self, office: Office) -> None:
        self._office, self._catalog = office, office.issuing.catalog

    async def list(self, request: Asked, caller: Calling) -> Response[list[TypeShape]]:
        """Every type in the version that is issued now, in the order of their numbers."""
        latest = {kind.id: kind for kind in self._catalog}
        return Response([_type_shape(kind, needed(kind, Act.ISSUE)) for kind in latest.values()])

    async def read(self, request: Asked, caller: Calling, type_id: FromPath[str]) -> Response[WholeTypeShape]:
        """A type in the version that is issued now."""
        return Response(_whole(describe(self._catalog, type_id)))

    async def me(self, request: Asked, caller: Calling) -> Response[MeShape]:
        """The client whose token this is. In the demonstration all is as it is elsewhere, under specimen keys."""
        client = caller.client
        shape = MeShape(
            id=client.id,
            name=client.name,
            kind=client.kind.value,
            organisation=client.organisation,
            scopes=sorted(caller.actor.scopes),
            demonstration=self._office.issuing.keys.is_demonstration,
        )
        return Response(shape)


def _type_shape(kind: Any, approvals: int) -> TypeShape:
    return TypeShape(
        id=kind.id,
        version=kind.version,
        zh=kind.zh,
        en=kind.en,
        category=kind.category.value,
        type_code=kind.type_code,
        approvals=approvals,
        href=f"{PATH}/{kind.id}",
    )


def _whole(described: Described) -> WholeTypeShape:
    kind = described.kind
    return WholeTypeShape(
        type=_type_shape(kind, described.approvals),
        fields=[
            FieldShape(key=field.key, zh=field.zh, en=field.en, public=field.public) for field in kind.definition.fields
        ],
        schema=described.schema,
        example=described.example,
        layouts=[layout.name for layout in kind.layouts],
        legal_basis=[basis.text for basis in kind.legal_basis],
    )
