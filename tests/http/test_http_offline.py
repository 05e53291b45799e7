"""What a browser stores for the time without network: all of one version, nothing that asked not to be stored."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from litestar import Litestar
from litestar.testing import TestClient
from public_site import HOST, ROOT, PublicSite, catalog, certificate, make_site

from certsvc.http.offline import MODULES, WORKER, latest, version_of
from certsvc.http.pages import Pages
from certsvc.http.site import Site
from certsvc.http.verifier.offline import OFFLINE_LOOKS, answer_words
from certsvc.settings import load_settings

Client = TestClient[Litestar]
STATIC = ROOT / "verifier_web" / "static"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> PublicSite:
    return make_site(tmp_path_factory.mktemp("public"), [certificate("business-licence-company", "good-lingnan")])


@pytest.fixture(scope="module")
def client(site: PublicSite) -> Iterator[Client]:
    with TestClient(site.app) as opened:
        yield opened


def base_of(client: Client) -> str:
    """The folder of this version."""
    return client.get("/sw.js").text.split('"')[1].removesuffix(WORKER)


def listing(client: Client) -> dict[str, object]:
    """What the worker is told."""
    text = client.get(base_of(client) + "shell.js").text
    return {name: json.loads(value) for name, value in re.findall(r"export const (\w+) = (.*);\n", text)}


def files(client: Client) -> dict[str, httpx.Response]:
    """Everything the worker stores."""
    named = listing(client)["files"]
    assert isinstance(named, list)
    return {path: client.get(path) for path in named}


def test_everything_that_is_to_be_stored_is_there_and_may_be_stored(client: Client) -> None:
    stored = files(client)
    assert {path.rsplit("/", 1)[1] for path in stored if path.endswith(".js")} >= {*MODULES} - {WORKER}
    for path, answer in stored.items():
        assert answer.status_code == 200, path
        assert "no-store" not in answer.headers["cache-control"], path
    pages = {path: answer.text for path, answer in stored.items() if "?lang=" in path}
    assert len(pages) == 9
    assert all(base_of(client) in text for text in pages.values())


@pytest.mark.long
def test_what_a_stored_page_asks_for_is_stored_too(client: Client) -> None:
    stored = files(client)
    for path, answer in stored.items():
        asked = re.findall(r'<(?:script|link rel="(?:stylesheet|icon)")[^>]*(?:src|href)="([^"]+)"', answer.text)
        assert set(asked) <= stored.keys(), path
        folder = path.rsplit("/", 1)[0]
        modules = re.findall(r"from '\./([\w-]+\.js)'", answer.text) if path.endswith(".js") else []
        assert {f"{folder}/{name}" for name in modules} <= stored.keys() | {f"{folder}/shell.js"}, path


def test_the_workers_own_modules_are_all_there(client: Client) -> None:
    base = base_of(client)
    names, known = [WORKER], set()
    while names:
        name = names.pop()
        if name in known:
            continue
        known.add(name)
        answer = client.get(base + name)
        assert answer.status_code == 200, name
        names += re.findall(r"from '\./([\w-]+\.js)'", answer.text)
    assert "shell.js" in known and "token.js" in known


def test_of_another_version_there_is_nothing(client: Client) -> None:
    for name in (*MODULES, "shell.js", "answer"):
        assert client.get(f"/offline/0123456789abcdef/{name}").status_code == 404, name
    for name in ("page.js", "style.css", "sw-off.js", "..%2fsw.js", "nothing"):
        assert client.get(base_of(client) + name).status_code == 404, name


def test_the_worker_is_asked_for_anew_each_time_and_may_talk_to_this_host_alone(client: Client) -> None:
    answer = client.get("/sw.js")
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["content-security-policy"] == "default-src 'none'; script-src 'self'; connect-src 'self'"


def test_only_the_page_that_scans_may_have_the_camera_and_nothing_else(client: Client) -> None:
    answers = {path: client.get(path) for path in ("/", "/scan", "/offline", "/Q/12", "/nothing")}
    for path, answer in answers.items():
        policy = answer.headers["permissions-policy"]
        assert ("camera=(self)" in policy) is (path == "/scan"), path
        assert "microphone=()" in policy and "geolocation=()" in policy, path
        assert "connect-src" not in answer.headers["content-security-policy"] or path == "/offline"


def test_the_policy_of_scripts_lets_one_address_through_and_the_script_gives_no_other(client: Client) -> None:
    policy = client.get("/").headers["content-security-policy"]
    assert "require-trusted-types-for 'script'" in policy and "trusted-types worker" in policy
    scripts = {path.name: path.read_text("utf-8") for path in STATIC.glob("*.js")}
    made = {name: text for name, text in scripts.items() if "createPolicy" in text}
    assert made.keys() == {"page.js"}
    assert "createPolicy('worker', {createScriptURL: () => '/sw.js'})" in made["page.js"]
    assert all("innerHTML" not in text and "eval(" not in text for text in scripts.values())


def test_the_manifest_speaks_the_language_asked_for_and_keeps_the_address_in_sight(client: Client) -> None:
    said = {lang: client.get(f"/app.webmanifest?lang={lang}") for lang in ("zh", "hant", "en")}
    assert len({answer.json()["name"] for answer in said.values()}) >= 2
    for lang, answer in said.items():
        manifest = answer.json()
        assert answer.headers["content-type"].startswith("application/manifest+json")
        assert manifest["start_url"] == f"/scan?lang={lang}" and manifest["display"] == "minimal-ui"
        for icon in manifest["icons"]:
            assert client.get(icon["src"]).headers["content-type"] == icon["type"]


@pytest.mark.long
def test_switched_off_the_worker_is_one_that_takes_everything_away(tmp_path: Path) -> None:
    with TestClient(make_site(tmp_path, works_offline=False).app) as client:
        text = client.get("/sw.js").text
    assert text == (STATIC / "sw-off.js").read_text("utf-8")
    assert "unregister()" in text and "caches.delete" in text and "addEventListener('fetch'" not in text


def test_the_switch_is_a_setting(tmp_path: Path) -> None:
    home = {"CERTSVC_HOME": str(tmp_path)}
    assert load_settings(home).offline.worker is True
    assert load_settings({**home, "CERTSVC_OFFLINE_WORKER": "false"}).offline.worker is False


@pytest.mark.long
def test_a_version_changes_with_every_word_page_and_place(tmp_path: Path) -> None:
    place = Site(HOST, f"http://{HOST}", ROOT / "verifier_web", tmp_path, True)
    pages, kinds = Pages(place), latest(catalog())
    version = version_of(kinds, place, pages)
    assert version == version_of(kinds, place, pages) == version_of(kinds, place, Pages(place))
    assert version != version_of(kinds[1:], place, pages)
    assert version != version_of(kinds, replace(place, host="other.example"), pages)
    assert version != version_of(kinds, replace(place, is_demonstration=False), pages)
    assert version != version_of(kinds, place, pages, ["former.example"])


def test_there_are_words_for_every_code_in_every_language(tmp_path: Path) -> None:
    script = (STATIC / "offline.js").read_text("utf-8")
    for language in Pages(Site(HOST, f"http://{HOST}", ROOT / "verifier_web", tmp_path, True)).languages:
        said = answer_words(language, latest(catalog()))
        assert said["headline"].keys() == said["looks"].keys() == OFFLINE_LOOKS.keys()
        for state in (
            "valid",
            "invalid",
            "suspended",
            "superseded",
            "transferred_out",
            "renewal_pending",
            "conditional",
        ):
            assert said["state"][state]
        assert said["unread"].keys() >= {"not_looked_at", "list_missing", "list_expired", "keys_too_old", "other"}
        assert said["cannot_know"].keys() == {"register", "state", "since_list", "condition", "paper"}
        for name in re.findall(r"said\.([a-z_]+)", script):
            assert name in said, (language.code, name)


@pytest.mark.parametrize(
    ("script", "table"), [("keeping.js", "keeping"), ("scan.js", "camera"), ("words.js", "keeping")]
)
def test_the_other_pages_have_the_words_their_scripts_say(client: Client, script: str, table: str) -> None:
    page = client.get({"keeping": "/offline?lang=en", "camera": "/scan?lang=en"}[table]).text
    told = re.search(r'<template id="said">(.*?)</template>', page, re.S)
    assert told is not None
    said = json.loads(told[1].replace("&#34;", '"').replace("&#39;", "'").replace("&amp;", "&"))
    for name in re.findall(r"said\.([a-z_]+)", (STATIC / script).read_text("utf-8")):
        assert name in said or name == "age", name


def test_no_look_without_network_is_that_of_valid() -> None:
    assert {look.block for look in OFFLINE_LOOKS.values()} == {"unk", "bad", "hold"}
