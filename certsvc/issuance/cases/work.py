"""What the use cases of cases share: the bundle, contents under lock, and who may do what."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from certsvc.catalog.merged_form import MergedForm, merge_forms
from certsvc.domain.actor import Actor
from certsvc.domain.case import Case
from certsvc.domain.scope import DECIDE
from certsvc.errors import MessageTooLarge, NotFound, PayloadInvalid, Problem
from certsvc.ids import Ref
from certsvc.issuance.service import Issuing
from certsvc.issuance.sheets import seals_bound
from certsvc.services import Approvals, Cases

MOST_SEALED = 1024 * 1024
"""Bytes of one content, as the database limits them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseWork:
    """What the use cases need."""

    issuing: Issuing
    cases: Cases
    approvals: Approvals


def decides(work: CaseWork, actor: Actor, type_id: str) -> bool:
    """Whether a part is one of the actor's to decide: under every seal that it will be issued with."""
    seals = [seal.id for seal in seals_bound(work.issuing.keys, type_id)]
    return actor.may(DECIDE, type_id, seals, work.issuing.area)


def opened(actor: Actor, case: Case) -> bool:
    """Whether it was the actor who opened the case."""
    return case.opened_by == actor.name


def form_of(work: CaseWork, case: Case) -> MergedForm:
    """The form that the answers of a case were given to."""
    return merge_forms([work.issuing.catalog.latest(part.type_id) for part in case.parts])


async def answers_of(work: CaseWork, ref: Ref) -> dict[str, Any]:
    """The newest answers to the form."""
    return await content_of(work, ref, None) or {}


async def content_of(work: CaseWork, ref: Ref, type_id: str | None) -> dict[str, Any] | None:
    """What is kept of a case under lock: the answers, or what was granted of a part."""
    content = await work.cases.content(ref, type_id)
    if content is None:
        return None
    found: dict[str, Any] = json.loads(work.issuing.cipher.decrypt(content.sealed, ref.to_bytes(), content.key_id))
    return found


def lock_away(work: CaseWork, ref: Ref, content: Mapping[str, Any]) -> bytes:
    """A content under lock, bound to the case.

    Raises:
        MessageTooLarge: it is more than the register takes of one case.
    """
    sealed = work.issuing.cipher.encrypt(json.dumps(content, ensure_ascii=False).encode("utf-8"), ref.to_bytes())
    if len(sealed) > MOST_SEALED:
        raise MessageTooLarge("申请的内容超过 1 MiB。", "The content of the case is over 1 MiB.")
    return sealed


def digest_of(*asked: object) -> bytes:
    """SHA-256 of what is asked: the same key with another digest is another request."""
    return hashlib.sha256(msgspec.json.encode(asked, enc_hook=str, order="deterministic")).digest()


def refuse_problems(problems: Sequence[Problem], zh: str, en: str) -> None:
    """Refuse what has problems.

    Raises:
        PayloadInvalid: it has.
    """
    if problems:
        fields = ", ".join(dict.fromkeys(problem.field for problem in problems))
        raise PayloadInvalid(
            f"{zh}有 {len(problems)} 处不合要求：{fields}",
            f"{en}: {len(problems)} problems in {fields}",
            problems=problems,
        )


def no_case(ref: Ref) -> NotFound:
    """What a case that one may not see is answered with, too."""
    return NotFound(f"没有申请 {ref.typed_code}。", f"There is no case {ref.typed_code}.")
