"""Joint seals that are not those the data names, not finished, or that do not keep anything else from following."""

import re

from joint_flaws import changed_object, flaw, opening, up_to
from joint_workshop import OWNERS, JointBench, Objects, data_of
from pdf_bytes import append_revision, objects, sign
from seal_workshop import FOOD

from certsvc.domain.seal_form import LOCKS, SEALS_FOLLOW
from certsvc.seal.cms import make_cms
from certsvc.seal.fields import Numbers

HOUSING, PLANNING, DEFENCE = OWNERS


# ---- not the seals that the data names ----


@flaw("issuer.other_seal")
def a_missing_seal(bench: JointBench) -> bytes:
    return bench.press(bench.seals[:2])


@flaw("issuer.other_seal")
def an_extra_seal(bench: JointBench) -> bytes:
    return bench.press(page=bench.page_naming(HOUSING, PLANNING))


@flaw("issuer.other_seal")
def swapped_seals(bench: JointBench) -> bytes:
    first, second, third = bench.seals
    return bench.press((first, third, second))


@flaw("issuer.other_seal")
def another_owner_first(bench: JointBench) -> bytes:
    first, second, third = bench.seals
    return bench.press((second, first, third))


@flaw("issuer.other_seal")
def a_repeated_seal(bench: JointBench) -> bytes:
    return bench.press((*bench.seals[:2], bench.seal(HOUSING, 2)))


@flaw("issuer.other_seal")
def a_seal_of_ours_that_nobody_named(bench: JointBench) -> bytes:
    data = data_of(bench.workshop, (HOUSING, PLANNING, "police"))
    return bench.press((*bench.seals[:2], bench.seal("police", 2)), data=data)


@flaw("signer.not_our_anchor")
def a_foreign_seal(bench: JointBench) -> bytes:
    return bench.press((*bench.seals[:2], bench.seal(DEFENCE, 2, bench.workshop.lookalike)))


@flaw("signer.not_our_anchor")
def a_foreign_seal_that_certifies(bench: JointBench) -> bytes:
    return bench.press((bench.seal(HOUSING, 0, bench.workshop.lookalike), *bench.seals[1:]))


@flaw("issuer.other_seal")
def one_seal_where_three_are_named(bench: JointBench) -> bytes:
    return bench.workshop.press(bench.made)


@flaw("issuer.other_seal")
def three_seals_where_none_are_named(bench: JointBench) -> bytes:
    return bench.press(page=bench.page_naming())


@flaw("attachment.no_data_attached")
def data_that_names_one_seal(bench: JointBench) -> bytes:
    return bench.press(page=bench.page_naming(HOUSING))


@flaw("attachment.no_data_attached")
def data_that_names_a_seal_twice(bench: JointBench) -> bytes:
    return bench.press((*bench.seals[:2], bench.seal(HOUSING, 2)), page=bench.page_naming(HOUSING, PLANNING, HOUSING))


@flaw("attachment.no_data_attached")
def data_that_names_another_owner_first(bench: JointBench) -> bytes:
    first, second, third = bench.seals
    return bench.press((second, first, third), page=bench.page_naming(PLANNING, HOUSING, DEFENCE))


# ---- fewer seals named than the type has places for ----


@flaw("issuer.other_seal")
def a_required_party_that_nobody_names(bench: JointBench) -> bytes:
    return bench.press(bench.seals[:2], page=bench.page_naming(HOUSING, PLANNING))


@flaw("issuer.other_seal")
def two_required_parties_that_nobody_names(bench: JointBench) -> bytes:
    return bench.workshop.press(bench.made, page=bench.page_naming())


@flaw("issuer.other_seal")
def a_party_more_than_the_type_has_places_for(bench: JointBench) -> bytes:
    data = data_of(bench.workshop, (*OWNERS, "police"))
    page = bench.page_naming(*OWNERS, "police")
    return bench.press((*bench.seals, bench.seal("police", 2)), page=page, data=data)


@flaw("token_agrees.other_certificate")
def a_missing_party_under_the_name_of_a_type_of_one_seal(bench: JointBench) -> bytes:
    return bench.workshop.press(bench.made, page=bench.page_of_type(id=FOOD))


# ---- not finished, or more than finished ----


@flaw("docmdp.not_certified")
def only_the_first_seal(bench: JointBench) -> bytes:
    return up_to(bench, 1)


@flaw("docmdp.not_locked")
def all_seals_but_the_last(bench: JointBench) -> bytes:
    return up_to(bench, 2)


