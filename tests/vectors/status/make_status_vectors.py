"""Make every vector of status lists anew: `python tests/vectors/status/make_status_vectors.py [FOLDER]`.

The keys are made in memory, sign, and are gone when the script ends: only the public halves are written. The committed
vectors are what the tests read; run this only to add one, because every signature changes.
"""

import json
import random
import sys
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[2]), str(HERE.parent / "qr")]

from status_flaws import flaws  # noqa: E402 - found by what is set above
from status_workshop import (  # noqa: E402
    MADE,
    NOW,
    QUARTER,
    Certificate,
    Revoked,
    Workshop,
    claims,
    keys_file,
    packed,
    seconds,
)

KEYS: dict[str, tuple[Revoked | None, datetime]] = {
    "ours": (None, MADE),
    "old": (None, NOW - timedelta(days=7)),
    "token-key-stolen": (Revoked("token", MADE - timedelta(days=9), True), MADE),
    "status-key-stolen": (Revoked("status", MADE - timedelta(hours=1), True), MADE),
    "status-key-revoked": (Revoked("status", MADE - timedelta(hours=1), False), MADE),
    "status-key-revoked-later": (Revoked("status", MADE + timedelta(seconds=1), False), MADE),
}
STATES: dict[str, tuple[int, str, str]] = {
    "valid": (0x0, "valid", "In force."),
    "invalid": (0x1, "not_valid", "Revoked, rescinded, withdrawn, closed, to be closed, or ended with its licence."),
    "suspended": (0x2, "not_valid", "Suspended, itself or with its licence."),
    "superseded": (0x3, "not_valid", "A newer version has taken over."),
    "transferred_out": (0xC, "not_valid", "Transferred to another place."),
    "renewal_pending": (0xD, "valid", "In force, renewal under review."),
    "conditional": (0xE, "valid", "In force with a condition that only the register tells."),
    "no_statement": (0xF, "undetermined", "Not issued, not yet in force, or not known."),
}
DEFAULT = Certificate()
OVER = replace(DEFAULT, expires=MADE - timedelta(days=1))


