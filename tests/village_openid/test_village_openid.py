"""Signing in at a provider, from the link to the session: for who was sent, in their browser, once."""

import hashlib
import itertools
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import asyncpg
import httpx
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "village_accounts"))
from account_room import CHEAP, Browser, Room
from litestar import Litestar
from openid_provider import CLIENT_ID, SECRET, SUBJECT, MadeUpProvider, SigningKey, packed

from certsvc.access.openid_provider import Provider, ProviderTerms
from certsvc.access.strict import Flaw
from certsvc.custody.client_keys import make_client_key
from certsvc.errors import Conflict, NotFound, SettingsError
from certsvc.http.village.openid import BACK, SENT_PER_MINUTE, openid_routes
from certsvc.http.village.session import Sessions
from certsvc.settings import OpenId
from certsvc.signing_in import open_provider, open_signing_in
from certsvc.store.openid import PostgresOpenId

pytest_plugins = ["account_fixtures"]
BEGIN = "/village/sign-in/openid"
_numbers = itertools.count(1)


@dataclass
class City:
    """A place with a provider."""

    room: Room
    strong: tuple[str, ...] = ()
    made: MadeUpProvider = field(default_factory=MadeUpProvider)

    def __post_init__(self) -> None:
        terms = ProviderTerms(
            issuer=self.made.issuer, client_id=CLIENT_ID, secret=lambda: SECRET, name="云山政务通", strong=self.strong
        )
        site, pages = self.room.village.site, self.room.village.pages
        signing = open_signing_in(
            self.room.pool, self.room.cipher, site, pages, cost=CHEAP, provider=Provider(terms, self.made.fetch)
        )
        self.app: Litestar = self.room.app(signing, openid_routes(signing, Sessions(signing)))
        self.links = PostgresOpenId(self.room.pool)

    def person(self, name: str, subject: str = SUBJECT) -> None:
        """Somebody whose account is linked."""
        self.room.person(name)
        self.room.run(self.links.link(name, self.made.issuer, subject, "管理员甲", datetime.now(UTC)))

    def browser(self) -> Browser:
        """A browser that was never here."""
        return Browser(self.app)

    def sent(self, browser: Browser, **query: str) -> str:
        """Somebody follows the link; where they are sent."""
        answer = self.get(browser, f"{BEGIN}?{urlencode(query)}")
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    def get(self, browser: Browser, address: str) -> httpx.Response:
        """Open an address."""
        return self.room.run(browser.get(address))

    def back(self, browser: Browser, query: str) -> httpx.Response:
        """Somebody comes back, sent by another site."""
        return self.room.run(browser.get(f"{BACK}?{query}", **{"Sec-Fetch-Site": "cross-site"}))


@pytest.fixture
def city(account_room: Room) -> City:
    """A place of its own for each test: its subjects are told apart by the test's own issuer."""
    made = MadeUpProvider(issuer=f"https://id.example/{next(_numbers)}")
    return City(account_room, made=made)


def who(city: City, browser: Browser) -> str:
    """The page for signing in leads on who has signed in."""
    answer = city.get(browser, "/village/account")
    return answer.text if answer.status_code == 200 else ""


def test_who_is_linked_signs_in_and_goes_where_they_wanted(city: City) -> None:
    city.person("林政通")
    browser = city.browser()
    page = city.get(browser, "/village/sign-in?next=/village/account").text
    assert 'href="/village/sign-in/openid?next=/village/account"' in page and "云山政务通" in page
    address = city.sent(browser, next="/village/account", lang="hant")
    query = parse_qs(urlsplit(address).query)
    assert address.startswith(f"{city.made.issuer}/authorize?") and query["redirect_uri"] == [f"{browser.url}{BACK}"]
    answer = city.back(browser, city.made.authorize(address))
    assert (answer.status_code, answer.headers["location"]) == (303, "/village/account?lang=hant")
    cookies = answer.headers.get_list("set-cookie")
    assert len(cookies) == 2 and all("HttpOnly" in each and "Secure" in each for each in cookies)
    assert "林政通" in who(city, browser) and "统一身份认证" in who(city, browser)
    (session,) = city.room.rows(
        "select s.method from account_session s join account a on a.id = s.account where a.name = '林政通'"
    )
    assert session["method"] == "openid"
    assert city.room.rows("select from openid_flow where going like '%hant%'") == []


def test_who_comes_back_twice_or_in_another_browser_is_not_let_in(city: City) -> None:
    city.person("林两次")
    mine, other = city.browser(), city.browser()
    query = city.made.authorize(city.sent(mine))
    city.sent(other)
    stolen = city.back(other, query)
    assert stolen.status_code == 403 and "不是在这个浏览器里开始的" in stolen.text and not who(city, other)
    again = city.back(mine, query)
    assert again.status_code == 403 and not who(city, mine), "a state that was shown once is used up"
    query = city.made.authorize(city.sent(mine))
    assert city.back(mine, query).status_code == 303
    assert city.back(mine, query).status_code == 403


def _with(query: str, **changed: str | None) -> str:
    known = {name: values[0] for name, values in parse_qs(query).items()} | changed
    return urlencode({name: value for name, value in known.items() if value is not None})


