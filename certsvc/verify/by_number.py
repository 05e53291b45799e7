"""A licence by the number of the business and the beginning of its name. Who has neither learns nothing: wrong and
unknown are one answer, after the same one question to the register.
"""

import hmac
import unicodedata
from datetime import datetime

from certsvc.domain.calendar import beijing_date
from certsvc.domain.history import NamedLicence
from certsvc.errors import InvalidInput, NotFound, RegisterUnavailable
from certsvc.ids import parse_uscc
from certsvc.verify.foreign_records import with_elsewhere
from certsvc.verify.gather import ask_register, make_report
from certsvc.verify.report import Check, Outcome, Report, Soundness
from certsvc.verify.service import Verifying

NAME_CHARACTERS, LONGEST_NAME = 2, 100
MASK = "*"


async def verify_number(verifying: Verifying, uscc: str, name: str, now: datetime) -> Report:
    """Report on the licence of a business. Of `name` the first two characters count.

    Raises:
        InvalidIdentifier, WrongCheckCharacter, InvalidInput: mistyped; the register was not asked.
        NotFound: there is no such licence, or it has another name: which of the two is not said.
        RegisterUnavailable: it cannot be known now.
    """
    code, wanted = parse_uscc(uscc), parse_name_beginning(name)
    if verifying.register is None or verifying.histories is None:
        raise RegisterUnavailable("登记簿现在查不了。", "The register cannot be asked now.")
    found = await verifying.histories.by_number(code, beijing_date(now))
    if not _is_named(found, wanted) or found is None:
        raise NotFound(
            "没有查到：代码与名称的前两个字对不上，或没有登记。请对照执照再输一次。",
            "Nothing found: code and name do not match, or are not on record. Compare them with the licence.",
        )
    asked = await ask_register(verifying.register, found.ref, now)
    if asked.gathered is None or asked.check is None:
        raise RegisterUnavailable("登记簿现在查不了。", "The register cannot be asked now.")
    checks = (Check("number", Outcome.PASSED, "known_number"), asked.check)
    report = make_report(verifying.catalog, "number", Soundness.SOUND, checks, asked.gathered, now)
    return await with_elsewhere(verifying, report)


def parse_name_beginning(text: str) -> str:
    """The first two characters of a name, in one spelling: full-width signs are those of the keyboard.

    Raises:
        InvalidInput: there are fewer, or far more than any name has.
    """
    name = unicodedata.normalize("NFKC", text).replace(" ", "")
    if not NAME_CHARACTERS <= len(name) <= LONGEST_NAME:
        raise InvalidInput(
            "name 应为执照上名称的前两个字。", "Give in `name` the first two characters of the name on the licence."
        )
    return name[:NAME_CHARACTERS].casefold()


def _is_named(found: NamedLicence | None, wanted: str) -> bool:
    """Whether a business has, or had, such a name; every name is compared, and one that is masked is nobody's."""
    names = found.names if found else ("",)
    matches = [hmac.compare_digest(_beginning(name).encode(), wanted.encode()) for name in names if MASK not in name]
    return any(matches)


def _beginning(name: str) -> str:
    return unicodedata.normalize("NFKC", name).replace(" ", "")[:NAME_CHARACTERS].casefold()
