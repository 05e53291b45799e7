"""The pages for signing in and for the own account, as browsers and as other sites' forms meet them."""

import hashlib
import re
from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from account_room import HOST, PASSWORD, Browser, Device, Room, code
from litestar import Response

from certsvc.errors import SettingsError
from certsvc.http.routes import Asked, route
from certsvc.http.site import Site
from certsvc.http.village.session import Sessions, agent_in_words, next_address
from certsvc.signing_in import open_signing_in

pytest_plugins = ["account_fixtures"]

WRONG = "这不是密码但是很长"
CHROME = (
    "Mozilla/5.0 (Linux; Android 10) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/87.0.4280.141 Mobile Safari/537.36"
)


@pytest.fixture
def browser(account_room: Room) -> Browser:
    """A browser that was never here."""
    return Browser(account_room.app())


def run(account_room: Room, work: Coroutine[Any, Any, httpx.Response]) -> httpx.Response:
    return account_room.run(work)


def signed_in(account_room: Room, browser: Browser, name: str, **options: Any) -> str:
    """Sign in with a fresh account; the token of the session's forms."""
    account_room.person(name, **options)
    answer = run(account_room, browser.enter(name))
    assert answer.status_code == 303, answer.text
    token: str = account_room.run(browser.form_token())
    return token


# ---- in and out ----


def test_the_cookie_is_for_this_host_alone_and_for_no_script(account_room: Room, browser: Browser) -> None:
    account_room.person("郑小饼")
    answer = run(account_room, browser.enter("郑小饼"))
    assert (answer.status_code, answer.headers["location"]) == (303, "/village")
    name, _, rest = answer.headers["set-cookie"].partition("=")
    parts = {part.strip().lower() for part in rest.split(";")[1:]}
    assert name == "__Host-certsvc" and parts == {"path=/", "secure", "httponly", "samesite=lax"}


def test_a_demonstration_on_localhost_has_a_plain_cookie(account_room: Room) -> None:
    account_room.person("郑本机")
    there = Browser(account_room.app(account_room.village_at("http://localhost:8000")), "http://localhost:8000")
    answer = run(account_room, there.enter("郑本机"))
    assert answer.headers["set-cookie"].startswith("certsvc=") and "secure" not in answer.headers["set-cookie"].lower()


def test_nobody_signs_in_without_tls_in_earnest(account_room: Room) -> None:
    site = Site(
        HOST, f"http://{HOST}", account_room.village.site.web_folder, account_room.folder, is_demonstration=False
    )
    with pytest.raises(SettingsError, match="https"):
        Sessions(open_signing_in(account_room.pool, account_room.cipher, site, account_room.village.pages))


def test_who_is_not_signed_in_is_led_to_the_form_and_back(account_room: Room, browser: Browser) -> None:
    answer = run(account_room, browser.get("/village/account?lang=en"))
    assert answer.status_code == 303
    assert answer.headers["location"] == "/village/sign-in?next=%2Fvillage%2Faccount&lang=en"
    form = run(account_room, browser.get(answer.headers["location"]))
    assert 'name="next" value="/village/account"' in form.text and "One-time code" in form.text
    account_room.person("郑回来")
    fields = {"name": "郑回来", "password": PASSWORD, "next": "/village/account"}
    assert run(account_room, browser.post("/village/sign-in", fields)).headers["location"] == "/village/account"
    assert run(account_room, browser.get("/village/sign-in?next=/village/account")).status_code == 303


@pytest.mark.parametrize(
    "text",
    [
        "https://evil.example/village",
        "//evil.example/village",
        "/\\evil.example",
        "/villageevil",
        "/village//evil.example",
        "/village/../C/1",
        "/village\nSet-Cookie: a=b",
        "javascript:alert(1)",
        "/village/" + "a" * 600,
        "",
    ],
)
def test_nobody_is_led_elsewhere_after_signing_in(text: str) -> None:
    assert next_address(text) == "/village"


def test_a_wrong_password_keeps_the_name_and_says_nothing_of_which_was_wrong(
    account_room: Room, browser: Browser
) -> None:
    account_room.person("郑错字")
    answers = [run(account_room, browser.enter(name, password=WRONG)) for name in ("郑错字", "没有的人")]
    assert [each.status_code for each in answers] == [403, 403]
    assert 'value="郑错字"' in answers[0].text and WRONG not in answers[0].text
    assert answers[0].text.replace("郑错字", "没有的人") == answers[1].text
    assert "set-cookie" not in answers[0].headers


def test_a_locked_account_says_how_long(account_room: Room, browser: Browser) -> None:
    for _ in range(5):
        run(account_room, browser.enter("郑锁住", password=WRONG))
    answer = run(account_room, browser.enter("郑锁住"))
    assert answer.status_code == 429 and 0 < int(answer.headers["retry-after"]) <= 30
    assert "分钟再试" in answer.text


