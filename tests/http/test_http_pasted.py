"""What is pasted where a code is asked for: our own addresses lead on, those of others are refused with the reason."""

from collections.abc import Iterator

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from public_site import HOST, PublicSite, certificate, licence_with_permits, make_site

from certsvc.domain.certificate import RegisteredCertificate
from certsvc.errors import AnotherAddress, InvalidIdentifier
from certsvc.http.pasted import place_of
from certsvc.ids import Ref, new_ref

CODE = Ref(0x1E240_89ABCDEF_0123456).typed_code
Client = TestClient[Litestar]


@pytest.fixture(scope="module")
def shelf() -> list[RegisteredCertificate]:
    return list(licence_with_permits())


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, shelf: list[RegisteredCertificate]) -> PublicSite:
    return make_site(tmp_path_factory.mktemp("public"), shelf)


@pytest.fixture(scope="module")
def client(site: PublicSite) -> Iterator[Client]:
    with TestClient(site.app) as opened:
        yield opened


@pytest.mark.parametrize(
    ("pasted", "place"),
    [
        (CODE, f"/C/{CODE}"),
        (f"  {CODE.lower().replace('-', ' ')} ", f"/C/{CODE}"),
        (f"HTTPS://{HOST.upper()}/Q/0123456789", "/Q/0123456789"),
        (f"https://{HOST}/C/{CODE}?lang=en#full", f"/C/{CODE}"),
        (f"http://{HOST}:80/P/{CODE}/", f"/P/{CODE}"),
        (f"{HOST}/C/{CODE}", f"/C/{CODE}"),
        (f"//{HOST}/Q/1", "/Q/1"),
    ],
)
def test_a_code_and_an_address_of_ours_lead_to_the_result(pasted: str, place: str) -> None:
    assert place_of(pasted, HOST) == place


@pytest.mark.parametrize(
    ("pasted", "named"),
    [
        ("https://yz-example.cn/Q/123", "yz-example.cn"),
        (f"https://{HOST}.evil.example/Q/123", f"{HOST}.evil.example"),
        (f"https://{HOST}@evil.example/Q/123", "evil.example"),
        (f"https://{HOST}:443@evil.example/Q/123", "evil.example"),
        (f"https://{HOST}:8443/Q/123", f"{HOST}:8443"),
        ("HTTPS://уz.example/Q/1", "xn--z-bub.example"),
        ("evil.example/Q/1", "evil.example"),
        ("//evil.example", "evil.example"),
        (f"https://evil.example/{HOST}/Q/1", "evil.example"),
        (f"https://evil.example\\@{HOST}/Q/1", "evil.example"),
        ("https://" + "a" * 5000 + ".example/", ""),
        ("weixin://dl/chat?x", ""),
        ("javascript:alert(1)", ""),
        ("WIFI:S:counter;T:WPA;P:x;;", ""),
        (f"ftp://{HOST}/Q/1", ""),
        ("https://[::1", ""),
        (f"https://{HOST}/trust", HOST),
        (f"https://{HOST}/Q/12x", HOST),
    ],
)
def test_an_address_of_others_is_refused_and_named_as_the_browser_reads_it(pasted: str, named: str) -> None:
    with pytest.raises(AnotherAddress) as caught:
        place_of(pasted, HOST)
    assert named in caught.value.zh and named in caught.value.en
    assert HOST in caught.value.zh and len(caught.value.zh) < 300


def test_what_is_no_address_is_a_mistyped_code() -> None:
    for pasted in ("", "x", "91441900MA51ABC088", CODE[:-1], "a" * 5000):
        with pytest.raises(InvalidIdentifier) as caught:
            place_of(pasted, HOST)
        assert not isinstance(caught.value, AnotherAddress)


def test_the_form_says_where_a_strange_qr_leads_and_makes_no_link_of_it(client: Client) -> None:
    for lang, heading in (
        ("zh", "错误：这个网址不是我们的"),
        ("en", "Error: this address is not ours"),
        ("hant", "lang="),
    ):
        answer = client.get("/code", params={"code": "HTTPS://EVIL.EXAMPLE/Q/1", "lang": lang})
        assert answer.status_code == 400 and heading in answer.text and "evil.example" in answer.text
        assert 'href="HTTPS://EVIL' not in answer.text and 'href="http' not in answer.text.lower()


def test_the_form_takes_the_address_of_our_own_qr(client: Client, site: PublicSite) -> None:
    asked = {"code": f"HTTPS://{HOST.upper()}/Q/123", "lang": "en"}
    answer = client.get("/code", params=asked, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/Q/123?lang=en")


# ---- nothing to find by trying ----


def test_unknown_codes_are_answered_alike(client: Client) -> None:
    refs = [new_ref() for _ in range(5)]
    answers = [client.get(f"/C/{ref.typed_code}").text.replace(ref.typed_code, "") for ref in refs]
    assert len(set(answers)) == 1
    found = [client.get(f"/C/{ref.typed_code}", headers={"Accept": "application/json"}) for ref in refs]
    assert len({answer.content for answer in found}) == 1 and {answer.status_code for answer in found} == {404}


def test_a_result_shows_data_and_leads_to_no_file(client: Client, shelf: list[RegisteredCertificate]) -> None:
    for one in shelf:
        answer = client.get(f"/C/{one.ref.typed_code}")
        assert answer.headers["content-type"].startswith("text/html")
        for tag in ("<img", "<embed", "<object", "<iframe", "<video", '.pdf"', "data:"):
            assert tag not in answer.text, tag
        for accept in ("application/pdf", "*/*", "application/octet-stream"):
            got = client.get(f"/C/{one.ref.typed_code}", headers={"Accept": accept})
            assert not got.content.startswith(b"%PDF")


def test_a_person_on_a_result_is_masked(tmp_path_factory: pytest.TempPathFactory) -> None:
    one = certificate("tiered-water-proof", "good-zhou")
    site = make_site(tmp_path_factory.mktemp("proof"), [one])
    with TestClient(site.app) as client:
        for lang in ("zh", "hant", "en"):
            page = client.get(f"/C/{one.ref.typed_code}", params={"lang": lang}).text
            assert "周**" in page and "周桂芳" not in page and "44052418800101" not in page
            assert f'action="/C/{one.ref.typed_code}/full' in page and 'method="post" id="full"' in page
