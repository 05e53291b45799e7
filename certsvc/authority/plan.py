"""The plan of a ceremony: one TOML file says what will be made."""

import tomllib
from pathlib import Path

import msgspec

from certsvc.custody.keys import Algorithm
from certsvc.domain.seal import Centre, Seal, SealDesign
from certsvc.errors import CeremonyError, CertsvcError
from certsvc.ids import parse_uscc

MAX_PLAN = 256 * 1024


class SealPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One seal to be made: whose, how it looks (millimetres, 国发〔1999〕25号), under which types it may stand."""

    id: str
    owner: str
    owner_uscc: str
    certificate_types: tuple[str, ...]
    diameter_mm: float = 42.0
    border_mm: float = 1.2
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
    """What a ceremony makes: an authority and its seals. `public_url` is where its CRLs will be found."""

    authority: str
    demonstration: bool
    area: str
    seals: tuple[SealPlan, ...]
    algorithm: Algorithm = "p256"
    public_url: str = ""


def load_plan(path: Path) -> Plan:
    """Read and check a plan.

    Raises:
        CeremonyError: unreadable, unknown keys, a wrong USCC, or a certificate type under two seals.
    """
    try:
        data = path.read_bytes()
        plan = msgspec.convert(tomllib.loads(data[:MAX_PLAN].decode("utf-8")), Plan)
        seals = [seal.seal() for seal in plan.seals]
    except OSError as error:
        raise CeremonyError(f"读不了 {path}：{error.strerror}", f"Cannot read {path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError, CertsvcError) as error:
        raise CeremonyError(f"{path} 有误：{error}", f"{path} is wrong: {error}") from None
    types = [kind for seal in seals for kind in seal.certificate_types]
    if not seals or len(types) != len(set(types)) or len({seal.id for seal in seals}) != len(seals):
        raise CeremonyError(
            f"{path}：至少要有一枚印章，印章编号和证照类型不得重复。",
            f"{path}: there must be a seal; no seal id and no certificate type may occur twice.",
        )
    return plan
