"""What a verifier trusts: read from public files, which any mirror may serve, and nothing in them is taken on trust."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from seal_workshop import PLAN, Workshop
from spoilt import as_pem, crl_of_an_unknown_version, of_an_unknown_version, with_an_extension_twice

from certsvc.authority.founding import throw_away_authority
from certsvc.authority.plan import load_plan
from certsvc.errors import SettingsError
from certsvc.verify.anchors import AnchorFolder, parse_anchors

pytest_plugins = ["verify_fixtures"]
ANCHORS = "anchors/"
FACTS = (ANCHORS, "crl/")


@pytest.fixture
def folder(workshop: Workshop, tmp_path: Path) -> Path:
    """The public facts as an authority publishes them, in a folder."""
    for name, data in anchors_of(workshop).items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return tmp_path


def anchors_of(workshop: Workshop) -> dict[str, bytes]:
    return {name: data for name, data in workshop.published.items() if name.startswith(FACTS)}


def foreign(workshop: Workshop) -> dict[str, bytes]:
    """The anchors of an authority with every name of ours."""
    published: dict[str, bytes] = {}
    authority = throw_away_authority(load_plan(PLAN), workshop.now, published.__setitem__)
    authority.token_key(workshop.now)
    return {name: data for name, data in published.items() if name.startswith(FACTS)}


def token_file(files: dict[str, bytes]) -> str:
    return next(name for name in files if name.startswith("anchors/token-keys/"))


def test_the_published_anchors_are_read(folder: Path, workshop: Workshop) -> None:
    anchors = AnchorFolder(folder).current()
    assert anchors.root == workshop.trust.current().root
    assert anchors.token_keys == workshop.trust.current().token_keys
    assert anchors.is_demonstration


def test_the_key_of_a_new_quarter_is_seen_without_a_restart(folder: Path, workshop: Workshop, tmp_path: Path) -> None:
    source = AnchorFolder(folder)
    before = source.current()
    published: dict[str, bytes] = {}
    authority = throw_away_authority(load_plan(PLAN), workshop.now, published.__setitem__)
    for name in ("anchors/root.pem", "anchors/issuing.pem", "crl/root.crl", "crl/issuing.crl"):
        (folder / name).write_bytes(published[name])
    (folder / token_file(anchors_of(workshop))).unlink()
    source = AnchorFolder(folder)
    assert source.current().token_keys == {}
    authority.token_key(workshop.now + timedelta(days=100))
    name = next(name for name in published if "token-keys" in name)
    fresh = tmp_path / "fresh"
    fresh.write_bytes(published[name])
    fresh.rename(folder / name)
    assert len(source.current().token_keys) == 1
    assert source.current() is source.current()
    assert before.root != source.current().root


def test_anchors_are_not_read_again_while_nothing_changes(folder: Path) -> None:
    source = AnchorFolder(folder)
    assert source.current() is source.current()


@pytest.mark.parametrize("name", ["anchors/issuing.pem", "token"])
def test_a_certificate_of_a_lookalike_among_the_anchors_is_refused(name: str, workshop: Workshop) -> None:
    ours, theirs = anchors_of(workshop), foreign(workshop)
    place = token_file(ours) if name == "token" else name
    with pytest.raises(SettingsError, match="does not lead to our root"):
        parse_anchors({**ours, place: theirs[place]})


@pytest.mark.parametrize("seal", ["market", "health"])
def test_a_seal_among_the_token_keys_is_refused(seal: str, workshop: Workshop) -> None:
    """Our authority issued it, but whoever holds a seal must not be able to sign tokens."""
    ours = anchors_of(workshop)
    pem = workshop.ours.sealing(seal).certificate.public_bytes(Encoding.PEM)
    with pytest.raises(SettingsError, match="not a token key"):
        parse_anchors({**ours, "anchors/token-keys/2026q9.pem": pem})


def test_the_timestamp_authority_among_the_token_keys_is_refused(workshop: Workshop) -> None:
    pem = workshop.ours.certificate("timestamp").public_bytes(Encoding.PEM)
    with pytest.raises(SettingsError, match="not a token key"):
        parse_anchors({**anchors_of(workshop), "anchors/token-keys/2026q9.pem": pem})


def test_an_issuing_certificate_that_is_no_authority_is_refused(workshop: Workshop) -> None:
    ours = anchors_of(workshop)
    seal = workshop.ours.sealing("market").certificate.public_bytes(Encoding.PEM)
    with pytest.raises(SettingsError):
        parse_anchors({**ours, "anchors/issuing.pem": seal, "anchors/root.pem": ours["anchors/issuing.pem"]})


@pytest.mark.parametrize("name", ["anchors/root.pem", "anchors/issuing.pem"])
def test_a_missing_anchor_is_one_clear_line(name: str, folder: Path) -> None:
    (folder / name).unlink()
    with pytest.raises(SettingsError, match="key ceremony"):
        AnchorFolder(folder).current()


def test_a_missing_folder_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="key ceremony"):
        AnchorFolder(tmp_path / "nowhere").current()


@pytest.mark.parametrize("spoil", [of_an_unknown_version, with_an_extension_twice], ids=lambda each: each.__name__)
def test_a_certificate_that_cannot_be_read_is_named(
    spoil: Callable[[x509.Certificate], bytes], workshop: Workshop
) -> None:
    ours = anchors_of(workshop)
    name = token_file(ours)
    with pytest.raises(SettingsError, match=name):
        parse_anchors({**ours, name: as_pem(spoil(x509.load_pem_x509_certificate(ours[name])))})


def test_a_crl_that_cannot_be_read_is_named(workshop: Workshop) -> None:
    ours = anchors_of(workshop)
    name = "crl/issuing.crl"
    with pytest.raises(SettingsError, match=name):
        parse_anchors({**ours, name: crl_of_an_unknown_version(ours[name])})


@pytest.mark.parametrize(
    "content", [b"", b"rubbish", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_a_file_that_is_no_certificate_is_named(content: bytes, folder: Path, workshop: Workshop) -> None:
    name = token_file(anchors_of(workshop))
    (folder / name).write_bytes(content)
    with pytest.raises(SettingsError, match=name):
        AnchorFolder(folder).current()


def test_no_token_key_yet_is_no_error(folder: Path, workshop: Workshop) -> None:
    (folder / token_file(anchors_of(workshop))).unlink()
    assert AnchorFolder(folder).current().token_keys == {}
