"""`…/seal`: who keeps the seal of an organ, what it is open for, what waits for it; and how its keeper opens it.

Opening it takes two steps, so that it works without a script: the terms are typed and looked at, and then these very
terms are confirmed with a passkey, or with password and code. Taking it back takes none, for it only closes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from certsvc.domain.calendar import beijing_date
from certsvc.domain.seal_acts import RegisteredSeal
from certsvc.domain.seal_authorisation import (
    MOST_DAYS,
    AuthorisationRequest,
    EndOfAuthorisation,
    NotAuthorised,
    SealWait,
    Standing,
    Terms,
    require_terms,
)
from certsvc.errors import CertsvcError, Conflict, Forbidden, InvalidInput, KeyReused, NotFound, NotSignedIn, Problem
from certsvc.http.form import every
from certsvc.http.language import Language
from certsvc.http.routes import Asked, route
from certsvc.http.village.console import AT, At, Console
from certsvc.http.village.inbox import wait_words
from certsvc.http.village.session import back_route
from certsvc.http.village.typed import MOST_TYPED, new_key, typed_day, typed_key, typed_number
from certsvc.issuance.village.authorising import authorise, given_before, revoke, standings, waiting_under
from certsvc.issuance.village.handover import keeper_serves
from certsvc.issuance.village.work import READS

MOST_WAITS, USUAL_QUOTA = 50, 100
TAGS: Mapping[NotAuthorised | None, tuple[str, str]] = {
    None: ("ok", "tick"),
    NotAuthorised.NOT_BEGUN: ("old", "clock"),
    NotAuthorised.USED_UP_TODAY: ("hold", "clock"),
    NotAuthorised.KEEPER_LEFT: ("hold", "stop"),
    NotAuthorised.OVER: ("old", "calendar"),
}
"""Look and shape of an authorisation; the others are over for ever."""

TYPED = ("quota", "daily_quota", "first_day", "last_day")


@dataclass(frozen=True, slots=True)
class Opening:
    """An authorisation in words. `revocable`: it may yet seal something, and who looks is its keeper."""

    id: str
    tag: str
    look: str
    icon: str
    kinds: str
    left: str
    daily: str
    term: str
    given: str
    ended: str
    reason: str
    revocable: bool


@dataclass(frozen=True, slots=True)
class Waiting:
    """Something approved that is not sealed yet, in words."""

    kind: str
    number: str
    href: str
    since: str
    why: str


def seal_routes(console: Console) -> list[HTTPRouteHandler]:
    """`…/seal`, `…/seal/open`, `…/seal/revoke`."""
    pages = _SealPages(console)
    return [
        route(f"{AT}/seal", "village_seal", pages.seal),
        route(f"{AT}/seal/open", "village_seal_open", pages.begin),
        route(f"{AT}/seal/open", "village_seal_opened", pages.open, "POST"),
        route(f"{AT}/seal/revoke", "village_seal_revoke", pages.revoke, "POST"),
        back_route(f"{AT}/seal/revoke", "village_seal_revoke_back", f"{AT}/seal"),
    ]


class _SealPages:
    """What the routes do; time is taken once per request."""

    def __init__(self, console: Console) -> None:
        self._console, self._villages = console, console.villages

    async def seal(self, request: Asked, organ: FromPath[str]) -> Response[bytes]:
        """The seal, for everybody who reads the requests of the organ."""
        now = datetime.now(UTC)
        at = _reader(await self._console.at(request, organ, now))
        done = request.query_params.get("done", "")
        return await self._shown(request, at, now, done=done)

    async def begin(self, request: Asked, organ: FromPath[str]) -> Response[bytes]:
        """The form in which its keeper says what for; what is usual is in it already."""
        now = datetime.now(UTC)
        at = _reader(await self._console.at(request, organ, now))
        found, today = await self._kept(at, now), beijing_date(now)
        typed = {
            "quota": str(USUAL_QUOTA),
            "daily_quota": "",
            "first_day": str(today),
            "last_day": str(today + _LONGEST),
        }
        return self._form(request, at, found, typed, (), new_key())

    async def open(self, request: Asked, organ: FromPath[str]) -> Response[Any]:
        """Look at what was typed; or, confirmed, open the seal."""
        now = datetime.now(UTC)
        at, fields = await self._console.form_at(request, organ, now, MOST_TYPED)
        found, key, kinds = await self._kept(_reader(at), now), typed_key(fields), every(fields, "certificate_types")
        typed = {name: fields.get(name, "") for name in TYPED}
        if fields.get("step") == "edit":
            return self._form(request, at, found, typed, kinds, key)
        try:
            terms = _terms(typed, kinds, found)
            require_terms(terms, now)
        except InvalidInput as error:
            return self._form(request, at, found, typed, kinds, key, error)
        if fields.get("step") != "open":
            return self._confirm(request, at, found, terms, key)
        try:
            await self._opened(request, at, fields, terms, key, now)
        except NotSignedIn:
            raise
        except KeyReused:
            return self._confirm(request, at, found, terms, new_key(), _done_before())
        except CertsvcError as error:
            if error.status >= 500:
                raise
            return self._confirm(request, at, found, terms, key, error)
        return self._console.go(request, at, "/seal?done=opened")

    async def _opened(
        self, request: Asked, at: At, fields: Mapping[str, str], terms: Terms, key: str, now: datetime
    ) -> None:
        """Sent twice, it is opened once: what was done is not confirmed anew."""
        authorisations, seal_id = self._villages.authorisations, at.member.organ.seal_id or ""
        if await given_before(authorisations, at.signed.account, key, seal_id, terms) is not None:
            return
        confirmation = await self._console.sessions.confirm(request, at.signed, terms.digest(seal_id), fields, now)
        asked = AuthorisationRequest(key=key, seal_id=seal_id, terms=terms, confirmation=confirmation)
        await authorise(authorisations, asked, now)

    async def revoke(self, request: Asked, organ: FromPath[str]) -> Response[Any]:
        """Take an authorisation back, with a reason."""
        now = datetime.now(UTC)
        at, fields = await self._console.form_at(request, organ, now, MOST_TYPED)
        found = await self._kept(_reader(at), now)
        given = fields.get("id", "")[:100]
        try:
            await revoke(
                self._villages.authorisations, found.seal.id, given, at.member.name, fields.get("reason", ""), now
            )
        except InvalidInput as error:
            return await self._shown(request, at, now, wrong=(given, error), reason=fields.get("reason", ""))
        return self._console.go(request, at, "/seal?done=revoked")

    async def _kept(self, at: At, now: datetime) -> RegisteredSeal:
        """The seal of the organ, for its keeper alone. The database sees to it as well.

        Raises:
            NotFound: the organ has none.
            Forbidden: somebody else asks.
        """
        found = await self._of_organ(at, now)
        if found is None:
            raise NotFound(f"{at.member.organ.name}还没有印章。", f"{at.member.organ.name} has no seal yet.")
        if found.people.keeper != at.member.name:
            raise Forbidden(
                f"授权用印由印章的保管人{found.people.keeper}办理。",
                f"The seal is opened by {found.people.keeper}, who keeps it, and by nobody else.",
            )
        return found

    async def _of_organ(self, at: At, now: datetime) -> RegisteredSeal | None:
        seal_id = at.member.organ.seal_id
        return None if seal_id is None else await self._villages.seals.seal(seal_id, now)

    async def _shown(
        self,
        request: Asked,
        at: At,
        now: datetime,
        *,
        done: str = "",
        wrong: tuple[str, CertsvcError] | None = None,
        reason: str = "",
    ) -> Response[bytes]:
        found = await self._of_organ(at, now)
        language, words = self._words(request)
        more: dict[str, Any] = {"seal": None}
        if found is not None:
            given = await standings(self._villages.authorisations, found.seal.id, now, ever=True)
            waits = await waiting_under(self._villages.waits, found.seal.id, MOST_WAITS)
            is_keeper = found.people.keeper == at.member.name
            more = {
                "seal": found,
                "is_keeper": is_keeper,
                "keeper_left": await self._keeper_left(at, found, now),
                "openings": [self._opening(one, found, language, words, is_keeper) for one in given],
                "is_open": any(one.refusal is None for one in given),
                "kinds": self._kinds(found.seal.certificate_types, language),
                "waits": [self._waiting(one, at, language) for one in waits],
                "more_waits": len(waits) == MOST_WAITS,
            }
        said = language.pick(wrong[1].zh, wrong[1].en) if wrong else ""
        return self._console.page(
            request,
            at,
            "village_seal.html",
            wrong[1].status if wrong else 200,
            here="seal",
            done=done,
            wrong_id=wrong[0] if wrong else "",
            said=said,
            reason=reason,
            **more,
        )

    async def _keeper_left(self, at: At, found: RegisteredSeal, now: datetime) -> bool:
        organs = self._console.work.organs
        return not await keeper_serves(organs, await organs.appointments(at.organ), found.people.keeper, now)

    def _form(
        self,
        request: Asked,
        at: At,
        found: RegisteredSeal,
        typed: Mapping[str, str],
        kinds: Sequence[str],
        key: str,
        error: InvalidInput | None = None,
    ) -> Response[bytes]:
        language, _ = self._words(request)
        problems = {one.field: language.pick(one.zh, one.en) for one in error.problems} if error else {}
        return self._console.page(
            request,
            at,
            "village_seal_open.html",
            error.status if error else 200,
            here="seal",
            step="form",
            typed=typed,
            picked=frozenset(kinds),
            kinds=[(one, *self._title(one, language)) for one in sorted(found.seal.certificate_types)],
            key=key,
            problems=problems,
            said="",
            most_days=MOST_DAYS,
        )

    def _confirm(
        self,
        request: Asked,
        at: At,
        found: RegisteredSeal,
        terms: Terms,
        key: str,
        error: CertsvcError | None = None,
    ) -> Response[bytes]:
        language, words = self._words(request)
        return self._console.page(
            request,
            at,
            "village_seal_open.html",
            error.status if error else 200,
            here="seal",
            step="confirm",
            terms=terms,
            seal=found,
            term=words["term"].format(first=language.day(terms.first_day), last=language.day(terms.last_day)),
            kinds=self._kinds(terms.certificate_types, language),
            key=key,
            digest=terms.digest(found.seal.id).hex(),
            problems={},
            said=language.pick(error.zh, error.en) if error else "",
        )

    # ---- in words ----

    def _words(self, request: Asked) -> tuple[Language, Mapping[str, Any]]:
        language = self._console.pages.language(request)
        return language, language.words["village_seal"]

    def _title(self, type_id: str, language: Language) -> tuple[str, str | None]:
        try:
            kind = self._console.work.issuing.catalog.latest(type_id)
        except NotFound:
            return type_id, None
        return language.titled(kind.zh, kind.en)

    def _kinds(self, type_ids: frozenset[str], language: Language) -> list[str]:
        return [self._title(one, language)[0] for one in sorted(type_ids)]

    def _opening(
        self, one: Standing, found: RegisteredSeal, language: Language, words: Mapping[str, Any], is_keeper: bool
    ) -> Opening:
        given, terms = one.authorisation, one.authorisation.terms
        look, icon = TAGS.get(one.refusal, ("old", "closed"))
        ended = given.ended
        names = words["joint"].join(self._kinds(terms.certificate_types, language))
        return Opening(
            id=given.id,
            tag=words["standing"][one.refusal.value if one.refusal else "open"],
            look=look,
            icon=icon,
            kinds=words["all_kinds"] if terms.certificate_types == found.seal.certificate_types else names,
            left=words["left"].format(left=one.left, quota=terms.quota),
            daily=words["daily"].format(left=one.left_today, quota=terms.daily_quota) if terms.daily_quota else "",
            term=words["term"].format(first=language.day(terms.first_day), last=language.day(terms.last_day)),
            given=words["given"].format(
                keeper=given.keeper,
                method=language.words["sign_in"]["methods"][given.method.value],
                at=language.moment(given.given_at),
            ),
            ended=words["ended"][ended.why.value].format(by=ended.by, at=language.moment(ended.at)) if ended else "",
            reason=(ended.reason or "") if ended and ended.why is EndOfAuthorisation.REVOKED else "",
            revocable=is_keeper and ended is None and one.refusal not in _OVER,
        )

    def _waiting(self, one: SealWait, at: At, language: Language) -> Waiting:
        return Waiting(
            kind=self._title(one.type_id, language)[0],
            number=one.number,
            href=at.address(f"/requests/{one.request_id}") if one.request_id else "",
            since=language.moment(one.since),
            why=wait_words(language, one),
        )


_LONGEST = timedelta(days=MOST_DAYS - 1)
_OVER = frozenset({NotAuthorised.OVER, NotAuthorised.USED_UP})


def _reader(at: At) -> At:
    """Who reads the requests of the organ reads of its seal.

    Raises:
        NotFound: they do not.
    """
    if not at.member.duties & READS:
        raise NotFound("没有这个页面。", "There is no such page.")
    return at


def _terms(typed: Mapping[str, str], kinds: Sequence[str], found: RegisteredSeal) -> Terms:
    """What was typed, as terms.

    Raises:
        InvalidInput: with every field that is none.
    """
    problems: list[Problem] = []
    quota = typed_number(typed["quota"], "quota", problems)
    daily = typed_number(typed["daily_quota"], "daily_quota", problems) if typed["daily_quota"] else None
    first = typed_day(typed["first_day"], "first_day", problems)
    last = typed_day(typed["last_day"], "last_day", problems)
    if not kinds or not frozenset(kinds) <= found.seal.certificate_types:
        words = "请选择用于哪些证明", "Choose the proofs it is for."
        problems.append(Problem("certificate_types", "required", *words))
    if problems or quota is None or first is None or last is None:
        raise InvalidInput("授权用印的内容不合要求。", "The authorisation is not acceptable.", problems=problems)
    return Terms(
        certificate_types=frozenset(kinds),
        quota=quota,
        daily_quota=daily,
        first_day=first,
        last_day=last,
    )


def _done_before() -> Conflict:
    """The same form was sent before with other terms: by going back in the browser, and changing it."""
    return Conflict(
        "这份表单已经办过一次，当时的内容和现在不同。要再授权一次的，请核对后确认。",
        "This form was sent before, with other terms. To open the seal once more, look at these and confirm them.",
    )
