"""Uploads cut anywhere are read alike; what is wrong with one row is that row's, and no row is lost or made up."""

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from batched import FOOD, LICENCE, food, ndjson, wanted
from chosen import tree_catalog
from hypothesis import given, settings
from hypothesis import strategies as st

from certsvc.domain.acts import Act
from certsvc.domain.batch import LONGEST_KEY, LONGEST_ROW, Form, NewRow
from certsvc.errors import InvalidInput, MessageTooLarge
from certsvc.issuance.batches import reading as batch_reading
from certsvc.issuance.batches.line import content_bytes, read_content
from certsvc.issuance.batches.reading import Upload
from certsvc.issuance.batches.table import columns_of

CATALOG = tree_catalog()
HEADER = "_key,name,items\r\n"


def read(
    data: bytes | Iterable[bytes], form: Form, act: Act = Act.ISSUE, charset: str = "utf-8", type_id: str = FOOD
) -> list[NewRow]:
    """Every row of an upload, given whole or in chunks."""
    upload = Upload(wanted("key", type_id, act, form=form), columns_of(CATALOG.latest(type_id), act), charset)
    chunks = [data] if isinstance(data, bytes) else list(data)
    rows = [row for chunk in chunks for row in upload.feed(chunk)]
    rows += upload.finish()
    assert upload.sha256 == hashlib.sha256(b"".join(chunks)).digest()
    assert upload.size == sum(map(len, chunks))
    return rows


def read_table(text: str, **how: Any) -> list[NewRow]:
    return read(text.encode(how.get("charset", "utf-8")), Form.CSV, **how)


def told(rows: Iterable[NewRow]) -> list[tuple[int, str, Any]]:
    """Line and key of each, and its payload or the code of what is wrong with it."""
    return [
        (row.line, row.key, row.error.problems[0].code if row.error else (row.content or {}).get("payload"))
        for row in rows
    ]


def cut(data: bytes, places: Iterable[int]) -> list[bytes]:
    """The data in pieces that end at these places."""
    ends = sorted({place % (len(data) + 1) for place in places})
    return [data[start:end] for start, end in zip([0, *ends], [*ends, len(data)], strict=True)]


CELL = st.text(st.sampled_from("ab\",\n\r;é食品🏪 '=+-"), max_size=12)
PLACES = st.lists(st.integers(0, 100_000), max_size=40)
BREAKS = st.sampled_from(["\n", "\r\n"])


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(CELL, CELL), min_size=1, max_size=8), BREAKS, st.booleans(), PLACES)
def test_a_table_cut_anywhere_is_what_pythons_own_reader_reads(
    cells: list[tuple[str, str]], ending: str, mark: bool, places: list[int]
) -> None:
    text = io.StringIO()
    quoting: Any = (
        csv.QUOTE_ALL if ending == "\n" else csv.QUOTE_MINIMAL
    )  # with it a lone \r would stand without quotes
    writer = csv.writer(text, lineterminator=ending, quoting=quoting)
    writer.writerow(["name", "address"])
    writer.writerows(cells)
    data = (b"\xef\xbb\xbf" if mark else b"") + text.getvalue().encode()
    rows = read(cut(data, places), Form.CSV)
    expected = [one for one in csv.reader(io.StringIO(text.getvalue(), newline="")) if one]
    given_rows = [[(row.content or {})["payload"].get(name, "") for name in ("name", "address")] for row in rows]
    assert given_rows == expected[1:]
    assert rows == read(data, Form.CSV)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.long
@settings(max_examples=200, deadline=None)
@given(st.lists(st.dictionaries(st.text(max_size=6), JSON, max_size=4), min_size=1, max_size=6), BREAKS, PLACES)
def test_json_lines_cut_anywhere_are_the_same_objects(
    contents: list[dict[str, Any]], ending: str, places: list[int]
) -> None:
    data = ending.join(json.dumps({"payload": content}, ensure_ascii=False) for content in contents).encode()
    rows = read(cut(data, places), Form.NDJSON)
    assert [(row.line, (row.content or {})["payload"]) for row in rows] == list(enumerate(contents, start=1))
    kept = [read_content(content_bytes(row.content or {})).payload for row in rows]
    assert kept == contents


