"""Joint seals: several owners, one page, one after the other. No one may have anything but all of them.

All fields are prepared in the first update. The first seal certifies and lets nothing but the others follow; the last
locks the document and brings the validation data of all. Each has its own timestamp and its own use of its key.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from certsvc.domain.revision import plain_stream
from certsvc.domain.seal import Placement, SealPicture, ValidationData
from certsvc.domain.seal_form import MOST_SEALS, reference, sealed_field, store_objects, with_store
from certsvc.errors import SealRefused
from certsvc.seal.base_pdf import read_base
from certsvc.seal.cms import room_for
from certsvc.seal.evidence import require_evidence
from certsvc.seal.fields import Numbers, SealContent, prepare_page, signature_opening
from certsvc.seal.pdf import PreparedSeal, prepared_seal
from certsvc.seal.update import Update, make_update
from certsvc.services import Sealing, Timestamper


@dataclass(frozen=True, slots=True, kw_only=True)
class JointSeal:
    """One of the seals: its picture and place, its words, what stands behind it."""

    picture: SealPicture
    placement: Placement
    description: str
    reason: str
    sealing: Sealing

    @property
    def content(self) -> SealContent:
        """What it puts on the page."""
        return SealContent(
            picture=self.picture, placement=self.placement, description=self.description, reason=self.reason
        )


@dataclass(frozen=True, slots=True)
class SealInTurn:
    """A seal whose turn comes when those before it are on the page."""

    sealing: Sealing
    update: Update
    page: bytes

    def prepare(self, so_far: bytes) -> PreparedSeal:
        """Everything but the use of the key; `so_far` is the page, or the file that the seal before gave.

        Raises:
            SealRefused: it is not this seal's turn on that file.
        """
        if len(so_far) != self.update.before.length or not so_far.startswith(self.page):
            raise SealRefused("还没有轮到这枚印章。", "It is not this seal's turn.")
        return prepared_seal(so_far, self.update, self.sealing)


def seal_jointly(
    pdf: bytes,
    seals: Sequence[JointSeal],
    *,
    timestamper: Timestamper,
    validation_data: ValidationData,
    now: datetime,
) -> bytes:
    """The file with all the seals, in order. Everything is checked before the first key is used.

    Raises:
        SealRefused, RevocationDataStale: see `prepare_joint_seals`.
        TimestampUnavailable, CustodyError: no timestamp, or no key.
    """
    for seal in prepare_joint_seals(pdf, seals, validation_data=validation_data, now=now):
        pdf = seal.prepare(pdf).seal(timestamper, now)
    return pdf


def prepare_joint_seals(
    pdf: bytes, seals: Sequence[JointSeal], *, validation_data: ValidationData, now: datetime
) -> tuple[SealInTurn, ...]:
    """The seals in the order in which they go on the page: prepare the first on `pdf`, seal, prepare the second on
    what came out, and so on. Only what the last one gives may leave the house; a retry starts again from `pdf`.

    Raises:
        SealRefused: not two to eight different seals, not a page as rendered, a seal would not lie on it, or a
            certificate of a chain does not hold.
        RevocationDataStale: see `require_evidence`.
    """
    different = {seal.sealing.certificate for seal in seals}
    if not 2 <= len(seals) <= MOST_SEALS or len(different) != len(seals):
        raise SealRefused(
            f"联合盖章须有二至{MOST_SEALS}枚不同的印章。", f"Joint seals are 2 to {MOST_SEALS} different seals."
        )
    base = read_base(pdf)
    for seal in seals:
        require_evidence(seal.sealing, validation_data, now)
    contents = [seal.content for seal in seals]
    numbers = Numbers(base.size, contents)
    page = prepare_page(base, contents, numbers)
    earlier, turns = base.earlier, []
    for place, seal in enumerate(seals):
        signature = earlier.size if place else numbers.first_seal
        field = numbers.fields[place]
        objects = {**({} if place else page), field: sealed_field(page[field], signature)}
        if place == len(seals) - 1:
            store = signature + 1
            objects |= {
                base.root: with_store(page[base.root], store),
                **store_objects(store, validation_data, plain_stream),
            }
        opening = signature_opening(seal.reason, reference(place, len(seals)), now)
        update = make_update(earlier, objects, (signature, opening), room_for(seal.sealing))
        turns.append(SealInTurn(seal.sealing, update, pdf))
        earlier = update.so_far
    return tuple(turns)
