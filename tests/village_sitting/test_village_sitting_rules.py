"""What is confirmed is one text: read back as it was said, in one form only, and the same for the database."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certsvc.domain.proof_acts import ProofAct
from certsvc.domain.sitting import HEAD, MOST_IN_SITTING, Agreed, digest_of_said, parse_said, said_of
from certsvc.errors import InvalidInput

ids = st.text("abcdefghijklmnopqrstuvwxyz234567", min_size=20, max_size=20).map("v-{}".format)
ones = st.builds(Agreed, ids, st.integers(1, 999_999_999), st.sampled_from([ProofAct.APPROVE, ProofAct.CONFIRM_CANCEL]))
sittings = st.lists(ones, min_size=1, max_size=MOST_IN_SITTING, unique_by=lambda one: one.request_id)
ONE = Agreed("v-" + "a" * 20, 3, ProofAct.APPROVE)
LINE = f"approve {ONE.request_id} 3"


@given(sittings, st.randoms())
def test_what_is_said_is_read_back_whatever_the_order(agreed: list[Agreed], random: st.DataObject) -> None:
    text, mixed = said_of(agreed), list(agreed)
    random.shuffle(mixed)  # type: ignore[attr-defined]  # a random.Random
    assert said_of(mixed) == text and digest_of_said(mixed) == hashlib.sha256(text.encode()).digest()
    assert sorted(parse_said(text)) == sorted(parse_said(text.replace("\n", "\r\n"))) == sorted(agreed)
    assert len(text.encode()) <= 2048, "as much as the database takes"


@given(sittings, sittings)
def test_two_sittings_have_one_digest_only_if_they_are_the_same(one: list[Agreed], other: list[Agreed]) -> None:
    assert (digest_of_said(one) == digest_of_said(other)) == (sorted(one) == sorted(other))


@pytest.mark.parametrize(
    "text",
    [
        "",
        HEAD,
        LINE,
        f"{HEAD} \n{LINE}",
        f"{HEAD}\n{LINE}\n",
        f"{HEAD}\n{LINE}\n{LINE}",
        f"{HEAD}\n{LINE}\napprove {ONE.request_id} 4",
        f"{HEAD}\n{LINE.replace('approve', 'return')}",
        f"{HEAD}\n{LINE.replace(' 3', ' 03')}",
        f"{HEAD}\n{LINE.replace(' 3', ' ３')}",
        f"{HEAD}\n{LINE.replace(' 3', ' 0')}",
        f"{HEAD}\n{LINE} ",
        "\n".join([HEAD, *(f"approve v-{chr(97 + n) * 20} 3" for n in range(MOST_IN_SITTING + 1))]),
        f"{HEAD}\napprove v-{'b' * 20} 3\n{LINE}",
    ],
    ids=[
        "nothing",
        "nobody",
        "no head",
        "another head",
        "an empty line",
        "twice",
        "two versions",
        "another act",
        "a leading zero",
        "wide digits",
        "no version",
        "a blank",
        "too many",
        "another order",
    ],
)
def test_what_is_in_any_other_form_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_said(text)
