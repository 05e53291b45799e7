"""Photos and PDFs, made up here: good ones, and those that are meant to do harm."""

import io
import zlib
from collections.abc import Sequence
from typing import Any

import pikepdf
from PIL import Image, PngImagePlugin

WHERE = "石塘村大榕树下"
MAKER = "CameraOfSomebody"


def photo(kind: str = "JPEG", size: tuple[int, int] = (400, 300), colour: str = "#2a7", **more: Any) -> bytes:
    """A photo of one colour, its upper left corner red."""
    picture = Image.new("RGB", size, colour)
    picture.paste("#d00", (0, 0, size[0] // 4, size[1] // 4))
    out = io.BytesIO()
    picture.save(out, kind, **more)
    return out.getvalue()


def telling_photo() -> bytes:
    """A photo with who took it where, lying on its side."""
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = MAKER, 6
    exif.get_ifd(0x8825)[1] = "N"
    exif.get_ifd(0x8825)[29] = "2026:11:27"
    return photo(exif=exif, comment=WHERE.encode())


def telling_png() -> bytes:
    """A transparent PNG with a text."""
    out = io.BytesIO()
    told = PngImagePlugin.PngInfo()
    told.add_text("Comment", MAKER)
    Image.new("RGBA", (40, 30), (0, 0, 0, 0)).save(out, "PNG", pnginfo=told)
    return out.getvalue()


def bomb(side: int = 50_000) -> bytes:
    """A PNG that is small as a file and has gigabytes of pixels."""
    head = side.to_bytes(4, "big") * 2 + b"\x01\x00\x00\x00\x00"
    rows = zlib.compress(bytes(side // 8 + 1) * 64, 9)
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*each) for each in ((b"IHDR", head), (b"IDAT", rows), (b"IEND", b"")))


def pdf(pages: int = 2, *, script: bool = False, password: str = "") -> bytes:
    """Empty pages of A4."""
    document = pikepdf.new()
    for _ in range(pages):
        document.add_blank_page(page_size=(595, 842))
    if script:
        action = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS=f"app.alert('{MAKER}')")
        document.Root.OpenAction = document.make_indirect(action)
    out = io.BytesIO()
    lock = pikepdf.Encryption(owner=password, user=password) if password else False
    document.save(out, encryption=lock)
    return out.getvalue()


def multipart(fields: Sequence[tuple[str, str]], name: str | None, content: bytes) -> tuple[bytes, str]:
    """A form with a file, as a browser sends it; and its media type."""
    mark, parts = "----made-up-boundary", []
    for field, value in fields:
        parts.append(f'--{mark}\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n'.encode())
    if name is not None:
        head = f'Content-Disposition: form-data; name="file"; filename="{name}"\r\nContent-Type: image/jpeg\r\n\r\n'
        parts.append(f"--{mark}\r\n{head}".encode() + content + b"\r\n")
    return b"".join(parts) + f"--{mark}--\r\n".encode(), f"multipart/form-data; boundary={mark}"


def _chunk(kind: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")
