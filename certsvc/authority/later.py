"""Later ceremonies: new generations of keys, revocations, the root's next CRL. One file in, a transcript out.

What is to be made is written down first, with its names; every step is done once, however often it is begun; the
transcript comes last. Interrupted anywhere, the same file held again goes on where it stopped.
"""

import tomllib
from collections.abc import Iterator
from datetime import datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from certsvc.authority.archive import damaged
from certsvc.authority.authority import Authority
from certsvc.authority.ceremony import alone, read_authority
from certsvc.authority.names import ISSUING, ROOT, base_name, generation, next_generation, profile_name
from certsvc.authority.plan import MAX_PLAN
from certsvc.authority.transcript import later_transcript
from certsvc.domain.revocation import Instant, Reason, Revocation
from certsvc.errors import CeremonyError
from certsvc.files import FOR_EVERYONE, create_file, sync

Words = Annotated[str, Meta(min_length=1, max_length=400)]
Person = Annotated[str, Meta(min_length=1, max_length=64)]


class RevocationPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A certificate to revoke, by name; from the ceremony on if `effective` is not given."""

    name: str
    reason: Reason
    effective: Instant | None = None


class LaterPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a later ceremony does. `roll` names what gets its next generation: `issuing`, `timestamp`, `seal-fire`,
    `seal-*`; `id` names the ceremony. The root signs a CRL whenever it takes part, or when `root_crl` says so."""

    id: Annotated[str, Meta(pattern=r"\A[a-z0-9]+(-[a-z0-9]+)*\Z", max_length=80)]
    why: Words
    by: Person
    witness: Person
    roll: tuple[str, ...] = ()
    revoke: tuple[RevocationPlan, ...] = ()
    root_crl: bool = False


class Intent(msgspec.Struct, frozen=True):
    """A plan with the names of what it makes and the time it was first begun."""

    plan: LaterPlan
    names: tuple[str, ...]
    at: Instant


def is_later_plan(path: Path) -> bool:
    """Whether a file describes a later ceremony; one that cannot be read is left to who reads it next."""
    try:
        return "id" in tomllib.loads(path.read_text("utf-8")[:MAX_PLAN])
    except (OSError, ValueError):
        return False


