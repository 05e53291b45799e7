"""The templates of the pages. Several parts of one process have an environment of their own, with their own site in it;
what a template compiles to is the same for all of them."""

from pathlib import Path
from types import CodeType
from typing import ClassVar

import jinja2
from jinja2.bccache import Bucket


class _Compiled(jinja2.BytecodeCache):
    """What templates of this process compiled to, by where they stand and what they say."""

    _known: ClassVar[dict[tuple[str, str], CodeType | None]] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._known.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._known[bucket.key, bucket.checksum] = bucket.code


def load_templates(folder: Path) -> jinja2.Environment:
    """Every template in a folder, strictly: what is undefined is an error. Text is escaped. A process keeps what it has
    read: a newer template would not agree with its words and its program."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        bytecode_cache=_Compiled(),
        auto_reload=False,
    )
