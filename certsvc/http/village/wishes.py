"""What a resident says beside the questions of a form: how to be reached, what they agree to, and who is told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from certsvc.domain.consent_words import ConsentWords, consent_words
from certsvc.domain.entry_form import EntryForm
from certsvc.domain.proof_item import Kept
from certsvc.domain.proof_request import Consent, ConsentGiven
from certsvc.domain.receiver import Receiver
from certsvc.errors import Problem
from certsvc.http.language import Language
from certsvc.issuance.village.work import MOST_CONTACT

YES = "yes"
LONGEST_ID = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What was typed and ticked; `receiver` is the id of an organ that is to be told, or empty."""

    contact: str = ""
    agrees: bool = False
    agrees_sensitive: bool = False
    receiver: str = ""


@dataclass(frozen=True, slots=True)
class WishesView:
    """The same as a page shows it: what is agreed to in words, and which organs may be told, by id and name. A text is
    empty where there is nothing to agree to."""

    said: Wishes
    words: ConsentWords
    consent: str
    sensitive: str
    offered: Sequence[Receiver]
    receivers: Sequence[tuple[str, str]]


def read_wishes(fields: Mapping[str, str]) -> Wishes:
    """What was sent."""
    return Wishes(
        contact=fields.get("contact", "")[: 2 * MOST_CONTACT],
        agrees=fields.get("agree") == YES,
        agrees_sensitive=fields.get("agree_sensitive") == YES,
        receiver=fields.get("tell", "")[:LONGEST_ID],
    )


def wishes_view(
    language: Language, item: Kept, form: EntryForm, receivers: Sequence[Receiver], said: Wishes
) -> WishesView:
    """What the page shows; what is agreed to is in the words that a clerk reads out at the counter."""
    words = consent_words(item, {each.key for each in form.fields})
    return WishesView(
        said,
        words,
        language.pick(words.plain.zh, words.plain.en),
        language.pick(words.sensitive.zh, words.sensitive.en) if words.sensitive else "",
        receivers,
        [(one.id, language.pick(one.name.zh, one.name.en)) for one in receivers],
    )


def wish_problems(view: WishesView) -> list[Problem]:
    """What is missing, by the name of its field."""
    said, found = view.said, []
    if not said.contact or len(said.contact) > MOST_CONTACT or not said.contact.isprintable():
        zh, en = (
            f"请填写联系电话，最多 {MOST_CONTACT} 个字。",
            f"Fill in a telephone, {MOST_CONTACT} characters at most.",
        )
        found.append(Problem("contact", "contact", zh, en))
    if said.receiver and said.receiver not in dict(view.receivers):
        found.append(Problem("tell", "enum", "请重新选择接收单位。", "Choose the receiving organ again."))
    if not said.agrees:
        found.append(Problem("agree", "consent", "同意了才能提交：请勾选。", "Tick that you agree to send it."))
    if view.sensitive and not said.agrees_sensitive:
        zh, en = "敏感个人信息要单独同意：请另外勾选。", "Sensitive data needs a tick of its own."
        found.append(Problem("agree_sensitive", "consent", zh, en))
    return found


def consent_of(view: WishesView) -> Consent:
    """What the resident agreed to, as it goes on record: in Chinese, and who is told by name."""
    told = [one.name.zh for one in view.offered if one.id == view.said.receiver]
    more = f"本人同意把本证明的开具、更正、撤销告知{told[0]}（只告知查验码，不含个人信息）。" if told else ""
    return Consent(what=view.words.whole + more, how=ConsentGiven.ONLINE)
