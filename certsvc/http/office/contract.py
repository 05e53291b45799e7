"""The contract: an OpenAPI 3.1 document made from the operations themselves, once, when the service starts.

litestar reads the shapes; what it cannot know is added here: examples, headers, the codes of errors, and the statuses
that come before an operation is reached.
"""

from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from importlib import metadata
from typing import Any

import msgspec
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.spec import Server, Tag

from certsvc.access.service import TOKEN_PATH
from certsvc.errors import CertsvcError, Unavailable
from certsvc.http.negotiation import JSON, PROBLEM
from certsvc.http.office.contract_words import DESCRIPTION, HEADERS, SCHEMES, TAGS, TITLE, TOKEN_ITEM, WEBHOOKS
from certsvc.http.problems import CODES_BY_STATUS

Document = dict[str, Any]
Examples = Mapping[str, Mapping[str, Any]]
"""By name of the operation: `request` or the status of an answer, then by a name of its own, what is sent."""

ACCESS, PROBLEM_SHAPE = "Access", "ProblemDocument"
METHODS = ("get", "post", "put", "patch", "delete")
BEFORE = {"408": "`upload_too_slow` The body did not arrive in time", "414": "`url_too_long` The address is too long"}
"""Statuses of what is refused before any operation is reached."""

ON_STATUS = {"401": ["WWW-Authenticate"], "429": ["Retry-After"], "503": ["Retry-After"], "202": ["Location"]}
RAW_BODIES = {
    "send_file": "application/pdf",
    "take_snapshot": "application/x-ndjson",
    "reconcile_records": "application/x-ndjson",
}
"""Bodies that their operations read by themselves, as they come: litestar does not see them."""

EVERYWHERE = ["RateLimit", "RateLimit-Policy"]


def make_contract(handlers: Sequence[HTTPRouteHandler], url: str, examples: Examples) -> Document:
    """The document of these operations; a handler that is none is left out. `url` is where the API is reached.

    Raises:
        ImproperlyConfiguredException: two operations have the same name.
    """
    described = [handler for handler in handlers if handler.tags]
    used = {tag for handler in described for tag in handler.tags or ()}
    config = OpenAPIConfig(
        title=TITLE,
        version=metadata.version("certsvc"),
        description=DESCRIPTION,
        servers=[Server(url=url)],
        tags=[Tag(name=name, description=said) for name, said in TAGS.items() if name in {*used, ACCESS}],
    )
    made = Litestar(described, openapi_config=config, logging_config=None).openapi_schema.to_schema()
    document: Document = msgspec.json.decode(msgspec.json.encode(made))  # defaults are shapes and tuples
    for operation in operations_of(document):
        _complete(operation, examples.get(operation["operationId"], {}))
    components = document.setdefault("components", {})
    components["schemas"][PROBLEM_SHAPE]["properties"]["code"]["description"] = _codes()
    components["securitySchemes"] = {name: _at(scheme, url) for name, scheme in SCHEMES.items()}
    components["headers"] = HEADERS
    document["paths"] = {TOKEN_PATH: TOKEN_ITEM, **document["paths"]}
    contract: Document = _in_their_regex(document | {"webhooks": WEBHOOKS})
    return contract


def operations_of(document: Document) -> Iterator[Document]:
    """Every operation in a document; HEAD, which is GET without the content, is taken out."""
    for item in document["paths"].values():
        item.pop("head", None)
        yield from (item[method] for method in METHODS if method in item)


def _complete(operation: Document, examples: Mapping[str, Any]) -> None:
    operation["security"] = [{"oauth2": []}, {"bearer": []}]
    if (taken := RAW_BODIES.get(operation["operationId"])) is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {taken: {"schema": {"type": "string", "format": "binary"}}},
        }
    has_body = "requestBody" in operation
    for status, said in BEFORE.items():
        if status == "414" or has_body:
            operation["responses"].setdefault(status, _problem(said))
    for status, response in operation["responses"].items():
        named = [*EVERYWHERE, *ON_STATUS.get(status, ())]
        response["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in named}
        _show(response, examples.get(status))
    if has_body:
        _show(operation["requestBody"], examples.get("request"))
    operation["responses"].get("204", {}).pop("content", None)
    operation["responses"] = dict(sorted(operation["responses"].items()))


def _show(part: Document, examples: Mapping[str, Any] | None) -> None:
    for media_type, media in part.get("content", {}).items():
        if examples and media_type in (JSON, PROBLEM):
            media["examples"] = {name: {"value": value} for name, value in examples.items()}


def _problem(said: str) -> Document:
    return {
        "description": said,
        "content": {PROBLEM: {"schema": {"$ref": f"#/components/schemas/{PROBLEM_SHAPE}"}}},
    }


def _at(scheme: Mapping[str, Any], url: str) -> Mapping[str, Any]:
    """A security scheme with the whole address of where tokens are had."""
    if "flows" not in scheme:
        return scheme
    return {**scheme, "flows": {"clientCredentials": {"tokenUrl": url + TOKEN_PATH, "scopes": {}}}}


def _in_their_regex(value: Any) -> Any:
    """The same with patterns of JSON Schema (ECMA-262) where Python anchors in another way."""
    if isinstance(value, dict):
        return {
            name: each.replace(r"\A", "^").replace(r"\Z", "$")
            if name == "pattern" and isinstance(each, str)
            else _in_their_regex(each)
            for name, each in value.items()
        }
    return [_in_their_regex(each) for each in value] if isinstance(value, list) else value


def error_codes() -> dict[str, tuple[int, str]]:
    """Every stable code a program can meet: its status, and its title in English."""
    found = {code: (status, HTTPStatus(status).phrase) for status, code in CODES_BY_STATUS.items()}
    waiting: list[type[CertsvcError]] = [CertsvcError]
    while waiting:
        error = waiting.pop()
        waiting.extend(error.__subclasses__())
        if "code" in vars(error) and (error.status < 500 or issubclass(error, Unavailable)):
            found[error.code] = (error.status, error.title())
    return dict(sorted(found.items(), key=lambda each: (each[1][0], each[0])))


def _codes() -> str:
    lines = [f"| `{code}` | {status} | {title} |" for code, (status, title) in error_codes().items()]
    return "\n".join(["Stable; more may come.", "", "| code | status | what it means |", "|---|---|---|", *lines])
