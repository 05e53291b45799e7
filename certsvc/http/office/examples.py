"""Examples in the contract: whole requests that work, and answers that were given.

Contents of certificates are the examples of their types, so that they are always of the version that is issued now.
"""

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from certsvc.issuance.service import Issuing

FOLDER = Path(__file__).resolve().parent / "examples"
SHOWN = {
    "licence": ("business-licence-partnership", "good-tea.json"),
    "permit": ("drug-wholesale", "good-*.json"),
    "filing": ("medical-device-filing", "good-shop.json"),
    "proof": ("marital-relation-proof", "good-*.json"),
}
"""Of these types a request to issue is shown, under a name that says what it is."""


def load_examples(issuing: Issuing) -> dict[str, dict[str, Any]]:
    """Examples by operation, then `request` or a status, then by a name of their own.

    They are kept as `examples/<operation>/<request or status>-<name>.json`.
    """
    found: defaultdict[str, dict[str, Any]] = defaultdict(dict)
    for path in sorted(FOLDER.glob("*/*.json")):
        part, _, name = path.stem.partition("-")
        found[path.parent.name].setdefault(part, {})[name] = json.loads(path.read_text("utf-8"))
    found["issue_certificate"]["request"] = _orders(issuing)
    return dict(found)


def _orders(issuing: Issuing) -> dict[str, Any]:
    orders = {}
    for name, (type_id, pattern) in SHOWN.items():
        kind = issuing.catalog.latest(type_id)
        for path in sorted((kind.folder / "examples").glob(pattern))[:1]:
            orders[name] = {"type": type_id, "payload": json.loads(path.read_text("utf-8"))}
    return orders
