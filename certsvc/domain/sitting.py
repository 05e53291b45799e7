"""A sitting: an approver looks at requests one after another, marks those that they agree to, and confirms all of them
at once, with exactly the versions that they saw. Returning is said at once and needs no confirmation: it only stops.

What is confirmed is a text, and its SHA-256 is the digest of the confirmation. The database reads the same text
(`proof_confirmation.what`), so that nobody agrees past it.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from certsvc.domain.proof_acts import ProofAct, ProofState
from certsvc.domain.proof_request import ProofActRequest, ProofRequest
from certsvc.errors import ActNotAllowed, InvalidInput

HEAD = "certsvc: agreed to"
"""The first line: no other digest that a person confirms is of a text that begins so."""

MOST_IN_SITTING = 20
LINE = re.compile(r"(approve|confirm_cancel) (v-[a-z2-7]{20}) ([1-9][0-9]{0,8})", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Agreed:
    """What an approver agrees to: the request, the version that they saw, and whether to approve or to cancel it."""

    request_id: str
    seen: int
    act: ProofAct


@dataclass(frozen=True, slots=True, kw_only=True)
class Sitting:
    """What an approver confirmed. `key` names it for them: the same again is done once; `confirmation` is that of
    their account, for the digest of `agreed`."""

    account: str
    person: str
    agreed: tuple[Agreed, ...]
    key: str
    confirmation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Became:
    """What came of a request in a sitting: `is_done`, or what was done before by whom (None: nothing, and it was left
    out all the same). `shown` is the holder's name, masked."""

    agreed: Agreed
    type_id: str
    shown: str | None
    is_done: bool
    act: ProofAct | None
    person: str | None
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A request that waits for an approver; since when they have seen this version, and marked it as agreed to."""

    request: ProofRequest
    is_seen: bool = False
    agreed_at: datetime | None = None

    @property
    def agreed(self) -> Agreed:
        """What agreeing to it is."""
        return Agreed(self.request.id, self.request.version, agreeing_to(self.request))


def agreeing_to(request: ProofRequest) -> ProofAct:
    """What an approver agrees to by agreeing to a request: that it is sealed, or cancelled once it is."""
    return ProofAct.CONFIRM_CANCEL if request.state is ProofState.SEALED else ProofAct.APPROVE


def said_of(agreed: Sequence[Agreed]) -> str:
    """What is confirmed, as a text; the order in which requests were looked at is no part of it.

    Raises:
        InvalidInput: it is nothing, more than a sitting has, or a request comes twice.
    """
    if not 0 < len(agreed) <= MOST_IN_SITTING or len({one.request_id for one in agreed}) < len(agreed):
        raise _malformed()
    return "\n".join([HEAD, *(f"{one.act} {one.request_id} {one.seen}" for one in sorted(agreed))])


def parse_said(text: str) -> tuple[Agreed, ...]:
    """What was said; a browser's line ends are ours.

    Raises:
        InvalidInput: it is no such text.
    """
    head, *lines = text.replace("\r\n", "\n").split("\n")[: MOST_IN_SITTING + 2]
    found = [LINE.fullmatch(line) for line in lines]
    agreed = tuple(Agreed(one[2], int(one[3]), ProofAct(one[1])) for one in found if one)
    if head != HEAD or len(agreed) < len(lines) or said_of(agreed) != "\n".join([head, *lines]):
        raise _malformed()
    return agreed


def digest_of_said(agreed: Sequence[Agreed]) -> bytes:
    """SHA-256 of what is confirmed."""
    return hashlib.sha256(said_of(agreed).encode("ascii")).digest()


def agreeing(sitting: Sitting, one: Agreed) -> ProofActRequest:
    """What is asked of one request of a sitting."""
    return ProofActRequest(
        request_id=one.request_id,
        act=one.act,
        account=sitting.account,
        person=sitting.person,
        seen=one.seen,
        key=sitting.key,
        digest=digest_of_said([one]),
    )


def sitting_of_one(act: ProofActRequest, confirmation: str | None) -> Sitting:
    """What is confirmed by agreeing to one request alone.

    Raises:
        ActNotAllowed: there is no confirmation.
    """
    if confirmation is None or act.account is None:
        raise not_confirmed()
    return Sitting(
        account=act.account,
        person=act.person,
        agreed=(Agreed(act.request_id, act.seen, act.act),),
        key=key_of_one(act.request_id, act.key),
        confirmation=confirmation,
    )


def key_of_one(request_id: str, key: str) -> str:
    """The key of a sitting of one request: that of an act is for its request, that of a sitting for its approver."""
    return f"{request_id} {key}"


def not_confirmed() -> ActNotAllowed:
    """The error, for an approval without a confirmation of it."""
    return ActNotAllowed(
        "同意要由审批人本人用通行密钥、或密码加动态码确认，确认的就是看过的这一版。请核对后再确认一次。",
        "An approver agrees by a confirmation of their own, by passkey or by password and code, of the version that "
        "they saw: look again and confirm once more.",
    )


def not_seen() -> ActNotAllowed:
    """The error, for an approval of what was not looked at."""
    return ActNotAllowed(
        "还没有打开看过这一版，不能同意：请先看过。", "This version was not opened yet: look at it before agreeing."
    )


def _malformed() -> InvalidInput:
    return InvalidInput(
        "要同意的内容不合格式，请回到页面再确认。", "What is agreed to is malformed: go back to the page."
    )
