"""Holders (持证主体): who they are by kind of code (GB/T 36903 Annex A)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from certsvc.errors import CertsvcError, InvalidIdentifier
from certsvc.ids import parse_citizen_id, parse_uscc

USCC, OTHER_BODY, CITIZEN_ID, OTHER_PERSON = "001", "099", "111", "999"


@dataclass(frozen=True, slots=True)
class HolderKind:
    """A kind of code: its name, whether it names a natural person, and the form of one without rules of its own."""

    zh: str
    en: str
    person: bool
    form: str = r"[0-9A-Z][0-9A-Z()/-]{3,29}"


KINDS: Mapping[str, HolderKind] = {
    USCC: HolderKind("统一社会信用代码", "Unified social credit code", False),
    OTHER_BODY: HolderKind("其他法人或其他组织有效证件代码", "Other code of an organisation", False),
    CITIZEN_ID: HolderKind("公民身份号码", "Citizen ID number", True),
    "114": HolderKind("军官证", "Officer's card", True),
    "115": HolderKind("武警警官证", "Armed police officer's card", True),
    "118": HolderKind("士兵证", "Soldier's card", True),
    "119": HolderKind("武警士兵证", "Armed police soldier's card", True),
    "120": HolderKind("文职人员证", "Civilian personnel card", True),
    "122": HolderKind("武警文职人员证", "Armed police civilian personnel card", True),
    "411": HolderKind("外交护照", "Diplomatic passport", True),
    "412": HolderKind("公务护照", "Service passport", True),
    "413": HolderKind("公务普通护照", "Passport for public affairs", True),
    "414": HolderKind("普通护照", "Passport", True),
    "511": HolderKind("台湾居民来往大陆通行证", "Mainland travel permit, Taiwan resident", True),
    "516": HolderKind("港澳居民来往内地通行证", "Mainland travel permit, Hong Kong or Macao resident", True),
    OTHER_PERSON: HolderKind("其他自然人有效证件代码", "Other code of a person", True),
}
"""持证主体代码类型. Only USCC and citizen ID have a check character; of the others the characters are bounded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """A holder: name, code and the kind of that code."""

    name: str
    code: str | None
    code_kind: str

    @property
    def is_person(self) -> bool:
        """Whether it is a natural person, of whom nothing leaves the payload unmasked."""
        return KINDS[self.code_kind].person


def parse_holder_code(kind: str, text: str) -> str:
    """A code of a kind, in its normal form.

    Raises:
        InvalidIdentifier, WrongCheckCharacter: there is no such kind, or it is no code of that kind.
    """
    if kind == USCC:
        return parse_uscc(text)
    if kind == CITIZEN_ID:
        return parse_citizen_id(text)
    if kind not in KINDS:
        raise InvalidIdentifier(f"没有证件种类 {kind}。", f"There is no kind of code {kind}.")
    if not re.fullmatch(KINDS[kind].form, text, re.ASCII):
        raise InvalidIdentifier(
            f"不是{KINDS[kind].zh}的号码：用数字和大写字母，4 至 30 位。",
            f"It is no number of this kind ({KINDS[kind].en}): digits and capitals, 4 to 30 of them.",
        )
    return text


def is_holder_code(kind: str, text: str) -> bool:
    """Whether `text` is a code of `kind` in its normal form."""
    try:
        return parse_holder_code(kind, text) == text
    except CertsvcError:
        return False