def good(shop: Workshop) -> dict[str, dict[str, Any]]:
    """Every vector whose list is read, and says what it says."""
    found = {
        name.replace("_", "-"): one(shop, shows, name, value, verdict)
        for name, (value, verdict, shows) in STATES.items()
    }
    found |= {
        f"term-over-{name.replace('_', '-')}": one(
            shop,
            f"The term on paper is over, the list says {name}.",
            name,
            value,
            "valid" if name == "renewal_pending" else verdict if verdict != "valid" else "not_valid",
            certificate=OVER,
            term="over",
        )
        for name, (value, verdict, _) in STATES.items()
        if name in ("valid", "invalid", "renewal_pending", "conditional", "no_statement")
    }
    licence = Certificate(kind=2, index=23, name=None, subject="92441900MA52DEF10X", expires=None)
    proof = Certificate(kind=201, index=0, name=None, subject=None, ref="f1c0ffee00112233445a")
    first = replace(DEFAULT, issued=QUARTER[0])
    return found | {
        "licence-without-end": one(
            shop, "A licence without a last day.", "valid", 0, "valid", certificate=licence, term="none"
        ),
        "proof-at-index-0": one(
            shop, "A proof about a person, at the first index.", "valid", 0, "valid", certificate=proof
        ),
        "first-second-of-the-quarter": one(
            shop, "The quarter is that of the calendar in China, +08:00.", "valid", 0, "valid", certificate=first
        ),
        "highest-index": one(
            shop,
            "The last entry there is: the upper half of the last byte.",
            "suspended",
            2,
            "not_valid",
            certificate=replace(DEFAULT, index=1_048_575),
        ),
        "odd-index-beside-another": beside(shop, 345_677, {345_677: 0, 345_676: 1}, "upper"),
        "even-index-beside-another": beside(shop, 345_678, {345_678: 0, 345_679: 1}, "lower"),
        "many-entries": many(shop),
        "digits-alone": {**plain(shop), "shows": "The digits without an address.", "qr": shop.qr().rpartition("/")[2]},
        "address-in-small-letters": {
            **plain(shop),
            "shows": "As a phone's camera may give it on: small letters, a port.",
            "qr": "http://localhost:8000/q/" + shop.qr().rpartition("/")[2],
        },
        "last-second": {**plain(shop, age=86_399), "shows": "A second before its exp.", "now": seconds(MADE) + 86_399},
        "clock-a-little-slow": {
            **plain(shop, age=0),
            "shows": "A reader's clock that is four minutes slow: age 0.",
            "now": seconds(MADE) - 240,
        },
        "further-claims": {
            **plain(shop),
            "shows": "Claims that nobody knows are passed over.",
            "list": shop.jwt(claims(packed({DEFAULT.index: 0}), iss="x", jti="y")),
        },
        "other-host": {
            **plain(shop),
            "shows": "A mirror's or a former address: the name counts, and who signed.",
            "list": shop.jwt(claims(packed({DEFAULT.index: 0}), sub="http://localhost:8000/status/101-2026q4")),
        },
        "shorter-list": {
            **plain(shop),
            "shows": "A list that ends behind the index.",
            "list": shop.jwt(claims(packed({DEFAULT.index: 0}, DEFAULT.index // 2 + 1))),
        },
        "next-status-key": {
            **plain(shop),
            "shows": "Signed by the next generation of the key.",
            "list": shop.jwt(claims(packed({DEFAULT.index: 0})), shop.ours["status2"]),
        },
        "made-before-its-key-was-revoked": {
            **plain(shop),
            "keys": "status-key-revoked-later",
            "shows": "The key was revoked, not stolen, after the list was made.",
        },
    }


def one(
    shop: Workshop,
    shows: str,
    state: str,
    value: int,
    verdict: str,
    *,
    certificate: Certificate = DEFAULT,
    term: str = "in_force",
) -> dict[str, Any]:
    """A sound token and a list that has this value at its index."""
    name = f"{certificate.kind}-2026q4"
    expected = {
        "verdict": verdict,
        "token": "sound",
        "token_reason": "signed_by_us",
        "term": term,
        "state": state,
        "list": "read",
        "age_s": 42,
    }
    status_list = shop.jwt(claims(packed({certificate.index: value}), name))
    return {
        "shows": shows,
        "keys": "ours",
        "now": seconds(NOW),
        "qr": shop.qr(certificate),
        "list": status_list,
        "expected": expected,
    }


def plain(shop: Workshop, age: int = 42) -> dict[str, Any]:
    """The plainest vector, whose list is so old."""
    found = one(shop, "", "valid", 0, "valid")
    return found | {"expected": found["expected"] | {"age_s": age}}


def beside(shop: Workshop, index: int, values: dict[int, int], half: str) -> dict[str, Any]:
    """Two entries in one byte."""
    found = one(
        shop,
        f"The {half} half of a byte; the other half says invalid.",
        "valid",
        0,
        "valid",
        certificate=replace(DEFAULT, index=index),
    )
    return found | {"list": shop.jwt(claims(packed(values)))}


def many(shop: Workshop) -> dict[str, Any]:
    """A list with 20,000 entries."""
    drawn = random.Random(1)
    values = {drawn.randrange(1 << 20): drawn.choice((0, 0, 0, 0, 0, 0, 1, 2, 3, 12, 13, 14)) for _ in range(20_000)}
    found = one(shop, "20,000 entries of every kind.", "valid", 0, "valid")
    return found | {"list": shop.jwt(claims(packed(values | {DEFAULT.index: 0})))}


def bad(shop: Workshop) -> dict[str, dict[str, Any]]:
    """Every flawed vector."""
    return {name: _bad(shop, flaw) for name, flaw in flaws(shop).items()}


def _bad(shop: Workshop, flaw: dict[str, Any]) -> dict[str, Any]:
    outcome = flaw.get("outcome", "sound")
    sound = outcome == "sound"
    late = (
        "list_expired",
        "list_from_the_future",
        "keys_too_old",
        "list_signed_outside_key_term",
        "list_unreadable",
        "index_out_of_range",
        "value_reserved",
    )
    now = flaw.get("now", seconds(NOW))
    made = seconds(NOW) + 301 if flaw.get("reason") == "list_from_the_future" else seconds(MADE)
    expected = {
        "verdict": "undetermined" if outcome in ("sound", "unknown") else "not_valid",
        "token": outcome,
        "token_reason": flaw.get("token_reason", "signed_by_us"),
        "term": flaw.get("term", "in_force") if sound else "unknown",
        "state": None,
        "list": flaw["reason"] if sound else "not_looked_at",
        "age_s": max(0, now - made) if sound and flaw["reason"] in late else None,
    }
    qr = flaw["qr"] if "qr" in flaw else shop.qr(flaw.get("certificate", DEFAULT))
    return {
        "shows": flaw["shows"],
        "keys": flaw.get("keys", "ours"),
        "now": now,
        "qr": qr,
        "list": flaw["list"],
        "expected": expected,
    }


def signed_keys(shop: Workshop) -> dict[str, str]:
    """A whole trust/verifier.json."""
    signer = shop.ours["list"]
    header = shop.header(signer, typ="verifier-keys+jwt")
    protected, payload, signature = shop.jwt(keys_file(shop.ours, None)["verifier"], signer, header).split(".")
    return {"payload": payload, "protected": protected, "signature": signature}


def write(path: Path, value: object) -> None:
    """JSON that reads well in a review."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", "utf-8")


def main(folder: Path) -> None:
    """Make them all."""
    shop = Workshop()
    for name, (revoked, made) in KEYS.items():
        write(folder / "keys" / f"{name}.json", keys_file(shop.ours, revoked, made))
    write(folder / "keys" / "verifier-jws.json", signed_keys(shop))
    for kind, vectors in (("good", good(shop)), ("bad", bad(shop))):
        for name, vector in vectors.items():
            write(folder / kind / f"{name}.json", vector)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