def load_later_plan(path: Path) -> LaterPlan:
    """Read and check the plan of a later ceremony.

    Raises:
        CeremonyError: unreadable, too large, unknown keys, or a value out of its bounds.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_PLAN)
        plan = msgspec.convert(tomllib.loads(data.decode("utf-8")), LaterPlan)
    except OSError as error:
        raise CeremonyError(f"读不了 {path}：{error.strerror}", f"Cannot read {path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise CeremonyError(f"{path} 有误：{error}", f"{path} is wrong: {error}") from None
    return plan


def require_possible(plan: LaterPlan, authority: Authority, now: datetime) -> None:
    """See before anything is written that the ceremony can be held as it is planned.

    Raises:
        CeremonyError: one person alone, nothing to do, a name that is not there, a compromise in time to come.
        Conflict: a certificate is revoked already for another reason, or from an earlier time.
    """
    if plan.by == plan.witness:
        raise CeremonyError("仪式须有两人在场。", "A ceremony takes two persons.")
    if not (plan.roll or plan.revoke or plan.root_crl):
        raise CeremonyError(f"仪式 {plan.id}：没有要做的事。", f"Ceremony {plan.id}: there is nothing to do.")
    _refuse_unknown(plan, authority)
    for revocation in _revocations(plan, now):
        if revocation.reason.is_compromise and revocation.effective > now:
            raise CeremonyError(
                f"{revocation.name} 不会到将来的 {revocation.effective:%Y-%m-%d %H:%M}Z 才失控：请核对日期。",
                f"{revocation.name} cannot be in other hands from {revocation.effective:%Y-%m-%d %H:%M}Z: to come.",
            )
        authority.require_new(revocation)


def hold_later(plan: LaterPlan, home: Path, secret: str, now: datetime, roots: Path | None = None) -> Path:
    """Do what `plan` says to the authority in `home`; the path of the transcript. Held again, it changes nothing.

    `roots` is the folder in which the roots' keys are, where they have been taken out of the authority's own.

    Raises:
        CeremonyError: another ceremony of this id was held, or see `require_possible`.
        CustodyError: a key that is needed cannot be used: the root's for issuing authorities and its own CRL.
        Conflict: see `require_possible`.
    """
    with alone(home):
        authority = read_authority(home, secret, roots=roots)
        folder = home / "authority" / "ceremonies" / plan.id
        intent = _intend(plan, authority, folder, now)
        transcript = folder / "transcript.txt"
        if transcript.exists():
            return transcript
        revocations = [authority.record(each) for each in _revocations(intent.plan, intent.at)]
        for name in intent.names:
            authority.make(name, now)
        roots_at_work = sorted(_roots(intent, authority))
        for name in roots_at_work:
            authority.facts.sign_root_crl(name, now)
        authority.facts.publish(now, {*intent.names, *(each.name for each in plan.revoke)})
        text = later_transcript(
            _facts(plan),
            {name: authority.certificate(name) for name in intent.names},
            {name: authority.facts.root_crl(name) for name in roots_at_work},
            revocations,
            (plan.by, plan.witness),
            now,
            authority.plan.custody,
        )
        create_file(transcript, text.encode("utf-8"), FOR_EVERYONE)
    return transcript


def _intend(plan: LaterPlan, authority: Authority, folder: Path, now: datetime) -> Intent:
    path = folder / "plan.json"
    if not path.exists():
        require_possible(plan, authority, now)
        folder.mkdir(parents=True, exist_ok=True)
        for parent in (folder.parent, folder.parent.parent):
            sync(parent)
        create_file(path, msgspec.json.encode(Intent(plan, tuple(_new_names(plan, authority)), now)))
    try:
        intent = msgspec.json.decode(path.read_bytes(), type=Intent)
    except (OSError, msgspec.MsgspecError) as error:
        raise damaged(folder, str(error)) from None
    if intent.plan != plan:
        raise CeremonyError(
            f"编号为 {plan.id} 的仪式已按另一份计划举行。", f"A ceremony called {plan.id} was held by another plan."
        )
    return intent


def _refuse_unknown(plan: LaterPlan, authority: Authority) -> None:
    bases = {base_name(name) for name in authority.names}
    unknown = [pattern for pattern in plan.roll if not any(fnmatchcase(base, pattern) for base in bases)]
    unknown += [each.name for each in plan.revoke if each.name not in authority.names]
    if unknown:
        raise CeremonyError(
            f"这里没有名为 {'、'.join(unknown)} 的密钥。", f"There are no keys here called {', '.join(unknown)}."
        )
    if destroyed := [base for base in plan.roll if base in bases and _is_destroyed(base, authority)]:
        raise CeremonyError(
            f"印章 {'、'.join(destroyed)} 已销毁，没有下一把密钥。",
            f"{', '.join(destroyed)}: destroyed, and there is no next key.",
        )


def _new_names(plan: LaterPlan, authority: Authority) -> Iterator[str]:
    """From the root down: what is above signs what is below."""
    order = {ROOT: 0, ISSUING: 1}
    bases = sorted({base_name(name) for name in authority.names}, key=lambda base: (order.get(base, 2), base))
    for base in bases:
        if any(fnmatchcase(base, pattern) for pattern in plan.roll) and not _is_destroyed(base, authority):
            yield next_generation(authority.names, base)


def _is_destroyed(base: str, authority: Authority) -> bool:
    return authority.is_destroyed(authority.newest(base))


def _revocations(plan: LaterPlan, at: datetime) -> Iterator[Revocation]:
    for each in plan.revoke:
        yield Revocation(
            name=each.name,
            reason=each.reason,
            effective=each.effective or at,
            decided_at=at,
            by=plan.by,
            confirmed_by=plan.witness,
            why=plan.why,
        )


def _roots(intent: Intent, authority: Authority) -> Iterator[str]:
    """The roots that sign a CRL: new ones, those that signed or revoked an issuing authority, the newest when asked."""
    touched = {*intent.names, *(each.name for each in intent.plan.revoke)}
    found = {name for name in touched if profile_name(name) == ROOT}
    found |= {authority.issuer_name(name) for name in touched if profile_name(name) == ISSUING}
    if intent.plan.root_crl:
        found.add(max((name for name in authority.names if profile_name(name) == ROOT), key=generation))
    return iter(found)


def _facts(plan: LaterPlan) -> list[tuple[str, str]]:
    return [("编号 id", plan.id), ("原因 why", plan.why), ("主持 by", plan.by), ("见证 witness", plan.witness)]
