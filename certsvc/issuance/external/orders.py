"""Pages that somebody else laid out: what an order may say of one, and how ours come to stand on it."""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from certsvc.domain.external import EXTERNAL, LEAST_MODULE_MM, MOST_MODULE_MM, MOST_PAGES
from certsvc.domain.issuing import Order
from certsvc.errors import InvalidInput, Problem
from certsvc.issuance.service import Issuing
from certsvc.issuance.sheets import UNSEEN, LaidOut, Sheet, picture_of
from certsvc.render.external_shapes import Box, Draw
from certsvc.render.face import Face, attachment
from certsvc.render.qr import qr_symbol
from certsvc.render.stamp import block, stamp

LARGEST_MM = 2000
POINTS_PER_MM = 72 / 25.4


async def draw_page(issuing: Issuing, face: Face, sheet: Sheet) -> bytes:
    """The department's page with our QR, code and host on it, and the data attached.

    Raises:
        ExternalFileRefused: it cannot be taken, or the place is not empty.
        UnreadableFile, WorkersBusy: see `ForeignPages`.
        NotFound, StoreError: the file is missing or damaged.
    """
    external, file = issuing.external, sheet.file
    if external is None or file is None:
        raise _not_here()
    symbol = qr_symbol(face.qr_prefix, face.digits)
    place = block(symbol, file.module_mm, file.x_mm, file.y_mm, specimen=face.specimen)
    asked = Draw(
        pdf=issuing.blobs.get(file.sha256),
        stamp=stamp(symbol, place, face.typed_code, face.host, specimen=face.specimen),
        page=file.page,
        place=place,
        seal=_seal_box(issuing, sheet),
        title=f"{face.type.zh} {face.number}",
        page_words=f"{face.type.zh} {face.number}，版面由登记机关制作，内容见所附数据",
        stamp_words=f"查验二维码，查验码 {face.typed_code}，{face.host}",
        attachment=attachment(face),
    )
    return await external.pages.draw(asked)


def _seal_box(issuing: Issuing, sheet: Sheet) -> Box | None:
    """What the seal's picture will cover; nothing where it is not seen, or stands on another page."""
    (seal,), place = sheet.seals, sheet.layout.seal
    picture = picture_of(issuing, sheet, seal)
    if picture is UNSEEN or sheet.file is None or place.page != sheet.file.page:
        return None
    width, height = picture.width_pt / POINTS_PER_MM, picture.height_pt / POINTS_PER_MM
    return Box(place.x_mm - width / 2, place.y_mm - height / 2, width, height)


async def require_external(issuing: Issuing, order: Order) -> None:
    """See that what an order says of its page can be: a layout of others, and a file that this client sent.

    Raises:
        InvalidInput: with each reason.
        NotFound: the file was never sent by this client.
    """
    problems = [Problem(field, code, zh, en) for field, code, zh, en in _wrong(order)]
    if problems:
        raise InvalidInput(problems[0].zh, problems[0].en, problems=problems)
    if order.layout is None:
        return
    if order.file is None:
        return
    if issuing.external is None:
        raise _not_here()
    await issuing.external.files.require(order.client, order.file.sha256, order.previous)


def _wrong(order: Order) -> Sequence[tuple[str, str, str, str]]:
    file, found = order.file, []
    if order.layout not in (None, EXTERNAL):
        found.append(("layout", "enum", "layout 只能是 external，或不写。", "The layout is external, or left out."))
    if file is None:
        return found
    if order.layout is None:
        found.append(
            ("file", "not_external", "有 file 就要写 layout: external。", "With a file the layout is external.")
        )
    spot = file.seal
    lengths = {"x_mm": file.x_mm, "y_mm": file.y_mm}
    lengths |= {} if spot is None else {"seal.x_mm": spot.x_mm, "seal.y_mm": spot.y_mm}
    for name, value in lengths.items():
        if not (isfinite(value) and 0 <= value <= LARGEST_MM):
            found.append((f"file.{name}", "range", f"{name} 应为页面上的毫米数。", f"{name}: millimetres on the page."))
    if not 1 <= file.page <= MOST_PAGES:
        found.append(("file.page", "range", "page 从 1 数起。", "Pages are counted from 1."))
    if not LEAST_MODULE_MM <= file.module_mm <= MOST_MODULE_MM:
        least, most = f"{LEAST_MODULE_MM:.2f}", f"{MOST_MODULE_MM:.2f}"
        zh, en = f"模块边长应为 {least} 至 {most} 毫米。", f"A module is {least} to {most} mm wide."
        found.append(("file.module_mm", "range", zh, en))
    return found


def order_content(laid_out: LaidOut) -> Mapping[str, Any]:
    """What an order says of its page, as it counts for the digest; nothing for the layouts of its type."""
    file = laid_out.file
    if laid_out.layout is None:
        return {}
    spot = None if file is None or file.seal is None else [file.seal.x_mm, file.seal.y_mm]
    page = None if file is None else [file.sha256.hex(), file.page, file.x_mm, file.y_mm, file.module_mm, spot]
    return {"layout": laid_out.layout, "file": page}


def _not_here() -> InvalidInput:
    return InvalidInput("这里不办理外来版式。", "Pages laid out elsewhere are not taken here.")
