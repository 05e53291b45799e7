"""What lies in the village's inbox when the demonstration begins: a request in each state, made by the use cases that
the console calls, so that the seal-use book and every record are as real as in a village."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from certsvc.catalog.load import examples
from certsvc.catalog.receivers import load_receivers
from certsvc.demo.orders import from_day
from certsvc.demo.people import APPROVER, AREA, BY, CLERK, VILLAGE, Person, confirmed, demo_accounts, demo_people
from certsvc.demo.village_seal import NOT_OPENED, demo_opening, demo_seal
from certsvc.domain.calendar import beijing_date
from certsvc.domain.issuing import Reservation
from certsvc.domain.life import Ground
from certsvc.domain.looked_into import Way, looked_into
from certsvc.domain.organ import Member
from certsvc.domain.proof_acts import ProofAct
from certsvc.domain.proof_request import Consent, ConsentGiven, IdentityCheck, ProofRequest
from certsvc.domain.receiver import Receivers
from certsvc.domain.sitting import Agreed, digest_of_said
from certsvc.errors import ChangedMeanwhile, NotFound, PayloadInvalid
from certsvc.ids import parse_typed_code
from certsvc.issuance.approvals import carry_out
from certsvc.issuance.service import Issuing
from certsvc.issuance.village.deciding import cancel, certificate_of, decide, decide_cancel, submit, withdraw
from certsvc.issuance.village.drafts import Opened, Opening, open_at_counter, open_online, record_identity
from certsvc.issuance.village.reading import view
from certsvc.issuance.village.work import Said, VillageWork
from certsvc.jobs.queue import do_one
from certsvc.log import open_log
from certsvc.settings import Settings
from certsvc.store.approvals import CARRY_OUT
from certsvc.store.jobs import JobQueue
from certsvc.store.pool import Pool
from certsvc.villages import village_work

WITHDRAWN = "申请人改到出生地的村委会办理，要求撤回。"
RETURNED = "新墓址写的是“镇公墓”，请写全名称和墓位，再附一份公墓同意安置的回执。"
CANCELLED = Ground(
    reason="现场复核时电梯还没有安装完毕，出具有误",
    reason_code="not_qualified",
    legal_basis="厅字〔2022〕28号",
    decision_number="石塘村撤〔2026〕1号",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """How one request went: which example of which type, and how far; `due` is its last day, after the first day. With
    `tells` the resident agrees that the organ that receives it is told; with `waits` it is left to be sealed."""

    type_id: str
    example: str
    due: int
    fields: int | None = None
    online: bool = False
    identified: bool = True
    submitted: bool = True
    returned: bool = False
    withdrawn: bool = False
    approved: bool = False
    waits: bool = False
    cancelled: bool = False
    tells: bool = False

    @property
    def key(self) -> str:
        """Names the request in every run."""
        return f"{BY} {self.type_id}/{self.example}"


STORIES = (
    Story(type_id="tiered-water-proof", example="good-zhou", due=1, approved=True),
    Story(type_id="tiered-water-proof", example="good-large-household", due=1, approved=True),
    Story(type_id="special-equipment-proof", example="good-added-lift", due=3, approved=True, cancelled=True),
    Story(type_id="water-power-connection-proof", example="good-cold-store", due=3, approved=True, tells=True),
    Story(type_id="house-alteration-proof", example="good-old-house", due=3),
    Story(type_id="grave-relocation-proof", example="good-six-graves", due=2, returned=True),
    Story(type_id="overseas-origin-proof", example="good-vancouver", due=4, submitted=False, withdrawn=True),
    Story(type_id="public-rental-housing-proof", example="good-three-members", due=-2, submitted=False),
    Story(
        type_id="water-power-connection-proof",
        example="good-new-house",
        due=5,
        fields=4,
        identified=False,
        submitted=False,
    ),
    Story(
        type_id="overseas-origin-proof",
        example="good-penang",
        due=5,
        online=True,
        identified=False,
        submitted=False,
    ),
)
"""Two sealed, one cancelled, one sealed of which its receiver is told, one that waits for approval, one returned, one
withdrawn, one late, one half filled in, and one that came in online, of which nobody has seen who asks."""

WAITING = Story(type_id=NOT_OPENED, example="good-small-family", due=3, approved=True, waits=True)
"""Approved, and its seal not opened for its kind: it waits until its keeper opens it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hall:
    """The village at work: what it works with, its two people, and the day from which terms begin."""

    pool: Pool
    work: VillageWork
    clerk: Member
    approver: Member
    receivers: Receivers
    day: date

    @property
    def now(self) -> datetime:
        """This moment."""
        return self.work.issuing.clock()


async def demo_village(
    settings: Settings, issuing: Issuing, pool: Pool, day: date, *, serves: bool
) -> list[Reservation]:
    """The village with its people, its seal and its requests, once; what was sealed, of what is still in force. Where
    somebody has acted on a request meanwhile, it stays as they left it, and all of them where the duties were handed
    over. Only where it is served then, by a worker that looks again, something waits for its seal.

    Raises:
        see the use cases.
    """
    await demo_people(pool, issuing.cipher, issuing.clock())
    await demo_seal(pool, issuing.clock())
    hall = await _hall(settings, issuing, pool, day)
    if hall is None:
        return []
    await demo_opening(pool, issuing.cipher, issuing.clock())
    told = [(story, await _told(hall, story)) for story in STORIES]
    await _do_jobs(hall)
    if serves:
        await _told(hall, WAITING)
    return [sealed for story, sealed in told if sealed is not None and not story.cancelled]


