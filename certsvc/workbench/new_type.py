"""A new type starts as a copy of the one that is nearest, with TODO at everything that is still to be decided."""

import difflib
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from certsvc.catalog.folder_checks import COMMON, PROOFS, Checked, check_folder
from certsvc.domain.certificate import Category
from certsvc.errors import CatalogError, NotFound
from certsvc.workbench.draft import draft_files

ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
LONGEST_ID = 40
RANGES: Mapping[str, tuple[range, ...]] = {
    Category.LICENCE: (range(1, 100), range(10_000, 20_000)),
    Category.PERMIT: (range(101, 200), range(20_000, 40_000)),
    Category.PROOF: (range(201, 300), range(40_000, 60_000)),
}
"""Which numbers in tokens the types of a category have; when the first are used up, those after them."""

OWN_CODES = range(901, 1000)
"""The last three digits of type codes that no defining authority has given."""

GENERIC = re.compile(r"(经营|生产|许可证|执照|证明|合格证|登记证|备案凭证|备案|凭证|证书|意见书|证)+$")
"""How titles of a category end; it does not tell types of it apart."""

LEAST_LIKENESS = 0.3


@dataclass(frozen=True, slots=True)
class Started:
    """A new type or version: its folder, what it was copied from, and what is to be decided (file, line, words)."""

    place: Path
    like: str
    checked: Checked


def start_type(schemas: Path, type_id: str, like: str | None, zh: str | None, en: str | None) -> Started:
    """Write the folder of a new type, copied from the type `like` or else the nearest by title, then by category.

    Raises:
        CatalogError: the id cannot be used or is taken, or the type to copy has problems itself.
        NotFound: there is no type `like`.
    """
    _require_free(schemas, type_id)
    known = check_folder(schemas)
    usable = [each for each in known if each.kind is not None]
    model = _named(known, like) if like else nearest(usable, type_id, zh)
    category = str(model.content["category"])
    files = draft_files(
        model.place,
        type_id=type_id,
        zh=zh,
        en=en,
        type_number=free_number(known, category),
        own_code=_free_code(known),
    )
    _write(schemas / type_id, files)
    return Started(schemas / type_id / "v1", f"{model.id} v{model.version}", _now(schemas, type_id, 1))


def start_version(schemas: Path, type_id: str) -> Started:
    """Copy the newest version of a type, which must be published, to the next.

    Raises:
        CatalogError: the newest version is not published, so that it can still be changed itself.
        NotFound: there is no such type.
    """
    versions = [each for each in check_folder(schemas) if each.id == type_id and each.version]
    if not versions:
        raise _no_type(type_id)
    newest = max(versions, key=lambda each: each.version)
    if not newest.published:
        raise CatalogError(
            f"{type_id} 第 {newest.version} 版还没有发布，直接改它就行：{newest.place}",
            f"{type_id} v{newest.version} is not published yet, so change it itself: {newest.place}",
        )
    number, parent = newest.version + 1, newest.place.parent
    unfinished = parent / f".unfinished-v{number}"
    shutil.rmtree(unfinished, ignore_errors=True)
    shutil.copytree(newest.place, unfinished)
    definition = unfinished / "type.toml"
    text = re.sub(r"(?m)^version\s*=\s*[0-9]+", f"version = {number}", definition.read_text("utf-8"), count=1)
    definition.write_text(text, "utf-8")
    unfinished.rename(parent / f"v{number}")
    return Started(parent / f"v{number}", f"{type_id} v{newest.version}", _now(schemas, type_id, number))


def nearest(known: Sequence[Checked], type_id: str, zh: str | None) -> Checked:
    """The type that a new one is most like: by Chinese title if one is given and one is like it, by the words of the
    id if not, then by the category that the title names, then a filing (备案) for a filing, then the one with the least
    number.

    Raises:
        CatalogError: there is no type to copy.
    """
    category = _category(zh or "")

    def order(each: Checked) -> tuple[float, bool, bool, int, int]:
        likeness = _likeness(str(each.content["zh"]), zh) if zh else _shared_words(each.id, type_id)
        odd = each.content["category"] != category
        is_filing = each.kind is not None and each.kind.policy.nature == "filing"
        like = -likeness if likeness >= LEAST_LIKENESS else 0.0
        return (like, odd, is_filing != ("备案" in (zh or "")), int(each.content["type_number"]), -each.version)

    if not known:
        raise CatalogError(
            "没有可以照抄的证照类型：certsvc check-types 会说明原因。",
            "There is no type to copy that can be used: certsvc check-types says why.",
        )
    return min(known, key=order)


def free_number(known: Sequence[Checked], category: str) -> int:
    """The least number that no type has, of those of the category."""
    taken = {each.content.get("type_number") for each in known}
    return next(number for numbers in RANGES[category] for number in numbers if number not in taken)


def _free_code(known: Sequence[Checked]) -> str:
    taken = {str(each.content.get("type_code"))[-3:] for each in known}
    return next((str(code) for code in OWN_CODES if str(code) not in taken), str(OWN_CODES[-1]))


def _category(title: str) -> str:
    if title.endswith("执照"):
        return Category.LICENCE.value
    return Category.PROOF.value if title.endswith("证明") else Category.PERMIT.value


def _likeness(one: str, other: str) -> float:
    """How alike two titles are, 0 to 1, without the words that all titles end with."""
    first, second = (GENERIC.sub("", title) or title for title in (one, other))
    return difflib.SequenceMatcher(None, first, second, autojunk=False).ratio()


def _shared_words(one: str, other: str) -> float:
    first, second = set(one.split("-")), set(other.split("-"))
    return len(first & second) / len(first | second)


def _named(known: Sequence[Checked], like: str) -> Checked:
    versions = [each for each in known if each.id == like and each.version]
    if not versions:
        raise _no_type(like)
    newest = max(versions, key=lambda each: each.version)
    if newest.kind is None:
        raise CatalogError(
            f"{like} 本身有误，不能照抄：certsvc check-types 会说明原因。",
            f"{like} has problems itself and cannot be copied: certsvc check-types says which.",
        )
    return newest


def _no_type(type_id: str) -> NotFound:
    return NotFound(
        f"没有证照类型 {type_id}：certsvc check-types 会列出所有类型。",
        f"There is no type {type_id}: certsvc check-types lists them.",
    )


def _require_free(schemas: Path, type_id: str) -> None:
    if not ID.fullmatch(type_id) or len(type_id) > LONGEST_ID or type_id in (COMMON, PROOFS):
        raise CatalogError(
            f"“{type_id}”不能作 id：只用小写字母、数字和单个连字符，以字母开头，最多 {LONGEST_ID} 个字符，"
            "例如 tea-house。",
            f'"{type_id}" cannot be an id: small letters, digits and single hyphens, a letter first, {LONGEST_ID} '
            "characters at most, such as tea-house.",
        )
    if (schemas / type_id).exists():
        raise CatalogError(
            f"已经有证照类型 {type_id}；要出新版本，请加 --next-version。",
            f"There is a type {type_id} already; for its next version add --next-version.",
        )


def _write(folder: Path, files: Mapping[str, str]) -> None:
    """All files at once: nobody sees half a type."""
    unfinished = folder.with_name(f".unfinished-{folder.name}")
    shutil.rmtree(unfinished, ignore_errors=True)
    for name, text in files.items():
        (unfinished / name).parent.mkdir(parents=True, exist_ok=True)
        (unfinished / name).write_text(text, "utf-8")
    unfinished.rename(folder)


def _now(schemas: Path, type_id: str, version: int) -> Checked:
    return next(each for each in check_folder(schemas) if (each.id, each.version) == (type_id, version))
