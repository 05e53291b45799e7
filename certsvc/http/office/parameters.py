"""Parameters that several operations share."""

from typing import Annotated, TypeAlias

from litestar.di import NamedDependency
from litestar.params import HeaderParameter, QueryParameter

from certsvc.http.office.caller import Caller

Calling: TypeAlias = NamedDependency[Caller]
"""Who calls: `caller: Calling`."""

Limit: TypeAlias = Annotated[int, QueryParameter(ge=1, le=100, description="How many at most.")]
Cursor: TypeAlias = Annotated[
    str | None, QueryParameter(max_length=300, description="What `next` of the page before says.")
]
RequestKey: TypeAlias = Annotated[
    str,
    HeaderParameter(
        name="Idempotency-Key",
        min_length=1,
        max_length=202,
        description="Names this request: sent again with the same key it is answered as it was, and done once.",
    ),
]
Prefer: TypeAlias = Annotated[
    str | None,
    HeaderParameter(name="Prefer", max_length=200, description="`respond-async`: do not wait for the seal."),
]
IfMatch: TypeAlias = Annotated[
    str | None,
    HeaderParameter(
        name="If-Match", max_length=200, description="The ETag that was last read: with another one nothing is done."
    ),
]
