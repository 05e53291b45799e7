"""What a department must know of a certificate type to ask for one."""

import json
from dataclasses import dataclass
from typing import Any

from certsvc.catalog import Catalog, CertificateType
from certsvc.catalog.faults import SCHEMA
from certsvc.catalog.load import examples
from certsvc.domain.acts import Act
from certsvc.issuance.approvals import needed


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """A type: its JSON Schema (2020-12), its fields in the order of the face, an example that can be issued, and how
    many persons must approve a first sheet."""

    kind: CertificateType
    schema: dict[str, Any]
    example: dict[str, Any]
    approvals: int


def describe(catalog: Catalog, type_id: str) -> Described:
    """A type in its newest version.

    Raises:
        NotFound: there is none of this id.
    """
    kind = catalog.latest(type_id)
    schema = json.loads((kind.folder / SCHEMA).read_text("utf-8"))
    example = next((dict(payload) for _, payload in examples(kind, "good")), {})
    return Described(kind=kind, schema=schema, example=example, approvals=needed(kind, Act.ISSUE))
