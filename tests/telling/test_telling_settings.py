"""What is said of telling beforehand: the networks that an operator allows, and the kinds of notice in the contract."""

import re
from pathlib import Path

import pytest
from demonstration import ROOT

from certsvc.domain.batch import MOVES
from certsvc.domain.receiver import ToldKind
from certsvc.errors import SettingsError
from certsvc.http.office.webhook_shapes import KINDS
from certsvc.settings import Webhooks, load_settings
from certsvc.store.batches import QUIET


def test_the_contract_names_every_kind_of_notice_that_is_told() -> None:
    told = set[str]()
    for path in (ROOT / "certsvc" / "store").glob("*.py"):
        told |= set(
            re.findall(r'"((?:case|record|report|source|webhook|seal_request)\.[a-z_]+)"', path.read_text("utf-8"))
        )
    assert {"case.part_late", "source.late", "webhook.disabled"} <= told
    told |= {f"batch.{MOVES[move].after}" for move in MOVES if move not in QUIET}
    told |= {"approval.asked", "approval.returned", "approval.done", "approval.failed"}
    told |= {f"proof.{kind}" for kind in ToldKind}
    named = set(re.findall(r"`([a-z_]+\.[a-z_]+)`", KINDS)) - {"certificate.issue", "certificate.revoke"}
    assert named == told


def test_networks_are_those_of_the_operator_and_of_a_demonstration_also_the_machine_itself() -> None:
    asked = Webhooks(networks=("10.20.0.0/16", "fd00:1::/32"))
    assert [*map(str, asked.allowed(is_demonstration=False))] == ["10.20.0.0/16", "fd00:1::/32"]
    assert [*map(str, Webhooks().allowed(is_demonstration=False))] == []
    assert [*map(str, Webhooks().allowed(is_demonstration=True))] == ["127.0.0.1/32", "::1/128"]


@pytest.mark.parametrize("network", ["10.20.0.0/33", "10.20.0.1/16", "intranet", "", "10.20.0.0/16 10.21.0.0/16"])
def test_a_malformed_network_is_refused_at_the_start_with_its_name(network: str, tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text(f'[webhooks]\nnetworks = ["{network}"]\n')
    with pytest.raises(SettingsError, match=r"webhooks\.networks"):
        load_settings({"CERTSVC_HOME": str(tmp_path)})


def test_networks_are_joined_by_commas_in_the_environment(tmp_path: Path) -> None:
    environment = {"CERTSVC_HOME": str(tmp_path), "CERTSVC_WEBHOOKS_NETWORKS": "10.20.0.0/16,fd00:1::/32"}
    assert load_settings(environment).webhooks.networks == ("10.20.0.0/16", "fd00:1::/32")
