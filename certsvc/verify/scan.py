"""A scanned QR or a typed code: signature before database, one query, then each certificate its own checks."""

from datetime import datetime

from certsvc.catalog import Catalog
from certsvc.domain.calendar import TermState, beijing_date, start_of_day
from certsvc.domain.certificate import RegisteredCertificate
from certsvc.domain.token import Claims, Token
from certsvc.ids import Ref, parse_typed_code
from certsvc.services import RegisterReader
from certsvc.verify.foreign_records import with_elsewhere
from certsvc.verify.gather import Asked, ask_register, make_report, no_record
from certsvc.verify.report import Check, Outcome, Report, Soundness, soundness
from certsvc.verify.service import Verifying
from certsvc.verify.token import check_registered, check_token


async def verify_scan(verifying: Verifying, digits: str, now: datetime) -> Report:
    """Report on the digits of a QR.

    Raises:
        MalformedToken, TokenTooLong: it is no token at all.
    """
    token, signed = check_token(digits, verifying.anchors)
    if signed.outcome is Outcome.FAILED:
        return make_report(verifying.catalog, "qr", Soundness.UNSOUND, (signed,), None, now)
    asked, checks = await ask_of_token(verifying, token, signed, now)
    sound = soundness(check for check in checks if check.kind != "register")
    report_term = claims_term(token.claims, now)
    report = make_report(verifying.catalog, "qr", sound, checks, asked.gathered, now, document_term=report_term)
    return await with_elsewhere(verifying, report)


async def ask_of_token(verifying: Verifying, token: Token, signed: Check, now: datetime) -> tuple[Asked, list[Check]]:
    """What the register says of the certificate that a token names, with the checks on both: `signed`, as `check_token`
    found it, or as the register has it where it was left open; the register's; and whether they agree."""
    asked = await ask_register(verifying.register, token.claims.ref, now)
    if signed.outcome is Outcome.UNKNOWN and asked.answered:
        signed = check_registered(token, asked.gathered.certificate.token_sha256 if asked.gathered else None)
    checks = [signed, *([asked.check] if asked.check else [])]
    if asked.gathered is not None:
        checks.append(check_claims(token.claims, asked.gathered.certificate))
    return asked, checks


async def verify_code(verifying: Verifying, code: str, now: datetime) -> Report:
    """Report on a typed code. It is 80 bits, 68 of them random: who types it has seen it.

    Raises:
        InvalidIdentifier, WrongCheckCharacter: mistyped; the register was not asked.
        NotFound: no certificate has this code.
    """
    ref = parse_typed_code(code)
    report = await report_code(verifying.catalog, verifying.register, ref, now)
    return await with_elsewhere(verifying, report)


async def report_code(catalog: Catalog, register: RegisterReader | None, ref: Ref, now: datetime) -> Report:
    """What the register says of a typed code, and of nothing from elsewhere.

    Raises:
        NotFound: no certificate has this code.
    """
    asked = await ask_register(register, ref, now)
    if asked.check is not None and asked.check.reason == "not_in_register":
        raise no_record()
    known = asked.gathered is not None
    code_check = Check("code", Outcome.PASSED if known else Outcome.UNKNOWN, "known_code" if known else "not_asked")
    checks = (code_check, *([asked.check] if asked.check else []))
    document = Soundness.SOUND if known else Soundness.UNKNOWN
    return make_report(catalog, "code", document, checks, asked.gathered, now)


def check_claims(claims: Claims, certificate: RegisteredCertificate) -> Check:
    """Whether the register's record is the certificate the token speaks of."""
    same = (
        claims.ref == certificate.ref
        and claims.type_number == certificate.type_number
        and claims.version == certificate.version
        and claims.subject == certificate.subject
        and claims.expires_at == certificate.term.expires_at
        and claims.holder_name in (None, certificate.holder_name)
    )
    if same:
        return Check("register_agrees", Outcome.PASSED, "same_certificate")
    return Check("register_agrees", Outcome.FAILED, "register_differs")


def claims_term(claims: Claims, now: datetime) -> TermState:
    """What the token itself says of the term: it knows the end, not the beginning."""
    if claims.expires_at is None:
        return TermState.NONE
    return TermState.IN_FORCE if start_of_day(beijing_date(now)) < claims.expires_at else TermState.OVER
