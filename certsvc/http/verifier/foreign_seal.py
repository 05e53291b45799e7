"""Signatures that are not ours as a page shows them: what is intact, by whom as they say themselves, and who of those
that we recognise stands behind them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from certsvc.domain.recognition import TrustedAuthority
from certsvc.http.language import Language
from certsvc.http.verifier.view import Fact, face_fact
from certsvc.verify.foreign_file import ForeignFile, ForeignSignature


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignView:
    """The section: what the authority behind it is, in a sentence; warnings; and a list for each signature."""

    heading: str
    said: tuple[str, ...]
    warnings: tuple[str, ...]
    signatures: tuple[tuple[Fact, ...], ...]


def foreign_view(foreign: ForeignFile | None, language: Language) -> ForeignView | None:
    """The section on foreign signatures; None where there are none."""
    if foreign is None:
        return None
    words = language.words["foreign"]
    return ForeignView(
        heading=words["title"].format(n=len(foreign.signatures)),
        said=tuple(_said(foreign, language)),
        warnings=(words["namesake"],) if foreign.namesake and foreign.authority is None else (),
        signatures=tuple(tuple(_facts(one, foreign.authority, language)) for one in foreign.signatures),
    )


def _said(foreign: ForeignFile, language: Language) -> Iterator[str]:
    words, authority = language.words["foreign"], foreign.authority
    if authority is None:
        yield words["unchanged" if foreign.unchanged else "not_unchanged"]
        yield words["claims"]
        return
    name = language.pick(authority.name_zh, authority.name_en)
    ground = language.pick(authority.ground_zh, authority.ground_en)
    title = foreign.title or words["untitled"]
    yield words["recognised" if foreign.covered else "not_for_this"].format(name=name, title=title)
    if foreign.covered:
        yield words["ground"].format(ground=ground)
        where = authority.addresses.practice or authority.addresses.ocsp or ""
        yield words["ask_at"].format(name=name, where=where) if where else words["ask"].format(name=name)


def _facts(one: ForeignSignature, authority: TrustedAuthority | None, language: Language) -> Iterator[Fact]:
    words = language.words["foreign"]
    yield face_fact(words["name"], "签名人", one.organisation or one.name or words["nameless"], language)
    if one.organisation and one.name and one.name != one.organisation:
        yield face_fact(words["common_name"], "证书名称", one.name, language)
    yield face_fact(words["issuer"], "证书签发者", one.issuer or words["nameless"], language)
    if authority is None:
        yield _plain(words["vouched"], words["nobody"])
    state = {True: "intact", False: "broken", None: "unknown"}[one.intact]
    yield _plain(words["state"], words[state])
    yield _plain(words["after"], words["whole" if one.whole_file else "more"])
    for label, at in (("stamped_at", one.stamped_at), ("said_at", one.said_at)):
        if at is not None:
            yield _plain(words[label], _moment(at, language))


def _plain(label: str, value: str) -> Fact:
    return Fact(label=label, label_zh=None, value=value)


def _moment(seconds: float, language: Language) -> str:
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
        return language.moment(moment) + str(language.words["site"]["beijing"])
    except (ValueError, OverflowError, OSError):  # a year that no calendar has
        return str(language.words["foreign"]["unknown"])