async def _hall(settings: Settings, issuing: Issuing, pool: Pool, day: date) -> Hall | None:
    """None where one of the two no longer has the duty."""
    work = village_work(settings, issuing, pool)
    accounts = await demo_accounts(pool, issuing.clock())

    async def who(person: Person) -> Member | None:
        held = await work.organs.memberships(accounts[person.name], beijing_date(issuing.clock()))
        return next((one for one in held if one.organ.uscc == VILLAGE and one.has(person.duty)), None)

    clerk, approver = await who(CLERK), await who(APPROVER)
    if clerk is None or approver is None:
        return None
    receivers = load_receivers(settings.schemas, issuing.catalog, is_demonstration=True)
    return Hall(pool=pool, work=work, clerk=clerk, approver=approver, receivers=receivers, day=day)


async def _told(hall: Hall, story: Story) -> Reservation | None:
    """One request, as far as its story goes; its certificate, if there is one."""
    try:
        request = (await _opened(hall, story)).request
    except NotFound:
        return None  # what it said is erased
    try:
        if story.identified:
            await record_identity(
                hall.work, hall.clerk, request.id, IdentityCheck.IN_PERSON, 1, f"{story.key} identify", hall.now
            )
        if story.submitted:
            await submit(hall.work, hall.clerk, request.id, 2, f"{story.key} submit", hall.now)
        if story.withdrawn:
            await withdraw(hall.work, hall.clerk, request.id, WITHDRAWN, 2, f"{story.key} withdraw", hall.now)
        if story.returned or story.approved:
            await _decided(hall, story, request.id)
        return await _sealed(hall, story, request.id) if story.approved and not story.waits else None
    except ChangedMeanwhile:
        return None  # somebody has acted on it
    except PayloadInvalid:
        return None  # of a later version than this folder, whose first day is so long ago that its term is over


async def _decided(hall: Hall, story: Story, request_id: str) -> None:
    agreed = await _agreed(hall, request_id, 3, ProofAct.APPROVE) if story.approved else None
    what = story.approved, RETURNED if story.returned else None
    await decide(hall.work, hall.approver, request_id, *what, 3, f"{story.key} decide", hall.now, agreed)


async def _agreed(hall: Hall, request_id: str, seen: int, act: ProofAct) -> str | None:
    """The approver looks at a request and confirms that they agree; nothing where that is done."""
    if (await hall.work.requests.request(request_id)).version != seen:
        return None
    await view(hall.work, hall.approver, request_id, hall.now)
    digest = digest_of_said([Agreed(request_id, seen, act)])
    return (await confirmed(hall.pool, hall.work.issuing.cipher, APPROVER, digest, hall.now)).id


async def _opened(hall: Hall, story: Story) -> Opened:
    how = ConsentGiven.ONLINE if story.online else ConsentGiven.IN_PERSON
    consent = Consent(what="核对户籍和居住情况，并把证明交给接收单位", how=how)
    asked = Opening(
        key=story.key,
        type_id=story.type_id,
        said=Said(
            payload=_payload(hall, story),
            contact="0000-00000315",
            notes=None if story.online else looked_into((Way.RECORDS, Way.VISIT), "看过户口簿，上门看过，与申请一致。"),
            consent=consent,
        ),
        due=hall.day + timedelta(days=story.due),
        tells=hall.receivers.of(AREA, story.type_id)[0] if story.tells else None,
    )
    if story.online:
        return await open_online(hall.work, VILLAGE, asked, hall.now)
    return await open_at_counter(hall.work, hall.clerk, asked, hall.now)


def _payload(hall: Hall, story: Story) -> Mapping[str, Any]:
    """An example with its term from the first day on, and no more of it than the story says."""
    kind = hall.work.issuing.catalog.latest(story.type_id)
    (good,) = (found for path, found in examples(kind, "good") if path.stem == story.example)
    return dict([*from_day(kind, good, hall.day).items()][: story.fields])


async def _sealed(hall: Hall, story: Story, request_id: str) -> Reservation:
    """What was approved is sealed here and now, for no worker runs yet, and perhaps cancelled again."""
    request = await _carried_out(hall, request_id, cancelling=False)
    code = await certificate_of(hall.work, request)
    if story.cancelled:
        await cancel(hall.work, hall.clerk, request_id, CANCELLED, 5, f"{story.key} cancel", hall.now)
        agreed = await _agreed(hall, request_id, 6, ProofAct.CONFIRM_CANCEL)
        key = f"{story.key} agree"
        await decide_cancel(hall.work, hall.approver, request_id, True, None, 6, key, hall.now, agreed)
        await _carried_out(hall, request_id, cancelling=True)
    return await hall.work.issuing.register.reservation(parse_typed_code(code))


async def _carried_out(hall: Hall, request_id: str, *, cancelling: bool) -> ProofRequest:
    request = await hall.work.requests.request(request_id)
    approval = request.cancel_approval_id if cancelling else request.approval_id
    assert approval is not None, "it was decided just now, or before"
    await carry_out(hall.work.issuing, hall.work.approvals, approval, hall.now)
    return await hall.work.requests.request(request_id)


async def _do_jobs(hall: Hall) -> None:
    """What was decided has a job as well, which finds it done."""
    jobs, handlers = JobQueue(hall.pool), {CARRY_OUT: partial(carry_out, hall.work.issuing, hall.work.approvals)}
    while await do_one(jobs, handlers, hall.work.issuing.clock, open_log()):
        pass
