"""What may be brought to `/verify`: a file in a form, or the record of a receipt that was pasted or sent as it is."""

from certsvc.domain.receipt import MOST_JWS
from certsvc.errors import MalformedReceipt
from certsvc.http.form import FORM, read_form
from certsvc.http.messages import read_message
from certsvc.http.routes import Asked
from certsvc.http.upload import Upload, Uploads
from certsvc.verify.receipt import looks_like_receipt

JOSE = "application/jose"
MOST_FORM = MOST_JWS + 4096
NAME = "receipt.jws"
"""What a record is called that came without a name."""


async def read_brought(request: Asked, uploads: Uploads) -> Upload:
    """The file of a multipart form; or the JWS of a receipt, in the field `receipt` of any form or as the body.

    Raises:
        MalformedReceipt: what was pasted has not the form of a receipt.
        MessageTooLarge, InvalidInput: the message is too long, or broken off.
        see `Uploads.read_form`.
    """
    kind, _ = request.content_type
    if kind == JOSE:
        return _pasted((await read_message(request, JOSE, MOST_FORM)).decode("latin-1"))
    if kind == FORM:
        return _pasted((await read_form(request, MOST_FORM)).get("receipt", ""))
    sent = await uploads.read_form(request)
    return _pasted(sent.fields["receipt"]) if sent.file is None and "receipt" in sent.fields else sent.require_file()


def _pasted(text: str) -> Upload:
    """Line breaks that came in by pasting are taken out."""
    data = "".join(text.split()).encode("utf-8")
    if not looks_like_receipt(data):
        raise MalformedReceipt(
            "贴上来的不是一份完整的回执：应是用点隔开的三段字母和数字。请从头到尾复制，或核对回执的 PDF。",
            "What was pasted is no whole receipt: it is three runs of letters and digits, joined by dots. Copy all of "
            "it, or check the receipt's PDF.",
        )
    return Upload(NAME, data)