def test_signing_out_ends_the_session_and_not_only_the_cookie(account_room: Room, browser: Browser) -> None:
    token = signed_in(account_room, browser, "郑退出")
    kept = httpx.Cookies(browser.cookies)
    answer = run(account_room, browser.post("/village/sign-out", {"form_token": token}))
    assert answer.status_code == 303 and "max-age=0" in answer.headers["set-cookie"].lower()
    browser.cookies = kept
    assert run(account_room, browser.get("/village/account")).status_code == 303


def test_the_cookie_of_an_ended_session_is_nobody(account_room: Room, browser: Browser) -> None:
    token = signed_in(account_room, browser, "郑结束")
    (row,) = account_room.rows(
        "select s.id from account_session s join account a on a.id = s.account where a.name = $1", "郑结束"
    )
    fields = {"form_token": token, "id": row["id"]}
    assert run(account_room, browser.post("/village/account/sessions/end", fields)).status_code == 303
    assert run(account_room, browser.get("/village/account")).headers["location"].startswith("/village/sign-in")
    assert run(account_room, browser.post("/village/account/sessions/end", fields)).status_code == 303


def test_a_planted_cookie_is_not_taken_over(account_room: Room, browser: Browser) -> None:
    browser.cookies.set("__Host-certsvc", "A" * 43, domain=HOST)
    account_room.person("郑种下")
    answer = run(account_room, browser.enter("郑种下"))
    assert answer.status_code == 303 and "A" * 43 not in answer.headers["set-cookie"]
    planted = Browser(account_room.app())
    planted.cookies.set("__Host-certsvc", "A" * 43, domain=HOST)
    assert run(account_room, planted.get("/village/account")).status_code == 303


# ---- forms of other sites ----


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "cross-site", "Origin": f"https://{HOST}"},
        {"Sec-Fetch-Site": "same-site", "Origin": f"https://sub.{HOST}"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": f"http://{HOST}"},
        {},
    ],
    ids=[
        "cross site",
        "cross site, origin forged",
        "same site",
        "old browser",
        "origin hidden",
        "no TLS",
        "nothing said",
    ],
)
def test_a_form_of_another_origin_does_nothing_even_with_the_token(
    account_room: Room, browser: Browser, headers: dict[str, str]
) -> None:
    name = f"冯外站{len(account_room.rows('select 1 from account'))}"
    token = signed_in(account_room, browser, name)
    assert run(account_room, browser.post_as("/village/sign-out", {"form_token": token}, headers)).status_code == 403
    assert run(account_room, browser.get("/village/account")).status_code == 200
    fields = {"name": name, "password": PASSWORD}
    other = Browser(account_room.app())
    assert run(account_room, other.post_as("/village/sign-in", fields, headers)).status_code == 403
    assert run(account_room, other.post_as("/village/sign-in/passkey", {}, headers)).status_code == 403


def test_an_old_browser_of_this_origin_gets_in(account_room: Room, browser: Browser) -> None:
    account_room.person("冯旧机")
    fields = {"name": "冯旧机", "password": PASSWORD}
    answer = run(account_room, browser.post_as("/village/sign-in", fields, {"Origin": f"https://{HOST}"}))
    assert answer.status_code == 303


@pytest.mark.parametrize("given", ["none", "another session's", "empty", "not ASCII"])
def test_a_form_without_the_token_of_its_session_does_nothing(account_room: Room, given: str) -> None:
    name, browser, other = f"冯令牌{given}", Browser(account_room.app()), Browser(account_room.app())
    signed_in(account_room, browser, name.replace(" ", ""))
    theirs = signed_in(account_room, other, name.replace(" ", "") + "二")
    fields = {"none": {}, "another session's": {"form_token": theirs}, "empty": {"form_token": ""}}
    sent = fields.get(given, {"form_token": "令牌"})
    for path in ("sign-out", "account/password", "account/totp", "account/passkeys/options", "confirm/passkey"):
        assert run(account_room, browser.post(f"/village/{path}", sent)).status_code == 403, path
    assert run(account_room, browser.get("/village/account")).status_code == 200


def test_nothing_is_changed_by_opening_an_address(account_room: Room, browser: Browser) -> None:
    signed_in(account_room, browser, "冯打开")
    leads = {
        "sign-out": "",
        **dict.fromkeys(("account/password", "account/totp/confirm", "account/sessions/end"), "/account"),
    }
    for path, to in leads.items():
        answer = run(account_room, browser.get(f"/village/{path}"))
        assert (answer.status_code, answer.headers["location"]) == (303, f"/village{to}"), path
    assert run(account_room, browser.get("/village/confirm/passkey")).status_code == 405
    assert run(account_room, browser.get("/village/account")).status_code == 200, "still signed in"


