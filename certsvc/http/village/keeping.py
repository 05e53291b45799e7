"""What was typed into a form that reached us too late: the session it was shown in had ended. It is given back in the
answer, and sent again from there; no address and no record has any of it, and what is secret is typed anew.
"""

from collections.abc import Mapping

from litestar import Response

from certsvc.domain.account import SignedIn
from certsvc.errors import ForeignForm, NotSignedIn
from certsvc.http.form import every
from certsvc.http.routes import Asked
from certsvc.http.village.session import FORM_TOKEN, Sessions, in_language

NOT_SENT = frozenset({FORM_TOKEN, "go_on", "password", "code", "passkey"})


def kept_page(
    sessions: Sessions, request: Asked, signed: SignedIn | None, fields: Mapping[str, str]
) -> Response[bytes]:
    """The page that says why, with all that was typed. Without anybody it leads to signing in, in another window; who
    has signed in since sees what they would send, and is asked once more: it may be from somebody else's session."""
    pairs = [(name, value) for name in fields if name not in NOT_SENT for value in every(fields, name)]
    address = in_language(request, str(request.scope["path"]))
    status = ForeignForm.status if signed else NotSignedIn.status
    texts = [value for _, value in pairs if not value.isascii()] if signed else []
    return sessions.page(request, signed, "form_kept.html", status, pairs=pairs, texts=texts, address=address)
