"""What the state and the facts of a licence do to its permits, against the rules as they stand in the policies."""

import asyncio
import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from licensed import (
    COMPANY,
    FINDING,
    NOW,
    SCHEMAS,
    SINCE,
    TODAY,
    business,
    catalog,
    certificate,
    followed,
    kinds,
    payload_of,
    rule_for,
    written,
)

from certsvc.catalog import Catalog, load_catalog
from certsvc.domain.calendar import Term
from certsvc.domain.certificate import Category, Gathered, RegisteredCertificate
from certsvc.domain.states import ConditionKind, Status
from certsvc.ids import Ref
from certsvc.verify.gather import make_report
from certsvc.verify.report import CertificateReport, Report, Soundness
from certsvc.verify.scan import verify_code
from certsvc.verify.service import Verifying

OPEN = {"valid", "renewal_pending", "recheck_due", "conditional", "dormant"}
STOPPING = ("ends", "must_close", "suspends")
TYPES = [kind.id for kind in kinds(Category.PERMIT)]
LICENCES = [kind.id for kind in kinds(Category.LICENCE)]


def page(
    licence: RegisteredCertificate, permits: Sequence[RegisteredCertificate], known: Catalog | None = None
) -> dict[str, CertificateReport]:
    """The gathered page of a licence: a line for each permit, by its type."""
    gathered = Gathered(certificate=licence, root=licence, permits=tuple(permits))
    report = make_report(known or catalog(), "code", Soundness.SOUND, (), gathered, NOW)
    assert len(report.permits) == len(permits) >= 20
    return {line.certificate.type_id: line for line in report.permits}


def said(line: CertificateReport) -> list[tuple[str, str]]:
    """The rules that act, as cause and effect."""
    return [(one.cause, one.effect.value) for one in line.consequences]


# ---- the state of the licence ----


@pytest.mark.parametrize("status", list(Status))
def test_each_permit_is_what_its_policy_lets_it_be(status: Status) -> None:
    licence = business().licence(status)
    for type_id, line in page(licence, business().permits(licence.ref)).items():
        rule = rule_for(type_id, status.value)
        effect = rule["effect"] if rule else "unaffected"
        acting = [] if rule is None or effect == "unaffected" else [(status.value, effect)]
        assert said(line) == acting, type_id
        known = "not_valid" if effect in STOPPING else "valid"
        assert line.verdict.value == ("undetermined" if status is Status.UNKNOWN else known), type_id
        for one in line.consequences:
            assert rule is not None
            assert (one.ground.basis, one.ground.certainty, one.since) == (rule["basis"], rule["certainty"], SINCE)


def test_what_the_policies_say_is_what_the_law_means() -> None:
    """The rules for states, of whatever type: an end ends, a suspension suspends, dormancy does nothing."""
    for kind in kinds(Category.PERMIT):
        effects = {state: (rule_for(kind.id, state) or {"effect": None})["effect"] for state in (*OPEN, "suspended")}
        assert effects == dict.fromkeys(OPEN) | {"dormant": "unaffected", "suspended": "suspends"}, kind.id
        for state in ("revoked", "rescinded", "withdrawn", "closed", "closing_due"):
            assert (rule_for(kind.id, state) or {})["effect"] in ("ends", "must_close")
        assert (rule_for(kind.id, "transferred_out") or {})["effect"] == "must_reissue"


@pytest.mark.parametrize("status", list(Status))
def test_what_was_found_once_stays_whatever_becomes_of_the_licence(status: Status) -> None:
    licence, kind = business().licence(status, changes={"name": "云山市另名商贸有限公司"}), catalog().latest(FINDING)
    finding = certificate(kind, payload_of(kind), licence_ref=licence.ref)
    line = page(licence, [*business().permits(licence.ref), finding])[FINDING]
    assert said(line) == []
    assert line.verdict.value == ("undetermined" if status is Status.UNKNOWN else "valid")


PERMITS = business().permits(business().licence().ref)