# ---- what is shown ----


def test_pages_are_kept_nowhere_run_no_script_in_them_and_tell_where_forms_come_from(
    account_room: Room, browser: Browser
) -> None:
    signed_in(account_room, browser, "陈安全")
    for path in ("/village/sign-in", "/village/account"):
        answer = run(account_room, (Browser(account_room.app()) if path.endswith("in") else browser).get(path))
        policy = answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "no-store"
        assert "script-src 'self'" in policy and "unsafe" not in policy and "connect-src 'self'" in policy
        assert '<meta name="referrer" content="same-origin">' in answer.text
        assert "<script>" not in answer.text and " onclick" not in answer.text and "style=" not in answer.text


def test_who_has_a_first_password_gets_nowhere_until_it_is_changed(account_room: Room, browser: Browser) -> None:
    account_room.person("陈新人", is_demonstration=False)
    assert run(account_room, browser.enter("陈新人")).headers["location"] == "/village/account#password"
    token = account_room.run(browser.form_token())
    for path in ("account/totp", "account/passkeys/options", "confirm/passkey"):
        answer = run(account_room, browser.post(f"/village/{path}", {"form_token": token, "password": PASSWORD}))
        assert (answer.status_code, answer.headers["location"]) == (303, "/village/account#password"), path
    wanted = "后山的水库去年修好了"
    fields = {"form_token": token, "password": PASSWORD, "wanted": wanted, "again": wanted}
    assert run(account_room, browser.post("/village/account/password", fields)).status_code == 303
    page = run(account_room, browser.get("/village/account?done=password"))
    assert "密码已换好" in page.text and 'id="totp"' in page.text


@pytest.mark.parametrize(
    ("password", "wanted", "again", "said"),
    [
        (PASSWORD, "后山的水库去年修好了", "后山的水库去年没修好", "两次输入的新密码不一样"),
        (PASSWORD, "password123", "password123", "太常见"),
        (PASSWORD, PASSWORD, PASSWORD, "与原来的一样"),
        (WRONG, "后山的水库去年修好了", "后山的水库去年修好了", "密码或动态码不对"),
    ],
)
def test_a_password_is_not_changed_when(account_room: Room, password: str, wanted: str, again: str, said: str) -> None:
    browser, name = Browser(account_room.app()), f"陈不换{said[:2]}"
    token = signed_in(account_room, browser, name)
    fields = {"form_token": token, "password": password, "wanted": wanted, "again": again}
    answer = run(account_room, browser.post("/village/account/password", fields))
    assert answer.status_code in (400, 403) and said in answer.text
    assert wanted not in answer.text and password not in answer.text
    account_room.enter(name, now=datetime.now(UTC))


def test_one_time_codes_are_set_up_by_text_and_picture_and_asked_for_from_then_on(
    account_room: Room, browser: Browser
) -> None:
    token = signed_in(account_room, browser, "陈动码")
    begun = run(account_room, browser.post("/village/account/totp", {"form_token": token, "password": PASSWORD}))
    assert begun.headers["location"] == "/village/account?done=begun#totp"
    page = run(account_room, browser.get("/village/account"))
    assert "<svg" in page.text.partition('class="qr"')[2][:200]
    shown = re.search(r'translate="no">((?:<i>[A-Z2-7]+</i>)+)</span>', page.text)
    assert shown is not None
    secret = account_room.run(_secret(account_room, "陈动码"))
    assert re.sub("<[^>]+>", "", shown[1]) == secret[1]
    now = datetime.now(UTC)
    fields = {"form_token": token, "code": code(secret[0], now)}
    assert run(account_room, browser.post("/village/account/totp/confirm", fields)).status_code == 303
    again = run(account_room, browser.get("/village/account"))
    assert secret[1][:4] not in again.text and 'id="totp-code"' in again.text
    other = Browser(account_room.app())
    assert run(account_room, other.enter("陈动码")).status_code == 403
    assert run(account_room, other.enter("陈动码", code(secret[0], now, 1))).status_code == 303
    (row,) = account_room.rows(
        "select t.sealed from account_totp t join account a on a.id = t.account where a.name = $1", "陈动码"
    )
    assert secret[0] not in row["sealed"]


async def _secret(account_room: Room, name: str) -> tuple[bytes, str]:
    from certsvc.access.totp import as_text

    tried = await account_room.sign_in.accounts.begin_try(name, bytes(32), bytes(32), datetime.now(UTC))
    assert tried.found is not None
    pending = await account_room.sign_in.credentials.pending_totp(tried.found.account.id)
    assert pending is not None
    secret = account_room.sign_in.secret_of(pending)
    return secret, as_text(secret)


