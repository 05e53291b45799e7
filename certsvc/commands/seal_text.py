"""How seals, their lives and their uses are told: to programs and to people."""

from datetime import datetime
from typing import Any

from certsvc.domain.calendar import BEIJING
from certsvc.domain.seal_acts import SEAL_ACTS, BookedUse, Duty, RegisteredSeal, SealEvent, SealRules, rules_of
from certsvc.domain.seal_sizes import size_of
from certsvc.store.seal_refusals import DUTIES, STATES

FOR_DOCUMENTS = "本单位的文件和摘要，不用于证照 the owner's documents and digests, no certificates"


def seal_json(found: RegisteredSeal) -> dict[str, Any]:
    """A seal, for a program to read."""
    one, people = found.seal, found.people
    width, height = one.design.size_mm
    return {
        "id": one.id,
        "owner": one.owner,
        "owner_uscc": one.owner_uscc,
        "state": found.state.value,
        "kind": one.design.kind.value,
        "rank": one.rank,
        "width_mm": width,
        "height_mm": height,
        "picture_supplied": one.design.picture is not None,
        "people": {duty.value: getattr(people, duty) for duty in Duty},
        "for_documents": one.is_for_documents,
        **_rules_json(rules_of(one)),
        "uses_today": found.uses_today,
        "uses": found.uses,
    }


def _rules_json(rules: SealRules) -> dict[str, Any]:
    place, hours = rules.place, rules.hours
    return {
        "certificate_types": sorted(rules.certificate_types),
        "place": {"page": place.page, "x_mm": place.x_mm, "y_mm": place.y_mm} if place else None,
        "daily_quota": rules.daily_quota,
        "hours": {"opens": _clock(hours.opens), "closes": _clock(hours.closes), "weekdays_only": hours.weekdays_only}
        if hours
        else None,
        "needs_authorisation": rules.needs_authorisation,
    }


def event_json(event: SealEvent) -> dict[str, Any]:
    """An act in the life of a seal, for a program to read."""
    return {
        "event": event.id,
        "act": event.act.value,
        "state": event.state.value,
        "by": event.actor,
        "confirmed_by": event.confirmed_by,
        "at": event.at.isoformat(),
        "reason": event.reason,
        "successor": event.successor,
        "certificate_sha256": event.certificate.hex() if event.certificate else None,
        "rules": _rules_json(event.rules) if event.rules else None,
    }


def use_json(use: BookedUse) -> dict[str, Any]:
    """A use, for a program to read."""
    place = use.place
    return {
        "use": use.id,
        "at": use.at.isoformat(),
        "by": use.actor,
        "typed_code": use.ref.typed_code if use.ref else None,
        "request": use.request_id,
        "type": use.type_id,
        "number": use.number,
        "layout": use.layout,
        "page": place.page if place else None,
        "digest_sha256": use.digest.hex() if use.digest else None,
        "issued": use.issued,
    }


def row(found: RegisteredSeal) -> str:
    """A seal in one line."""
    zh, en = STATES[found.state]
    quota = f"/{found.seal.daily_quota}" if found.seal.daily_quota is not None else ""
    used = f"今日 today {found.uses_today}{quota}, 共 in all {found.uses}"
    return f"{found.seal.id:<20} {zh} {en:<14} {used:<30} {found.seal.owner}"


def seal_lines(found: RegisteredSeal) -> list[str]:
    """What there is to say of a seal: kind and size, people, rules."""
    one, told = found.seal, seal_json(found)
    size = size_of(one.design.kind, one.rank)
    height = f"×{told['height_mm']:g}" if told["height_mm"] != told["width_mm"] else ""
    people = [f"  {DUTIES[duty][0]} {DUTIES[duty][1]}: {told['people'][duty] or '—'}" for duty in Duty]
    rules = [f"  {line}" for line in _rules_lines(rules_of(one))]
    kind = f"  {size.zh} {size.en}, {told['width_mm']:g}{height} mm ({size.source})"
    return [row(found), kind, *people, *rules, "经过 history:"]


def _rules_lines(rules: SealRules) -> list[str]:
    lines = [f"用于 for: {', '.join(sorted(rules.certificate_types)) or FOR_DOCUMENTS}"]
    if rules.place:
        lines.append(f"位置 place: page {rules.place.page}, {rules.place.x_mm:g} mm, {rules.place.y_mm:g} mm")
    if rules.daily_quota is not None:
        lines.append(f"次数 quota: {rules.daily_quota}")
    if rules.hours:
        days = ", 周一至周五 Monday to Friday" if rules.hours.weekdays_only else ""
        lines.append(f"时间 hours: {_clock(rules.hours.opens)}–{_clock(rules.hours.closes)}{days}")
    if rules.needs_authorisation:
        lines.append("须经保管人授权 only as its keeper opens it beforehand")
    return lines


def event_line(event: SealEvent) -> str:
    """An act in one line."""
    rule = SEAL_ACTS.get(event.act)
    words = f"{rule.zh} {rule.en}" if rule else "接管 taken over"
    whom = f" → {event.successor}" if event.successor else ""
    agreed = f" + {event.confirmed_by}" if event.confirmed_by else ""
    changed = f" [{'; '.join(_rules_lines(event.rules))}]" if event.rules else ""
    return f"  {_moment(event.at)}  {words}{whom}  {event.actor}{agreed}: {event.reason}{changed}"


def use_line(use: BookedUse) -> str:
    """A use in one line."""
    digest = use.digest.hex() if use.digest else "—"
    end = "" if use.issued else "  未签发 not issued"
    what = f"{use.type_id} {use.number}" if use.ref else f"文件 document {use.request_id}"
    return f"{use.id}  {_moment(use.at)}  {use.actor}  {what} {use.layout}  {digest}{end}"


def _moment(at: datetime) -> str:
    return at.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S")


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
