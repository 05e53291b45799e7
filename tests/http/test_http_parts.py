"""The small parts of a page: what is picked from a report, how codes and dates are written, how modules import."""

import ast
import os
from collections.abc import Iterator
from datetime import timedelta
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from public_site import ROOT, TODAY, certificate, decided, licence_with_permits, make_site

from certsvc.domain.certificate import RegisteredCertificate
from certsvc.domain.states import Condition, ConditionKind, Status
from certsvc.http.pages import keep_days_whole
from certsvc.http.templates import load_templates
from certsvc.http.verifier.view import in_groups

HTTP = ROOT / "certsvc" / "http"


@pytest.fixture(scope="module")
def shelf() -> list[RegisteredCertificate]:
    old, new = (str(TODAY + timedelta(days=days)) for days in (-900, -3))
    renewal = certificate(
        "food-business",
        "good-restaurant",
        number="JY24419000000026",
        valid_from=old,
        valid_to=new,
        status=Status.RENEWAL_PENDING,
        conditions=(Condition(kind=ConditionKind.RENEWAL_PENDING, since=TODAY - timedelta(days=60)),),
    )
    proof = certificate("tiered-water-proof", "good-zhou", number="云岗证〔2026〕0007号")
    back = certificate("business-licence-sole-trader", "good-aqiang", change=decided("resume"))
    return [*licence_with_permits(), renewal, proof, back]


@pytest.fixture(scope="module")
def client(
    tmp_path_factory: pytest.TempPathFactory, shelf: list[RegisteredCertificate]
) -> Iterator[TestClient[Litestar]]:
    with TestClient(make_site(tmp_path_factory.mktemp("public"), shelf).app) as opened:
        yield opened


def page(client: TestClient[Litestar], one: RegisteredCertificate) -> str:
    return client.get(f"/C/{one.ref.typed_code}").text


def test_no_module_of_the_web_imports_itself_in_a_circle() -> None:
    graph = {}
    for path in HTTP.glob("*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        names = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
        graph[f"certsvc.http.{path.stem}"] = {name for name in names if name.startswith("certsvc.http.")}
    assert len(list(TopologicalSorter(graph).static_order())) >= len(graph)


def test_a_process_keeps_the_templates_that_it_read(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("as it was", "utf-8")
    os.utime(page, (0, 0))
    templates = load_templates(tmp_path)
    assert templates.get_template("page.html").render() == "as it was"
    page.write_text("{{ of_a_newer_program }}", "utf-8")
    assert templates.get_template("page.html").render() == "as it was"


def test_a_date_never_breaks_over_two_lines_and_stays_text() -> None:
    assert keep_days_whole("2026年1月2日<b>") == '<span class="day">2026年1月2日</span>&lt;b&gt;'
    assert keep_days_whole("2026-01-02 至 2027-01-01").count('<span class="day">') == 2
    assert keep_days_whole("Last day 3 January 2031") == 'Last day <span class="day">3 January 2031</span>'
    assert keep_days_whole("第1900A00123号") == "第1900A00123号"


def test_long_codes_stand_in_groups_of_four_and_other_numbers_as_printed() -> None:
    assert in_groups("91441900MA51ABC088") == ("9144", "1900", "MA51", "ABC0", "88")
    assert in_groups("云消安检字〔2023〕第0187号") == in_groups("0000-00000315") == in_groups("1") == ()


def test_the_typed_code_stands_as_it_is_printed(
    client: TestClient[Litestar], shelf: list[RegisteredCertificate]
) -> None:
    assert f"<i>{shelf[0].ref.typed_code}</i>" in page(client, shelf[0])


def test_a_renewal_shows_when_it_was_accepted(client: TestClient[Litestar], shelf: list[RegisteredCertificate]) -> None:
    text = page(client, shelf[-3])
    assert "受理了延续申请" in text and "生效日期" not in text and "依法延续" in text


def test_a_suspended_permit_shows_the_act_and_a_valid_certificate_none(
    client: TestClient[Litestar], shelf: list[RegisteredCertificate]
) -> None:
    text = page(client, shelf[4])
    for word in ("生效日期", "原因", "销售侵权出版物", "决定书", "云文罚〔2026〕31号"):
        assert word in text
    assert "生效日期" not in page(client, shelf[-1])


def test_a_stale_permit_tells_its_last_known_state_and_that_it_says_nothing_of_now(
    client: TestClient[Litestar], shelf: list[RegisteredCertificate]
) -> None:
    text = page(client, shelf[0])
    assert "26 小时前，超过时限" in text and "最近一次确认为“有效”，不能说明现在" in text


def test_a_proof_shows_masked_fields_only_and_says_so(
    client: TestClient[Litestar], shelf: list[RegisteredCertificate]
) -> None:
    text = page(client, shelf[-2])
    assert "周**" in text and "带 * 的内容" in text
    assert shelf[-2].holder_name == "周**" and "周建" not in text


def test_a_missing_word_or_template_stops_the_start_not_a_reader(tmp_path: Path) -> None:
    from certsvc.errors import SettingsError
    from certsvc.http.pages import Pages
    from certsvc.http.site import Site

    (tmp_path / "words").mkdir()
    with pytest.raises(SettingsError):
        Pages(Site("yz.example", "http://yz.example", tmp_path, tmp_path, True))