def test_a_passkey_is_made_used_and_removed_over_http(account_room: Room, browser: Browser) -> None:
    token, device = signed_in(account_room, browser, "陈通钥"), Device(count=1)
    asked = {"form_token": token, "password": PASSWORD, "name": "我的手机"}
    options = run(
        account_room, browser.post("/village/account/passkeys/options", asked, Accept="application/json")
    ).json()
    assert options["authenticatorSelection"]["userVerification"] == "required" and options["rp"]["id"] == HOST
    fields = {**asked, "passkey": device.make(options)}
    assert run(account_room, browser.post("/village/account/passkeys", fields)).status_code == 303
    other = Browser(account_room.app())
    options = run(account_room, other.post("/village/sign-in/passkey", {}, Accept="application/json")).json()
    assert options["allowCredentials"] == []
    device.count = 2
    entered = run(
        account_room, other.post("/village/sign-in", {"passkey": device.sign(options), "next": "/village/account"})
    )
    assert (entered.status_code, entered.headers["location"]) == (303, "/village/account")
    page = run(account_room, other.get("/village/account"))
    assert "我的手机" in page.text and "通行密钥" in page.text
    packed = re.search(r'name="id" value="([A-Za-z0-9_=-]+)">\s*<input type="hidden" name="form_token"', page.text)
    assert packed is not None
    fields = {"form_token": token, "password": PASSWORD, "id": packed[1]}
    assert run(account_room, browser.post("/village/account/passkeys/remove", fields)).status_code == 303
    options = run(account_room, other.post("/village/sign-in/passkey", {}, Accept="application/json")).json()
    device.count = 3
    assert (
        run(
            account_room, Browser(account_room.app()).post("/village/sign-in", {"passkey": device.sign(options)})
        ).status_code
        == 403
    )


def test_an_act_is_confirmed_over_http_by_a_passkey_signed_for_it_alone(account_room: Room, browser: Browser) -> None:
    token, device, digest = signed_in(account_room, browser, "陈确认"), Device(count=1), hashlib.sha256(b"act").digest()
    _, signed = account_room.enter("陈确认", now=datetime.now(UTC))
    account_room.with_passkey(signed, device, datetime.now(UTC))
    sessions = Sessions(account_room.village)

    async def act(request: Asked) -> Response[str]:
        now = datetime.now(UTC)
        who, fields = await sessions.form(request, now, most=24 * 1024)
        made = await sessions.confirm(request, who, digest, fields, now)
        return Response(f"{made.name} {made.method}", media_type="text/plain")

    acting = Browser(account_room.app(more=[route("/village/act", "act", act, "POST")]))
    acting.cookies = browser.cookies
    answers = []
    for other in (b"another act", b"act"):
        asked = {"form_token": token, "digest": hashlib.sha256(other).hexdigest()}
        options = run(account_room, acting.post("/village/confirm/passkey", asked, Accept="application/json")).json()
        device.count += 1
        fields = {"form_token": token, "passkey": device.sign(options)}
        answers += [run(account_room, acting.post("/village/act", fields)) for _ in range(2)]
    assert [each.status_code for each in answers] == [403, 403, 200, 403]
    assert answers[2].text == "陈确认 passkey"
    malformed = run(account_room, acting.post("/village/confirm/passkey", {"form_token": token, "digest": "x"}))
    assert malformed.status_code == 400


def test_a_script_is_told_in_json_what_is_wrong(account_room: Room, browser: Browser) -> None:
    token = signed_in(account_room, browser, "陈脚本")
    asked = {"form_token": token, "password": WRONG}
    answer = run(
        account_room, browser.post("/village/account/passkeys/options?lang=en", asked, Accept="application/json")
    )
    assert answer.status_code == 403 and answer.json()["code"] == "sign_in_refused"
    assert answer.json()["detail"].startswith("Name, password or one-time code is wrong")
    gone = run(
        account_room, Browser(account_room.app()).post("/village/confirm/passkey", asked, Accept="application/json")
    )
    assert gone.status_code == 401 and gone.json()["code"] == "not_signed_in"


def test_the_list_of_sessions_names_browser_and_system(account_room: Room, browser: Browser) -> None:
    account_room.person("陈列表")
    fields = {"name": "陈列表", "password": PASSWORD}
    run(account_room, browser.post("/village/sign-in", fields, **{"User-Agent": CHROME}))
    page = run(account_room, browser.get("/village/account"))
    assert "Chrome, Android" in page.text and "这一台" in page.text
    assert agent_in_words("") == "" and agent_in_words("<script>") == ""
    assert agent_in_words(CHROME + " MicroMessenger/8.0") == "微信 WeChat, Android"


def test_an_address_in_figures_offers_no_passkey(account_room: Room) -> None:
    village = account_room.village_at("http://192.168.1.5:8000")
    there = Browser(account_room.app(village), "http://192.168.1.5:8000")
    assert "data-passkey" not in run(account_room, there.get("/village/sign-in")).text
