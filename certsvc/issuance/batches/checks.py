"""The check of a row: everything that would refuse it when its turn comes, asked before the first row is done."""

from dataclasses import dataclass
from datetime import datetime

import msgspec

from certsvc.domain.actor import Actor
from certsvc.domain.acts import ACTS, Act, Makes
from certsvc.domain.batch import RowError
from certsvc.domain.job import MOST_IN_VAIN
from certsvc.errors import CertsvcError, CustodyError, PayloadInvalid, Problem, Unavailable
from certsvc.issuance import acts, prepare
from certsvc.issuance.batches.line import KEPT_BY_A_REISSUE, RowContent, acting_of, order_of, target_of
from certsvc.issuance.external.orders import require_external
from certsvc.issuance.ground import require_needed
from certsvc.issuance.reading import visible
from certsvc.issuance.service import Issuing

LATER = (Unavailable, CustodyError)
"""What says nothing of the row: it is tried again."""

MOST_PROBLEMS = 50
"""Problems that are kept of one row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checking:
    """Whose rows are checked, and for what. `client` is who sent them."""

    actor: Actor
    client: str
    act: Act
    type_id: str


async def require_sound(
    issuing: Issuing, checking: Checking, content: RowContent, key: str, now: datetime, *, rehearsed: bool
) -> None:
    """See that a row could be done now; `rehearsed` does everything up to the reservation, page and lint too.

    Raises:
        CertsvcError: why not; of the kinds in `LATER` it is not known.
    """
    kind = issuing.catalog.latest(checking.type_id)
    rule = ACTS[checking.act]
    if rule.makes is not Makes.FIRST:
        await visible(issuing, checking.actor, target_of(content), checking.act)
    if rule.makes is Makes.NOTHING:
        asked = acting_of(content, checking.client, key, checking.act)
        newest = await issuing.register.newest_version(asked.ref)
        require_type(newest.type_id, checking.type_id)
        await acts.examine(issuing.register, issuing.catalog, checking.actor, asked, now)
        return
    order = order_of(await completed(issuing, content, checking.act), checking.client, key, checking.act, kind)
    if rehearsed:
        await prepare.rehearse(issuing, checking.actor, order, now)
    elif rule.makes is Makes.NEXT:
        await prepare.examine(issuing, checking.actor, order, now)
    else:
        if problems := kind.problems(order.payload):
            zh, en = kind.named(problems)
            raise PayloadInvalid(
                f"内容有 {len(problems)} 处不合要求：{zh}",
                f"{len(problems)} problems in {en}",
                problems=problems,
            )
        require_needed(rule, order.ground, {"previous_identifier": order.previous_identifier})
        await require_external(issuing, order)


def require_type(found: str, wanted: str) -> None:
    """See that a certificate is of the batch's type.

    Raises:
        PayloadInvalid: it is not.
    """
    if found != wanted:
        raise PayloadInvalid(
            f"这件证照是 {found}，不是本批次的 {wanted}。", f"It is of the type {found}, not {wanted} as the batch is."
        )


async def completed(issuing: Issuing, content: RowContent, act: Act) -> RowContent:
    """A row with its payload: that of the version before, where a reissue says nothing else.

    Raises:
        NotFound: there is no such certificate.
        InvalidIdentifier, WrongCheckCharacter: it names none.
    """
    if content.payload is not None or act not in KEPT_BY_A_REISSUE:
        return content
    before = await issuing.register.newest_version(target_of(content))
    return msgspec.structs.replace(content, payload=dict(prepare.open_payload(issuing, before)))


def row_error(error: CertsvcError) -> RowError:
    """Why a row is wrong or failed, as it is kept."""
    return RowError(code=error.code, zh=error.zh, en=error.en, problems=error.problems[:MOST_PROBLEMS])


def twice(line: int) -> RowError:
    """Why a row is wrong whose key came before."""
    zh, en = f"第 {line} 行已用了这个编号。", f"The key was used on line {line} already."
    return RowError(code="row_key_twice", zh=zh, en=en, problems=(Problem("key", "twice", zh, en),))


INTERNAL = RowError(code="internal", zh="出了问题，已记入日志。", en="Something went wrong; the log has it.")

CRASHED = RowError(
    code="worker_crashed",
    zh=f"办理这一行时，工作进程已 {MOST_IN_VAIN} 次意外终止（崩溃或内存不足），不再办理。"
    "请查对内容，或请运维人员查看日志；失败的行可以重办。",
    en=f"The worker's process ended {MOST_IN_VAIN} times while doing this row (it crashed, or ran out of memory): it "
    "is left. Look at what it asks for, or have the operator look into the log; failed rows can be tried again.",
)
"""Why a row is left that ends its worker."""


class EndsItsWorker(Exception):
    """What the log says of such a row."""
