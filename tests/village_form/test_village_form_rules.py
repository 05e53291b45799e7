"""Forms made from types: what was typed becomes the payload and comes back, and the words are those of the checks."""

import dataclasses
import json
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from form_room import CATALOG, PROOFS, good, proof_kinds
from hypothesis import given
from hypothesis import strategies as st

from certsvc.catalog import CertificateType
from certsvc.catalog.entry import entry_form, require_entry_forms
from certsvc.catalog.entry_checks import PROBES
from certsvc.domain.consent_words import consent_words
from certsvc.domain.entry_form import Asks, Check, Control, EntryField, read_answer, write_answer
from certsvc.domain.looked_into import Way, looked_into, ways_and_words
from certsvc.errors import CatalogError
from certsvc.http.form import Form
from certsvc.http.village.entry import PREFIX, read_typed

PENSION = CATALOG.latest("family-planning-pension-proof")
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\0"), max_size=12).map(str.strip)


def loaded(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


@pytest.mark.parametrize("category", ["licence", "permit", "proof"])
def test_every_good_example_of_every_type_is_typed_in_sent_and_comes_back_byte_for_byte(category: str) -> None:
    tried = 0
    for kind in CATALOG:
        if kind.category != category:
            continue
        form = entry_form(kind)
        for path in good(kind):
            payload, tried = loaded(path), tried + 1
            pairs = [(PREFIX + key, text) for key, texts in form.typed(payload).items() for text in texts]
            sent = Form(parse_qsl(urlencode(pairs), keep_blank_values=True))
            again = form.payload(read_typed(form, sent))
            assert json.dumps(again) == json.dumps(payload), path
    assert tried > 10


def bad_value(each: EntryField, check: Check, payload: dict[str, Any]) -> Any:
    """An answer that this check is there for; None where nothing that can be typed is one."""
    value = check.value if isinstance(check.value, int) else 0
    many, one = payload.get(each.key), "字"
    answers: dict[str, Any] = {
        "least": one * (value - 1) if value > 1 else None,
        "most": one * (value + 1),
        "minimum": value - 1,
        "maximum": value + 1,
        "whole": "三万",
        "pattern": "！" * max(each.least, 1),
        "least_items": None,
        "most_items": [one] * (value + 1),
        "count_of": int(many) + 1 if isinstance(many, int) else None,
        "not_before": "1999-12-31",
        "most_days": "2999-12-31",
        "most_years": "2999-12-31",
        "code_of_kind": "440524188001010015",
    }
    for name, faults in PROBES.items():
        answers |= {f"{name}.{fault}": probe for fault, probe in faults}
    return answers[check.kind]


@pytest.mark.long
@pytest.mark.parametrize("kind", proof_kinds(), ids=lambda kind: str(kind.id))
def test_the_browser_is_given_the_very_words_of_the_server(kind: CertificateType) -> None:
    payload, said = loaded(good(kind)[0]), 0
    if "code_kind" in payload:
        payload |= {"code_kind": "111", "applicant_id": "440524188001010014"}
    for each in entry_form(kind).fields:
        for check in each.checks:
            spoilt = {key: value for key, value in payload.items() if key != each.key}
            if check.kind != "required":
                spoilt[each.key] = bad_value(each, check, payload)
                if spoilt[each.key] is None:
                    continue
            problems = [(one.field, one.zh, one.en) for one in kind.problems(spoilt)]
            assert (each.key, check.said.zh, check.said.en) in problems, (check, problems)
            said += 1
    assert said > 30


@pytest.mark.parametrize("kind", proof_kinds(), ids=lambda kind: str(kind.id))
def test_every_question_has_a_place_and_help_and_what_is_known_is_not_asked(kind: CertificateType) -> None:
    form = entry_form(kind)
    asked = {each.key for each in form.of_clerk.fields}
    assert form.of_clerk.others == {"handler"} and asked == set(kind.schema["properties"]) - {"handler"}
    assert not {"source", "phone", "valid_from", "valid_to", "handler"} & {each.key for each in form.of_resident.fields}
    bare = [each.key for each in form.of_clerk.fields if each.control in (Control.TEXT, Control.LONG)]
    assert [each.key for each in form.fields if each.key in bare and not each.help and not each.example] == []
    assert all(each.asks is not Asks.CLERK or each.key not in ("applicant", "applicant_id") for each in form.fields)
    first = form.at_first(date(2026, 11, 27))
    assert kind.term({**loaded(good(kind)[0]), **first}).start.isoformat() == "2026-11-27"
    assert kind.problems({**loaded(good(kind)[0]), **first}) == []


@given(st.dictionaries(st.sampled_from([each.key for each in entry_form(PENSION).fields]), st.lists(TEXT, max_size=3)))
def test_whatever_is_typed_is_kept(typed: dict[str, list[str]]) -> None:
    form = entry_form(PENSION)
    payload = form.payload(typed)
    assert form.payload(form.typed(payload)) == payload
    for each in form.fields:
        given = [text for text in typed.get(each.key, []) if text]
        assert (each.key in payload) == bool(given)
        if given and each.control in (Control.TEXT, Control.LONG) and each.pattern is None:
            assert payload[each.key] == given[0]
        if given and isinstance(payload[each.key], str) and not kept_as_meant(payload[each.key], given[0]):
            raise AssertionError((each.key, given, payload[each.key]))


def kept_as_meant(value: str, text: str) -> bool:
    """As it was typed, or a code or a date in its normal form."""
    return value == text or value.isascii()


@pytest.mark.parametrize(
    ("control", "text", "value"),
    [
        (Control.WHOLE, "３８６００", 38600),
        (Control.WHOLE, "38,600", "38,600"),
        (Control.WHOLE, "三万", "三万"),
        (Control.WHOLE, "007", "007"),
        (Control.DAY, "2026年2月28日", "2026-02-28"),
        (Control.DAY, "2026/2/29", "2026/2/29"),
        (Control.CITIZEN_ID, "11010519491231002x", "11010519491231002X"),
        (Control.CITIZEN_ID, "１１０１０５ 19491231 002X", "11010519491231002X"),
        (Control.CITIZEN_ID, "11010519491231002y", "11010519491231002y"),
        (Control.YES_NO, "true", True),
        (Control.YES_NO, "maybe", "maybe"),
    ],
    ids=lambda value: str(value),
)
def test_what_can_be_read_is_a_value_and_what_cannot_stays(control: Control, text: str, value: Any) -> None:
    each = EntryField(key="x", label=entry_form(PENSION).title, control=control, is_required=False)
    assert read_answer(each, [text]) == value
    assert read_answer(each, write_answer(value)) == value


def test_what_is_asked_only_if_is_refused_elsewhere_and_only_there() -> None:
    form, payload = entry_form(PENSION), loaded(good(PENSION)[0])
    assert payload["children"] == 1 and "certificate" in payload
    assert form.problems(payload) == []
    (problem,) = form.problems(payload | {"children": 2})
    assert (problem.field, problem.code) == ("certificate", "not_asked") and "请清空" in problem.zh
    assert form.problems({**{k: v for k, v in payload.items() if k != "certificate"}, "children": 2}) == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[fields.nobody]\nexample = 'x'", "nobody"),
        ("[fields.children]\nhint = 'x'", "hint"),
        ("[fields.certificate.when]\nfield = 'nobody'\nvalues = ['1']", "certificate"),
        ("[fields.births.when]\nfield = 'children'\nvalues = ['1']", "births"),
        ("[fields.certificate.when]\nfield = 'children'\nvalues = []", "certificate"),
        ("fields = 3", "fields"),
    ],
    ids=["no such field", "no such key", "no such question", "required", "never", "no table"],
)
def test_a_wrong_file_stops_the_start_and_says_where(tmp_path: Path, text: str, says: str) -> None:
    folder = tmp_path / PENSION.id
    (folder / "v2").mkdir(parents=True)
    (folder / "entry.toml").write_text(text, "utf-8")
    with pytest.raises(CatalogError, match=says):
        entry_form(dataclasses.replace(PENSION, folder=folder / "v2"))


def test_every_proof_that_is_given_now_has_a_form() -> None:
    require_entry_forms(CATALOG)
    assert len(proof_kinds()) == 11


@given(st.sets(st.sampled_from(Way)), TEXT)
def test_how_it_was_looked_into_is_one_text_and_comes_apart_again(ways: set[Way], words: str) -> None:
    if ways or not words.startswith("核实方式"):
        assert ways_and_words(looked_into([*ways], words)) == (tuple(way for way in Way if way in ways), words)


def test_what_is_agreed_to_names_the_sensitive_data_apart() -> None:
    day = date(2026, 11, 27)
    for item in PROOFS.held("441900", day).kept:
        asked = {each.key for each in entry_form(CATALOG.latest(item.id)).of_resident.fields}
        words = consent_words(item, asked)
        assert (words.sensitive is None) == (not item.sensitive), item.id
        for each in item.proof.fields:
            if each.is_sensitive:
                assert words.sensitive and each.name.zh in words.sensitive.zh
            elif each.key in asked:
                assert each.name.zh in words.plain.zh
        assert "经办人" not in words.whole
