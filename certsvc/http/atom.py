"""Changes as an Atom feed (RFC 4287): the same changes make the same bytes, and every entry keeps its id for ever."""

import re
from datetime import UTC, datetime
from xml.etree import ElementTree

from certsvc.http.language import Language
from certsvc.http.site import Site
from certsvc.http.verifier.history import act_word
from certsvc.verify.history import Change, Feed

ATOM = "application/atom+xml"
SPACE = "http://www.w3.org/2005/Atom"
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
TAG_DATE = "2026"
"""The year in which the scheme of ids was fixed (RFC 4151)."""

UNWRITABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold."""


def feed_xml(feed: Feed, site: Site, language: Language) -> bytes:
    """The document."""
    certificate = feed.certificate.certificate
    title = language.pick(feed.certificate.title_zh, feed.certificate.title_en)
    address = f"{site.public_url}/C/{feed.ref.typed_code}"
    root = ElementTree.Element("feed", {"xmlns": SPACE, XML_LANG: language.tag})
    _text(root, "id", _id(site, feed.ref.typed_code))
    _text(root, "title", language.words["feed"]["title"].format(title=title, number=certificate.number))
    newest = max((one.change.at for one in feed.changes), default=certificate.issued_at)
    _text(root, "updated", _when(newest))
    ElementTree.SubElement(root, "link", {"rel": "self", "href": f"{address}/feed"})
    ElementTree.SubElement(root, "link", {"rel": "alternate", "type": "text/html", "href": address})
    author = ElementTree.SubElement(root, "author")
    _text(author, "name", language.words["site"]["name"])
    for one in feed.changes:
        _entry(root, one, feed, site, language)
    content: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return content


def _entry(root: ElementTree.Element, one: Change, feed: Feed, site: Site, language: Language) -> None:
    change, words = one.change, language.words["feed"]
    title = language.pick(one.title_zh, one.title_en)
    entry = ElementTree.SubElement(root, "entry")
    if change.event is not None and change.life is not None:
        code, event = change.life.typed_code, change.event
        act = act_word(event.act, language)
        _text(entry, "id", _id(site, f"{code}/{event.id}"))
        _text(entry, "title", words["changed"].format(title=title, act=act))
        state = language.words["status"].get(event.status, event.status)
        said = words["content"].format(effective=language.day(event.effective), act=act, state=state)
        content = words["content_struck"] if event.strikes is not None else said
    else:
        code, part = feed.ref.typed_code, change.part.value if change.part else ""
        state = language.words["case"]["state"][part]["word"]
        _text(entry, "id", _id(site, f"{code}/applied/{change.type_id}/{int(change.at.timestamp() * 1_000_000)}"))
        content = words["applied"].format(title=title, state=state)
        _text(entry, "title", content)
    _text(entry, "updated", _when(change.at))
    ElementTree.SubElement(
        entry, "link", {"rel": "alternate", "type": "text/html", "href": f"{site.public_url}/C/{code}"}
    )
    _text(entry, "content", content).set("type", "text")


def _id(site: Site, name: str) -> str:
    return f"tag:{site.host.partition(':')[0]},{TAG_DATE}:{name}"


def _when(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _text(parent: ElementTree.Element, name: str, text: str) -> ElementTree.Element:
    element = ElementTree.SubElement(parent, name)
    element.text = UNWRITABLE.sub("\ufffd", text)
    return element
