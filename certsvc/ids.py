"""Identifiers: strings end here. `parse_…()` turns text into a typed identifier or says what is wrong."""

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import date
from typing import NewType

from stdnum.iso7064 import mod_11_2, mod_11_10, mod_37_36

from certsvc.errors import InvalidIdentifier, WrongCheckCharacter

Uscc = NewType("Uscc", str)
"""统一社会信用代码, GB 32100-2015: 18 characters, the last two levels checked."""

CitizenId = NewType("CitizenId", str)
"""公民身份号码, GB 11643-1999: 18 characters, ISO 7064 MOD 11-2."""

TypeCode = NewType("TypeCode", str)
"""证照类型代码, GB/T 36904: the USCC of the authority that defines the type, and three digits."""

CertificateIdentifier = NewType("CertificateIdentifier", str)
"""证照标识, GB/T 36904: root, type code, issuer, serial, version and check character, joined by dots."""

USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
USCC_WEIGHTS = tuple(pow(3, i, 31) for i in range(17))
USCC_CATEGORIES = {
    "1": "1239",
    "2": "19",
    "3": "123459",
    "4": "19",
    "5": "12349",
    "6": "129",
    "7": "129",
    "8": "19",
    "9": "123",
    "A": "19",
    "N": "1239",
    "Y": "1",
}
"""登记管理部门 and the 机构类别 it registers (GB 32100-2015 with its first amendment; 54 are village committees)."""

ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
ALPHABET_36 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
CODE_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
IDENTIFIER_ROOT = "1.2.156.3005.2"
IDENTIFIER_PARTS = re.compile(r"[0-9A-Z]{18}[0-9]{3}\.([0-9A-Z]{18}|[0-9]{6})\.[0-9A-Z]{1,40}\.[0-9]{3}\.[0-9A-Z]")
"""Type code, issuer (a USCC; an area code in older ones), serial, version, check: each part has its length, because
the check character is computed without the dots and does not see one that moved."""

OPAQUE_ALPHABET, OPAQUE_LENGTH = "abcdefghijklmnopqrstuvwxyz234567", 20
"""Of ids of things that are no certificates: clients, batches, approvals, web-hooks."""

ReportNumber = NewType("ReportNumber", str)
"""The number of a report of a problem: `R`, 14 random characters and a check character, in groups of five. It is one
character shorter than a typed code, so that neither is ever taken for the other."""

ProgressCode = NewType("ProgressCode", str)
"""What a resident follows a request by: `P`, and the rest as in the number of a report. Who has it may ask."""

REPORT_RANDOM, REPORT_GROUP = 14, 5
LONGEST_TYPED = 100
SLOT_BITS, RANDOM_BITS = 12, 68
REF_BYTES = (SLOT_BITS + RANDOM_BITS) // 8


def uscc_check_character(first17: str) -> str:
    """The 18th character of a USCC (GB 32100-2015, Annex A)."""
    total = sum(USCC_ALPHABET.index(c) * w for c, w in zip(first17, USCC_WEIGHTS, strict=True))
    return USCC_ALPHABET[-total % 31]


def organisation_check_character(first8: str) -> str:
    """The 9th character of an organisation code (GB 11714-1997)."""
    total = sum(ALPHABET_36.index(c) * w for c, w in zip(first8, ORGANISATION_WEIGHTS, strict=True))
    return "0123456789X0"[11 - total % 11]


def parse_uscc(text: str) -> Uscc:
    """A USCC from text in either case.

    Raises:
        InvalidIdentifier: wrong length, a character that is not in the alphabet (I O Z S V), unknown prefix, or a
            letter in the area code.
        WrongCheckCharacter: one of its two check characters does not match.
    """
    code = _capitals(text.strip())
    if len(code) != 18:
        raise InvalidIdentifier("统一社会信用代码应为 18 位。", "A unified social credit code has 18 characters.")
    illegal = sorted({c for c in code if c not in USCC_ALPHABET})
    if illegal:
        shown = " ".join(illegal)
        raise InvalidIdentifier(
            f"统一社会信用代码中不会有字符 {shown}。", f"A unified social credit code never has {shown}."
        )
    if code[1] not in USCC_CATEGORIES.get(code[0], ""):
        raise InvalidIdentifier(
            f"没有以 {code[:2]} 开头的统一社会信用代码。", f"No unified social credit code begins with {code[:2]}."
        )
    if not re.fullmatch(r"[0-9]{6}", code[2:8]):
        raise InvalidIdentifier(
            "统一社会信用代码第 3 至 8 位应为行政区划数字。",
            "Characters 3 to 8 of a unified social credit code are the digits of an area.",
        )
    if code[17] != uscc_check_character(code[:17]) or code[16] != organisation_check_character(code[8:16]):
        raise WrongCheckCharacter(
            "统一社会信用代码的校验位不符，请核对有没有抄错。",
            "The check character of the unified social credit code does not match: compare it with the original.",
        )
    return Uscc(code)


