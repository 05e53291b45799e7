"""The page of a request as it will be, for whoever may read the request; and the sealed file for its clerk."""

from datetime import datetime

from certsvc.domain.calendar import beijing_date
from certsvc.domain.certificate import Issuer
from certsvc.domain.organ import Member, OrganDuty
from certsvc.domain.preview import PreviewForm, ToPreview
from certsvc.domain.proof_request import ProofRequest
from certsvc.errors import Forbidden, NotFound, SealRefused
from certsvc.ids import parse_typed_code
from certsvc.issuance.village.deciding import certificate_of
from certsvc.issuance.village.lives import require_in_use
from certsvc.issuance.village.reading import standing_payload
from certsvc.issuance.village.work import VillageWork, kind_of, open_content, visible
from certsvc.services import PreviewDrawer


async def preview(
    work: VillageWork, drawer: PreviewDrawer, who: Member, request_id: str, form: PreviewForm, now: datetime
) -> bytes:
    """The page as it will be, from the draft as it stands or what was put before those who approve. That somebody else
    than its clerk reads it goes on record first.

    Raises:
        NotFound: there is no such request in this organ, or what it said is erased.
        PayloadInvalid: a field cannot be set on the page, by field.
        UnreadableFile, WorkersBusy: see `PreviewDrawer.draw`.
    """
    request = await visible(work, who, request_id)
    content, kind = open_content(work, request), kind_of(work, request.type_id)
    if request.handler != who.account:
        await work.requests.note_view(request_id, who.name, now)
    rounds = await work.requests.rounds(request_id, 1)
    payload = dict(await standing_payload(work, request, content, rounds) or {})
    asked = ToPreview(
        type_id=kind.id,
        payload=payload,
        issuer=_issuer(work, who, kind.id),
        on=beijing_date(now),
        form=form,
        replaces=request.corrects.typed_code if request.corrects else None,
    )
    return await drawer.draw(asked)


async def sealed_file(
    work: VillageWork, who: Member, request_id: str, now: datetime
) -> tuple[ProofRequest, str, bytes]:
    """The sealed file, to be printed or handed over by a clerk, with its typed code; that it was taken goes on record
    first.

    Raises:
        NotFound: there is no such request in this organ, or the file is not there any more.
        Forbidden: who asks is no clerk.
        ActNotAllowed: it is not sealed, or not in force any more.
    """
    request = await visible(work, who, request_id)
    if not who.has(OrganDuty.CLERK):
        raise Forbidden("证明文件由经办人打印、交付。", "The file of a proof is printed and handed over by a clerk.")
    await require_in_use(work, request, now)
    code = await certificate_of(work, request)
    documents = await work.issuing.register.documents(parse_typed_code(code))
    if not documents:
        raise NotFound("证明文件已按期删除。", "The file was erased in time.")
    await work.requests.note_taken(request_id, who.name, now)
    return request, code, work.issuing.blobs.get(documents[0].sha256)


def _issuer(work: VillageWork, who: Member, type_id: str) -> Issuer:
    """Who stands under it: the owner of the organ's seal; the organ itself, while it has none."""
    try:
        return Issuer(name=work.issuing.keys.seal_for(type_id, who.organ.uscc).owner, uscc=who.organ.uscc)
    except SealRefused:
        return Issuer(name=who.organ.name, uscc=who.organ.uscc)
