"""What a clerk reads out to who asks for a proof: whether it is given out, on what ground, and where to go instead."""

from collections.abc import Sequence

from certsvc.domain.proof_catalogue import Held
from certsvc.domain.proof_item import Answer, Discretionary, Forbidden, Kept, Route, Said, Unknown
from certsvc.errors import ProofRefused

NOT_KNOWN = Said(
    "去哪里办，这里没有掌握：请拨打 12345，或者请要这份证明的单位说明依据和去处。",
    "Where to go is not known here: call 12345, or ask the organ that wants it for its legal ground and the place.",
)
NOT_READ = Said("（去处尚未逐字核对，以窗口答复为准）", " (not checked word for word: the counter's answer counts)")


def require_kept(held: Held, type_id: str) -> Kept:
    """The kept proof of a certificate type, where it is given out.

    Raises:
        ProofRefused: it is not given out in this area on this day, with the words to read out.
    """
    item = held.items.get(type_id)
    if isinstance(item, Kept):
        return item
    said = read_out(item or Unknown(words=type_id, near=(), lists=held.lists, steps=(), rule=None))
    raise ProofRefused(said.zh, said.en)


def read_out(answer: Answer) -> Said:
    """The answer in a few plain sentences, in both languages."""
    if isinstance(answer, Kept):
        return _kept(answer)
    if isinstance(answer, Forbidden):
        return _forbidden(answer)
    return _discretionary(answer) if isinstance(answer, Discretionary) else _unknown(answer)


def _kept(kept: Kept) -> Said:
    bring = _listed(kept.bring)
    zh = f"“{kept.name.zh}”可以在村（居）里开。{_stop(kept.who.zh)}请带：{bring.zh}。"
    en = f"The village gives out the {_lower(kept.name.en)}. {kept.who.en} Bring: {bring.en}."
    for limit in kept.limits:
        zh, en = f"{zh}{_stop(limit.zh)}", f"{en} {limit.en}"
    if kept.doubt:
        zh, en = f"{zh}{_stop(kept.doubt.handling.zh)}", f"{en} {kept.doubt.handling.en}"
    return Said(zh, en)


def _forbidden(item: Forbidden) -> Said:
    zh = f"“{item.name.zh}”村（居）民委员会不能开，依据是{item.ground.basis}。"
    en = f"The village must not give out the {_lower(item.name.en)} ({item.ground.basis})."
    way = NOT_KNOWN if item.route is None else _way(item.route)
    return Said(zh + way.zh, f"{en} {way.en}")


def _way(route: Route) -> Said:
    zh, en = [], []
    if route.shows:
        zh.append(f"用{route.shows.zh}就可以，不用另开证明。")
        en.append(f"Show this instead of a proof: {route.shows.en}.")
    if route.where:
        zh.append(f"{'要另办的，' if route.shows else ''}请到：{route.where.zh}。")
        en.append(f"{'Otherwise go' if route.shows else 'Go'} to: {route.where.en}.")
    if route.bring:
        bring = _listed(route.bring)
        zh.append(f"带上{bring.zh}。")
        en.append(f"Bring: {bring.en}.")
    if route.takes:
        zh.append(_stop(route.takes.zh))
        en.append(f"{route.takes.en}.")
    unsure = route.ground.certainty != "known"
    return Said("".join(zh) + (NOT_READ.zh if unsure else ""), " ".join(en) + (NOT_READ.en if unsure else ""))


def _discretionary(item: Discretionary) -> Said:
    steps = _listed(item.steps)
    zh = f"“{item.name.zh}”要由村（居）民议定：{_stop(item.when.zh)}办法是：{steps.zh}。"
    return Said(zh, f"The villagers decide on the {_lower(item.name.en)}: {item.when.en} The steps: {steps.en}.")


def _unknown(unknown: Unknown) -> Said:
    zh = f"目录里没有“{unknown.words}”。没有法律法规依据、也不在保留清单里的，村（居）民委员会不开。"
    en = f"No catalogue here has “{unknown.words}”. What neither a law nor a list of kept proofs names is refused."
    for each in unknown.lists:
        zh += f"“{each.name.zh}”没有公布，这里登记了 {each.entered} 项（共 {each.count} 项），可能在其中。"
        en += f" {each.name.en}: not published; {each.entered} of {each.count} are entered here, and it may be another."
    return Said(zh + NOT_KNOWN.zh, f"{en} {NOT_KNOWN.en}")


def _listed(said: Sequence[Said]) -> Said:
    return Said("；".join(each.zh for each in said), "; ".join(each.en for each in said))


def _stop(zh: str) -> str:
    """A sentence with its full stop."""
    return zh if zh.endswith("。") else f"{zh}。"


def _lower(en: str) -> str:
    """A name within an English sentence."""
    return en[:1].lower() + en[1:] if en[1:2].islower() else en