def parse_citizen_id(text: str) -> CitizenId:
    """An 18-character citizen or residence-permit number (areas 81, 82 and 83 included).

    Raises:
        InvalidIdentifier: it is not 17 digits and a digit or X, or holds no calendar date.
        WrongCheckCharacter: ISO 7064 MOD 11-2 does not match.
    """
    code = _capitals(text.strip())
    if not re.fullmatch(r"[1-9][0-9]{16}[0-9X]", code):
        raise InvalidIdentifier("身份号码应为 17 位数字加一位数字或 X。", "An ID number is 17 digits and a digit or X.")
    if not _is_calendar_date(code[6:14]):
        raise InvalidIdentifier("身份号码中的出生日期不存在。", "The date of birth in the ID number does not exist.")
    if mod_11_2.checksum(code) != 1:
        raise WrongCheckCharacter("身份号码的校验位不符。", "The check character of the ID number does not match.")
    return CitizenId(code)


def _is_calendar_date(eight_digits: str) -> bool:
    try:
        date(int(eight_digits[:4]), int(eight_digits[4:6]), int(eight_digits[6:]))
    except ValueError:
        return False
    return True


def parse_type_code(text: str) -> TypeCode:
    """A 21-character type code (GB/T 36904).

    Raises:
        InvalidIdentifier, WrongCheckCharacter: see `parse_uscc`; or the last three are not digits.
    """
    if not re.fullmatch(r"[0-9]{3}", text[18:]):
        raise InvalidIdentifier(
            "证照类型代码的后三位应为数字。", "The last three characters of a type code are digits."
        )
    return TypeCode(parse_uscc(text[:18]) + text[18:])


def certificate_identifier(type_code: TypeCode, issuer: Uscc, serial: str, version: int) -> CertificateIdentifier:
    """Compose a certificate identifier (GB/T 36904; check by ISO 7064 MOD 37,36 over the parts without dots).

    Raises:
        InvalidIdentifier: `serial` is not digits and capitals, or `version` is not 1 to 999.
    """
    if not re.fullmatch(r"[0-9A-Z]{1,40}", serial) or not 1 <= version <= 999:
        raise InvalidIdentifier(
            "证照标识的流水号只用数字和大写字母，版本号为 001 至 999。",
            "The serial of a certificate identifier has digits and capitals only, its version is 001 to 999.",
        )
    parts = (type_code, issuer, serial, f"{version:03}")
    check = mod_37_36.calc_check_digit("".join(parts))
    return CertificateIdentifier(".".join((IDENTIFIER_ROOT, *parts, check)))


def parse_certificate_identifier(text: str) -> CertificateIdentifier:
    """A certificate identifier whose check character matches; the codes of its organs are not judged, since
    identifiers of others carry codes that were altered or retired.

    Raises:
        InvalidIdentifier: the root, the number of parts or the form of one is wrong.
        WrongCheckCharacter: ISO 7064 MOD 37,36 does not match.
    """
    rest = text.removeprefix(f"{IDENTIFIER_ROOT}.")
    if rest == text or not IDENTIFIER_PARTS.fullmatch(rest):
        raise InvalidIdentifier("证照标识的格式不对。", "The certificate identifier is malformed.")
    parts = rest.split(".")
    if mod_37_36.calc_check_digit("".join(parts[:4])) != parts[4]:
        raise WrongCheckCharacter("证照标识的校验位不符。", "The check of the certificate identifier does not match.")
    return CertificateIdentifier(text)


def check_digit_mod_11_10(digits: str) -> str:
    """The check digit of a food number (ISO 7064 MOD 11,10) over the 13 digits before it."""
    return str(mod_11_10.calc_check_digit(digits))


@dataclass(frozen=True, slots=True, order=True)
class Ref:
    """80 bits that name one certificate for ever: 12 bits of slot, 68 random. Printed as the typed code."""

    value: int

    def __post_init__(self) -> None:
        if not 0 <= self.value < 1 << (SLOT_BITS + RANDOM_BITS):
            raise InvalidIdentifier("编号超出范围。", "The reference is out of range.")

    @property
    def slot(self) -> int:
        """The partition, 0 to 4095: the same for a licence and everything tied to it."""
        return self.value >> RANDOM_BITS

    @property
    def typed_code(self) -> str:
        """17 characters: 16 of base32 and one check character (Luhn mod 32), in groups of four."""
        body = "".join(CODE_ALPHABET[self.value >> shift & 31] for shift in range(75, -1, -5))
        code = body + CODE_ALPHABET[-_luhn_sum(body + "0") % 32]
        return "-".join(code[i : i + 4] for i in range(0, 17, 4))

    def to_bytes(self) -> bytes:
        """Ten bytes, big-endian: claim 7 of the token."""
        return self.value.to_bytes(REF_BYTES, "big")


def ref_from_bytes(raw: bytes) -> Ref:
    """A reference from its ten bytes.

    Raises:
        InvalidIdentifier: there are not ten.
    """
    if len(raw) != REF_BYTES:
        raise InvalidIdentifier("编号应为 10 个字节。", "A reference has ten bytes.")
    return Ref(int.from_bytes(raw, "big"))