@pytest.mark.long
@settings(max_examples=150, deadline=None)
@given(
    own=st.sampled_from(Status),
    term=st.sampled_from(("before", "in", "over", "none")),
    status=st.sampled_from(Status),
    beside=st.sets(st.sampled_from(ConditionKind)),
)
def test_a_permit_is_never_greener_than_its_licence_lets_it_be(
    own: Status, term: str, status: Status, beside: set[ConditionKind]
) -> None:
    terms = {
        "before": Term(TODAY + timedelta(days=1)),
        "in": Term(TODAY, TODAY),
        "over": Term(TODAY - timedelta(days=9), TODAY - timedelta(days=1)),
        "none": Term(TODAY),
    }
    licence = business().licence(status, *beside)
    permits = [replace(one, status=own, term=terms[term]) for one in PERMITS]
    for type_id, line in page(licence, permits).items():
        found = [
            rule for state in {status.value, *(kind.value for kind in beside)} if (rule := rule_for(type_id, state))
        ]
        if own is Status.UNKNOWN:
            expected = "undetermined"
        elif own.value not in OPEN or term == "before" or (term == "over" and own is not Status.RENEWAL_PENDING):
            expected = "not_valid"
        elif status is Status.UNKNOWN:
            expected = "undetermined"
        else:
            expected = "not_valid" if any(rule["effect"] in STOPPING for rule in found) else "valid"
        assert line.verdict.value == expected, (type_id, found)


# ---- what the licence says of itself ----


@pytest.mark.parametrize("type_id", LICENCES)
def test_where_all_say_the_same_there_is_no_note(type_id: str) -> None:
    """Also where a licence keeps its person in another field than the permit does."""
    licence = business(type_id).licence()
    for line in page(licence, business(type_id).permits(licence.ref)).values():
        assert (line.verdict.value, said(line)) == ("valid", [])


@pytest.mark.parametrize("type_id", LICENCES)
@pytest.mark.parametrize("fact", ["name", "address", "person"])
def test_a_change_of_the_licence_is_a_note_on_the_permits_that_follow_it(type_id: str, fact: str) -> None:
    owner = business(type_id)
    field = written(type_id)["facts"][fact]
    licence = owner.licence(changes={field: f"{owner.payload[field]}新"})
    lines = page(licence, owner.permits(licence.ref))
    told = {permit for permit, line in lines.items() if said(line) == [(fact, "must_reissue")]}
    assert told == {permit for permit in TYPES if fact in followed(permit)} != set()
    assert all(said(line) == [] for permit, line in lines.items() if permit not in told)
    assert {line.verdict.value for line in lines.values()} == {"valid"}
    for line in lines.values():
        for one in line.consequences:
            rules = written(line.certificate.type_id)["follows_licence"]
            rule = next(rule for rule in rules if rule["fact"] == fact)
            assert (one.ground.basis, one.ground.certainty) == (rule["basis"], rule["certainty"])


def test_a_note_does_not_hide_what_is_graver() -> None:
    licence = business().licence(Status.REVOKED, changes={"name": "云山市另名商贸有限公司"})
    for line in page(licence, PERMITS).values():
        assert said(line) == [("revoked", "ends"), ("name", "must_reissue")]
        assert (line.verdict.value, line.licence.value) == ("not_valid", "failed")


def test_every_permit_follows_the_name_and_not_every_one_the_rest() -> None:
    assert [permit for permit in TYPES if "name" not in followed(permit)] == []
    assert "address" not in followed("drug-retail") and "person" in followed("drug-retail")
    assert "person" not in followed("work-safety") and "address" in followed("work-safety")


# ---- what is not known of the licence ----


def without(licence: RegisteredCertificate) -> None:
    """Not on record."""


def too_old(licence: RegisteredCertificate) -> RegisteredCertificate:
    """Its state is a second older than its type allows."""
    limit = catalog().version(COMPANY, licence.type_version).status_max_age
    return replace(licence, status_age_s=int(limit.total_seconds()) + 1)


def of_no_known_type(licence: RegisteredCertificate) -> RegisteredCertificate:
    """A later version of its type than this program knows."""
    return replace(licence, type_version=99)


def of_no_known_state(licence: RegisteredCertificate) -> RegisteredCertificate:
    """The register has no state for the day."""
    return replace(licence, status=Status.UNKNOWN)


