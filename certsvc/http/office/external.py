"""Pages laid out elsewhere: `/v1/external-files` takes them; and the QR of any certificate, alone or on a poster."""

import hashlib
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any

from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType
from litestar.params import FromPath, FromQuery, QueryParameter

from certsvc.domain.acts import ACTS, Makes
from certsvc.domain.external import LEAST_MODULE_MM, MAX_FILE
from certsvc.errors import (
    Conflict,
    ExternalFileRefused,
    FileTooLarge,
    Forbidden,
    MissingGlyph,
    NotAPdf,
    NotFound,
    UnreadableFile,
    WorkersBusy,
    WrongMediaType,
)
from certsvc.http.office.batch_upload import Doorway, drain
from certsvc.http.office.bundle import Office
from certsvc.http.office.caller import Caller
from certsvc.http.office.external_shapes import PageSizeShape, TakenFileShape
from certsvc.http.office.operation import Operations
from certsvc.http.office.ordering import PATH
from certsvc.http.office.parameters import Calling
from certsvc.http.routes import Asked
from certsvc.ids import parse_typed_code
from certsvc.issuance.external.files import take_file
from certsvc.issuance.qr_pictures import USUAL_DPI, PosterSize, png_of, poster_of, svg_of

TAG = "External layouts"
FILES = "/v1/external-files"
PDF, SVG, PNG = "application/pdf", "image/svg+xml", "image/png"
MOST_SENT = 2 * MAX_FILE
"""What is beyond the limit is taken and thrown away, so that whoever sends it sees the answer."""

OF_FILES = (NotAPdf, FileTooLarge, ExternalFileRefused, UnreadableFile, WorkersBusy)
OF_QRS = (NotFound, Conflict, MissingGlyph)

Module = Annotated[
    float, QueryParameter(ge=LEAST_MODULE_MM, le=20, description="How wide a module is printed, in millimetres.")
]
Dpi = Annotated[int, QueryParameter(ge=72, le=2400, description="Dots per inch of what prints it.")]


def external_routes(operations: Operations, office: Office) -> list[HTTPRouteHandler]:
    """The operations on files, and on QRs."""
    files, pictures, one = Files(office, operations), Pictures(office), PATH + "/{code:str}"
    sent = operations.operation(
        "POST",
        FILES,
        "send_external_file",
        files.take,
        tag=TAG,
        summary="Send a page that was laid out elsewhere",
        status=201,
        problems=OF_FILES,
        most=MOST_SENT,
        streamed=True,
    )
    sent.operation_class = PdfBody
    read = partial(operations.operation, "GET", tag=TAG, problems=OF_QRS)
    return [
        sent,
        read(one + "/qr.svg", "read_qr_svg", pictures.svg, summary="The QR of a certificate as SVG", media_type=SVG),
        read(one + "/qr.png", "read_qr_png", pictures.png, summary="The QR of a certificate as PNG", media_type=PNG),
        read(
            one + "/poster.pdf",
            "read_poster",
            pictures.poster,
            summary="A poster with the QR, for the wall",
            media_type=PDF,
        ),
    ]


@dataclass
class PdfBody(Operation):
    """An operation whose body litestar does not read, and so does not describe."""

    def __post_init__(self) -> None:
        file = OpenAPIMediaType(schema=Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY))
        self.request_body = RequestBody(content={PDF: file}, description="The PDF, at most 20 MiB.", required=True)


class Files:
    """Files that departments laid out."""

    def __init__(self, office: Office, operations: Operations) -> None:
        self._issuing, self._once, self._door = office.issuing, operations.once, Doorway()

    async def take(self, request: Asked, caller: Calling) -> Response[TakenFileShape]:
        """Send the PDF as it is (`application/pdf`, at most 20 MiB). It is read and drawn in a process of its own; what
        is encrypted, signed, active, layered or has other files in it is refused, and so is a page that would not look
        the same afterwards. For other clients it does not exist."""
        _require_makes_versions(caller)
        kind, _ = request.content_type
        if kind != PDF:
            raise WrongMediaType(f"请用 Content-Type: {PDF}。", f"Use Content-Type: {PDF}.")
        data = await self._received(request)

        async def work(known: Caller) -> Response[Any]:
            taken = await take_file(self._issuing, known.actor.name, data, datetime.now(UTC))
            pages = [PageSizeShape(width_mm=width, height_mm=height) for width, height in taken.pages_mm]
            return Response(TakenFileShape(sha256=taken.sha256.hex(), size=taken.size, pages=pages), status_code=201)

        return await self._once.run_digested(request, caller, hashlib.sha256(data).digest(), work)  # type: ignore[return-value]  # kept as bytes

    async def _received(self, request: Asked) -> bytes:
        """The body, as far as there is room for it."""
        data = bytearray()
        async with aclosing(self._door.chunks(request)) as chunks:
            async for chunk in chunks:
                data += chunk
                if len(data) > MAX_FILE:
                    await drain(chunks)
                    raise FileTooLarge("文件超过 20 MiB。", "The file is over 20 MiB.")
        return bytes(data)


class Pictures:
    """QRs as pictures. They never change, but what they lead to does."""

    def __init__(self, office: Office) -> None:
        self._issuing = office.issuing

    async def svg(
        self, request: Asked, caller: Calling, code: FromPath[str], module_mm: Module = LEAST_MODULE_MM
    ) -> Response[bytes]:
        """One path, with its quiet zone, exactly as large as asked for. Nothing may come nearer than its edge."""
        ref = parse_typed_code(code)
        return _picture(await svg_of(self._issuing, caller.actor, ref, module_mm), SVG, f"{ref.typed_code}.svg")

    async def png(
        self,
        request: Asked,
        caller: Calling,
        code: FromPath[str],
        module_mm: Module = LEAST_MODULE_MM,
        dpi: Dpi = USUAL_DPI,
    ) -> Response[bytes]:
        """Black and white, with its quiet zone; each module has the same number of whole dots, never fewer than make it
        0.40 mm wide. The file says how large it is to be printed."""
        ref = parse_typed_code(code)
        return _picture(await png_of(self._issuing, caller.actor, ref, module_mm, dpi), PNG, f"{ref.typed_code}.png")

    async def poster(
        self, request: Asked, caller: Calling, code: FromPath[str], size: FromQuery[PosterSize] = PosterSize.A4
    ) -> Response[bytes]:
        """For the wall of a shop: whose it is, a large QR, what a scan shows, and the code in letters. A4 or A5."""
        ref = parse_typed_code(code)
        made = await poster_of(self._issuing, caller.actor, ref, size, datetime.now(UTC))
        return _picture(made, PDF, f"{ref.typed_code}-{size}.pdf")


def _require_makes_versions(caller: Caller) -> None:
    if not any(caller.actor.reach(act) for act, rule in ACTS.items() if rule.makes is not Makes.NOTHING):
        raise Forbidden(
            f"{caller.actor.name} 没有签发任何证照的权限。", f"{caller.actor.name} may not issue any certificate."
        )


def _picture(content: bytes, media_type: str, name: str) -> Response[bytes]:
    headers = {
        "ETag": f'"{hashlib.sha256(content).hexdigest()}"',
        "Content-Disposition": f'inline; filename="{name}"',
    }
    return Response(content, media_type=media_type, headers=headers)