ANSWERS: dict[str, Callable[[str], str]] = {
    "no_state": lambda query: _with(query, state=None),
    "state_of_nobody": lambda query: _with(query, state="x" * 43),
    "state_with_a_nul": lambda query: _with(query, state="x" * 42 + "\0"),
    "no_code": lambda query: _with(query, code=None),
    "code_of_nobody": lambda query: _with(query, code="another"),
    "code_with_a_nul": lambda query: _with(query, code="c\0"),
    "cancelled": lambda query: _with(query, code=None, error="access_denied"),
    "mix_up_of_issuers": lambda query: _with(query, iss="https://evil.example"),
    "issuer_left_out": lambda query: _with(query, iss=None),
}


@pytest.mark.parametrize("flaw", ANSWERS)
def test_an_answer_with_a_flaw_lets_nobody_in(city: City, flaw: str) -> None:
    city.person(f"林答{flaw.replace('_', '')}")
    browser = city.browser()
    answer = city.back(browser, ANSWERS[flaw](city.made.authorize(city.sent(browser))))
    assert answer.status_code == 403 and 'role="alert"' in answer.text and not who(city, browser)
    assert "Traceback" not in answer.text and "evil" not in answer.text


PROVIDERS: dict[str, dict[str, Any]] = {
    "wrong_nonce": {"nonce": "x" * 43},
    "other_audience": {"aud": "another"},
    "expired": {"exp": 1},
    "other_issuer": {"iss": "https://evil.example"},
    "subject_that_nobody_linked": {"sub": "nobody"},
}


@pytest.mark.parametrize("flaw", PROVIDERS)
def test_a_token_of_somebody_else_lets_nobody_in(city: City, flaw: str) -> None:
    city.person(f"林证{flaw.replace('_', '')}")
    city.made.claims = PROVIDERS[flaw]
    browser = city.browser()
    answer = city.back(browser, city.made.authorize(city.sent(browser)))
    assert answer.status_code == 403 and not who(city, browser)
    assert ("还没有关联" in answer.text) == (flaw == "subject_that_nobody_linked")


@pytest.mark.parametrize(
    "going",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "/village/../../x", "/v1/x", "/village\r\nX: y"],
    ids=["address", "two_slashes", "backslash", "upwards", "elsewhere", "header"],
)
def test_nobody_is_led_elsewhere_afterwards(city: City, going: str) -> None:
    city.person(f"林去{next(_numbers)}")
    browser = city.browser()
    answer = city.back(browser, city.made.authorize(city.sent(browser, next=going)))
    assert (answer.status_code, answer.headers["location"]) == (303, "/village")


@pytest.mark.parametrize(
    "said",
    [
        {"issuer": "https://evil.example"},
        {"token_endpoint": "http://id.example/token"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"jwks_uri": None},
        {"token_endpoint": "https://[id.example/token"},
        {"jwks_uri": "https://id.example:99999/keys"},
        {"code_challenge_methods_supported": ["plain"]},
        {"token_endpoint_auth_methods_supported": ["tls_client_auth"]},
    ],
    ids=["another_issuer", "no_tls", "script", "no_keys", "no_host", "no_port", "no_pkce", "no_way_for_us"],
)
def test_a_provider_that_says_wrong_things_of_itself_is_as_one_that_does_not_answer(city: City, said: Any) -> None:
    city.made.said = said
    answer = city.get(city.browser(), BEGIN)
    assert answer.status_code == 503 and "暂时没有应答" in answer.text and 'name="password"' in answer.text