@pytest.mark.long
@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300), PLACES, st.sampled_from([Form.NDJSON, Form.CSV]), st.booleans())
def test_whatever_bytes_come_in_give_rows_or_one_refusal_and_the_same_however_cut(
    data: bytes, places: list[int], form: Form, header: bool
) -> None:
    data = HEADER.encode() + data if header else data

    def outcome(chunks: bytes | list[bytes]) -> object:
        try:
            return told(read(chunks, form))
        except InvalidInput as error:
            return error.en

    assert outcome(cut(data, places)) == outcome(data)


def test_quotes_commas_and_breaks_in_quotes_belong_to_the_cell_and_lines_are_counted_as_an_editor_does() -> None:
    text = 'name,address\r\n"a ""b"", c","one\ntwo\r\nthree"\r\n\r\nplain,last\r\n'
    assert told(read_table(text)) == [
        (2, "2", {"name": 'a "b", c', "address": "one\ntwo\r\nthree"}),
        (6, "6", {"name": "plain", "address": "last"}),
    ]


def test_cells_become_what_the_schema_asks_for_and_empty_ones_are_absent() -> None:
    (row,) = read_table("_key,name,items,address\r\nA-1,店,热食类；自制饮品; 预包装,\r\n")
    assert told([row]) == [(2, "A-1", {"name": "店", "items": ["热食类", "自制饮品", "预包装"]})]
    (row,) = read_table('name,items\r\n店,"[""一"",""二""]"\r\n')
    assert told([row]) == [(2, "2", {"name": "店", "items": ["一", "二"]})]


@pytest.mark.parametrize("charset", ["gb18030", "GBK", "gb2312"])
def test_a_table_in_gb18030_is_read_when_it_says_so(charset: str) -> None:
    text = "name,address\r\n云山市𠮷食品店,镕路\r\n"
    rows = read(text.encode("gb18030"), Form.CSV, charset=charset)
    assert told(rows) == [(2, "2", {"name": "云山市𠮷食品店", "address": "镕路"})]


def test_a_table_in_gb18030_that_does_not_say_so_is_refused_or_wrong() -> None:
    text = "name,address\r\n云山市食品店,镕路\r\n"
    assert told(read(text.encode("gb18030"), Form.CSV)) == [(2, "2", "encoding")]


def test_every_good_example_of_every_type_comes_through_a_table_unchanged() -> None:
    for kind in CATALOG:
        for path in sorted((kind.folder / "examples").glob("good-*.json")):
            payload = json.loads(path.read_text("utf-8"))
            text = io.StringIO()
            writer = csv.writer(text)
            writer.writerow(payload)
            writer.writerow(map(_as_cell, payload.values()))
            assert told(read_table(text.getvalue(), type_id=kind.id)) == [(2, "2", payload)], path


def _as_cell(value: object) -> str:
    return json.dumps(value) if isinstance(value, list | dict | bool) else str(value)


