"""Small forms as browsers send them (application/x-www-form-urlencoded), read whole and limited."""

from collections.abc import Mapping
from urllib.parse import parse_qsl

from certsvc.errors import InvalidInput
from certsvc.http.messages import read_message
from certsvc.http.routes import Asked

MOST = 16 * 1024
MAX_FIELDS = 24
FORM = "application/x-www-form-urlencoded"


async def read_form(request: Asked, most: int = MOST) -> Mapping[str, str]:
    """The fields of a form of at most `most` bytes, the first where one comes twice; spaces around values are taken
    away.

    Raises:
        WrongMediaType, MessageTooLarge, InvalidInput: it is no such form, too large, or not UTF-8.
    """
    body = await read_message(request, FORM, most)
    try:
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict")
    except ValueError:  # not UTF-8, or too many
        raise InvalidInput("表单不合格式。", "The form is malformed.") from None
    return {name: value.strip() for name, value in reversed(pairs)}
