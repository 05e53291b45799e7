"""A receipt as pages show it: what it says of its own moment, with the link to the state now."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from certsvc.domain.receipt import Answer, Elsewhere, Line, Receipt, Shown
from certsvc.errors import InvalidIdentifier
from certsvc.http.language import Language, Simplified
from certsvc.http.verifier.headline import LOOKS, UNSURE, Look
from certsvc.http.verifier.view import Fact, in_groups
from certsvc.ids import parse_typed_code

FAMILIES = frozenset({"ok", "bad", "hold", "unk", "old", "page"})
ICONS = {"ok": "tick", "bad": "stop", "hold": "info", "unk": "unsure", "old": "info", "page": "page"}
HOW = {
    "qr": ("by_qr", "digest_qr"),
    "code": ("by_code_how", "digest_code"),
    "file": ("by_file_how", "digest_file"),
    "photo": ("by_photo", "digest_file"),
}
PAST = Look("info", "old", "old")
"""What a receipt that comes back says was in force then: a plain mark, for nobody asked again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SaidLine:
    """One certificate as the receipt has it."""

    title: str
    tag: str
    icon: str
    family: str
    number: str
    issuer: str
    term: str
    age: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptView:
    """Everything a page shows of a receipt. `again` is where the state of now is, None where the receipt names no
    certificate."""

    number: tuple[str, ...]
    only_then: str
    word: str
    qualifier: str
    look: Look
    asked: tuple[Fact, ...]
    answers: tuple[tuple[str, str, str, str, str], ...]
    reasons: tuple[Fact, ...]
    notes: tuple[str, ...]
    facts: tuple[Fact, ...]
    licence: SaidLine | None
    permits: tuple[SaidLine, ...]
    permits_title: str
    pending: tuple[str, ...]
    complete: str | None
    elsewhere: Elsewhere | None
    records: tuple[SaidLine, ...]
    made: tuple[Fact, ...]
    again: str | None


def receipt_view(
    receipt: Receipt, language: Language, sealed_at: datetime | None = None, *, past: bool = False
) -> ReceiptView:
    """What a receipt says, in the reader's language where the receipt has it, else in Chinese; `sealed_at` is when its
    page was sealed. One that comes back is `past`: what was in force then has no tick and no colour of now."""
    shown = _shown(receipt, language)
    words = language.words["receipts"]
    return ReceiptView(
        number=in_groups(receipt.id.upper()),
        only_then=language.put(words["only_then"], at=shown.at),
        word=shown.word,
        qualifier=shown.qualifier,
        look=_look(receipt, past=past),
        asked=_asked(receipt, shown, language),
        answers=tuple(_answer(answer, past=past) for answer in shown.answers),
        reasons=tuple(_fact(fact.label, fact.value) for fact in shown.reasons),
        notes=shown.notes,
        facts=tuple(_fact(fact.label, fact.value) for fact in shown.facts),
        licence=_line(shown.licence, past=past) if shown.licence else None,
        permits=tuple(_line(line, past=past) for line in shown.permits),
        permits_title=words["permits"].format(n=len(shown.permits)),
        pending=shown.pending,
        complete=shown.complete,
        elsewhere=shown.elsewhere,
        records=tuple(_line(line, past=past) for line in shown.elsewhere.records) if shown.elsewhere else (),
        made=_made(receipt, language, sealed_at),
        again=_again(receipt),
    )


def _shown(receipt: Receipt, language: Language) -> Shown:
    """What was shown, in the language of the page; the simplified Chinese of a record says so on a traditional page."""
    if language.code == "en":
        return receipt.shown.en
    shown: Shown = _simplified(receipt.shown.zh) if language.code == "hant" else receipt.shown.zh
    return shown


def _simplified(value: Any) -> Any:
    """The same with every text marked, but for the names of colours."""
    if isinstance(value, msgspec.Struct):
        fields = msgspec.structs.asdict(value).items()
        return msgspec.structs.replace(value, **{name: _simplified(each) for name, each in fields if name != "family"})
    if isinstance(value, tuple):
        return tuple(_simplified(each) for each in value)
    return Simplified(value) if isinstance(value, str) else value


def _asked(receipt: Receipt, shown: Shown, language: Language) -> tuple[Fact, ...]:
    words, asked = language.words["receipts"], receipt.asked
    how, digest = HOW.get(asked.by, HOW["file"])
    found = [
        _fact(words["object"], shown.title or ""),
        _fact(words["holder"], _chinese(shown.holder or "", language)),
        _fact(words["how"], words[how]),
        _fact(words["made_at"], shown.at),
        _fact(words["purpose_said"], receipt.purpose or ""),
        Fact(label=words[digest], label_zh=None, value=asked.sha256, groups=tuple(_fours(asked.sha256)), wide=True),
        _fact(words["size"], words["bytes"].format(n=asked.size) if asked.size is not None else ""),
    ]
    return tuple(fact for fact in found if fact.value)


def _made(receipt: Receipt, language: Language, sealed_at: datetime | None) -> tuple[Fact, ...]:
    words = language.words["receipts"]
    sealed = language.moment(sealed_at) + str(language.words["site"]["beijing"]) if sealed_at else ""
    found = [
        _fact(words["signer"], _chinese(receipt.by.authority, language)),
        _fact(words["address"], receipt.by.url),
        _fact(words["sealed_at"], sealed),
        _fact(words["program"], receipt.by.program),
        _fact(words["log"], words["log_none"] if receipt.log is None else ""),
    ]
    return tuple(fact for fact in found if fact.value)


def _chinese(text: str, language: Language) -> str:
    """What is Chinese whatever the language of the page."""
    return text if language.code == "zh" else Simplified(text)


def _again(receipt: Receipt) -> str | None:
    try:
        return f"/C/{parse_typed_code(receipt.asked.typed_code or '').typed_code}"
    except InvalidIdentifier:
        return None


def _look(receipt: Receipt, *, past: bool) -> Look:
    found = LOOKS.get(receipt.shown.headline, UNSURE)
    return PAST if past and found.block == "ok" else found


def _answer(answer: Answer, *, past: bool) -> tuple[str, str, str, str, str]:
    family = _family(answer.family, past=past)
    return family, ICONS[family], answer.question, answer.word, answer.text


def _line(line: Line, *, past: bool) -> SaidLine:
    family = _family(line.family, past=past)
    return SaidLine(
        title=line.title,
        tag=line.tag,
        icon=ICONS[family],
        family=family,
        number=line.number,
        issuer=line.issuer,
        term=line.term,
        age=line.age,
        notes=line.notes,
    )


def _family(name: str, *, past: bool) -> str:
    known = name if name in FAMILIES else "unk"
    return "old" if past and known == "ok" else known


def _fact(label: str, value: str) -> Fact:
    groups = in_groups(value)
    return Fact(label=label, label_zh=None, value=value, groups=groups, wide=bool(groups))


def _fours(text: str) -> list[str]:
    return [text[place : place + 4] for place in range(0, len(text), 4)]