FLAWS: Mapping[str, tuple[Form, bytes, str]] = {
    "no JSON": (Form.NDJSON, b"{", "json"),
    "two objects": (Form.NDJSON, b'{"payload":{}}{"payload":{}}', "json"),
    "a list": (Form.NDJSON, b"[1]", "json"),
    "an unknown member": (Form.NDJSON, b'{"payload":{},"paylaod":{}}', "json"),
    "no payload": (Form.NDJSON, b'{"key":"a"}', "required"),
    "a payload that is text": (Form.NDJSON, b'{"payload":"x"}', "json"),
    "a code at a first issue": (Form.NDJSON, b'{"payload":{},"code":"x"}', "strange"),
    "an organ at a first issue": (Form.NDJSON, b'{"payload":{},"organ":"superior"}', "strange"),
    "broken UTF-8": (Form.NDJSON, b'{"payload":{"name":"\xff\xfe"}}', "json"),
    "half a surrogate pair": (Form.NDJSON, b'{"payload":{"name":"\\ud800"}}', "json"),
    "a raw NUL": (Form.NDJSON, b'{"payload":{"name":"a\x00b"}}', "json"),
    "NaN": (Form.NDJSON, b'{"payload":{"n":NaN}}', "json"),
    "a number without end": (Form.NDJSON, b'{"payload":{"n":' + b"9" * 60_000 + b"}}", "json"),
    "an exponent without end": (Form.NDJSON, b'{"payload":{"n":1e999999}}', "json"),
    "lists nested 60,000 deep": (Form.NDJSON, b'{"payload":{"n":' + b"[" * 60_000, "json"),
    "objects nested 10,000 deep": (Form.NDJSON, b'{"payload":' + b'{"a":' * 10_000 + b"1" + b"}" * 10_001, "json"),
    "lists nested 33 deep": (Form.NDJSON, b'{"payload":{"n":' + b"[" * 32 + b"]" * 32 + b"}}", "too_deep"),
    "a member twice": (Form.NDJSON, b'{"payload":{"n":1,"n":2}}', "member_twice"),
    "the payload twice": (Form.NDJSON, b'{"payload":{},"payload":{}}', "member_twice"),
    "a cell nested too deep": (Form.CSV, b"a,x," + b"[" * 40 + b"]" * 40, "too_deep"),
    "a key that cannot be seen": (Form.NDJSON, b'{"key":"\\u200b","payload":{}}', "key"),
    "a key with NUL": (Form.NDJSON, b'{"key":"a\\u0000","payload":{}}', "key"),
    "an empty key": (Form.NDJSON, b'{"key":"","payload":{}}', "key"),
    "a key too long": (Form.NDJSON, b'{"key":"' + b"k" * (LONGEST_KEY + 1) + b'","payload":{}}', "key"),
    "a row too long": (Form.NDJSON, b'{"payload":{"n":"' + b"x" * LONGEST_ROW + b'"}}', "too_long"),
    "a cell too many": (Form.CSV, b"a,b,c,d", "cells"),
    "a cell too few": (Form.CSV, b"a", "cells"),
    "text after a quoted cell": (Form.CSV, b'"a"b,c,d', "csv"),
    "a lone carriage return": (Form.CSV, b"a\rb,c,d", "csv"),
    "NUL in a cell": (Form.CSV, b"a,b\x00,c", "characters"),
    "broken UTF-8 in a cell": (Form.CSV, b"a,\xff,c", "encoding"),
    "a record too long": (Form.CSV, b'a,"' + b"x\n" * LONGEST_ROW + b'",c', "too_long"),
}


@pytest.mark.parametrize("flaw", FLAWS)
def test_one_wrong_row_is_told_with_its_line_and_the_others_are_read(flaw: str) -> None:
    form, bad, code = FLAWS[flaw]
    good, head = (b'{"payload":{"name":"x"}}', b"") if form is Form.NDJSON else (b",x,y", HEADER.encode())
    data = head + good + b"\n" + bad + b"\n" + good + b"\n"
    rows = read(cut(data, range(0, len(data), 997)), form)
    first = 1 if form is Form.NDJSON else 2
    assert [(row.line, row.error is None) for row in rows[:2]] == [(first, True), (first + 1, False)]
    assert rows[2].error is None and len(rows) == 3
    assert told(rows)[1] == (first + 1, str(first + 1), code)
    assert rows[1].error is not None and rows[1].error.zh


OPEN: Mapping[str, tuple[Form, bytes, str]] = {
    "nothing": (Form.NDJSON, b"", "no row"),
    "blank lines": (Form.NDJSON, b"\n \r\n\t\n", "no row"),
    "a header alone": (Form.CSV, HEADER.encode(), "no row"),
    "quotes that are never closed": (Form.CSV, HEADER.encode() + b'a,"b,c\nd,e,f\n', "line 2 is never closed"),
    "an unknown column": (Form.CSV, b"name,nmae\nx,y\n", "Column 2, 'nmae'"),
    "a column twice": (Form.CSV, b"name,name\nx,y\n", "there twice"),
    "a column without a name": (Form.CSV, b"name,\nx,y\n", "Column 2"),
    "a header too long": (Form.CSV, b"n" * 70_000 + b"\nx\n", "over 64 KiB"),
    "another charset": (Form.CSV, "name\n店\n".encode("utf-16"), "header"),
}


