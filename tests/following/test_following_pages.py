"""The pages of following: a form, what a link shows, and what its button does; the same for every address."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from following_room import START, Cipher
from litestar import Litestar
from litestar.testing import TestClient
from public_site import ROOT, licence_with_permits, make_site

from certsvc.domain.following import Asked, Followed, expiry_after, hash_of
from certsvc.http import headers
from certsvc.http.application import make_application
from certsvc.http.desk import following as routes
from certsvc.http.pages import Pages
from certsvc.http.site import Site
from certsvc.log import open_log
from certsvc.telling.following import FollowDesk

Client = TestClient[Litestar]
HTML = {"Accept": "text/html"}
CONFIRM, STOP = "c" * 32, "s" * 32


@dataclass
class Followers:
    """`following_parts.Followers` in memory: one secret of each kind is good."""

    followed: Followed
    asked: list[Asked] = field(default_factory=list)
    confirmed: bool = False
    stopped: bool = False
    mails: bool = True

    async def ask(self, asked: Asked, now: datetime) -> bool:
        self.asked.append(asked)
        return self.mails

    async def asked_with(self, confirm_hash: bytes, now: datetime) -> Followed | None:
        good = confirm_hash == hash_of(CONFIRM) and not self.confirmed
        return self.followed if good else None

    async def confirm(self, confirm_hash: bytes, now: datetime) -> Followed | None:
        found = await self.asked_with(confirm_hash, now)
        self.confirmed = self.confirmed or found is not None
        return found

    async def stopped_with(self, stop_hash: bytes) -> Followed | None:
        return self.followed if stop_hash == hash_of(STOP) else None

    async def stop(self, stop_hash: bytes, now: datetime) -> None:
        self.stopped = True


@dataclass
class Room:
    client: Client
    followers: Followers
    licence: str
    permit: str
    offers: FollowDesk


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    shelf = licence_with_permits()
    register = make_site(tmp_path, shelf).shelf
    followed = Followed(
        licence=shelf[0].ref, language="zh", is_confirmed=False, is_ended=False, expires_at=expiry_after(START)
    )
    followers = Followers(followed)

    async def cipher() -> Cipher:
        return Cipher()

    offered = FollowDesk(followers=followers, cipher=cast(Any, cipher), offers_mail=True)
    site = Site("yz.example", "https://yz.example", ROOT / "verifier_web", tmp_path, True)
    pages = Pages(site)
    desk = SimpleNamespace(register=register, site=site, pages=pages, following=offered)
    app = make_application(routes.following_routes(cast(Any, desk)), site, pages, open_log())
    with TestClient(app) as client:
        yield Room(client, followers, shelf[0].ref.typed_code, shelf[1].ref.typed_code, offered)


def test_the_form_says_what_is_sent_and_needs_no_script(room: Room) -> None:
    page = room.client.get(f"/C/{room.licence}/follow?lang=zh", headers=HTML).text
    for said in ("一天最多一封", "地址加密保存", "13 个月后到期", f"https://yz.example/C/{room.licence}/feed"):
        assert said in page
    assert f'action="/C/{room.licence}/follow?lang=zh"' in page and 'type="email"' in page


def test_the_form_of_a_permit_is_that_of_its_licence(room: Room) -> None:
    answer = room.client.get(f"/C/{room.permit}/follow?lang=en", headers=HTML, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/C/{room.licence}/follow?lang=en")


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_whether_a_mail_goes_out_is_told_to_nobody(room: Room, lang: str) -> None:
    pages = []
    for mails in (True, False):
        room.followers.mails = mails
        answer = room.client.post(
            f"/C/{room.licence}/follow?lang={lang}", data={"email": "lin@bank.example"}, headers=HTML
        )
        assert answer.status_code == 202
        pages.append(answer.text)
    assert pages[0] == pages[1]
    assert [one.language for one in room.followers.asked] == [lang, lang]
    assert "bank.example" not in pages[0] + repr(room.followers.asked)


def test_what_is_no_address_is_said_at_the_field_with_what_was_typed(room: Room) -> None:
    answer = room.client.post(f"/C/{room.licence}/follow?lang=zh", data={"email": '"><script>x</script>'}, headers=HTML)
    assert answer.status_code == 400 and "<script>x" not in answer.text and "&lt;script&gt;" in answer.text
    assert 'aria-invalid="true"' in answer.text and "<title>错误：" in answer.text
    assert room.followers.asked == []


def test_one_address_may_ask_only_so_often(room: Room) -> None:
    codes = [
        room.client.post(f"/C/{room.licence}/follow", data={"email": f"a{n}@b.example"}, headers=HTML).status_code
        for n in range(routes.ASKED_PER_MINUTE + 1)
    ]
    assert codes == [202] * routes.ASKED_PER_MINUTE + [429]


def test_a_link_shows_a_button_and_the_button_does_it(room: Room) -> None:
    address = f"/follow/confirm/{CONFIRM}?lang=zh"
    for _ in range(2):
        page = room.client.get(address, headers=HTML)
        assert page.status_code == 200 and "确认关注" in page.text and '<form class="box" method="post">' in page.text
    before = room.followers.confirmed
    done = room.client.post(address, headers=HTML).text
    assert (before, room.followers.confirmed) == (False, True), "programs that open links confirm nothing"
    assert "已经关注" in done
    gone = room.client.post(address, headers=HTML)
    assert gone.status_code == 404 and "不能用了" in gone.text


def test_one_click_of_a_mail_program_stops_without_a_page(room: Room) -> None:
    assert room.client.get(f"/follow/stop/{STOP}", headers=HTML).status_code == 200
    before = room.followers.stopped
    answer = room.client.post(f"/follow/stop/{STOP}?lang=zh", data={"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200 and (before, room.followers.stopped) == (False, True)


@pytest.mark.parametrize("secret", ["x", "A" * 32, "A" * 500, "%00", "ä"])
@pytest.mark.parametrize("what", ["confirm", "stop"])
def test_other_secrets_open_nothing(room: Room, what: str, secret: str) -> None:
    for method in ("GET", "POST"):
        answer = room.client.request(method, f"/follow/{what}/{secret}", headers=HTML)
        assert answer.status_code == 404
    assert not room.followers.confirmed and not room.followers.stopped


def test_secrets_are_not_kept_and_not_sent_on(room: Room) -> None:
    answer = room.client.get(f"/follow/confirm/{CONFIRM}", headers=HTML)
    assert answer.headers["cache-control"] == "no-store" and answer.headers["referrer-policy"] == "no-referrer"
    assert headers.ALWAYS["Referrer-Policy"] == "no-referrer"


def test_a_site_that_sends_no_mail_offers_the_feed_alone(room: Room) -> None:
    object.__setattr__(room.offers, "offers_mail", False)
    page = room.client.get(f"/C/{room.licence}/follow?lang=zh", headers=HTML).text
    assert "没有开通邮件" in page and 'type="email"' not in page
    answer = room.client.post(f"/C/{room.licence}/follow", data={"email": "a@b.example"}, headers=HTML)
    assert answer.status_code == 503
