"""Files of strangers become plain pictures, in a process of their own; what cannot be drawn is refused and says why."""

import asyncio
import io
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest
from evidence_files import MAKER, WHERE, bomb, pdf, photo, telling_photo, telling_png
from PIL import Image

from certsvc.domain.evidence import JPEG, MOST_PICTURE, DrawnEvidence, EvidenceKind
from certsvc.errors import EvidenceRefused, UnreadableFile
from certsvc.render.evidence_drawing import SIDE, THUMBNAIL_SIDE
from certsvc.render.evidence_pool import EvidencePictures

Result = TypeVar("Result")


def with_drawer(story: Callable[[EvidencePictures], Awaitable[Result]], seconds: float = 25.0) -> Result:
    async def told() -> Result:
        async with EvidencePictures(seconds=seconds) as drawer:
            return await story(drawer)

    return asyncio.run(told())


def drawn(content: bytes) -> DrawnEvidence:
    return with_drawer(lambda drawer: drawer.draw(content))


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data), formats=("JPEG",))


def test_nothing_is_left_of_a_photo_but_what_the_eye_sees() -> None:
    original = telling_photo()
    assert MAKER.encode() in original and WHERE.encode() in original
    found = drawn(original)
    assert found.kind is EvidenceKind.PHOTO and len(found.pages) == 1
    for data in (found.thumbnail, *found.pages):
        assert data.startswith(JPEG) and not any(each in data for each in (MAKER.encode(), WHERE.encode(), b"Exif"))
    page = opened(found.pages[0])
    assert page.size == (300, 400), "it stands upright"
    red, green, _ = page.convert("RGB").getpixel((290, 10))  # type: ignore[misc]
    assert red > 180 > green, "its red corner went to the right"
    assert not page.getexif() and max(opened(found.thumbnail).size) <= THUMBNAIL_SIDE


@pytest.mark.long
def test_photos_of_every_kind_and_pages_of_a_pdf_are_drawn() -> None:
    async def story(drawer: EvidencePictures) -> None:
        clear = await drawer.draw(telling_png())
        assert opened(clear.pages[0]).convert("RGB").getpixel((5, 5)) == (255, 255, 255), "paper shows through"
        assert MAKER.encode() not in clear.pages[0]
        large = await drawer.draw(photo("WEBP", (3000, 2000)))
        assert opened(large.pages[0]).size[0] == SIDE
        noise = io.BytesIO()
        Image.effect_noise((2300, 2300), 200).save(noise, "JPEG", quality=60)
        assert len((await drawer.draw(noise.getvalue())).pages[0]) <= MOST_PICTURE
        pages = await drawer.draw(pdf(10, script=True))
        assert (pages.kind, len(pages.pages)) == (EvidenceKind.PDF, 10)
        assert all(MAKER.encode() not in each and b"%PDF" not in each for each in pages.pages)

    with_drawer(story)


REFUSED = {
    "html": (b"<html><script>alert(1)</script></html>", "Only photos"),
    "svg": (b'<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>', "Only photos"),
    "gif": (photo("GIF"), "Only photos"),
    "tiff": (photo("TIFF"), "Only photos"),
    "heic": (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + bytes(100), "Only photos"),
    "cut_off": (photo()[:-400], "cut off"),
    "bomb": (bomb(), "too many pixels"),
    "password": (pdf(1, password="yes"), "password"),
    "eleven_pages": (pdf(11), "over 10 pages"),
    "no_pdf_at_all": (b"%PDF-1.7\n" + bytes(500), "does not open"),
    "photo_that_claims_to_be_a_pdf": (photo(comment=b"%PDF-1.7"), "does not open"),
}


def test_what_is_no_photo_and_no_pdf_is_refused_and_the_next_one_is_drawn() -> None:
    async def story(drawer: EvidencePictures) -> None:
        for name, (content, why) in REFUSED.items():
            with pytest.raises(EvidenceRefused, match=why) as met:
                await drawer.draw(content)
            assert met.value.zh and MAKER not in str(met.value), name
        assert (await drawer.draw(photo())).pages

    with_drawer(story)


def test_a_file_that_takes_too_long_costs_its_process_and_nothing_else() -> None:
    with pytest.raises(UnreadableFile):
        with_drawer(lambda drawer: drawer.draw(photo()), seconds=0.0)
