"""The plan of one seal: whose it is, how it looks, who answers for it, and the rules of its use."""

import re
import tomllib
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from certsvc.domain.external import require_one_purpose
from certsvc.domain.seal import DEFAULT_RANK, Centre, Hours, Placement, Seal, SealDesign, SealKind, SealPeople
from certsvc.domain.seal_sizes import PURPOSES, require_size, size_of
from certsvc.errors import InvalidInput
from certsvc.ids import Uscc, parse_uscc

MAX_PICTURE = 1024 * 1024
MAX_SEAL_PLAN = 64 * 1024

Id = Annotated[str, Meta(pattern=r"\A[a-z0-9]+(-[a-z0-9]+)*\Z", max_length=32)]
"""Also the name of files: small letters, digits, single hyphens."""

Name = Annotated[str, Meta(min_length=1, max_length=64)]
"""Stands whole in X.509 certificates: ub-organization-name is 64 characters (RFC 5280 Appendix A)."""

Person = Annotated[str, Meta(min_length=1, max_length=64)]
Border = Annotated[float, Meta(ge=0.3, le=2)]
Diameter = Annotated[float, Meta(gt=0, le=60)]

MADE_UP = SealPeople(
    applicant="演示申请人", approver="演示批准人", manager="演示管理人", keeper="演示保管人", auditor="演示监督人"
)
"""Who answers for the seals of a demonstration that names nobody."""


