"""What a resident is asked to agree to before a proof is made: who gets what, for what; the sensitive data apart."""

from collections.abc import Container, Sequence
from dataclasses import dataclass

from certsvc.domain.proof_item import FormField, Kept, Said


@dataclass(frozen=True, slots=True)
class ConsentWords:
    """`plain` is agreed to by one tick, `sensitive` (None where nothing is) by one of its own
    (个人信息保护法 art. 28 to 31)."""

    plain: Said
    sensitive: Said | None

    @property
    def whole(self) -> str:
        """What goes on record."""
        return self.plain.zh + (self.sensitive.zh if self.sensitive else "")


def consent_words(item: Kept, asked: Container[str]) -> ConsentWords:
    """The words for a kept proof, from what the catalogue says of it; `asked` are the fields that the resident speaks
    of."""
    plain = [each for each in item.proof.fields if not each.is_sensitive and each.key in asked]
    named, name = _named(plain), item.name
    zh = (
        f"本人申请开具{name.zh}，同意村（居）民委员会查阅资料、走访核实，使用{named.zh}，"
        f"并把证明交给申请表上写明的接收单位，只用于申请表上写明的用途。"
    )
    en = (
        f"I ask for the {name.en}, agree that the committee looks into records and asks around, uses {named.en}, and "
        "gives the proof to the receiving organ named in the form, for the purpose named there alone."
    )
    sensitive = None
    if item.sensitive:
        apart = _named(item.sensitive)
        sensitive = Said(
            f"其中{apart.zh}是敏感个人信息，办理本证明必须用到；本人单独同意使用，只提供给该接收单位。",
            f"Of these, {apart.en} are sensitive personal data without which it cannot be made: I separately agree "
            "that they are used and given to that organ alone.",
        )
    return ConsentWords(Said(zh, en), sensitive)


def _named(fields: Sequence[FormField]) -> Said:
    return Said("、".join(each.name.zh for each in fields), ", ".join(each.name.en for each in fields))