def parse_typed_code(text: str) -> Ref:
    """A reference from its typed code; hyphens and spaces are ignored, case does not matter.

    Raises:
        InvalidIdentifier: wrong length, or a character that no code has (I L O U).
        WrongCheckCharacter: a character was mistyped or two neighbours were exchanged (every such slip but 0 and Z
            exchanged, which Luhn mod 32 does not see; the random bits catch that one).
    """
    code = _capitals(re.sub(r"[\s-]", "", text))
    if len(code) != 17:
        raise InvalidIdentifier("查验码应为 17 位。", "A typed code has 17 characters.")
    illegal = sorted({c for c in code if c not in CODE_ALPHABET})
    if illegal:
        shown = " ".join(illegal)
        raise InvalidIdentifier(f"查验码中不会有字符 {shown}。", f"A typed code never has {shown}.")
    if _luhn_sum(code) % 32:
        raise WrongCheckCharacter(
            "查验码的校验位不符，请对照纸面再输一次。",
            "The check character does not match: compare with the paper and type it again.",
        )
    return Ref(sum(CODE_ALPHABET.index(c) << shift for c, shift in zip(code, range(75, -1, -5), strict=False)))


def new_report_number() -> ReportNumber:
    """A fresh number of a report: 70 random bits, so that none is found by trying."""
    return ReportNumber(_new_lettered("R"))


def new_progress_code() -> ProgressCode:
    """A fresh code of progress: 70 random bits, so that none is found by trying."""
    return ProgressCode(_new_lettered("P"))


def parse_report_number(text: str) -> ReportNumber:
    """The number of a report, as it is typed: hyphens and spaces are ignored, case does not matter.

    Raises:
        InvalidIdentifier: it does not begin with R, has another length, or a character that no number has (I L O U).
        WrongCheckCharacter: a character was mistyped or two neighbours were exchanged.
    """
    return ReportNumber(_parse_lettered("R", "报告编号", "number of a report", text))


def parse_progress_code(text: str) -> ProgressCode:
    """A code of progress, as it is typed: hyphens and spaces are ignored, case does not matter.

    Raises:
        InvalidIdentifier, WrongCheckCharacter: see `parse_report_number`; it begins with P.
    """
    return ProgressCode(_parse_lettered("P", "进度查询码", "code of progress", text))


def _new_lettered(letter: str) -> str:
    body = "".join(secrets.choice(CODE_ALPHABET) for _ in range(REPORT_RANDOM))
    return _grouped(letter, body + CODE_ALPHABET[-_luhn_sum(body + "0") % 32])


def _parse_lettered(letter: str, zh: str, en: str, text: str) -> str:
    code = _capitals(re.sub(r"[\s-]", "", text[:LONGEST_TYPED]))
    body = code[1:]
    if code[:1] != letter or len(body) != REPORT_RANDOM + 1 or not set(body) <= set(CODE_ALPHABET):
        raise InvalidIdentifier(
            f"{zh}以 {letter} 开头，后面是三组、每组 5 位数字或字母，没有 I、L、O、U。",
            f"The {en} is {letter} and three groups of five digits or letters, without I, L, O and U.",
        )
    if _luhn_sum(body) % 32:
        raise WrongCheckCharacter(
            f"{zh}的校验位不符，请对照记下的再输一次。",
            f"The check character of the {en} does not match: compare it with what you wrote down.",
        )
    return _grouped(letter, body)


def _grouped(letter: str, body: str) -> str:
    return "-".join((letter, *re.findall(f".{{{REPORT_GROUP}}}", body)))


def _capitals(text: str) -> str:
    """ASCII in capitals; other letters stay, because ſ would become S and ﬀ two letters."""
    return text.upper() if text.isascii() else text


def _luhn_sum(code: str) -> int:
    total = 0
    for place, character in enumerate(reversed(code)):
        value = CODE_ALPHABET.index(character) * (1 + place % 2)
        total += value // 32 + value % 32
    return total


def slot_of_licence(holder: Uscc) -> int:
    """The slot of a business: its licence, all permits tied to it and every version of them share it."""
    digest = hashlib.sha256(b"certsvc slot 1\0" + holder.encode("ascii")).digest()
    return int.from_bytes(digest[:2], "big") >> 4


def new_ref(slot: int | None = None) -> Ref:
    """A fresh reference in `slot`; without one (a proof has no licence) the slot is drawn too."""
    chosen = secrets.randbits(SLOT_BITS) if slot is None else slot
    return Ref(chosen << RANDOM_BITS | secrets.randbits(RANDOM_BITS))


def new_opaque_id(prefix: str) -> str:
    """A fresh id that says nothing but what kind of thing it names: the prefix, and 100 random bits in base32."""
    return f"{prefix}-" + "".join(secrets.choice(OPAQUE_ALPHABET) for _ in range(OPAQUE_LENGTH))