class Place(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The only place a seal may stand: its centre, in millimetres from the left and top edge."""

    x_mm: Annotated[float, Meta(gt=0, le=2000)]
    y_mm: Annotated[float, Meta(gt=0, le=2000)]
    page: Annotated[int, Meta(ge=1, le=1000)] = 1


class SealPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One seal to be made: whose, how it looks (millimetres, 国发〔1999〕25号), under which types it may stand (none:
    for documents of its owner), the rules of its use, and who answers for it. What is left out follows from `kind` and
    `rank` (`domain.seal_sizes`)."""

    id: Id
    owner: Name
    owner_uscc: str
    certificate_types: tuple[str, ...]
    diameter_mm: Diameter | None = None
    border_mm: Border = 1.2
    centre: Centre | None = None
    purpose: str | None = None
    code: str | None = None
    kind: SealKind = SealKind.LEGAL_NAME
    rank: str = DEFAULT_RANK
    name: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    picture: Annotated[bytes, Meta(max_length=MAX_PICTURE)] | None = None
    place: Place | None = None
    daily_quota: Annotated[int, Meta(ge=0, le=2_000_000_000)] | None = None
    hours: str | None = None
    weekdays_only: bool = False
    needs_authorisation: bool = False
    applicant: Person | None = None
    approver: Person | None = None
    manager: Person | None = None
    keeper: Person | None = None
    auditor: Person | None = None

    def seal(self, *, demonstration: bool = False) -> Seal:
        """The seal as the domain knows it. In a demonstration made-up people answer for a seal that names nobody.

        Raises:
            InvalidInput: the seal is not as its kind and rank have it, or what it says cannot be.
        """
        owner_uscc = parse_uscc(self.owner_uscc)
        require_one_purpose(self.id, self.certificate_types)
        people = self._people()
        seal = Seal(
            id=self.id,
            owner=self.owner,
            owner_uscc=owner_uscc,
            design=self._design(owner_uscc),
            certificate_types=frozenset(self.certificate_types),
            rank=self.rank,
            place=Placement(page=self.place.page, x_mm=self.place.x_mm, y_mm=self.place.y_mm) if self.place else None,
            daily_quota=self.daily_quota,
            hours=parse_hours(self.hours, self.weekdays_only),
            people=MADE_UP if people is None and demonstration else people,
            needs_authorisation=self.needs_authorisation,
        )
        require_size(seal, demonstration=demonstration)
        return seal

    def _design(self, owner_uscc: Uscc) -> SealDesign:
        size = size_of(self.kind, self.rank)
        return SealDesign(
            name=self.name or self.owner,
            diameter_mm=size.width_mm if self.diameter_mm is None else self.diameter_mm,
            height_mm=size.height_mm,
            border_mm=self.border_mm,
            kind=self.kind,
            centre=size.centre if self.centre is None else self.centre,
            purpose=self.purpose or PURPOSES.get(self.kind),
            code=owner_uscc if self.kind is SealKind.INVOICE and self.code is None else self.code,
            picture=self.picture,
        )

    def _people(self) -> SealPeople | None:
        """Everybody or nobody; the approver of a seal that is only applied for is not known yet."""
        named = {duty: getattr(self, duty) for duty in ("applicant", "manager", "keeper", "auditor", "approver")}
        given = {duty: parse_person(name) for duty, name in named.items() if name is not None}
        if not given:
            return None
        if missing := [duty for duty in named if duty not in given and duty != "approver"]:
            raise InvalidInput(
                f"印章 {self.id} 缺少：{', '.join(missing)}。", f"The seal {self.id} does not name its {missing[0]}."
            )
        if len(set(given.values())) != len(given):
            raise InvalidInput(
                f"印章 {self.id} 的申请、批准、管理、保管、监督须由不同的人担任。",
                f"The seal {self.id} needs different people as applicant, approver, manager, keeper and auditor.",
            )
        return SealPeople(**given)


def parse_person(text: str) -> str:
    """A person's name in one spelling: NFKC, single spaces inside, none around.

    Raises:
        InvalidInput: empty, over 64 characters, or with characters that do not print.
    """
    name = " ".join(unicodedata.normalize("NFKC", text).split())
    if not (0 < len(name) <= 64 and name.isprintable()):
        raise InvalidInput("姓名应为 1 至 64 个可见字符。", "A person's name has 1 to 64 printable characters.")
    return name


def parse_hours(text: str | None, weekdays_only: bool = False) -> Hours | None:
    """`08:00-20:00` as minutes of the Beijing day; the whole day when there is only the limit to weekdays.

    Raises:
        InvalidInput: anything else.
    """
    if text is None:
        return Hours(opens=0, closes=24 * 60, weekdays_only=True) if weekdays_only else None
    found = re.fullmatch(r"([01][0-9]|2[0-4]):([0-5][0-9])-([01][0-9]|2[0-4]):([0-5][0-9])", text)
    if found is None:
        raise _wrong_hours(text)
    opens, closes = (int(found[place]) * 60 + int(found[place + 1]) for place in (1, 3))
    if not opens < closes <= 24 * 60:
        raise _wrong_hours(text)
    return Hours(opens=opens, closes=closes, weekdays_only=weekdays_only)


def with_picture(table: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The table of a seal with the PNG that `picture` names, a file in `folder` or below, in its place.

    Raises:
        InvalidInput: the file is elsewhere, cannot be read, or is over 1 MiB.
    """
    name = table.get("picture")
    if not isinstance(name, str):
        return dict(table)
    path = (folder / name).resolve()
    try:
        if not path.is_relative_to(folder.resolve()):
            raise InvalidInput(f"印章图像 {name} 应与计划放在一起。", f"The picture {name} is not beside the plan.")
        with path.open("rb") as file:
            data = file.read(MAX_PICTURE + 1)
    except OSError as error:
        raise InvalidInput(f"读不了 {path}：{error.strerror}", f"Cannot read {path}: {error.strerror}") from None
    if len(data) > MAX_PICTURE:
        raise InvalidInput(f"{path} 超过 1 MiB。", f"{path} is over 1 MiB.")
    return {**table, "picture": data}


def load_seal_plan(path: Path) -> SealPlan:
    """Read the plan of one seal: a TOML file with what stands under `[[seals]]` in the plan of a ceremony.

    Raises:
        InvalidInput: unreadable, too large, no TOML, an unknown key or a value out of its bounds, with the file.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_SEAL_PLAN + 1)
        if len(data) > MAX_SEAL_PLAN:
            raise InvalidInput("文件超过 64 KiB", "it has more than 64 KiB")
        table = with_picture(tomllib.loads(data.decode("utf-8")), path.parent)
        return msgspec.convert(table, SealPlan)
    except OSError as error:
        raise InvalidInput(f"读不了 {path}：{error.strerror}", f"Cannot read {path}: {error.strerror}") from None
    except InvalidInput as error:
        raise InvalidInput(f"{path} 有误：{error.zh}", f"{path} is wrong: {error.en}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise InvalidInput(f"{path} 有误：{error}", f"{path} is wrong: {error}") from None


def _wrong_hours(text: str) -> InvalidInput:
    return InvalidInput(
        f"用印时间 {text} 应写作 08:00-20:00，同日起止。",
        f"Hours are written 08:00-20:00, of one day, not {text}.",
    )