@pytest.mark.parametrize("flaw", OPEN)
def test_what_leaves_open_where_a_row_ends_or_what_it_means_is_refused_whole(flaw: str) -> None:
    form, data, said = OPEN[flaw]
    with pytest.raises(InvalidInput, match=said):
        read(data, form)


@pytest.mark.parametrize(("form", "charset"), [(Form.NDJSON, "gb18030"), (Form.CSV, "utf-16"), (Form.CSV, "utf-7")])
def test_other_charsets_are_refused_before_anything_is_read(form: Form, charset: str) -> None:
    with pytest.raises(InvalidInput, match="charset"):
        read(b"", form, charset=charset)


def test_too_many_rows_or_bytes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_reading, "MOST_ROWS", 3)
    assert len(read(ndjson([{"payload": {}}] * 3), Form.NDJSON)) == 3
    with pytest.raises(MessageTooLarge, match="a million rows"):
        read(ndjson([{"payload": {}}] * 4), Form.NDJSON)
    monkeypatch.setattr(batch_reading, "MOST_BYTES", 30)
    with pytest.raises(MessageTooLarge, match="2 GiB"):
        read(b"\n" * 31, Form.NDJSON)


ACT_ROWS: Mapping[str, tuple[Act, str, Any]] = {
    "suspend, grounds by their names": (
        Act.SUSPEND,
        "_code,reason,legal_basis,decision_number\r\nAAAA,查处,某法,云罚1号\r\n",
        {"code": "AAAA", "ground": {"reason": "查处", "legal_basis": "某法", "decision_number": "云罚1号"}},
    ),
    "rescind, reaching back": (
        Act.RESCIND,
        "_code,_reason_code,_retroactive,_effective,_organ\r\nAAAA,fraud,是,2026-01-01,superior\r\n",
        {
            "code": "AAAA",
            "ground": {"reason_code": "fraud"},
            "retroactive": True,
            "effective": "2026-01-01",
            "organ": "superior",
        },
    ),
    "change, a field called as on the face": (
        Act.CHANGE,
        "_code,_reason,name\r\nAAAA,更名,新店\r\n",
        {"code": "AAAA", "ground": {"reason": "更名"}, "payload": {"name": "新店"}},
    ),
    "reissue without content": (Act.REISSUE, "_code,_reason_code\r\nAAAA,lost\r\n", None),
}


@pytest.mark.parametrize("name", ACT_ROWS)
def test_a_table_of_acts(name: str) -> None:
    act, text, content = ACT_ROWS[name]
    (row,) = read_table(text, act=act)
    assert row.error is None
    assert row.content == (content or {"code": "AAAA", "ground": {"reason_code": "lost"}})


@pytest.mark.parametrize(
    ("act", "line", "code"),
    [
        (Act.SUSPEND, {"ground": {}}, "required"),
        (Act.SUSPEND, {"code": "A", "payload": {}}, "strange"),
        (Act.CHANGE, {"code": "A"}, "required"),
        (Act.CHANGE, {"code": "A", "payload": {}, "effective": "2026-01-01"}, "strange"),
        (Act.RECHECK, {"code": "A", "ground": {"due": "2026-02-30"}}, "json"),
        (Act.SUSPEND, {"code": "A", "ground": {"raeson": "x"}}, "json"),
        (Act.TRANSFER_IN, {"code": "A", "payload": {}}, "strange"),
    ],
)
def test_a_row_says_what_its_act_needs_and_nothing_else(act: Act, line: dict[str, Any], code: str) -> None:
    (row,) = read(ndjson([line]), Form.NDJSON, act)
    assert told([row]) == [(1, "1", code)]


def test_a_batch_of_the_demonstrations_types_reads_as_json() -> None:
    (row,) = read(ndjson([{"key": "a", "payload": food(1)}]), Form.NDJSON)
    assert told([row]) == [(1, "a", food(1))]
    assert LICENCE in {kind.id for kind in CATALOG}