def test_one_address_does_not_fill_the_record_of_those_who_were_sent(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("certsvc.http.village.openid.time", SimpleNamespace(monotonic=lambda: 7.0))
    browser, kept = city.browser(), "select count(*) as n from openid_flow"
    for _ in range(SENT_PER_MINUTE):
        city.sent(browser)
    before = city.room.rows(kept)
    answer = city.get(browser, BEGIN)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1") and city.room.rows(kept) == before


def test_a_provider_that_does_not_answer_is_said_and_the_password_still_works(city: City) -> None:
    city.person("林密码")
    browser = city.browser()
    query = city.made.authorize(city.sent(browser))
    city.made.down = True
    assert city.back(browser, query).status_code == 503
    assert city.get(city.browser(), BEGIN).status_code == 303, "what it said of itself is kept for a while"
    assert city.room.run(browser.enter("林密码")).status_code == 303 and who(city, browser)


def test_a_new_key_of_the_provider_is_fetched_once_and_no_oftener(city: City) -> None:
    city.person("林换钥")
    browser = city.browser()
    assert city.back(browser, city.made.authorize(city.sent(browser))).status_code == 303
    city.made.key = SigningKey()
    fetched = [path for path in city.made.asked if path.endswith("/keys")]
    for _ in range(3):
        assert city.back(browser, city.made.authorize(city.sent(browser))).status_code == 403
    assert [path for path in city.made.asked if path.endswith("/keys")] == fetched, "they are not a minute old"


def test_keys_that_are_a_minute_old_are_asked_for_anew_and_a_key_of_ours_does_for_a_secret(
    account_room: Room, tmp_path: Path
) -> None:
    public = make_client_key(tmp_path / "client.pem")
    made = MadeUpProvider(client=public, said={"token_endpoint_auth_methods_supported": ["private_key_jwt"]})
    settings = OpenId(issuer=made.issuer, client_id=CLIENT_ID, client_key=f"file:{tmp_path / 'client.pem'}")
    opened = open_provider(settings, is_demonstration=False)
    assert opened is not None
    provider, now = Provider(opened.terms, made.fetch), datetime.now(UTC)
    asked = {"client_id": CLIENT_ID, "response_type": "code", "scope": "openid", "code_challenge_method": "S256"}
    asked |= {"state": "s", "nonce": "n", "redirect_uri": "https://x.example/back"}
    asked["code_challenge"] = packed(hashlib.sha256(b"verifier").digest())

    async def subject(later: timedelta) -> str:
        back = parse_qs(made.authorize(f"{made.issuer}/authorize?{urlencode(asked)}"))
        return await provider.subject(back["code"][0], "verifier", "n", asked["redirect_uri"], now + later)

    assert account_room.run(subject(timedelta())) == SUBJECT
    made.key = SigningKey()
    with pytest.raises(Flaw):
        account_room.run(subject(timedelta(seconds=59)))
    assert account_room.run(subject(timedelta(seconds=61))) == SUBJECT


def test_a_place_may_ask_for_a_strong_way(account_room: Room) -> None:
    city = City(account_room, strong=("mfa",), made=MadeUpProvider(issuer="https://id.example/strong"))
    city.person("林强度")
    browser = city.browser()
    address = city.sent(browser)
    assert parse_qs(urlsplit(address).query)["acr_values"] == ["mfa"]
    weak = city.back(browser, city.made.authorize(address))
    assert weak.status_code == 403 and "更可靠的方式" in weak.text
    city.made.claims = {"amr": ["pwd", "mfa"]}
    assert city.back(browser, city.made.authorize(city.sent(browser))).status_code == 303


def test_a_disabled_account_and_one_with_a_first_password_stay_what_they_are(city: City) -> None:
    city.person("林停用")
    city.room.run(city.room.register.disable("林停用", "管理员甲", datetime.now(UTC)))
    browser = city.browser()
    assert city.back(browser, city.made.authorize(city.sent(browser))).status_code == 403
    city.room.person("林初始", is_demonstration=False)
    city.room.run(city.links.link("林初始", city.made.issuer, "another", "管理员甲", datetime.now(UTC)))
    query = city.made.authorize(city.sent(browser), "another")
    assert city.back(browser, query).headers["location"] == "/village/account#password"


def test_one_person_one_subject_by_the_operator_alone(city: City) -> None:
    room, now = city.room, datetime.now(UTC)
    room.person("林甲一"), room.person("林乙二")
    for _ in range(2):
        room.run(city.links.link("林甲一", city.made.issuer, "one", "管理员甲", now))
    with pytest.raises(Conflict):
        room.run(city.links.link("林乙二", city.made.issuer, "one", "管理员甲", now))
    with pytest.raises(Conflict):
        room.run(city.links.link("林甲一", city.made.issuer, "two", "管理员甲", now))
    with pytest.raises(NotFound):
        room.run(city.links.link("没有此人", city.made.issuer, "three", "管理员甲", now))
    room.run(city.links.unlink("林甲一", city.made.issuer, "管理员甲", now))
    with pytest.raises(NotFound):
        room.run(city.links.unlink("林甲一", city.made.issuer, "管理员甲", now))
    room.run(city.links.link("林乙二", city.made.issuer, "one", "管理员甲", now))
    events = room.run(room.register.events("林甲一"))
    assert [(one.act, one.actor) for one in events[:2]] == [("unlinked", "管理员甲"), ("linked", "管理员甲")]
    with pytest.raises(asyncpg.PostgresError):
        room.rows("update account_openid set account = (select min(id) from account) where subject = 'one'")


@pytest.mark.parametrize(
    "settings",
    [
        OpenId(issuer="https://id.example", client_id="x"),
        OpenId(issuer="https://id.example", client_id="x", client_secret="env:X", client_key="file:x"),
        OpenId(client_secret="env:X"),
        OpenId(issuer="https://id.example", client_id="x", client_key="env:X"),
        OpenId(issuer="http://id.example", client_id="x", client_secret="env:X"),
        OpenId(issuer="id.example", client_id="x", client_secret="env:X"),
    ],
    ids=["a_part", "both", "a_secret_for_nobody", "a_key_that_is_no_file", "no_tls", "no_issuer"],
)
def test_settings_that_are_wrong_stop_the_start(settings: OpenId) -> None:
    with pytest.raises(SettingsError):
        open_provider(settings, is_demonstration=False)


def test_without_a_provider_there_is_no_door(account_room: Room) -> None:
    assert open_provider(OpenId(), is_demonstration=False) is None
    browser = Browser(account_room.app())
    assert "openid" not in account_room.run(browser.get("/village/sign-in")).text
    assert account_room.run(browser.get(BEGIN)).status_code == 404
