"""Made-up holders with correct check characters."""

from certsvc.ids import Uscc, organisation_check_character, parse_uscc, uscc_check_character


def company_code(serial: int) -> Uscc:
    """The code of a company that nobody founded."""
    body = f"91441900MA7{serial:05}"
    first17 = body + organisation_check_character(body[8:])
    return parse_uscc(first17 + uscc_check_character(first17))
