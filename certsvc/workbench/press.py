"""Prints samples: to PDF under the mark of a preview, to PNG, and says what is wrong with the page."""

import dataclasses
import re
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from os import cpu_count
from pathlib import Path

import pypdfium2

from certsvc.catalog import CertificateType
from certsvc.catalog.folder_checks import check_folder
from certsvc.errors import CertsvcError, Problem
from certsvc.render.pages import Renderer
from certsvc.workbench.geometry import page_problems
from certsvc.workbench.page import read_page
from certsvc.workbench.sample import Sample, sample_face, samples, signatures

LONG_SIDE = 1400
"""Pixels of a picture's longer side."""

MARK = ".preview"
WRAPPER = """#import "/{mark}/preview.typ": marked
#show: marked
#include "/{folder}/face.typ"
"""
ALONE = 8
"""As many sheets are printed sooner than another process starts."""

MOST_WORKERS = 8


@dataclass(frozen=True, slots=True)
class Printed:
    """A sheet: where its files lie, what is wrong with the page, or why there is none."""

    stem: str
    type_id: str
    version: int
    layout: str
    example: str
    pdf: Path | None = None
    png: Path | None = None
    warnings: tuple[Problem, ...] = ()
    error: Problem | None = None


def print_samples(schemas: Path, wanted: Sequence[Sample], out: Path, fonts: Sequence[str]) -> Iterator[Printed]:
    """Print every sample into the folder `out`, each as soon as it is done."""
    stems = [sample.stem for sample in wanted]
    with _marked(schemas, wanted) as root:
        if len(stems) <= ALONE:
            press = _Press(schemas, root, out, tuple(fonts))
            yield from map(press.print, stems)
            return
        workers = min(cpu_count() or 1, MOST_WORKERS)
        start = _start, (schemas, root, out, tuple(fonts))
        # typst's threads do not survive a fork
        with ProcessPoolExecutor(workers, get_context("spawn"), initializer=start[0], initargs=start[1]) as pool:
            for done in as_completed([pool.submit(_print, stem) for stem in stems]):
                yield done.result()


@contextmanager
def _marked(schemas: Path, wanted: Sequence[Sample]) -> Iterator[Path]:
    """A folder that looks like `schemas`, with a face for each version that prints the mark over its own."""
    with tempfile.TemporaryDirectory(prefix="certsvc-preview-") as folder:
        root = Path(folder)
        for path in schemas.iterdir():
            (root / path.name).symlink_to(path.absolute())
        (root / MARK).mkdir()
        (root / MARK / "preview.typ").write_bytes(Path(__file__).with_name("preview.typ").read_bytes())
        for kind in {(each.kind.id, each.kind.version): each.kind for each in wanted}.values():
            place = _wrapped(root, kind)
            place.mkdir()
            name = f"{kind.id}/v{kind.version}"
            (place / "face.typ").write_text(WRAPPER.format(mark=MARK, folder=name), "utf-8")
        yield root


def _wrapped(root: Path, kind: CertificateType) -> Path:
    return root / MARK / f"{kind.id}-v{kind.version}"


class _Press:
    """A renderer with warm compilers and the samples it may be asked for."""

    def __init__(self, schemas: Path, root: Path, out: Path, fonts: tuple[str, ...]) -> None:
        kinds = [each.kind for each in check_folder(schemas) if each.kind is not None]
        self._samples = {sample.stem: sample for sample in samples(kinds)}
        self._renderer = Renderer(root, fonts)
        self._root, self._out = root, out

    def print(self, stem: str) -> Printed:
        sample = self._samples[stem]
        kind = dataclasses.replace(sample.kind, folder=_wrapped(self._root, sample.kind))
        said = Printed(stem, kind.id, kind.version, sample.layout.name, sample.example)
        try:
            face = sample_face(sample, kind)
            data = self._renderer.render(face)
        except CertsvcError as error:
            return dataclasses.replace(said, error=_why(error, sample, f"{self._root}/"))
        pdf, png = self._out / f"{stem}.pdf", self._out / f"{stem}.png"
        pdf.write_bytes(data)
        _draw(data, png)
        warnings = page_problems(read_page(data), signatures(face))
        return dataclasses.replace(said, pdf=pdf, png=png, warnings=tuple(warnings))


def _draw(data: bytes, png: Path) -> None:
    document = pypdfium2.PdfDocument(data)
    page = document[0]
    picture = page.render(scale=LONG_SIDE / max(page.get_size())).to_pil().convert("RGB")
    document.close()
    picture.save(png, compress_level=3)  # half the time for a quarter more bytes


def _why(error: CertsvcError, sample: Sample, root: str) -> Problem:
    """What a face that does not print is answered with; typst's own report names the line in it."""
    diagnostic = str(getattr(error.__context__, "diagnostic", ""))
    name = f"{sample.kind.id}/v{sample.kind.version}/face.typ"
    lines = re.findall(rf"{re.escape(name)}:([0-9]+):", diagnostic)
    if not lines:
        field = error.problems[0].field if error.problems else name
        return Problem(field, error.code, error.zh.replace(root, ""), error.en.replace(root, ""))
    said = str(error.__context__).replace(root, "")
    zh = f"{name} 第 {lines[-1]} 行：版面不能排版（{said}）。请改正这一行。"
    en = f"{name}, line {lines[-1]}: the face cannot be set ({said}). Correct the line."
    return Problem(f"{name}:{lines[-1]}", error.code, zh, en)


_press: _Press | None = None


def _start(schemas: Path, root: Path, out: Path, fonts: tuple[str, ...]) -> None:
    global _press
    _press = _Press(schemas, root, out, fonts)


def _print(stem: str) -> Printed:
    assert _press is not None
    return _press.print(stem)
