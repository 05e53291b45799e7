"""Joint seals: every later revision adds the next seal and nothing else, byte for byte as we add it.

Validators allow more than that between two seals: other appearances, metadata, fields filled in.
"""

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise

from certsvc.domain.revision import Revision, plain_stream, read_revision
from certsvc.domain.seal import ValidationData
from certsvc.domain.seal_form import LOCK, SEAL_OPENING, field_name, reference, sealed_field, store_objects, with_store
from certsvc.verify.report import Check, Outcome
from certsvc.verify.strict import revision_ends

FORM = re.compile(rb"/AcroForm<</Fields\[(\d+ 0 R(?: \d+ 0 R)*)\]/SigFlags 3>>/Perms<</DocMDP (\d+) 0 R>>")
FIELD = rb"<</FT/Sig/T\(%b\)/TU <[0-9A-F]+>/Kids\[\d+ 0 R\](?:/Lock (\d+) 0 R)?(?:/V (\d+) 0 R)?>>"
SIGNATURE = (
    re.escape(SEAL_OPENING)
    + rb"<[0-9A-F]+>/M\(D:\d{14}\+00'00'\)%b/ByteRange\[\d+ \d+ \d+ \d+ *\]/Contents<[0-9a-f]*>>>"
)
STORE = re.compile(rb"<</Type/DSS/Certs\[([^\]]*)\]/CRLs\[([^\]]*)\]>>")


def check_joint(data: bytes) -> Check:
    """The check `format` on a file with several seals, from its revisions."""
    try:
        good = all(_demands(data))
    except (ValueError, KeyError, IndexError, AttributeError):
        good = False
    outcome = Outcome.PASSED if good else Outcome.FAILED
    return Check("format", outcome, "page_and_joint_seals" if good else "not_the_next_seal")


def _demands(data: bytes) -> Iterator[bool]:
    ends = revision_ends(data)
    first, *later = (read_revision(data[:end], start) for start, end in pairwise(ends))
    seals, root = 1 + len(later), first.so_far.root
    ((named, certified),) = FORM.findall(first.objects[root])
    fields, signature = [int(number) for number in re.findall(rb"(\d+) 0 R", named)], int(certified)
    yield len(fields) == len(set(fields)) == seals and b"/DSS" not in first.objects[root]
    yield from (_is_prepared(first.objects, number, place, seals, signature) for place, number in enumerate(fields))
    yield _is_signature(first.objects[signature], 0, seals)
    before = first
    for place, revision in enumerate(later, 1):
        objects, signature = dict(revision.objects), before.so_far.size
        yield _follows(revision, before)
        yield _is_signature(objects.pop(signature), place, seals)
        expected = {fields[place]: sealed_field(first.objects[fields[place]], signature)}
        if place == seals - 1:
            store = signature + 1
            expected |= {root: with_store(first.objects[root], store), **_store(store, objects)}
        yield objects == expected
        before = revision


def _is_prepared(objects: Mapping[int, bytes], number: int, place: int, seals: int, certified: int) -> bool:
    """The first field is signed by the seal that certifies, the others are free, the last one locks."""
    found = re.fullmatch(FIELD % re.escape(field_name(place).encode("ascii")), objects[number])
    if found is None or (found[2] is not None) != (place == 0) or (found[1] is not None) != (place == seals - 1):
        return False
    signed = found[2] is None or int(found[2]) == certified
    return signed and (found[1] is None or objects[int(found[1])] == LOCK)


def _is_signature(body: bytes, place: int, seals: int) -> bool:
    return re.fullmatch(SIGNATURE % re.escape(reference(place, seals)), body) is not None


def _follows(revision: Revision, before: Revision) -> bool:
    now, then = revision.so_far, before.so_far
    same = (now.root, now.info, now.first_id) == (then.root, then.info, then.first_id)
    return same and revision.previous_table == then.table


def _store(first: int, objects: Mapping[int, bytes]) -> dict[int, bytes]:
    """The security store as we write it with what is in this one."""
    found = STORE.fullmatch(objects[first])
    if found is None:
        raise ValueError("no security store")
    certificates, crls = (part.count(b" 0 R") for part in found.groups())
    streams = [_content(objects[number]) for number in range(first + 1, first + 1 + certificates + crls)]
    data = ValidationData(certificates=tuple(streams[:certificates]), crls=tuple(streams[certificates:]))
    return store_objects(first, data, plain_stream)


def _content(stream: bytes) -> bytes:
    return stream[stream.index(b"stream\n") + len(b"stream\n") : -len(b"\nendstream")]
