"""Operations: routes of the department API, as the OpenAPI document shows them and as they are answered.

A handler is a method whose parameters litestar reads by their types: `request: Asked` and `caller: Calling` always; the
body as `data: JSONBody[SomeStruct]` (a frozen msgspec Struct that forbids unknown fields and limits every text); those
of the path (`code: FromPath[str]`), of the query (`FromQuery[…]`, or `Annotated[…, QueryParameter(…)]`) and of the
headers (`parameters.py`). It returns `Response[SomeStruct]` or raises a `CertsvcError`, which becomes a problem. Its
docstring is the operation's description.

    operation("POST", "/v1/things", "make_thing", things.make, tag="Things", summary="Make a thing", status=201,
              also={202: (Thing, "It waits")}, problems=(PayloadInvalid, Conflict))

Every write has an Idempotency-Key: what the handler answers is kept under it and given again, and `caller.request_key`
is that key, for the use case beneath to be idempotent by. `streamed=True` is for a body that is not read here: the
handler reads it, and then calls `Once.run_digested` itself with the digest it computed.
"""

import inspect
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any

import msgspec
from litestar import Response
from litestar.di import Provide
from litestar.enums import HttpMethod
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import SecurityRequirement
from litestar.types import Guard

from certsvc.errors import (
    CertsvcError,
    Forbidden,
    InvalidInput,
    KeyReused,
    MessageTooLarge,
    RegisterUnavailable,
    RequestInProgress,
    TooManyRequests,
    WrongCredentials,
    WrongMediaType,
)
from certsvc.http.negotiation import JSON, PROBLEM
from certsvc.http.office.bodies import json_body, plain_body
from certsvc.http.office.once import Once
from certsvc.http.office.parameters import RequestKey

MAX_BODY = 1024 * 1024
KEY_PARAMETER = "request_key"
GET, HEAD = HttpMethod.GET, HttpMethod.HEAD
METHODS = {"GET": [GET, HEAD], **{method.value: [method] for method in HttpMethod if method not in (GET, HEAD)}}
WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
SECURITY: SecurityRequirement = {"oauth2": []}
ALWAYS: tuple[type[CertsvcError], ...] = (
    InvalidInput,
    WrongCredentials,
    Forbidden,
    TooManyRequests,
    RegisterUnavailable,
)
OF_WRITES: tuple[type[CertsvcError], ...] = (RequestInProgress, KeyReused)
OF_BODIES: tuple[type[CertsvcError], ...] = (MessageTooLarge, WrongMediaType)

Answer = Callable[..., Any]


class ProblemField(msgspec.Struct, frozen=True, kw_only=True):
    """One thing wrong with what was sent: where, a stable code, and what to do."""

    field: str
    code: str
    zh: str
    en: str


class ProblemDocument(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A problem (RFC 9457). `code` is stable and never changes meaning."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    problems: tuple[ProblemField, ...] = ()


class Operations:
    """Makes operations that share one door and one memory of answers."""

    def __init__(self, once: Once, guard: Guard, caller: Callable[..., Any]) -> None:
        """`guard` lets callers in, `caller` says who was."""
        self.once = once
        self._guard, self._caller = guard, Provide(caller, sync_to_thread=False)

    def tagged(self, tag: str) -> Callable[..., HTTPRouteHandler]:
        """Makes operations under one tag: method, path, name, handler, summary, the errors it may raise; by name what
        else `operation` takes."""

        def route(
            method: str,
            path: str,
            name: str,
            answer: Answer,
            summary: str,
            *problems: type[CertsvcError],
            **more: Any,
        ) -> HTTPRouteHandler:
            return self.operation(method, path, name, answer, tag=tag, summary=summary, problems=problems, **more)

        return route

    def operation(
        self,
        method: str,
        path: str,
        name: str,
        answer: Answer,
        *,
        tag: str,
        summary: str,
        status: int = 200,
        also: Mapping[int, tuple[type[Any] | None, str]] | None = None,
        problems: Sequence[type[CertsvcError]] = (),
        media_type: str = JSON,
        most: int = MAX_BODY,
        reads: bool = False,
        streamed: bool = False,
    ) -> HTTPRouteHandler:
        """A route of the API. `also` are answers of other statuses than `status`, with what they hold; `problems` the
        errors it raises beyond those that every operation may; `reads` says that a POST changes nothing; `most` is how
        many bytes a body may have."""
        writes = method in WRITES and not reads
        handler = _with_key(self._kept(answer) if not streamed else answer) if writes else answer
        of_body = OF_BODIES if method in WRITES else ()
        raised = (*ALWAYS, *(OF_WRITES if writes else ()), *of_body, *problems)
        found = {
            code: ResponseSpec(held, generate_examples=False, description=said)
            for code, (held, said) in (also or {}).items()
        }
        return HTTPRouteHandler(
            path,
            name=name,
            http_method=METHODS[method],
            status_code=status,
            media_type=media_type,
            operation_id=_operation_id,
            summary=summary,
            description=_described(answer),
            tags=[tag],
            security=[SECURITY],
            guards=[self._guard, json_body if "data" in answer.__annotations__ else plain_body],
            dependencies={"caller": self._caller},
            responses={**_problem_specs(raised), **found},
            request_max_body_size=most,
            opt={"writes": writes},
        )(handler)

    def _kept(self, answer: Answer) -> Answer:
        """The handler, answering the same request again with what it answered first."""

        @wraps(answer)
        async def once(*arguments: Any, **named: Any) -> Response[Any]:
            request = named["request"]
            body = await request.body()
            return await self.once.run(
                request, named["caller"], body, lambda caller: answer(*arguments, **{**named, "caller": caller})
            )

        return once


def _with_key(answer: Answer) -> Answer:
    """The handler with the header that every write has, so that it is documented and demanded."""

    @wraps(answer)
    async def with_key(*arguments: Any, **named: Any) -> Response[Any]:
        del named[KEY_PARAMETER]
        response: Response[Any] = await answer(*arguments, **named)
        return response

    signature = inspect.signature(answer)
    key = inspect.Parameter(KEY_PARAMETER, inspect.Parameter.KEYWORD_ONLY, annotation=RequestKey)
    with_key.__annotations__ = {**answer.__annotations__, KEY_PARAMETER: RequestKey}
    with_key.__signature__ = signature.replace(  # type: ignore[attr-defined]  # read by `inspect`
        parameters=[*signature.parameters.values(), key]
    )
    return with_key


def _operation_id(handler: HTTPRouteHandler, method: HttpMethod | str, _: object) -> str:
    """The name; that of HEAD is another, as none may be there twice."""
    return f"{handler.name}_{HEAD.value.lower()}" if method == HEAD else str(handler.name)


def _described(answer: Answer) -> str:
    text = (answer.__doc__ or "").strip()
    return "\n".join(line.strip() for line in text.splitlines())


def _problem_specs(errors: Sequence[type[CertsvcError]]) -> dict[int, ResponseSpec]:
    by_status: defaultdict[int, dict[str, type[CertsvcError]]] = defaultdict(dict)
    for error in errors:
        by_status[error.status][error.code] = error
    return {
        status: ResponseSpec(
            ProblemDocument,
            generate_examples=False,
            media_type=PROBLEM,
            description="; ".join(f"`{code}` {error.title()}" for code, error in sorted(found.items())),
        )
        for status, found in sorted(by_status.items())
    }
