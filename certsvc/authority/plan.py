"""The plan of a ceremony: one TOML file says what will be made."""

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from certsvc.authority.ring import CustodyPlan, LimitPlan
from certsvc.authority.seal_plan import Id, Name, SealPlan, with_picture
from certsvc.custody.keys import Algorithm
from certsvc.domain.seal import Seal
from certsvc.errors import CeremonyError, CertsvcError

MAX_PLAN = 256 * 1024
WILD = frozenset("*?[")
"""What makes a name a pattern (`fnmatch`)."""

Area = Annotated[str, Meta(pattern=r"\A[0-9]{6}\Z")]


class JointPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A certificate type that several seals stand under, in this order; the first is the issuer's."""

    certificate_type: str
    seals: Annotated[tuple[Id, ...], Meta(min_length=2, max_length=8)]


class Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a ceremony makes: an authority and its seals.

    `custody` says where keys lie that are in no file, `limits` how often they may be used. With `ocsp` the address of
    the OCSP responder goes into the certificates of seals and services: readers that go online will ask it, so it must
    be there for as long as they last. `public_url` is where CRLs will be found. It is no part of the file: it is the
    address that the service has.
    """

    authority: Name
    demonstration: bool
    area: Area
    seals: Annotated[tuple[SealPlan, ...], Meta(min_length=1)]
    algorithm: Algorithm = "p256"
    joint: tuple[JointPlan, ...] = ()
    custody: tuple[CustodyPlan, ...] = ()
    limits: tuple[LimitPlan, ...] = ()
    ocsp: bool = False
    public_url: str = ""


def load_plan(path: Path) -> Plan:
    """Read and check a plan.

    Raises:
        CeremonyError: unreadable, too large, unknown keys, a value out of its bounds, a wrong USCC, a seal
            that is not as its rank has it or names nobody, a seal id or certificate type that occurs twice, or one
            place for several keys.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_PLAN + 1)
        plan = msgspec.convert(_with_pictures(tomllib.loads(data.decode("utf-8")), path.parent), Plan)
        seals = [seal.seal(demonstration=plan.demonstration) for seal in plan.seals]
    except OSError as error:
        raise CeremonyError(f"读不了 {path}：{error.strerror}", f"Cannot read {path}: {error.strerror}") from None
    except CertsvcError as error:
        raise _wrong(path, error.zh, str(error)) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise _wrong(path, str(error), str(error)) from None
    _refuse_one_place_for_many(path, plan)
    if len(data) > MAX_PLAN:
        raise _wrong(path, "文件超过 256 KiB", "it has more than 256 KiB")
    if plan.public_url:
        raise _wrong(path, "public_url 由服务的设置决定", "public_url is taken from the settings of the service")
    if len({seal.id for seal in seals}) != len(seals) or _wrongly_shared(plan, seals):
        raise _wrong(
            path,
            "印章编号不得重复；一个证照类型用多枚印章的，须在 [[joint]] 中按次序列出这些印章",
            "no seal id may occur twice, and no certificate type under two seals, unless [[joint]] names exactly these "
            "seals in their order",
        )
    if unnamed := [seal.id for seal in seals if seal.people is None or seal.people.approver is None]:
        raise _wrong(
            path,
            f"印章 {unnamed[0]} 没有写明申请人、批准人、管理人、保管人和监督人",
            f"the seal {unnamed[0]} does not name its applicant, approver, manager, keeper and auditor",
        )
    return plan


def _refuse_one_place_for_many(path: Path, plan: Plan) -> None:
    """One key, one purpose: a URI without `{name}` is one key's place, and serves one name alone."""
    fixed = [each for each in plan.custody if each.is_for_one_key]
    shared = len({each.uri for each in fixed}) != len(fixed)
    if shared or any(len(each.keys) != 1 or set(each.keys[0]) & WILD for each in fixed):
        raise _wrong(
            path,
            "[[custody]] 的 uri 中没有 {name} 的，只是一把密钥的位置，其 keys 只能写一个名称，不用通配符",
            "a [[custody]] uri without {name} is the place of one key: its keys must be one name without wildcards, "
            "and no other entry may have the same uri",
        )


def _with_pictures(table: dict[str, Any], folder: Path) -> dict[str, Any]:
    seals = table.get("seals")
    if not isinstance(seals, list):
        return table
    return {**table, "seals": [with_picture(seal, folder) if isinstance(seal, dict) else seal for seal in seals]}


def _wrongly_shared(plan: Plan, seals: Sequence[Seal]) -> bool:
    joint = {each.certificate_type: sorted(each.seals) for each in plan.joint}
    types = {kind for seal in seals for kind in seal.certificate_types} | joint.keys()
    bound = {kind: sorted(seal.id for seal in seals if kind in seal.certificate_types) for kind in types}
    return any(joint.get(kind, ids[:1]) != ids for kind, ids in bound.items()) or len(joint) < len(plan.joint)


def _wrong(path: Path, zh: str, en: str) -> CeremonyError:
    return CeremonyError(f"{path} 有误：{zh.rstrip('。')}。", f"{path} is wrong: {en.rstrip('.')}.")
