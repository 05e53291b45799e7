"""Long texts shrink by rule or stop the issuing with the field's name; a character no font has stops it too."""

import json
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from chosen import chosen
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from made_up_faces import SCHEMAS, catalog, face_of, first_good, good, make_face, renderer
from made_up_font import RARE, make_font
from page_text import Letter, collisions, find, letters, page_text

from certsvc.catalog import CertificateType
from certsvc.errors import MissingGlyph, SettingsError, TextTooLong
from certsvc.render.fonts import characters
from certsvc.render.pages import Renderer

LICENCE, FOOD, WATER = "business-licence-company", "food-business", "tiered-water-proof"
SCOPE = "食品销售；餐饮服务；药品零售；出版物零售；住宿服务；软件开发；信息技术咨询服务；物业管理；家政服务；"
SMALLEST, SMALLEST_FLOWING = 7.5, 5.5
INSET = 15.5


def scope(length: int) -> str:
    """A business scope of this many characters."""
    return (SCOPE * (length // len(SCOPE) + 1))[:length]


def licence(length: int, layout: int = 0) -> list[Letter]:
    """The letters of a licence whose scope has this many characters."""
    payload = good(LICENCE, "lingnan") | {"scope": scope(length)}
    return letters(renderer().render(face_of(LICENCE, payload, layout, specimen=False)))


@pytest.mark.long
def test_a_business_scope_shrinks_as_it_grows_and_the_other_fields_keep_their_size() -> None:
    sizes, names = [], set()
    for length in (50, 300, 800, 1600):
        sheet = licence(length)
        [size] = {letter.size for letter in find(sheet, scope(length))}
        names |= {letter.size for letter in find(sheet, "云山市岭南鲜生商贸有限公司")}
        sizes.append(size)
        assert collisions(sheet) == []
        assert all(letter.bottom < 210 - 23.5 for letter in find(sheet, scope(length)))
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] == 13.5 and sizes[-1] >= SMALLEST_FLOWING
    assert names == {13.5}


@pytest.mark.long
@pytest.mark.parametrize("layout", [0, 1])
def test_a_scope_of_two_thousand_characters_still_gets_its_licence(layout: int) -> None:
    sheet = licence(2000, layout)
    assert collisions(sheet) == []
    scale = catalog().latest(LICENCE).layouts[layout].scale
    assert min(letter.size for letter in find(sheet, scope(2000))) == pytest.approx(SMALLEST_FLOWING * scale)


def test_what_does_not_fit_at_the_smallest_size_stops_with_the_field_and_the_sheet() -> None:
    with pytest.raises(TextTooLong) as caught:
        licence(3000)
    [problem] = caught.value.problems
    assert (problem.field, problem.code) == ("scope", "text_too_long")
    assert "营业执照 副本" in problem.zh and "Business licence (Duplicate, A4)" in problem.en


def test_a_list_that_does_not_fit_is_named_not_the_field_before_it() -> None:
    names = ["欧阳" + "阿卜杜拉买买提江" * 4] * 60
    with pytest.raises(TextTooLong) as caught:
        renderer().render(face_of(WATER, good(WATER, "zhou") | {"names": names, "residents": 60}))
    assert [problem.field for problem in caught.value.problems] == ["names"]


def test_an_issuer_too_long_even_for_two_lines_is_named() -> None:
    with pytest.raises(TextTooLong) as caught:
        renderer().render(face_of(WATER, good(WATER, "zhou"), issuer="云山市" * 40))
    assert [problem.field for problem in caught.value.problems] == ["issuer"]


def longest(kind: CertificateType) -> dict[str, Any]:
    """The first good example with every free text as long as its schema allows, the flowing fields half as long."""
    schema = json.loads((kind.folder / "payload.schema.json").read_text("utf-8"))
    payload = dict(first_good(kind))
    for key, part in schema["properties"].items():
        if part.get("type") == "string" and not {"format", "pattern"} & part.keys():
            payload[key] = scope(min(part["maxLength"], 600))
    return payload


@pytest.mark.long
@pytest.mark.parametrize("kind", chosen(catalog()), ids=lambda kind: kind.id)
def test_the_longest_texts_a_schema_allows_are_not_clipped_and_overlap_nothing(kind: CertificateType) -> None:
    payload = longest(kind)
    assert kind.problems(payload) == []
    sheet = letters(renderer().render(make_face(kind, kind.layouts[0], payload, specimen=False)))
    assert collisions(sheet) == []
    for field, text in kind.rows(payload):
        if field.key not in {"valid_from", "valid_to"}:
            assert min(letter.size for letter in find(sheet, text)) >= SMALLEST_FLOWING


@pytest.mark.parametrize("residents", [1, 12, 30, 60])
def test_many_residents_fit_on_a_proof(residents: int) -> None:
    names = [("欧阳小明", "李四", "周桂芳")[i % 3] for i in range(residents)]
    page = renderer().render(
        face_of(WATER, good(WATER, "zhou") | {"names": names, "residents": residents}, specimen=False)
    )
    assert "、".join(names) in page_text(page)
    assert collisions(letters(page)) == []
    assert min(letter.size for letter in find(letters(page), "、".join(names))) >= SMALLEST


def test_names_of_one_character_and_the_shortest_texts_print() -> None:
    payload = good(LICENCE, "lingnan") | {
        "name": "甲乙",
        "legal_representative": "丙",
        "capital": "壹元",
        "scope": "无。",
    }
    text = page_text(renderer().render(face_of(LICENCE, payload)))
    assert all(payload[field] in text for field in ("name", "legal_representative", "capital", "scope"))


def test_long_runs_of_letters_without_a_place_to_break_stay_in_their_column() -> None:
    payload = good(LICENCE, "lingnan") | {"name": "A1-" * 26, "scope": "Q" * 300}
    sheet = letters(renderer().render(face_of(LICENCE, payload, specimen=False)))
    assert collisions(sheet) == []
    for field in ("name", "scope"):
        assert max(letter.right for letter in find(sheet, payload[field])) < 27 + 133


def test_latin_and_digits_among_han_gain_no_spaces() -> None:
    said = "Internet数据服务(IDC/ISP2.0)；3D打印；5G通信技术服务；2℃至8℃冷藏"
    assert said in page_text(renderer().render(face_of(LICENCE, good(LICENCE, "lingnan") | {"scope": said})))


@pytest.mark.parametrize("field", ["name", "legal_representative", "scope"])
def test_a_character_no_font_has_stops_with_itself_its_code_point_the_field_and_the_setting(field: str) -> None:
    payload = good(LICENCE, "lingnan") | {field: f"云山{RARE}记"}
    with pytest.raises(MissingGlyph) as caught:
        renderer().render(face_of(LICENCE, payload))
    [problem] = caught.value.problems
    assert (problem.field, problem.code) == (field, "missing_glyph")
    for said in (caught.value.zh, caught.value.en):
        assert RARE in said and "U+20BB7" in said and field in said and "fonts.extra" in said
    for typed in (problem.zh, problem.en):
        assert RARE in typed and "U+20BB7" in typed and "fonts.extra" not in typed, "who typed it has no settings"


@pytest.mark.parametrize("character", "䶮㐱犇龘麤㛃囍𬱖㸆")
def test_rare_characters_of_our_own_fonts_print(character: str) -> None:
    payload = good(LICENCE, "lingnan") | {"legal_representative": f"司徒{character}"}
    assert f"司徒{character}" in page_text(renderer().render(face_of(LICENCE, payload)))


def test_with_a_font_that_has_it_the_character_prints_and_copies_back(tmp_path: Path) -> None:
    make_font(tmp_path, RARE)
    payload = good(LICENCE, "lingnan") | {"name": f"云山市{RARE}记商贸有限公司"}
    page = Renderer(SCHEMAS, [str(tmp_path)]).render(face_of(LICENCE, payload, specimen=False))
    assert payload["name"] in page_text(page)
    [rare] = find(letters(page), RARE)
    assert rare.right - rare.left > 3


def test_a_folder_of_fonts_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken.ttf").write_bytes(b"no font")
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(SettingsError, match=str(folder)):
            characters((str(folder),))


def test_a_font_the_typesetter_cannot_use_is_named_at_the_start_not_when_a_character_is_missing(tmp_path: Path) -> None:
    """The flaw: the character counted as printable, and the face was blamed."""
    make_font(tmp_path, RARE, named=False)
    with pytest.raises(SettingsError, match=r"rare\.ttf"):
        Renderer(SCHEMAS, [str(tmp_path)])


PRINTABLE = [chr(point) for point in sorted(characters()) if point > 0x20]
ORDINARY = "云山市岭南鲜生商贸有限公司，；。（）()、ABCabc0123456789-/·"
HIDDEN = ["Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"]
EVERYTHING = st.text(
    st.one_of(
        st.sampled_from(ORDINARY),
        st.sampled_from(PRINTABLE),
        st.characters(exclude_categories=HIDDEN),  # type: ignore[arg-type]
    ),
    min_size=4,
    max_size=40,
)


@st.composite
def payloads(draw: st.DrawFn) -> tuple[CertificateType, dict[str, Any]]:
    """A type, and one of its good examples with some texts exchanged for any others."""
    kind = draw(st.sampled_from(list(catalog())))
    payload = dict(first_good(kind))
    schema = json.loads((kind.folder / "payload.schema.json").read_text("utf-8"))["properties"]
    texts = [key for key, part in schema.items() if part.get("type") == "string" and "format" not in part]
    for key in draw(st.lists(st.sampled_from(texts), min_size=1, max_size=4, unique=True)):
        most = schema[key]["maxLength"]
        said = draw(EVERYTHING) * draw(st.sampled_from([1, 1, 2, 10, 80]))
        payload[key] = re.sub(" +", " ", said)[:most].strip() or payload[key]
    return kind, payload


@pytest.mark.long
@settings(max_examples=60, deadline=None)
@given(payloads())
def test_a_payload_without_problems_prints_or_is_too_long_or_lacks_a_character(
    drawn: tuple[CertificateType, dict[str, Any]],
) -> None:
    kind, payload = drawn
    assume(not kind.problems(payload))
    face = make_face(kind, kind.layouts[0], payload)
    with suppress(TextTooLong, MissingGlyph):
        assert renderer().render(face).startswith(b"%PDF-")


@pytest.mark.long
@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(PRINTABLE), min_size=1, max_size=40, unique=True))
def test_every_character_our_fonts_have_prints_and_copies_back(drawn: list[str]) -> None:
    payload = good(LICENCE, "lingnan") | {"legal_representative": "".join(drawn)}
    assume(not catalog().latest(LICENCE).problems(payload))
    page = renderer().render(face_of(LICENCE, payload, specimen=False))
    assert set(drawn) <= set(page_text(page))
