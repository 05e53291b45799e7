"""The words of pages that answer without network: all of them stand in the page, and its script only chooses."""

from collections.abc import Iterable
from typing import Any, Protocol

from certsvc.http.language import Language
from certsvc.http.verifier.headline import LOOKS, STOP, UNSURE, Look

OFFLINE_LOOKS = {
    "sound_listed": UNSURE,
    "sound_conditional": UNSURE,
    "sound_renewal": UNSURE,
    "sound_unlisted": UNSURE,
    "no_statement": UNSURE,
    "key_unknown": UNSURE,
    "compromised": UNSURE,
    "no_keys": UNSURE,
    "not_ours": STOP,
    "invalid": STOP,
    "suspended": LOOKS["suspended"],
    "superseded": LOOKS["superseded"],
    "transferred_out": LOOKS["transferred_out"],
    "expired": LOOKS["expired"],
}
"""The shape and colour of each headline. None is that of valid: the register was not asked."""


class Kind(Protocol):
    """A certificate type, as far as a stored page shows it."""

    @property
    def type_number(self) -> int: ...
    @property
    def version(self) -> int: ...
    @property
    def zh(self) -> str: ...
    @property
    def en(self) -> str: ...


def answer_words(language: Language, kinds: Iterable[Kind]) -> dict[str, Any]:
    """Everything the script of the answer may have to say, by code, in one language."""
    words = language.words["offline"]
    tables = ("headline", "document", "state", "unread", "term", "rely", "cannot_know")
    return {
        **_common_words(language, kinds),
        **{name: text for name, text in words.items() if isinstance(text, str) or name in tables},
        "looks": {name: _look(look) for name, look in OFFLINE_LOOKS.items()},
        "age": language.words["age"],
        "home_title": words["home"]["title"],
        "malformed_title": words["malformed"]["title"],
        "site": language.words["site"]["name"],
        "beijing": language.words["site"]["beijing"],
    }


def keeping_words(language: Language, kinds: Iterable[Kind]) -> dict[str, Any]:
    """The same for the page on what is kept."""
    words = language.words["keeping"]
    return {**_common_words(language, kinds), **{name: text for name, text in words.items() if isinstance(text, str)}}


def camera_words(language: Language, hosts: Iterable[str]) -> dict[str, Any]:
    """The same for the page that scans; `hosts` are those that our QR codes name."""
    words = language.words["camera"]
    return {
        "hosts": [host.lower() for host in hosts],
        **{name: text for name, text in words.items() if isinstance(text, str)},
    }


def _common_words(language: Language, kinds: Iterable[Kind]) -> dict[str, Any]:
    words = language.words["offline"]
    return {
        **{name: words[name] for name in ("locale", "separator", "moment", "unknown_kind")},
        "quarter_of": language.words["keeping"]["quarter_of"],
        "kinds": {str(kind.type_number): _title(kind, language) for kind in kinds},
    }


def _look(look: Look) -> dict[str, str]:
    return {"icon": look.icon, "block": look.block}


def _title(kind: Kind, language: Language) -> list[str]:
    """The title, and beside a translated one the Chinese that stands on the paper."""
    shown = str(language.pick(kind.zh, kind.en))
    return [shown] if shown == kind.zh else [shown, kind.zh]
