"""What `entry.toml` may say: help, examples and conditions for the questions of a type's form.

It stands beside the versions of a type and not in them, because nothing is printed from it: it is corrected when
somebody knows better. `schemas/common/entry.toml` says what many types have in common, by key.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec

from certsvc.domain.proof_item import Said
from certsvc.errors import CatalogError

ENTRY, COMMON = "entry.toml", "common"
MAX_FILE = 64 * 1024


class SaidTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A text in both languages."""

    zh: str
    en: str

    @property
    def said(self) -> Said:
        """The same as the domain has it."""
        return Said(self.zh, self.en)


class WhenTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The question is asked only if `field` is answered with one of `values`; `required`: it then must be answered."""

    field: str
    values: tuple[str, ...]
    required: bool = False


class QuestionTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One question. `asks` is who is asked, `wrong` what is said where a pattern does not match, `choices` the English
    of what may be chosen; a first day `begins` today, a last day lies so many `days` from then."""

    help: SaidTable | None = None
    example: str | None = None
    wrong: SaidTable | None = None
    asks: Literal["everybody", "clerk", "nobody"] | None = None
    group: Literal["who", "facts", "checked", "use"] | None = None
    choices: Mapping[str, str] = {}
    when: WhenTable | None = None
    begins: Literal["today"] | None = None
    days: int | None = None


class EntryTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A whole file."""

    fields: Mapping[str, QuestionTable] = {}


def read_entry(schemas: Path, type_id: str) -> dict[str, QuestionTable]:
    """What is said of the questions of a type, by key: by its own file, and by the common one where it says nothing.

    Raises:
        CatalogError: a file is unreadable, or says what it may not say.
    """
    common, own = _read(schemas / COMMON / ENTRY).fields, _read(schemas / type_id / ENTRY).fields
    return {key: _over(own.get(key), common.get(key)) for key in {**common, **own}}


def own_keys(schemas: Path, type_id: str) -> frozenset[str]:
    """The questions that a type's own file speaks of.

    Raises:
        CatalogError: see `read_entry`.
    """
    return frozenset(_read(schemas / type_id / ENTRY).fields)


def _over(own: QuestionTable | None, common: QuestionTable | None) -> QuestionTable:
    said = {} if common is None else msgspec.structs.asdict(common)
    if own is not None:
        said |= {name: value for name, value in msgspec.structs.asdict(own).items() if value}
    return QuestionTable(**said)


def _read(path: Path) -> EntryTable:
    if not path.is_file():
        return EntryTable()
    try:
        data = path.read_bytes()
        if len(data) > MAX_FILE:
            raise ValueError("it is too large")
        return msgspec.convert(tomllib.loads(data.decode("utf-8")), EntryTable)
    except (OSError, ValueError, msgspec.ValidationError) as error:
        raise CatalogError(
            f"{path.parent.name}/{path.name} 有误：{error}。请改正后再启动。",
            f"{path.parent.name}/{path.name} is wrong: {error}. Correct it, and start again.",
        ) from None
