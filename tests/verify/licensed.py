"""A made-up business with a licence and a permit of every type, and the policies of the types read once more."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any, cast

from chosen import tree_catalog

from certsvc.catalog import Catalog, CertificateType
from certsvc.catalog.load import examples
from certsvc.domain.calendar import Term
from certsvc.domain.certificate import Category, Issuer, RegisteredCertificate, StatusChange
from certsvc.domain.states import Condition, ConditionKind, Status
from certsvc.ids import Ref, certificate_identifier, new_ref, parse_uscc

SCHEMAS = Path(__file__).resolve().parents[2] / "schemas"
NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
TODAY = date(2026, 11, 24)
SINCE = date(2026, 11, 3)
ISSUER = Issuer(name="云山市市场监督管理局", uscc=parse_uscc("11441900007330010D"))
COMPANY = "business-licence-company"
FINDING = "joint-completion-acceptance"
"""What was found of a building once: nothing that becomes of the licence changes it."""


@cache
def catalog() -> Catalog:
    """Every type there is."""
    return tree_catalog()


def kinds(category: Category) -> list[CertificateType]:
    """The types of a category, but the one that says only what was found."""
    return [kind for kind in catalog() if kind.category is category and kind.id != FINDING]


# ---- the policies, read once more ----


@cache
def written(type_id: str) -> dict[str, Any]:
    """A policy as it stands in its file."""
    return tomllib.loads((SCHEMAS / type_id / "policy.toml").read_text("utf-8"))


GENERAL = tomllib.loads((SCHEMAS / "general.toml").read_text("utf-8"))["when_licence"]


def rule_for(type_id: str, state: str) -> dict[str, Any] | None:
    """The rule of a type for a state of the licence: its own, or else the general one."""
    for rule in (*written(type_id).get("when_licence", []), *GENERAL):
        if state in rule["states"]:
            return cast("dict[str, Any]", rule)
    return None


def followed(type_id: str) -> dict[str, str]:
    """The facts of the licence that a type follows, each with its own field."""
    return {rule["fact"]: rule["field"] for rule in written(type_id).get("follows_licence", [])}


# ---- a licence and its permits ----


def payload_of(kind: CertificateType) -> dict[str, Any]:
    """The first good example."""
    return dict(next(iter(examples(kind, "good")))[1])


def certificate(
    kind: CertificateType, payload: Mapping[str, Any], status: Status = Status.VALID, **other: Any
) -> RegisteredCertificate:
    """The register's row of a type, in force since this year."""
    ref = new_ref()
    row = RegisteredCertificate(
        ref=ref,
        licence_ref=other.pop("licence_ref", None),
        category=kind.category,
        type_id=kind.id,
        type_version=kind.version,
        type_number=kind.type_number,
        number=kind.id,
        version=1,
        identifier=certificate_identifier(kind.type_code, ISSUER.uscc, f"{ref.value:X}", 1),
        holder_name=kind.public_holder_name(payload),
        subject=kind.subject(payload),
        issuer=ISSUER,
        term=Term(date(2026, 1, 1), date(2027, 12, 31)),
        issued_at=NOW,
        public_fields=kind.public_view(payload),
        status=status,
        status_age_s=0,
        life=ref,
    )
    return replace(row, **other)


@dataclass(frozen=True)
class Business:
    """A licence, what it says of itself, and a permit of every type whose fields say the same."""

    kind: CertificateType
    payload: dict[str, Any]

    def licence(
        self, status: Status = Status.VALID, *kinds_beside: ConditionKind, **other: Any
    ) -> RegisteredCertificate:
        """The licence in a state since `SINCE`, with conditions beside."""
        change = StatusChange(act="revoke", effective=SINCE, recorded_at=NOW)
        beside = tuple(Condition(kind=kind, since=SINCE) for kind in kinds_beside)
        payload = {**self.payload, **other.pop("changes", {})}
        return certificate(self.kind, payload, status, change=change, conditions=beside, **other)

    def permits(self, root: Ref) -> tuple[RegisteredCertificate, ...]:
        """A permit of every type."""
        facts = written(self.kind.id)["facts"]
        found = []
        for kind in kinds(Category.PERMIT):
            same = {field: self.payload[facts[fact]] for fact, field in followed(kind.id).items()}
            found.append(certificate(kind, {**payload_of(kind), **same}, licence_ref=root))
        return tuple(found)


def business(type_id: str = COMPANY) -> Business:
    """A business with a licence of this type."""
    kind = catalog().latest(type_id)
    return Business(kind, payload_of(kind))
