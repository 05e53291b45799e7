"""`trust/verifier.json`: the keys a page goes by, with revocations applied, and anew as soon as a key is."""

import asyncio
import base64
import json
import sys
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "authority"))

from ceremonies import NOW, PUBLIC_URL, hold, make_home, open_held

from certsvc.authority.authority import Authority
from certsvc.authority.verifier_keys import make_verifier_keys
from certsvc.domain.revocation import Reason, Revocation
from certsvc.listing import TrustWatch
from certsvc.verify.anchors import AnchorFolder
from certsvc.verify.offline_keys import AnchorKeys, read_keys_file

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def held(tmp_path: Path) -> tuple[Authority, Path]:
    """An authority, and its public facts."""
    home, plan = make_home(tmp_path)
    hold(home, plan)
    authority = open_held(home)
    authority.token_key(NOW)
    return authority, home / "public"


def claims(authority: Authority, now: datetime = NOW) -> dict[str, Any]:
    """What the file says."""
    payload = json.loads(make_verifier_keys(authority, PUBLIC_URL, now))["payload"]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return found


def revoke(authority: Authority, name: str, reason: Reason, since: datetime) -> None:
    said = Revocation(
        name=name, reason=reason, effective=since, decided_at=since, by="陈主管", confirmed_by="林副主管", why="演练"
    )
    authority.record(said)
    authority.facts.renew(since + HOUR)


def test_it_says_the_same_as_anchors_do(held: tuple[Authority, Path]) -> None:
    authority, public = held
    anchors = AnchorFolder(public).current()
    keys = read_keys_file(make_verifier_keys(authority, PUBLIC_URL, NOW), anchors, NOW)
    assert keys.token_keys == anchors.token_keys and keys.is_demonstration
    assert list(keys.status_keys) == [entry["kid"] for entry in claims(authority)["status_keys"]]
    assert claims(authority)["public_url"] == PUBLIC_URL


@pytest.mark.parametrize("name", ["status", "token-2026q4"])
@pytest.mark.parametrize("reason", [Reason.KEY_COMPROMISE, Reason.SUPERSEDED])
def test_a_revoked_key_is_told_apart_and_in_both_forms_alike(
    held: tuple[Authority, Path], name: str, reason: Reason
) -> None:
    authority, public = held
    revoke(authority, name, reason, NOW + DAY)
    section = "status_keys" if name == "status" else "token_keys"
    (entry,) = claims(authority)[section]
    ends = int(authority.certificate(name).not_valid_after_utc.timestamp())
    stolen = reason is Reason.KEY_COMPROMISE
    assert (entry["compromised"], entry["not_after"]) == (stolen, ends if stolen else int((NOW + DAY).timestamp()))
    anchors = AnchorFolder(public).current()
    keys = read_keys_file(make_verifier_keys(authority, PUBLIC_URL, NOW + DAY), anchors, NOW + DAY)
    assert keys.token_keys == anchors.token_keys
    chain = [authority.certificate(each).public_bytes(Encoding.DER) for each in ("status", "issuing")]
    (status,) = claims(authority)["status_keys"]
    assert AnchorKeys(anchors).list_key(status["kid"], chain) == keys.list_key(status["kid"], ())


def test_under_a_stolen_authority_no_key_for_lists_counts(held: tuple[Authority, Path]) -> None:
    authority, _ = held
    authority.record(
        Revocation(
            name="issuing",
            reason=Reason.CA_COMPROMISE,
            effective=NOW,
            decided_at=NOW,
            by="陈主管",
            confirmed_by="林副主管",
            why="演练",
        )
    )
    assert [entry["compromised"] for entry in claims(authority)["status_keys"]] == [True]


@dataclass
class Published:
    """Counts."""

    times: list[datetime] = field(default_factory=list)
    broken: bool = False

    def __call__(self, now: datetime) -> None:
        if self.broken:
            raise OSError(28, "No space left on device")
        self.times.append(now)


def test_trust_is_published_anew_as_soon_as_a_key_is_made_or_revoked_and_not_otherwise(
    held: tuple[Authority, Path],
) -> None:
    authority, _ = held
    published = Published()
    watch = TrustWatch(authority, published)

    def look(day: int) -> int:
        asyncio.run(watch.look(NOW + day * DAY))
        return len(published.times)

    assert (look(0), look(1)) == (1, 1)
    authority.token_key(NOW + 60 * DAY)
    assert (look(2), look(3)) == (2, 2)
    revoke(authority, "status", Reason.SUPERSEDED, NOW)
    published.broken = True
    with pytest.raises(OSError, match="space"):
        look(4)
    published.broken = False
    assert (look(5), look(6)) == (3, 3)
