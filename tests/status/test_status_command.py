"""`check-token` over the demonstration: the QR of a permit, its list, and what happens without it."""

import json
from pathlib import Path

import pytest
from demonstration import Demonstration, Home

from certsvc.domain.token import parse_digits
from certsvc.verify.offline import name_of_list

pytestmark = pytest.mark.long


def checked(home: Home, *arguments: object) -> tuple[int, dict[str, object]]:
    """The exit status, and what it prints for programs."""
    done = home.run("check-token", *arguments, "--json")
    assert "Traceback" not in done.stderr, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return done.returncode, found


def mirror(home: Home) -> Path:
    return home.path / "public"


def test_every_certificate_of_the_demonstration_is_valid_by_its_list(demonstration: Demonstration) -> None:
    for url in demonstration.summary["urls"]:
        status, said = checked(demonstration.home, url)
        assert (status, said["verdict"], said["state"]) == (0, "valid", "valid"), said


def test_without_its_list_nobody_can_tell_and_with_it_from_elsewhere_one_can(
    demonstration: Demonstration, tmp_path: Path
) -> None:
    url = demonstration.summary["urls"][1]
    name = name_of_list(parse_digits(url.rpartition("/")[2]).claims)
    bare = tmp_path / "mirror"
    for folder in ("anchors", "crl"):
        target = bare / folder
        for path in (mirror(demonstration.home) / folder).rglob("*"):
            if path.is_file():
                copy = target / path.relative_to(mirror(demonstration.home) / folder)
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_bytes(path.read_bytes())
    status, said = checked(demonstration.home, url, "--anchors", bare)
    assert (status, said["verdict"], said["list"]["reason"]) == (3, "undetermined", "list_missing")  # type: ignore[index]
    file = mirror(demonstration.home) / "status" / f"{name}.jwt"
    status, said = checked(demonstration.home, url, "--anchors", bare, "--list", file)
    assert (status, said["verdict"]) == (0, "valid")


def test_an_altered_qr_is_not_valid_and_the_words_say_what_nobody_can_know(demonstration: Demonstration) -> None:
    url = demonstration.summary["urls"][0]
    status, said = checked(demonstration.home, url[:-1] + ("1" if url[-1] != "1" else "2"))
    assert (status, said["verdict"], said["claims"]) == (1, "not_valid", None)
    done = demonstration.home.run("check-token", url)
    assert done.returncode == 0 and "✔ 有效 valid" in done.stdout and "手中的纸" in done.stdout


def test_the_lists_can_be_made_anew(own_home: Home) -> None:
    (said,) = own_home.json("renew-status-lists")
    assert said == {"begun": True}