@flaw("signature.no_seal")
def the_page_alone(bench: JointBench) -> bytes:
    return up_to(bench, 0)


@flaw("format.not_the_next_seal")
def a_prepared_field_that_is_not_sealed(bench: JointBench) -> bytes:
    return bench.press(fields=(*bench.seals, bench.seal("police", 2)))


@flaw("format.not_the_next_seal")
def a_field_more_that_is_not_sealed_after_the_last(bench: JointBench) -> bytes:
    return bench.press(bench.seals[:2], fields=bench.seals, page=bench.page_naming(HOUSING, PLANNING))


def _strangers_seal(bench: JointBench, pdf: bytes) -> bytes:
    """A signature with a field of its own, by the key of somebody else."""
    found, root = objects(pdf), int(re.findall(rb"/Root (\d+) 0 R", pdf)[-1])
    number, mine = max(found) + 1, bench.workshop.lookalike
    named = re.sub(rb"/Fields\[([^\]]*)\]", rb"/Fields[\1 %d 0 R]" % number, found[root])
    signature = next(body for body in found.values() if body.startswith(b"<</Type/Sig/"))
    room = len(re.findall(rb"/Contents<([0-9a-f]*)>", signature)[0])
    blank = b"<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/ETSI.CAdES.detached/ByteRange[%b]/Contents<%b>>>"
    changed = {
        root: named,
        number: b"<</FT/Sig/T(Seal9)/TU <FEFF>/V %d 0 R>>" % (number + 1),
        number + 1: blank % (b" " * 40, b"0" * room),
    }
    sealing = mine.sealing("health")
    return sign(
        append_revision(pdf, changed), lambda digest: make_cms(digest, sealing, mine.timestamper, bench.workshop.now)
    )


@flaw("format.not_the_next_seal")
def a_strangers_signature_after_the_last(bench: JointBench) -> bytes:
    return _strangers_seal(bench, bench.pdf)


@flaw("format.not_the_next_seal")
def a_strangers_signature_between_two_seals(bench: JointBench) -> bytes:
    return bench.press(before={2: lambda pdf: _strangers_seal(bench, pdf)})


# ---- what may follow each seal ----


@flaw("docmdp.not_certified")
def a_first_seal_that_allows_nothing_after_it(bench: JointBench) -> bytes:
    return bench.press(changes={0: opening(b"/P 2", b"/P 1")})


@flaw("docmdp.not_certified")
def a_first_seal_that_allows_notes_after_it(bench: JointBench) -> bytes:
    return bench.press(changes={0: opening(b"/P 2", b"/P 3")})


@flaw("docmdp.not_certified")
def a_first_seal_that_does_not_certify(bench: JointBench) -> bytes:
    return bench.press(changes={0: opening(SEALS_FOLLOW, b"")})


@flaw("format.not_the_next_seal")
def a_second_seal_that_certifies(bench: JointBench) -> bytes:
    return bench.press(changes={1: opening(b"/M(", SEALS_FOLLOW + b"/M(")})


@flaw("docmdp.not_locked")
def a_last_seal_that_locks_no_fields(bench: JointBench) -> bytes:
    return bench.press(changes={2: opening(LOCKS, b"")})


@flaw("format.not_the_next_seal")
def a_last_seal_that_locks_only_some_fields(bench: JointBench) -> bytes:
    return bench.press(changes={2: opening(b"/Action/All", b"/Action/Include/Fields[(Seal1)]")})


@flaw("docmdp.not_locked")
def permissions_that_the_last_seal_does_not_reduce(bench: JointBench) -> bytes:
    """The field's lock says 2, so that forms may still be filled in."""
    lower = changed_object(lambda body: body.replace(b"/P 1", b"/P 2"), lambda numbers: numbers.lock)
    return bench.press(changes={0: lower, 2: opening(b"/P 1", b"/P 2")})


@flaw("docmdp.not_locked")
def a_lock_without_permissions(bench: JointBench) -> bytes:
    return bench.press(
        changes={0: changed_object(lambda body: body.replace(b"/P 1", b""), lambda numbers: numbers.lock)}
    )


@flaw("format.not_the_next_seal")
def a_lock_on_an_earlier_seal(bench: JointBench) -> bytes:
    lock = b"/Lock %d 0 R>>"

    def change(found: Objects, opening: bytes, numbers: Numbers) -> bytes:
        found[numbers.fields[1]] = found[numbers.fields[1]].replace(b">>", lock % numbers.lock)
        return opening

    return bench.press(changes={0: change})
