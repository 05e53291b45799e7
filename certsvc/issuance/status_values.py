"""What the signed lists are to say of certificates: by the very rules that a scan goes by."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from datetime import date

from certsvc.catalog import Catalog, CertificateType
from certsvc.domain.effects import Effect
from certsvc.domain.status_list import ListedCertificate, ListedState, ListedValue, listed_state
from certsvc.errors import NotFound
from certsvc.verify.licence import ask_licence, current_status
from certsvc.verify.report import Outcome

MEANING = 1
"""To be raised when the same rules are to lead to other values: then every certificate is gone through once more."""


def listed_values(catalog: Catalog, certificates: Iterable[ListedCertificate], on: date) -> Iterator[ListedValue]:
    """The value of each certificate on a day. Of a type that this program does not know nothing is said."""
    for one in certificates:
        yield ListedValue(one.list_name, one.index, _state(catalog, one, on))


def rules_digest(catalog: Catalog) -> bytes:
    """A SHA-256 that is another one when a value may be: of all types, their versions, what each says of the licence
    above it, and how old a state may be."""
    said = [MEANING, *(_said(kind) for kind in catalog)]
    return hashlib.sha256(json.dumps(said, ensure_ascii=False, sort_keys=True).encode()).digest()


def _state(catalog: Catalog, one: ListedCertificate, on: date) -> ListedState:
    certificate = one.certificate
    try:
        kind = catalog.version(certificate.type_id, certificate.type_version)
    except NotFound:
        return ListedState.NO_STATEMENT
    answer = ask_licence(catalog, kind, certificate, one.root)
    acting = answer.consequences[0].effect if answer.consequences else Effect.UNAFFECTED
    known = answer.outcome is not Outcome.UNKNOWN
    status = current_status(catalog, certificate)
    return listed_state(status, certificate.term.state(on), acting if known else None)


def _said(kind: CertificateType) -> list[object]:
    rules = kind.licence_rules
    states = [[sorted(rule.states), rule.effect] for rule in rules.states]
    facts = [[rule.fact, rule.field, rule.effect] for rule in rules.facts]
    return [kind.id, kind.version, kind.category, states, facts, dict(kind.policy.facts), kind.status_max_age.days]
