"""The plan of a ceremony: one TOML file says what will be made."""

import tomllib
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from certsvc.custody.keys import Algorithm
from certsvc.domain.seal import Centre, Seal, SealDesign
from certsvc.errors import CeremonyError, CertsvcError
from certsvc.ids import parse_uscc

MAX_PLAN = 256 * 1024

Id = Annotated[str, Meta(pattern=r"\A[a-z0-9]+(-[a-z0-9]+)*\Z", max_length=32)]
"""Also the name of files: small letters, digits, single hyphens."""

Name = Annotated[str, Meta(min_length=1, max_length=64)]
"""Stands whole in X.509 certificates: ub-organization-name is 64 characters (RFC 5280 Appendix A)."""

Area = Annotated[str, Meta(pattern=r"\A[0-9]{6}\Z")]
Diameter = Annotated[float, Meta(ge=20, le=60)]
Border = Annotated[float, Meta(ge=0.3, le=2)]


class SealPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One seal to be made: whose, how it looks (millimetres, 国发〔1999〕25号), under which types it may stand."""

    id: Id
    owner: Name
    owner_uscc: str
    certificate_types: Annotated[tuple[str, ...], Meta(min_length=1)]
    diameter_mm: Diameter = 42.0
    border_mm: Border = 1.2
    centre: Centre = Centre.STAR
    purpose: str | None = None
    code: str | None = None

    def seal(self) -> Seal:
        """The seal as the domain knows it."""
        design = SealDesign(
            name=self.owner,
            diameter_mm=self.diameter_mm,
            border_mm=self.border_mm,
            centre=self.centre,
            purpose=self.purpose,
            code=self.code,
        )
        return Seal(
            id=self.id,
            owner=self.owner,
            owner_uscc=parse_uscc(self.owner_uscc),
            design=design,
            certificate_types=frozenset(self.certificate_types),
        )


class Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a ceremony makes: an authority and its seals.

    `public_url` is where its CRLs will be found. It is no part of the file: it is the address that the service has.
    """

    authority: Name
    demonstration: bool
    area: Area
    seals: Annotated[tuple[SealPlan, ...], Meta(min_length=1)]
    algorithm: Algorithm = "p256"
    public_url: str = ""


def load_plan(path: Path) -> Plan:
    """Read and check a plan.

    Raises:
        CeremonyError: unreadable, too large, unknown keys, a value out of its bounds, a wrong USCC, or a seal id or
            certificate type that occurs twice.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_PLAN + 1)
        plan = msgspec.convert(tomllib.loads(data.decode("utf-8")), Plan)
        seals = [seal.seal() for seal in plan.seals]
    except OSError as error:
        raise CeremonyError(f"读不了 {path}：{error.strerror}", f"Cannot read {path}: {error.strerror}") from None
    except CertsvcError as error:
        raise _wrong(path, error.zh, str(error)) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise _wrong(path, str(error), str(error)) from None
    types = [kind for seal in seals for kind in seal.certificate_types]
    if len(data) > MAX_PLAN:
        raise _wrong(path, "文件超过 256 KiB", "it has more than 256 KiB")
    if plan.public_url:
        raise _wrong(path, "public_url 由服务的设置决定", "public_url is taken from the settings of the service")
    if len({seal.id for seal in seals}) != len(seals) or len(types) != len(set(types)):
        raise _wrong(path, "印章编号和证照类型不得重复", "no seal id and no certificate type may occur under two seals")
    return plan


def _wrong(path: Path, zh: str, en: str) -> CeremonyError:
    return CeremonyError(f"{path} 有误：{zh.rstrip('。')}。", f"{path} is wrong: {en.rstrip('.')}.")