@pytest.mark.parametrize("doubt", [without, too_old, of_no_known_type, of_no_known_state])
@pytest.mark.parametrize("status", [Status.VALID, Status.REVOKED])
def test_a_permit_whose_licence_is_not_known_is_undetermined(doubt: Any, status: Status) -> None:
    licence = business().licence(status)
    gathered = Gathered(certificate=licence, root=doubt(licence), permits=PERMITS)
    for line in make_report(catalog(), "code", Soundness.SOUND, (), gathered, NOW).permits:
        assert (line.verdict.value, said(line), line.licence.value) == ("undetermined", [], "unknown")
        assert "licence_unknown" in [check.reason for check in line.checks]


def test_a_state_as_old_as_its_type_allows_still_counts() -> None:
    licence = business().licence(Status.REVOKED)
    limit = catalog().version(COMPANY, licence.type_version).status_max_age
    lines = page(replace(licence, status_age_s=int(limit.total_seconds())), PERMITS)
    assert {line.verdict.value for line in lines.values()} == {"not_valid"}


# ---- who is asked, and by which rules ----


def asked_for(
    one: RegisteredCertificate, root: RegisteredCertificate, permits: Sequence[RegisteredCertificate]
) -> Report:
    """A typed code, and a register that has this."""

    class Register:
        async def gather(self, ref: Ref, on: date, known_at: datetime) -> Gathered | None:
            assert (ref, on, known_at) == (one.ref, TODAY, NOW)
            licence = root if one.category is Category.PERMIT else None
            return Gathered(certificate=one, licence=licence, root=root, permits=tuple(permits))

    verifying = Verifying(
        catalog=catalog(), trust=cast("Any", None), register=cast("Any", Register()), inspector=cast("Any", None)
    )
    return asyncio.run(verify_code(verifying, one.ref.typed_code, NOW))


@pytest.mark.parametrize("status", list(Status))
def test_a_permit_asked_for_itself_gets_the_answer_of_its_line(status: Status) -> None:
    licence = business().licence(status)
    lines = page(licence, PERMITS)
    for permit in PERMITS:
        report = asked_for(permit, licence, ())
        assert report.certificate == lines[permit.type_id]
        assert report.verdict is lines[permit.type_id].verdict
        assert report.licence is not None and report.licence.certificate == licence


def test_an_old_version_of_the_licence_leaves_the_permits_to_the_one_that_holds() -> None:
    holding = business().licence(version=2)
    old = business().licence(Status.SUPERSEDED, life=holding.life)
    report = asked_for(old, holding, PERMITS)
    assert report.verdict.value == "not_valid"
    assert {line.verdict.value for line in report.permits} == {"valid"}
    report = asked_for(old, replace(holding, status=Status.SUSPENDED), PERMITS)
    assert {line.verdict.value for line in report.permits} == {"not_valid"}


@pytest.mark.long
def test_a_rule_of_the_type_replaces_the_general_one_and_looks_at_conditions_too(tmp_path: Path) -> None:
    shutil.copytree(SCHEMAS, tmp_path / "schemas")
    policy = tmp_path / "schemas" / "food-business" / "policy.toml"
    rule = ["[[when_licence]]", 'states = ["dormant", "revoked"]', 'effect = "suspends"', 'basis = "某法"']
    policy.write_text("\n".join([policy.read_text("utf-8"), *rule, 'certainty = "local"\n']), "utf-8")
    changed = load_catalog(tmp_path / "schemas")
    pending = page(business().licence(Status.RENEWAL_PENDING, ConditionKind.DORMANT), PERMITS, changed)
    stopped = {type_id: said(line) for type_id, line in pending.items() if line.verdict.value != "valid"}
    assert stopped == {"food-business": [("dormant", "suspends")]}
    revoked = page(business().licence(Status.REVOKED), PERMITS, changed)
    effects = {type_id: said(line) for type_id, line in revoked.items()}
    assert effects.pop("food-business") == [("revoked", "suspends")]
    assert set(map(str, effects.values())) == {"[('revoked', 'ends')]"}


def test_a_proof_asks_no_licence() -> None:
    kind = kinds(Category.PROOF)[0]
    report = asked_for(certificate(kind, payload_of(kind)), cast("Any", None), ())
    assert report.verdict.value == "valid"
    assert report.certificate is not None and report.certificate.consequences == ()
