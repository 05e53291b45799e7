"""A later revision of a PDF as we write it: read back it is the same, and in any other spelling it is not read."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certsvc.domain.revision import Earlier, read_revision, write_revision
from certsvc.domain.seal import ValidationData
from certsvc.domain.seal_form import evidence_id

BODIES = st.sampled_from([b"<<>>", b"null", b"<</A 1/B(x)>>", b"<</Length 2>>\nstream\n\r\n\nendstream"])
OBJECTS = st.dictionaries(st.integers(1, 300), BODIES, min_size=1, max_size=12)
EARLIER = st.builds(
    Earlier,
    length=st.integers(9, 500),
    table=st.integers(0, 400),
    size=st.just(1),
    root=st.integers(1, 90),
    info=st.just(b"/Info 7 0 R"),
    first_id=st.sampled_from([b"(abc)", b"<00FF>"]),
)


def written(earlier: Earlier, objects: dict[int, bytes], second_id: bytes) -> bytes:
    """A file whose last revision holds these objects."""
    return b" " * earlier.length + write_revision(earlier, objects, second_id)


@given(EARLIER, OBJECTS, st.binary(min_size=16, max_size=16))
def test_what_is_written_is_read_back_and_says_where_it_ends(
    earlier: Earlier, objects: dict[int, bytes], second_id: bytes
) -> None:
    data = written(earlier, objects, second_id)
    found = read_revision(data, earlier.length)
    assert (dict(found.objects), list(found.objects)) == (objects, list(objects))
    assert (found.second_id, found.previous_table) == (second_id, earlier.table)
    assert found.so_far.length == len(data) and found.so_far.size == max(objects) + 1
    assert data[found.so_far.table :].startswith(b"xref\n")


@settings(max_examples=60)
@given(EARLIER, OBJECTS, st.binary(min_size=16, max_size=16), st.data())
def test_every_object_stands_where_the_table_says(
    earlier: Earlier, objects: dict[int, bytes], second_id: bytes, draw: st.DataObject
) -> None:
    data = written(earlier, objects, second_id)
    number = draw.draw(st.sampled_from(sorted(objects)))
    place = data.index(b"%d 0 obj\n%b\nendobj\n" % (number, objects[number]), earlier.length)
    assert b"%010d 00000 n \n" % place in data[data.rindex(b"\nxref\n") :]


SPELLINGS = {
    "white space": (b">>\nstartxref", b">> \nstartxref"),
    "a table in pieces": (b"xref\n5 2\n", b"xref\n0 0\n5 2\n"),
    "an offset of its own": (b"0000000009 00000 n", b"0000000010 00000 n"),
    "a size of its own": (b"/Size 7", b"/Size 8"),
    "capital digits": (b"ab" * 16, b"AB" * 16),
    "something between": (b"endobj\n6 0", b"endobj\n%\n6 0"),
    "an entry more": (b"/Prev 3", b"/Prev 3/XRefStm 4"),
    "something after": (b"%%EOF\n", b"%%EOF\n\n"),
}


@pytest.mark.parametrize("name", SPELLINGS)
def test_another_spelling_is_not_read(name: str) -> None:
    earlier = Earlier(length=9, table=3, size=1, root=1, info=b"/Info 7 0 R", first_id=b"(abc)")
    data = written(earlier, {5: b"<<>>", 6: b"null"}, b"\xab" * 16)
    old, new = SPELLINGS[name]
    assert data.count(old) == 1
    with pytest.raises(ValueError):
        read_revision(data.replace(old, new), 9)


def test_the_name_of_validation_data_changes_with_everything_in_it() -> None:
    items = [b"a", b"b", b"c", b"ab", b""]
    data = [
        ValidationData(certificates=tuple(items[:cut]), crls=tuple(items[cut:stop]))
        for stop in range(len(items) + 1)
        for cut in range(stop + 1)
    ]
    assert len({evidence_id(each) for each in data}) == len(data)
    assert evidence_id(ValidationData(certificates=(b"a", b"b"), crls=())) != evidence_id(
        ValidationData(certificates=(b"b", b"a"), crls=())
    )
