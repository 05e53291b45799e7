"""Problems of a payload: by field, in both languages, all at once."""

from typing import Any

import pytest
from type_folder import catalog, example, kind

from certsvc.catalog import CertificateType
from certsvc.catalog.load import examples
from certsvc.catalog.problems import WORDS
from certsvc.catalog.schema_checks import KEYWORDS
from certsvc.demo.orders import SHOWN
from certsvc.errors import Problem

LICENCE, FOOD, WATER = "business-licence-company", "food-business", "tiered-water-proof"


def problems(type_id: str, name: str, /, **changes: object) -> list[Problem]:
    """The problems of a good example with `changes`; a field changed to None is left out."""
    payload = example(type_id, name) | changes
    return kind(type_id).problems({key: value for key, value in payload.items() if value is not None})


def found(type_id: str, name: str, /, **changes: object) -> list[tuple[str, str]]:
    """Field and code of each problem."""
    return [(problem.field, problem.code) for problem in problems(type_id, name, **changes)]


def test_all_problems_are_named_at_once_by_field_in_both_languages() -> None:
    payload = example(LICENCE, "bad-everything-at-once")["payload"]
    said = {problem.field: (problem.zh, problem.en) for problem in kind(LICENCE).problems(payload)}
    assert said == {
        "uscc": (
            "统一社会信用代码：统一社会信用代码的校验位不符，请核对有没有抄错。",
            "Unified social credit code: The check character of the unified social credit code does not match: "
            "compare it with the original.",
        ),
        "established": (
            "成立日期：应为存在的日期，写作 2026-11-24。",
            "Established: It must be a date that exists, written 2026-11-24.",
        ),
        "name": ("名称必须填写。", "Name must be given."),
        "phone": ("phone这种证照没有这一项。", "phone is not a field of this certificate."),
    }


def test_an_entry_of_a_list_is_named_by_its_place() -> None:
    names = [*example(WATER, "good-zhou")["names"][:5], ""]
    [problem] = problems(WATER, "good-zhou", names=names)
    assert (problem.field, problem.zh) == ("names.5", "常住人员第 6 项至少要 1 个字。")
    assert problem.en == "Residents, item 6 needs at least 1 characters."


@pytest.mark.parametrize(
    ("changes", "said_zh", "said_en"),
    [
        ({"rooms": "46"}, "房间数应为整数。", "must be a whole number."),
        ({"name": 5}, "经营者名称应为文字。", "must be text."),
        ({"rooms": 0}, "房间数不能小于 1。", "must be at least 1."),
        ({"rooms": 5001}, "房间数不能大于 5000。", "must be at most 5000."),
        ({"trade": "典当业"}, "行业类别只能是 旅馆业。", "must be 旅馆业."),
        ({"name": "云" * 81}, "经营者名称超过 80 个字。", "has more than 80 characters."),
        ({"address": "云岗"}, "经营场所至少要 4 个字。", "needs at least 4 characters."),
    ],
)
def test_each_limit_is_said_in_words(changes: dict[str, Any], said_zh: str, said_en: str) -> None:
    [problem] = problems("hotel-special-trade", "good-hotel", **changes)
    assert problem.zh == said_zh
    assert problem.en.endswith(said_en)


def test_limits_of_lists_and_choices_are_said_in_words() -> None:
    many = [f"热食类食品制售{i}" for i in range(13)]
    said = [problem.zh for problem in problems(FOOD, "good-snack-bar", items=many, category="工厂")]
    assert sorted(said) == [
        "主体业态只能是 食品销售经营者、餐饮服务经营者、单位食堂 之一。",
        "经营项目最多 12 项。",
    ]
    assert found(FOOD, "good-snack-bar", items=[]) == [("items", "minItems")]
    assert found(FOOD, "good-snack-bar", items="热食") == [("items", "type")]


def test_every_keyword_a_schema_may_use_has_words() -> None:
    assert KEYWORDS - {"format", "items"} <= WORDS.keys()


@pytest.mark.parametrize("payload", [{}, {"name": []}, {"uscc": {"a": {"b": []}}}, {"name": None}, {"": ""}])
def test_any_json_object_gets_an_answer(payload: dict[str, Any]) -> None:
    for each in catalog():
        assert {problem.code for problem in each.problems(payload)} >= {"required"}


