"""What changed is found by pixels and by words and boxed in its place; and nothing differs in equal files."""

import io
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "verify"))
from changing import (
    another_name,
    painted_over,
    printed_to_a_picture,
    saved_by_another_program,
    the_seal_moved,
    with_bytes_after_the_end,
    with_content,
    with_hidden_text,
)
from flaws import Bench
from PIL import Image
from seal_workshop import Made

from certsvc.verify.looking_shapes import MOST_DIFFERENCES, MOST_PAGES, Compare, Compared, Unseen
from certsvc.verify.looking_worker import answer

pytest_plugins = ["changed_fixtures"]


def compared(yours: bytes, sealed: bytes | None, texts: tuple[str, ...] = ()) -> Compared:
    """What the worker answers."""
    found = answer(Compare(yours, sealed, texts))
    assert isinstance(found, Compared), found
    return found


@pytest.mark.parametrize("same", [lambda bench: bench.genuine.pdf, with_bytes_after_the_end], ids=["equal", "tail"])
def test_nothing_differs_where_nothing_is_seen_to(same: Callable[[Bench], bytes], bench: Bench) -> None:
    assert compared(same(bench), bench.genuine.pdf) == Compared((), (), complete=True)


def test_saving_in_another_program_is_no_difference_to_see(bench: Bench) -> None:
    assert compared(saved_by_another_program(bench.genuine), bench.genuine.pdf).differences == ()


@pytest.mark.long
def test_another_name_is_named_in_words_and_boxed_in_both(bench: Bench) -> None:
    data, before, after = another_name(bench)
    (found,) = compared(data, bench.genuine.pdf).differences
    assert (found.how, found.sealed_text, found.yours_text) == ("text", before, after)
    assert found.sealed is not None and found.yours is not None
    assert found.sealed.top < found.yours.bottom and found.yours.top < found.sealed.bottom, "on one line"


@pytest.mark.long
def test_something_painted_over_is_seen_though_the_words_are_still_there(bench: Bench) -> None:
    (found,) = compared(painted_over(bench), bench.genuine.pdf).differences
    assert found.how == "picture" and found.sealed == found.yours


@pytest.mark.long
def test_a_seal_that_was_moved_is_seen(bench: Bench) -> None:
    found = compared(the_seal_moved(bench), bench.genuine.pdf).differences
    assert found and {one.how for one in found} == {"picture"}


@pytest.mark.long
def test_text_that_nobody_sees_is_found_by_its_words(bench: Bench) -> None:
    (found,) = compared(with_hidden_text(bench), bench.genuine.pdf).differences
    assert (found.how, found.sealed) == ("hidden", None)
    assert found.yours is not None and found.yours_text


@pytest.mark.long
def test_the_pictures_hold_the_boxes(bench: Bench) -> None:
    data, _, _ = another_name(bench)
    found = compared(data, bench.genuine.pdf)
    (pair,) = found.pairs
    assert pair.sealed is not None and pair.yours is not None
    for side in (pair.sealed, pair.yours):
        opened = Image.open(io.BytesIO(side.png))
        assert (opened.format, opened.size) == ("PNG", (side.width, side.height))
        assert len(side.png) < 400_000
    for one in found.differences:
        for box, side in ((one.sealed, pair.sealed), (one.yours, pair.yours)):
            assert box is not None and 0 <= box.left < box.right <= side.width + 3
            assert 0 <= box.top < box.bottom <= side.height + 3


def test_which_texts_stand_in_a_file_whatever_its_lines(bench: Bench) -> None:
    kind, fields = bench.genuine.face.type, bench.genuine.registered.public_fields
    texts = tuple(text for _, text in kind.rows(fields))
    assert set(compared(bench.genuine.pdf, None, texts).found) == {True}
    data, before, _ = another_name(bench)
    missing = [text for text, there in zip(texts, compared(data, None, texts).found, strict=True) if not there]
    assert missing == [before]
    assert compared(printed_to_a_picture(bench.genuine.pdf), None, texts).found == ()


@pytest.mark.long
def test_a_page_of_another_size_or_more_is_said(bench: Bench, another: Made) -> None:
    wide = bench.genuine.page.replace(b"/MediaBox", b"/MediaBux")
    assert wide != bench.genuine.page
    found = answer(Compare(wide, bench.genuine.pdf))
    assert isinstance(found, Unseen) or {one.how for one in found.differences} >= {"size"}  # type: ignore[union-attr]


def many_changes(bench: Bench) -> bytes:
    """A thousand dots all over the page."""
    dots = b"".join(b"%d %d 5 5 re " % (20 + 31 * (n % 25), 20 + 31 * (n // 25)) for n in range(450))
    return with_content(bench.genuine.pdf, b"q 1 0 0 rg " + dots + b"f Q")


@pytest.mark.long
def test_very_many_differences_are_one_place_and_the_list_is_bounded(bench: Bench) -> None:
    found = compared(many_changes(bench), bench.genuine.pdf)
    assert 1 <= len(found.differences) <= MOST_DIFFERENCES
    assert len(found.pairs) <= MOST_PAGES
