"""What follows from a type for a payload: number, holder, term, public view, texts."""

import json
import re
from datetime import date
from pathlib import Path

import pytest
from type_folder import catalog, copy_type, example, kind

from certsvc.catalog import CertificateType, load_catalog
from certsvc.catalog.load import examples
from certsvc.catalog.types import as_text
from certsvc.domain.masking import COMPOUND_SURNAMES
from certsvc.domain.number import NumberSeries

ON = date(2026, 11, 24)
WATER = "tiered-water-proof"


def number(type_id: str, name: str, serial: int, area: str = "441900") -> str:
    """The printed number of an example with this serial."""
    series = kind(type_id).number(example(type_id, name), area, ON)
    assert isinstance(series, NumberSeries)
    return series.number(serial)


@pytest.mark.parametrize(
    ("name", "serial", "area", "printed"),
    [
        ("good-restaurant", 1, "441900", "JY14419000000013"),
        ("good-restaurant", 121565, "110807", "JY11108071215650"),
        ("good-restaurant", 2590, "310106", "JY13101060025900"),
        ("good-snack-bar", 10526, "350623", "JY23506230105266"),
    ],
)
def test_a_food_number_carries_its_category_area_serial_and_check_digit(
    name: str, serial: int, area: str, printed: str
) -> None:
    assert number("food-business", name, serial, area) == printed


def test_numbers_of_the_other_permits_and_of_the_proof() -> None:
    assert number("public-place-hygiene", "good-hotel", 7) == "粤卫公证字〔2026〕第441900A00007号"
    assert number("drug-retail", "good-pharmacy", 7) == "粤DA769000007"
    assert number("hotel-special-trade", "good-hotel", 7) == "云公特旅字第000007号"
    assert number("publications-retail", "good-books", 7) == "云山新出发零字第00007号"
    assert number("fire-safety-check", "good-hotel", 7) == "云消安检字〔2026〕第0007号"
    assert number(WATER, "good-zhou", 12345) == "石塘村证〔2026〕水字第12345号"


def test_a_licence_is_numbered_by_its_own_code() -> None:
    for type_id, name in (("company", "good-lingnan"), ("sole-trader", "good-aqiang"), ("cooperative", "good-fengsui")):
        payload = example(f"business-licence-{type_id}", name)
        assert kind(f"business-licence-{type_id}").number(payload, "441900", ON) == payload["uscc"]


def test_a_business_is_the_subject_and_a_person_never_is() -> None:
    licence, proof = kind("business-licence-company"), kind(WATER)
    assert licence.subject(example(licence.id, "good-lingnan")) == "91441900MA51ABC088"
    assert proof.subject(example(WATER, "good-zhou")) is None
    assert proof.holder(example(WATER, "good-zhou")).code == "440524188001010014"
    assert proof.public_holder_name(example(WATER, "good-zhou")) == "周**"
    assert licence.public_holder_name(example(licence.id, "good-lingnan")) == "云山市岭南鲜生商贸有限公司"


def test_terms_with_and_without_an_end() -> None:
    company = kind("business-licence-company")
    assert company.term(example(company.id, "good-lingnan")).end is None
    assert company.term(example(company.id, "good-long-scope")).end == date(2041, 8, 31)
    assert kind("hotel-special-trade").term(example("hotel-special-trade", "good-hotel")).end is None
    assert kind(WATER).term(example(WATER, "good-zhou")).end == date(2027, 11, 23)


def test_the_public_view_of_a_proof_shows_no_more_than_its_public_fields_masked() -> None:
    view = kind(WATER).public_view(example(WATER, "good-zhou"))
    assert view == {
        "applicant": "周**",
        "water_address": "云山市云岗镇***",
        "account": "***",
        "receiver": "云山市云岗水务有限公司",
        "purpose": "办理居民阶梯水费户籍人口核增",
        "phone": "0000-00000315",
        "valid_from": "2026-11-24",
        "valid_to": "2027-11-23",
    }


