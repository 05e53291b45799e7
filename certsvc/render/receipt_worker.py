"""The process that sets receipts."""

from certsvc.render.page_process import serve
from certsvc.render.receipt import receipt_pdf
from certsvc.render.receipt_pool import MAX_REQUEST, ToSet


def set_receipt(asked: ToSet) -> bytes:
    """The pages as PDF.

    Raises:
        CatalogError: see `receipt_pdf`.
    """
    return receipt_pdf(asked.receipt, asked.jws, asked.fonts)


if __name__ == "__main__":
    serve(set_receipt, ToSet, most_request=MAX_REQUEST)
