"""What the licence behind a permit does to it, by the rules in the permit's type."""

from dataclasses import dataclass
from datetime import date

from certsvc.catalog import Catalog, CertificateType
from certsvc.domain.certificate import Category, RegisteredCertificate
from certsvc.domain.effects import STOPS, Consequence, Effect, gravest
from certsvc.domain.states import Status
from certsvc.errors import NotFound
from certsvc.verify.report import Check, Outcome


@dataclass(frozen=True, slots=True)
class LicenceAnswer:
    """Whether a permit may be what its own state says, and the rules that act on it."""

    outcome: Outcome
    checks: tuple[Check, ...] = ()
    consequences: tuple[Consequence, ...] = ()


def ask_licence(
    catalog: Catalog, kind: CertificateType, certificate: RegisteredCertificate, root: RegisteredCertificate | None
) -> LicenceAnswer:
    """Apply the rules of a permit's type to the state and the facts of its licence. Nothing to ask of other kinds."""
    if kind.category is not Category.PERMIT:
        return LicenceAnswer(Outcome.PASSED)
    if root is None or current_status(catalog, root) is Status.UNKNOWN:
        return LicenceAnswer(Outcome.UNKNOWN, (Check("licence", Outcome.UNKNOWN, "licence_unknown"),))
    of_states = kind.licence_rules.of_states(_states(root))
    of_facts = kind.licence_rules.of_facts(_texts(certificate), _facts(catalog, root))
    acting = gravest([*of_states, *of_facts])
    effect = acting[0].effect if acting else Effect.UNAFFECTED
    outcome = Outcome.FAILED if effect in STOPS else Outcome.PASSED
    return LicenceAnswer(outcome, (Check("licence", outcome, effect.value),), acting)


def current_status(catalog: Catalog, certificate: RegisteredCertificate) -> Status:
    """The state on record, or unknown when it is older than its type allows."""
    try:
        limit = catalog.version(certificate.type_id, certificate.type_version).status_max_age
    except NotFound:
        return Status.UNKNOWN
    return Status.UNKNOWN if certificate.status_age_s > limit.total_seconds() else certificate.status


def _states(root: RegisteredCertificate) -> list[tuple[str, date | None]]:
    since = root.change.effective if root.change else None
    conditions = [(condition.kind.value, condition.since) for condition in root.conditions]
    return [(root.status.value, since), *conditions]


def _texts(certificate: RegisteredCertificate) -> dict[str, str]:
    return {key: value for key, value in certificate.public_fields.items() if isinstance(value, str)}


def _facts(catalog: Catalog, root: RegisteredCertificate) -> dict[str, str]:
    """What the licence says of itself: its name, address and person, wherever its type keeps them."""
    fields = catalog.version(root.type_id, root.type_version).policy.facts
    texts = _texts(root)
    return {fact: texts[field] for fact, field in fields.items() if field in texts}
