"""Evidence drawn anew in processes of its own: `services.EvidenceDrawer`."""

from collections.abc import Mapping
from functools import partial

import msgspec

from certsvc.domain.evidence import MOST_PAGES, DrawnEvidence, EvidenceKind
from certsvc.errors import EvidenceRefused
from certsvc.limited import LimitedPool, Pooled
from certsvc.render.evidence_shapes import MAX_ANSWER, SECONDS, Answer, Draw, Undrawn

MODULE = "certsvc.render.evidence_worker"
REASONS: Mapping[str, tuple[str, str]] = {
    "kind": (
        "只收 JPEG、PNG、WebP 照片和 PDF 文件。苹果手机的 HEIC 照片，请先另存为 JPEG。",
        "Only photos (JPEG, PNG, WebP) and PDF are taken. Save a HEIC photo of an iPhone as JPEG first.",
    ),
    "too_large": (
        "这张照片的像素太多，请拍小一点或缩小后再添加。",
        "This photo has too many pixels: make it smaller first.",
    ),
    "pages": (
        f"这个 PDF 超过 {MOST_PAGES} 页：请只添加有关的几页。",
        f"This PDF has over {MOST_PAGES} pages: add those that matter.",
    ),
    "pdf": (
        "这个 PDF 打不开：可能有密码，或者已经损坏。请去掉密码，或把有关的几页拍成照片。",
        "This PDF does not open: it may have a password, or be damaged. Take the password off, or take photos of the "
        "pages that matter.",
    ),
    "unreadable": (
        "这个文件读不出来，可能没有传完或已经损坏。请重新拍照，或换一个文件。",
        "This file cannot be read: it may be cut off or damaged. Take the photo again, or take another file.",
    ),
}
_read = partial(msgspec.msgpack.decode, type=Answer)


class EvidencePictures(Pooled):
    """Use as `async with EvidencePictures(workers=1) as drawer`."""

    def __init__(self, workers: int = 1, *, seconds: float = SECONDS) -> None:
        super().__init__(LimitedPool(MODULE, workers=workers, most_answer=MAX_ANSWER, seconds=seconds))

    async def draw(self, content: bytes) -> DrawnEvidence:
        """The pictures of a photo or PDF.

        Raises:
            EvidenceRefused: it is neither, too large, or does not open; it says what to do.
            UnreadableFile: it used up the time or the memory allowed.
            WorkersBusy: too many are waiting already.
        """
        answer: Answer = await self._pool.ask(msgspec.msgpack.encode(Draw(content)), _read)
        if isinstance(answer, Undrawn):
            raise EvidenceRefused(*REASONS.get(answer.reason, REASONS["unreadable"]))
        if answer.kind not in {*EvidenceKind} or not 1 <= len(answer.pages) <= MOST_PAGES:
            raise EvidenceRefused(*REASONS["unreadable"])
        return DrawnEvidence(kind=EvidenceKind(answer.kind), thumbnail=answer.thumbnail, pages=answer.pages)
