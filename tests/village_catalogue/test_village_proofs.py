"""What villages may prove: places laid over each other, days, and names as residents say them."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from proof_room import DONGGUAN, GROUND, LAW, SAID, TODAY, TOWN, ZHAOQING, ZHUHAI, banned, catalogue, kept, proofs

from certsvc.domain.proof_answer import NOT_KNOWN, read_out, require_kept
from certsvc.domain.proof_catalogue import Clash, ProofCatalogue, areas_around
from certsvc.domain.proof_item import Discretionary, Entry, Forbidden, Kept, KeptEntry, Said, Unknown
from certsvc.domain.proof_words import SIMPLIFIED, TRADITIONAL, likeness, plain
from certsvc.errors import ProofRefused

AREAS = ("000000", "440000", "441900", "441901", "441901001", "441901001002")
"""From the nation to a village; each lies in the one before."""

NAMES = ("甲", "乙", "丙")
STANDINGS = st.sampled_from(["kept", "law", "banned", "nothing"])
LAYERS = st.lists(st.dictionaries(st.sampled_from(NAMES), STANDINGS), min_size=6, max_size=6)


def entry(name: str, standing: str) -> list[Entry]:
    """What a catalogue says of a name."""
    if standing == "nothing":
        return []
    return [banned(name)] if standing == "banned" else [kept(name, law=standing == "law")]


@given(LAYERS)
def test_a_ban_above_holds_below_unless_a_law_is_named(layers: list[dict[str, str]]) -> None:
    said = {
        area: [catalogue(area, *(each for name, standing in layer.items() for each in entry(name, standing)))]
        for area, layer in zip(AREAS, layers, strict=True)
    }
    expected: dict[str, str] = {}
    clashes = False
    for layer in layers:
        for name, standing in layer.items():
            clashes |= standing == "kept" and expected.get(name) == "banned"
            if standing != "nothing":
                expected[name] = "banned" if standing == "banned" else "kept"
    if clashes:
        with pytest.raises(Clash):
            ProofCatalogue(said).held(AREAS[-1], TODAY)
        return
    held = ProofCatalogue(said).held(AREAS[-1], TODAY)
    found = {name: "kept" if isinstance(item, Kept) else "banned" for name, item in held.items.items()}
    assert found == expected


@given(LAYERS, st.sampled_from(NAMES), STANDINGS)
def test_what_a_neighbour_says_changes_nothing(layers: list[dict[str, str]], name: str, standing: str) -> None:
    said = {
        area: [catalogue(area, *(banned(each) for each, word in layer.items() if word == "banned"))]
        for area, layer in zip(AREAS, layers, strict=True)
    }
    neighbours = {area: [catalogue(area, *entry(name, standing))] for area in ("440500", "441901002", "441902")}
    alone, beside = (ProofCatalogue(each).held(AREAS[-1], TODAY).items for each in (said, said | neighbours))
    assert alone == beside


def test_a_lower_place_words_differently_and_every_limit_holds() -> None:
    near, far = Said("只限本村。", "This village only."), Said("只限本镇。", "This town only.")
    town = KeptEntry(proof=kept("甲").proof, ground=GROUND, limit=far, marks=False, also_called=("小名",))
    other = Said("别的单位", "Another organ")
    village = KeptEntry(proof=kept("甲").proof, ground=GROUND, limit=near, receiver=other, marks=False)
    said = {
        "441900": [catalogue("441900", kept("甲"))],
        "441900001": [catalogue("441900001", town)],
        "441900001002": [catalogue("441900001002", village)],
    }
    found = ProofCatalogue(said).asked("小名", "441900001002", TODAY)
    assert isinstance(found, Kept)
    assert (found.limits, found.receiver, found.who) == ((far, near), other, SAID)
    assert found.area == "441900001002"


def test_a_law_that_lets_a_place_keep_is_part_of_the_answer() -> None:
    said = {"000000": [catalogue("000000", banned("甲"))], "441900": [catalogue("441900", kept("甲", law=True))]}
    found = ProofCatalogue(said).asked("甲证明", "441900", TODAY)
    assert isinstance(found, Kept) and found.law == LAW


def test_which_catalogue_held_on_a_day_has_an_answer() -> None:
    equipment, days = "特种设备使用登记证明", (date(2022, 6, 30), date(2022, 7, 1), date(2023, 1, 1), date(2026, 7, 1))
    kinds = [type(proofs().asked(equipment, TOWN, day)) for day in days]
    assert kinds == [Unknown, Kept, Forbidden, Kept]
    version = proofs().version(TOWN, date(2026, 6, 30))
    assert version is not None and (version.version, version.since) == (1, date(2023, 1, 1))
    assert proofs().held("440000", date(2020, 4, 27)).layers == ()


def test_the_eleven_and_the_twenty_are_there_and_nothing_is_made_up() -> None:
    held = proofs().held(DONGGUAN, TODAY)
    assert (len(held.kept), len(held.forbidden)) == (11, 20)
    assert {each.area for each in held.forbidden} == {"000000"}
    assert [(each.area, each.entered, each.count) for each in held.lists] == [("440000", 0, 23), (DONGGUAN, 0, 52)]


def test_one_city_keeps_what_its_neighbour_forbids() -> None:
    here, there = (proofs().asked("夫妻关系证明", area, TODAY) for area in (DONGGUAN, ZHAOQING))
    assert isinstance(here, Kept) and isinstance(there, Forbidden) and there.area == ZHAOQING


def test_a_doubt_in_law_goes_with_the_proof() -> None:
    found = proofs().asked("夫妻关系证明", TOWN, TODAY)
    assert isinstance(found, Kept) and found.doubt is not None
    assert found.doubt.needs == ("legal_review", "receiver_accepts")
    assert "第三条" in found.doubt.ground.basis and found.doubt.ground.certainty == "known"
    assert found.doubt.handling.zh.rstrip("。") in read_out(found).zh
    doubtful = [each.id for each in proofs().held(TOWN, TODAY).kept if each.doubt]
    assert doubtful == ["marital-relation-proof"]


@pytest.mark.parametrize("area", [DONGGUAN, TOWN, ZHAOQING, ZHUHAI])
def test_every_name_and_every_everyday_word_leads_to_its_item(area: str) -> None:
    held = proofs().held(area, TODAY)
    back = str.maketrans(SIMPLIFIED, TRADITIONAL)
    for item in held.items.values():
        for name in item.names:
            for typed in (name, f" 我要开{name}", f"{name}怎么办", name.translate(back), name.upper()):
                assert held.asked(typed) is item, (typed, item.id)


@pytest.mark.parametrize(
    ("typed", "item"),
    [
        ("水费", "tiered-water-proof"),
        ("迁坟", "grave-relocation-proof"),
        ("無犯罪", "no-criminal-record-proof"),
        ("开个单身证明", "marital-status-proof"),
        ("親屬關係證明", "kinship-proof"),
        ("狗证", "dog-proof"),
        ("我媽是我媽", "kinship-proof"),
    ],
)
def test_what_residents_say_is_understood(typed: str, item: str) -> None:
    answer = proofs().asked(typed, DONGGUAN, TODAY)
    found = [each.id for each in answer.near] if isinstance(answer, Unknown) else [answer.id]
    assert item in found


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=300))
def test_words_of_any_kind_have_an_answer_and_a_likeness_decides_nothing(words: str) -> None:
    held = proofs().held(DONGGUAN, TODAY)
    answer = held.asked(words)
    if isinstance(answer, Unknown):
        assert answer.lists == held.lists
    else:
        assert any(plain(name) in plain(words) + "证明" for name in answer.names)


@pytest.mark.parametrize("words", ["低保证明", "妻", "水", "贫困学生证明", "关系证明", "证明", "证明证明", ""])
def test_what_only_resembles_a_name_is_offered_and_never_decided(words: str) -> None:
    assert isinstance(proofs().asked(words, DONGGUAN, TODAY), Unknown)


@given(st.text("甲乙丙证明", max_size=8), st.text("甲乙丙证明", max_size=8))
def test_likeness_is_even_and_within_bounds(one: str, other: str) -> None:
    assert 0 <= likeness(one, [other]) <= 1 and likeness(one, [other]) == likeness(other, [one])


def test_who_is_refused_is_told_where_to_go_in_words_to_read_out() -> None:
    said = read_out(proofs().asked("无犯罪证明", DONGGUAN, TODAY))
    for words in ("不能开", "民发〔2020〕20号", "户籍地或者居住地公安派出所", "居民身份证", "3 个工作日"):
        assert words in said.zh
    assert "police station" in said.en


def test_only_what_is_kept_in_a_place_on_a_day_can_be_asked_for_there() -> None:
    marital = "marital-relation-proof"
    assert require_kept(proofs().held(DONGGUAN, TODAY), marital).id == marital
    for area, day, type_id in ((ZHAOQING, TODAY, marital), (DONGGUAN, date(2022, 6, 30), marital), (TOWN, TODAY, "x")):
        with pytest.raises(ProofRefused) as refused:
            require_kept(proofs().held(area, day), type_id)
        assert refused.value.zh and refused.value.en
    assert "结婚证" in read_out(proofs().held(ZHAOQING, TODAY).items[marital]).zh


def test_what_is_not_known_is_said_and_not_made_up() -> None:
    for area, name in ((DONGGUAN, "低保证明"), (ZHAOQING, "独生证明")):
        said = read_out(proofs().asked(name, area, TODAY))
        assert NOT_KNOWN.zh in said.zh and "12345" in said.en
    assert "23 项" in read_out(proofs().asked("低保证明", DONGGUAN, TODAY)).zh
    unsure = read_out(proofs().asked("残疾证明", DONGGUAN, TODAY))
    assert "尚未逐字核对" in unsure.zh and "not checked" in unsure.en


def test_villagers_decide_only_where_their_place_says_how() -> None:
    unknown = proofs().asked("品行证明", ZHUHAI, TODAY), proofs().asked("品行证明", DONGGUAN, TODAY)
    assert [bool(each.steps) for each in unknown if isinstance(each, Unknown)] == [True, False]
    road = proofs().asked("过路证明", TOWN, TODAY)
    assert isinstance(road, Discretionary) and len(road.steps) == 3 and road.steps[0].zh in read_out(road).zh


def test_every_refusal_ends_in_a_way_and_every_kept_proof_says_what_to_bring() -> None:
    for area in proofs().catalogues:
        for item in proofs().held(area, TODAY).items.values():
            said = read_out(item)
            if isinstance(item, Kept):
                assert all(each.zh in said.zh and each.en in said.en for each in item.bring)
            elif isinstance(item, Forbidden):
                assert item.route is None or item.route.where or item.route.shows, item.id
                assert ("12345" in said.zh) == (item.route is None)


@pytest.mark.parametrize("area", ["", "44190", "4419000", "四四一九零零", "44190a", "441900990001001"])
def test_what_is_no_area_is_refused(area: str) -> None:
    with pytest.raises(ValueError):
        areas_around(area)


def test_an_area_lies_in_all_around_it() -> None:
    assert areas_around("441900990") == ("000000", "440000", "441900", "441900990")
    assert areas_around("440105001002") == ("000000", "440000", "440100", "440105", "440105001", "440105001002")
    assert areas_around("000000") == ("000000",)


@given(st.dates(date(2019, 1, 1), date(2030, 1, 1)), st.sampled_from([DONGGUAN, TOWN, ZHAOQING, ZHUHAI, "110105"]))
def test_every_day_has_an_answer_everywhere_and_versions_meet_without_a_gap(day: date, area: str) -> None:
    held, before = proofs().held(area, day), proofs().held(area, day - timedelta(days=1))
    assert len(before.layers) <= len(held.layers)
    assert held.area == area and all(each.since <= day for each in held.layers)
