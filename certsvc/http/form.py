"""Small forms as browsers send them (application/x-www-form-urlencoded), read whole and limited."""

from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import parse_qsl

from certsvc.errors import InvalidInput
from certsvc.http.messages import read_message
from certsvc.http.routes import Asked

MOST = 16 * 1024
MAX_FIELDS = 24
BYTES_FOR_A_FIELD = 512
"""A form that may be larger may have a field more for each of these."""

FORM = "application/x-www-form-urlencoded"


class Form(Mapping[str, str]):
    """The fields of a form: of a name that comes several times the first is meant, unless `every` is asked for."""

    def __init__(self, pairs: Sequence[tuple[str, str]]) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            self._values.setdefault(name, []).append(value)

    def __getitem__(self, name: str) -> str:
        return self._values[name][0]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def every(self, name: str) -> Sequence[str]:
        """All values of a name, in the order in which they came; none where it does not come."""
        return tuple(self._values.get(name, ()))


async def read_form(request: Asked, most: int = MOST) -> Form:
    """The fields of a form of at most `most` bytes; spaces around values are taken away.

    Raises:
        WrongMediaType, MessageTooLarge, InvalidInput: it is no such form, too large, or not UTF-8.
    """
    body = await read_message(request, FORM, most)
    most_fields = max(MAX_FIELDS, most // BYTES_FOR_A_FIELD if most > MOST else 0)
    try:
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=most_fields, errors="strict")
    except ValueError:  # not UTF-8, or too many
        raise InvalidInput("表单不合格式。", "The form is malformed.") from None
    return Form([(name, value.strip()) for name, value in pairs])


def every(fields: Mapping[str, str], name: str) -> Sequence[str]:
    """All values of a name in a form that was read."""
    if isinstance(fields, Form):
        return fields.every(name)
    return (fields[name],) if name in fields else ()
