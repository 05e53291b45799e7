"""The page of a request as it will be, marked as not valid: inside a page, as a picture and as PDF. Never kept."""

from datetime import UTC, datetime
from typing import Any

from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from certsvc.domain.organ import OrganDuty
from certsvc.domain.preview import PreviewForm
from certsvc.errors import PayloadInvalid, UnreadableFile
from certsvc.http.language import Language
from certsvc.http.routes import Asked, route
from certsvc.http.village.console import AT, At, Console
from certsvc.http.village.showing import label_of, problem_lines
from certsvc.issuance.village.preview import preview
from certsvc.issuance.village.reading import WITH_CLERK, view
from certsvc.issuance.village.work import kind_of

MEDIA = {PreviewForm.PDF: "application/pdf", PreviewForm.PNG: "image/png"}


def preview_routes(console: Console) -> list[HTTPRouteHandler]:
    """`…/requests/{id}/preview`, `preview.png`, `preview.pdf`."""
    one, previews = f"{AT}/requests/{{request_id:str}}/preview", _Previews(console)
    return [
        route(one, "village_preview", previews.page),
        route(f"{one}.png", "village_preview_png", previews.png),
        route(f"{one}.pdf", "village_preview_pdf", previews.pdf),
    ]


class _Previews:
    """Time is taken once per request."""

    def __init__(self, console: Console) -> None:
        self._console = console

    async def page(self, request: Asked, organ: FromPath[str], request_id: FromPath[str]) -> Response[bytes]:
        """The page around the picture; a draft that cannot be drawn says which field."""
        now, console = datetime.now(UTC), self._console
        at = await console.at(request, organ, now)
        found = await view(console.work, at.member, request_id, now, is_whole=False)
        language, kind = console.pages.language(request), kind_of(console.work, found.request.type_id)
        said, field = await self._wrong(at, request_id, language, now)
        title, title_zh = language.titled(kind.zh, kind.en)
        values: dict[str, Any] = {"title": title, "title_zh": title_zh, "field": field}
        return console.page(
            request,
            at,
            "village_preview.html",
            here="inbox",
            proof=found.request,
            said=said,
            problems=problem_lines(found, kind, language),
            may_fill=at.member.has(OrganDuty.CLERK) and found.request.state in WITH_CLERK,
            label=label_of(kind, field, language)[0] if field else "",
            **values,
        )

    async def png(self, request: Asked, organ: FromPath[str], request_id: FromPath[str]) -> Response[bytes]:
        """The picture."""
        return await self._drawn(request, organ, request_id, PreviewForm.PNG)

    async def pdf(self, request: Asked, organ: FromPath[str], request_id: FromPath[str]) -> Response[bytes]:
        """The PDF."""
        return await self._drawn(request, organ, request_id, PreviewForm.PDF)

    async def _drawn(self, request: Asked, organ: str, request_id: str, form: PreviewForm) -> Response[bytes]:
        now, console = datetime.now(UTC), self._console
        at = await console.at(request, organ, now)
        content = await preview(console.work, console.villages.previews, at.member, request_id, form, now)
        headers = {"Content-Disposition": f'inline; filename="preview.{form}"', "Cache-Control": "no-store"}
        return Response(content, media_type=MEDIA[form], headers=headers)

    async def _wrong(self, at: At, request_id: str, language: Language, now: datetime) -> tuple[str, str]:
        """Why it cannot be drawn, and the field; nothing where it can."""
        work, drawer = self._console.work, self._console.villages.previews
        try:
            await preview(work, drawer, at.member, request_id, PreviewForm.PNG, now)
        except (PayloadInvalid, UnreadableFile) as error:
            return language.pick(error.zh, error.en), error.problems[0].field if error.problems else ""
        return "", ""