PROOFS = [each for each in catalog() if each.category == "proof"]


@pytest.mark.parametrize("each", PROOFS, ids=lambda each: each.id)
def test_nothing_about_a_person_leaves_a_proof_in_clear(each: CertificateType) -> None:
    hidden = [field.key for field in each.definition.fields if field.public is None]
    for _, payload in examples(each, "good"):
        view = each.public_view(payload)
        shown = json.dumps(view, ensure_ascii=False)
        people = [party.name for party in each.holders(payload) if party.is_person]
        given_names = [name[2 if name[:2] in COMPOUND_SURNAMES else 1 :] for name in people]
        codes = [party.code for party in each.holders(payload) if party.is_person and party.code]
        births = [code[6:14] for code in codes if len(code) == 18]
        texts = [payload[key] for key in hidden if isinstance(payload.get(key), str) and len(payload[key]) > 3]
        told = {text for text in texts if text in view.values()}  # what another field tells is no secret of this one
        secret = [*people, *given_names, *codes, *births, *(set(texts) - told)]
        assert [part for part in secret if part in shown] == []


def test_the_proof_for_the_water_tariff_tells_neither_address_nor_account_nor_household() -> None:
    payload = example(WATER, "good-zhou")
    shown = json.dumps(kind(WATER).public_view(payload), ensure_ascii=False)
    assert [part for part in (payload["account"], payload["water_address"], *payload["names"]) if part in shown] == []


@pytest.mark.parametrize("each", list(catalog()), ids=lambda each: each.id)
def test_a_field_of_a_person_is_public_only_where_the_register_itself_is(each: CertificateType) -> None:
    public = {field.key: field.public for field in each.definition.fields if field.public is not None}
    assert all("id" not in key.split("_") for key in public)
    if each.category == "proof":
        holders = (each.definition.holder, *each.definition.further_holders)
        assert {public.get(holder.name, "name") for holder in holders} == {"name"}
        assert {holder.public for holder in holders} == {"name"}
        assert not {"names", "residents", "handler"} & public.keys()


@pytest.mark.parametrize(
    ("field", "rule", "shown"),
    [
        ("residents", "hidden", "***"),
        ("names", "hidden", "***"),
        ("names", "name", ["周**", "周**", "李**", "周**", "周**", "欧阳**"]),
        ("applicant_id", "citizen_id", "4405**********0014"),
        ("residents", "clear", 6),
    ],
)
def test_a_number_is_masked_too_and_a_hidden_list_does_not_tell_its_length(
    field: str, rule: str, shown: object, tmp_path: Path
) -> None:
    place = copy_type(tmp_path, WATER)
    text = (place / "type.toml").read_text("utf-8")
    row = re.compile(rf'(key = "{field}"\n(?:zh|en) = .*\n(?:zh|en) = .*\n)(public = .*\n)?')
    assert row.search(text)
    (place / "type.toml").write_text(row.sub(rf'\1public = "{rule}"\n', text), "utf-8")
    proof = load_catalog(tmp_path / "schemas").latest(WATER)
    assert proof.public_view(example(WATER, "good-zhou"))[field] == shown


def test_the_order_of_the_rows_is_the_order_of_the_face() -> None:
    payload = dict(reversed(example(WATER, "good-zhou").items()))
    keys = [field.key for field, _ in kind(WATER).rows(payload)]
    assert keys == [field.key for field in kind(WATER).definition.fields]
    assert list(kind(WATER).public_view(payload)) == [key for key in keys if key in kind(WATER).public_view(payload)]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("2019-04-16", "2019年04月16日"),
        ("2019-04-16至今", "2019-04-16至今"),
        ("云山市", "云山市"),
        (46, "46"),
        (True, "是"),
        (False, "否"),
        (["热食类食品制售", "自制饮品制售"], "热食类食品制售、自制饮品制售"),
        (["2019-04-16", 7], "2019年04月16日、7"),
    ],
)
def test_a_value_as_printed(value: object, text: str) -> None:
    assert as_text(value) == text
