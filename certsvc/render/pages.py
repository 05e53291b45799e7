"""Faces become PDF/A-3a, PDF/UA-1 pages by typst: data goes in as JSON, never pasted into the template."""

import json
from collections.abc import Sequence
from pathlib import Path

import typst

from certsvc.errors import CatalogError, Problem, TextTooLong
from certsvc.render.face import Face, template_input, texts
from certsvc.render.fonts import FOLDER, require_glyphs, require_usable

TOO_LONG = "TEXT_TOO_LONG:"


class Renderer:
    """Renders with warm compilers, one per template; the same face gives the same bytes.

    `extra_fonts` are folders; raises `SettingsError` when one, or a font in it, cannot be used.
    """

    def __init__(self, schemas: Path, extra_fonts: Sequence[str] = ()) -> None:
        self._schemas = schemas
        self.extra_fonts = tuple(extra_fonts)
        folders = [str(FOLDER), *self.extra_fonts]
        self._fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=folders)
        self._compilers: dict[Path, typst.Compiler] = {}
        require_usable(self.extra_fonts, {font.path for font in self._fonts.fonts()})

    def render(self, face: Face) -> bytes:
        """The unsigned page, tagged and with its data attached.

        Raises:
            MissingGlyph: a character that no font has.
            TextTooLong: a text that does not fit at the smallest size its place allows.
            CatalogError: the template itself is wrong.
        """
        require_glyphs(texts(face), self.extra_fonts)
        data = json.dumps(template_input(face), ensure_ascii=False)
        try:
            pdf = self._compiler(face).compile(format="pdf", sys_inputs={"data": data}, pdf_standards=["a-3a", "ua-1"])
        except typst.TypstError as error:
            raise _explain(face, str(error)) from None
        if not isinstance(pdf, bytes):
            raise CatalogError(f"{face.type.folder} 的版面没有输出。", f"{face.type.folder}: the face gave no page.")
        return pdf + b"\n"  # without it the sealed file fails PDF/A (ISO 19005-3 clause 6.1.9)

    def _compiler(self, face: Face) -> typst.Compiler:
        template = face.type.folder / "face.typ"
        if template not in self._compilers:
            self._compilers[template] = typst.Compiler(
                str(template), root=str(self._schemas), font_paths=self._fonts, ignore_system_fonts=True
            )
        return self._compilers[template]


def _explain(face: Face, message: str) -> TextTooLong | CatalogError:
    if TOO_LONG in message:
        field = message.split(TOO_LONG)[1].split('"')[0].strip()
        sheet_zh, sheet_en = f"{face.type.zh} {face.layout.zh}", f"{face.type.en} ({face.layout.en})"
        zh = f"{field} 的文字太长，缩到最小字号也放不下（{sheet_zh}）。请缩短。"
        en = f"{field} is too long for {sheet_en}, even at the smallest size: shorten it."
        typed_zh = f"文字太长，缩到最小字号也放不下（{sheet_zh}）。请缩短。"
        typed_en = f"Too long for {sheet_en}, even at the smallest size: shorten it."
        return TextTooLong(zh, en, problems=[Problem(field, TextTooLong.code, typed_zh, typed_en)])
    return CatalogError(
        f"{face.type.folder} 的版面有误：{message}", f"The face of {face.type.folder} is wrong: {message}"
    )