def test_a_fraction_that_passes_for_a_whole_number_is_refused() -> None:
    assert found("hotel-special-trade", "good-hotel", rooms=46.0) == [("rooms", "characters")]


def test_half_a_surrogate_pair_is_refused_and_nothing_raises() -> None:
    assert found(LICENCE, "good-lingnan", name="云山市\ud842商贸有限公司") == [("name", "characters")]


@pytest.mark.parametrize(
    "text",
    [
        "何婉仪 ",
        " 何婉仪",
        "何  婉仪",
        "何\u3000婉仪",
        "何\u00a0婉仪",
        "何\n婉仪",
        "何\t婉仪",
        "何\u200b婉仪",
        "何\u202e婉仪",
        "何\ufeff婉仪",
        "何\u2028婉仪",
        "何\ue000婉仪",
        "何\x00婉仪",
        "何\u00ad婉仪",
        "何\x7f婉仪",
    ],
)
def test_a_text_that_is_not_what_it_looks_like_on_paper_is_refused(text: str) -> None:
    assert found(LICENCE, "good-lingnan", legal_representative=text) == [("legal_representative", "characters")]


@pytest.mark.parametrize("text", ["何婉仪", "Mary Anne O’Neil", "𬱖㛃", "阿卜杜拉·买买提", "(IDC/ISP 2.0)%"])
def test_an_ordinary_text_is_accepted(text: str) -> None:
    assert found(LICENCE, "good-lingnan", legal_representative=text) == []


def test_a_control_character_in_a_list_is_found_where_it_is() -> None:
    assert found(FOOD, "good-snack-bar", items=["热食类食品制售", "自制\u0007饮品"]) == [("items.1", "characters")]


def test_codes_are_taken_in_their_normal_form_only() -> None:
    for written in ("92441900ma52def10x", " 92441900MA52DEF10X", "92441900MA52DEF10X "):
        assert ("uscc", "format") in found(FOOD, "good-snack-bar", uscc=written)
    assert problems(FOOD, "good-snack-bar", uscc="92441900ma52def10x")[0].en.endswith(
        "Use capitals, and no spaces around it."
    )


@pytest.mark.parametrize(
    "text", ["2026-2-01", "20260201", "2026-02-29", "2026-02-01T00:00", "１９９９-01-01", "", "0999-01-01"]
)
def test_a_date_that_does_not_exist_or_is_written_otherwise_is_refused(text: str) -> None:
    assert ("established", "format") in found(LICENCE, "good-lingnan", established=text)


@pytest.mark.parametrize(
    "code", ["440524188001010015", "440524188013010014", "44052418800101001", "44052418800101001x"]
)
def test_a_wrong_citizen_id_is_refused(code: str) -> None:
    assert found(WATER, "good-zhou", applicant_id=code) == [("applicant_id", "format")]


def test_a_rule_across_fields_is_not_asked_of_a_field_that_is_wrong_itself() -> None:
    assert found(FOOD, "good-snack-bar", valid_from="yesterday", valid_to="2000-01-01") == [("valid_from", "format")]
    assert found(FOOD, "good-snack-bar", valid_from=None) == [("valid_from", "required")]


@pytest.mark.parametrize("each", list(catalog()), ids=lambda each: each.id)
def test_every_rule_of_a_type_has_a_bad_example_that_breaks_it(each: CertificateType) -> None:
    broken = {(item["field"], item["code"]) for _, bad in examples(each, "bad") for item in bad["problems"]}
    assert {(rule.field, rule.code) for rule in each.definition.rules} <= broken


@pytest.mark.parametrize("each", list(catalog()), ids=lambda each: each.id)
def test_every_type_has_two_good_examples_one_much_longer(each: CertificateType) -> None:
    lengths = sorted(len(str(payload)) for _, payload in examples(each, "good"))
    assert len(lengths) >= 2 and lengths[-1] >= 1.25 * lengths[0]


def test_every_permit_of_the_types_shown_is_tied_to_a_licence_of_theirs() -> None:
    """The demonstration issues them all; of other types a holder may be a business that has no example of its own."""
    licences = {
        each.subject(payload)
        for each in catalog()
        if each.category == "licence" and each.id in SHOWN
        for _, payload in examples(each, "good")
    }
    tied = {
        each.licence(payload)
        for each in catalog()
        if each.category == "permit" and each.id in SHOWN
        for _, payload in examples(each, "good")
    }
    assert tied <= licences
