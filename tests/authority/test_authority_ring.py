"""Next generations lie where the first one does, under its limit; a key that is there already is not taken over."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from ceremonies import NOW, PLAN, hold, make_home, open_held, secret

from certsvc.authority.later import LaterPlan, hold_later
from certsvc.authority.ring import CustodyPlan, FolderKeys, LimitPlan
from certsvc.custody.keys import create_key
from certsvc.errors import CustodyError

TOKEN = "pkcs11:token=T;object={name}?module-path=/usr/lib/token.so"
FIRST = "pkcs11:token=T;object=first?module-path=/usr/lib/token.so"


def ring(folder: Path, custody: Sequence[CustodyPlan], limits: Sequence[LimitPlan] = ()) -> FolderKeys:
    """The keys of an authority with this plan."""
    return FolderKeys(folder, "file:/passphrase", "p256", custody, limits)


def plan_in_files(folder: Path, keys: str, file: str = "{name}") -> str:
    """The usual plan, with some keys in files of another folder."""
    custody = f'[[custody]]\nkeys = [{keys}]\nuri = "file:{folder}/{file}.key"\nsecret = "{secret(folder / "home")}"\n'
    return PLAN + custody


def roll(home: Path, *names: str) -> Path:
    """A later ceremony for the next generation of these; its transcript."""
    return hold_later(LaterPlan("next", "到期", "陈主管", "林副主管", names), home, secret(home), NOW)


def test_a_next_generation_lies_where_the_plan_has_the_first_and_under_its_limit(tmp_path: Path) -> None:
    custody = [CustodyPlan(("issuing", "seal-fire"), TOKEN, "file:/pin")]
    keys = ring(tmp_path, custody, [LimitPlan(("seal-fire",), 100)])
    for name in ("issuing", "issuing.2", "seal-fire.2", "seal-fire.13"):
        assert keys.place(name) == (TOKEN.replace("{name}", name), "file:/pin")
    assert [keys.limit(name) for name in ("seal-fire", "seal-fire.2", "issuing.2")] == [100, 100, None]
    for name in ("seal-fire-brigade", "timestamp.2"):
        assert keys.place(name)[0] == f"file:{tmp_path}/keys/{name}.key"


def test_what_the_plan_says_of_a_generation_itself_goes_before_what_it_says_of_the_first(tmp_path: Path) -> None:
    custody = [CustodyPlan(("seal-fire",), FIRST, "file:/pin"), CustodyPlan(("seal-fire.2",), TOKEN, "file:/other")]
    limits = [LimitPlan(("seal-fire",), 100), LimitPlan(("seal-fire.2",), 7)]
    keys = ring(tmp_path, custody, limits)
    assert keys.place("seal-fire.2") == (TOKEN.replace("{name}", "seal-fire.2"), "file:/other")
    assert [keys.limit(name) for name in ("seal-fire.2", "seal-fire.3")] == [7, 100]


def test_a_generation_that_an_earlier_version_put_into_a_file_is_still_found_there(tmp_path: Path) -> None:
    file = tmp_path / "keys" / "issuing.2.key"
    file.parent.mkdir()
    file.touch()
    keys = ring(tmp_path, [CustodyPlan(("issuing",), TOKEN, "file:/pin")])
    assert keys.place("issuing.2")[0] == f"file:{file}"
    assert keys.place("issuing.3")[0] == TOKEN.replace("{name}", "issuing.3")


def test_a_place_for_one_key_takes_no_next_generation_and_what_to_do_is_told(tmp_path: Path) -> None:
    home, plan = make_home(tmp_path, plan_in_files(tmp_path, '"seal-fire"', "only"))
    hold(home, plan)
    with pytest.raises(CustodyError) as raised:
        roll(home, "seal-fire")
    for words in ("seal-fire.2", "order or make a new key", '["seal-fire.2"]', "plan.json"):
        assert words in raised.value.en and words.replace("order or make a new key", "新密钥") in raised.value.zh
    assert "seal-fire.2" not in open_held(home).names
    kept = home / "authority" / "plan.json"
    custody = f'"custody":[{{"keys":["seal-fire.2"],"uri":"file:{tmp_path}/second.key","secret":"{secret(home)}"}},'
    kept.write_text(kept.read_text("utf-8").replace('"custody":[', custody), encoding="utf-8")
    roll(home, "seal-fire")
    assert (tmp_path / "second.key").exists()
    open_held(home).sealing("fire").key.sign(b"text")


def test_a_key_that_is_there_already_is_not_taken_over_and_nothing_is_made(tmp_path: Path) -> None:
    home, plan = make_home(tmp_path, plan_in_files(tmp_path, '"issuing", "seal-*"'))
    for name in ("issuing", "seal-fire"):
        create_key(f"file:{tmp_path}/{name}.key", secret(home))
    with pytest.raises(CustodyError) as raised:
        hold(home, plan)
    for name in ("issuing.key", "seal-fire.key"):
        assert name in raised.value.en and name in raised.value.zh
    assert "delete" in raised.value.en and "{name}" in raised.value.en
    assert not (home / "authority").exists()
    assert not list((home / "authority.unfinished").rglob("*.key"))


def test_a_later_ceremony_takes_over_no_key_that_it_did_not_make(tmp_path: Path) -> None:
    home, plan = make_home(tmp_path)
    hold(home, plan)
    planted = home / "authority" / "keys" / "seal-fire.2.key"
    create_key(f"file:{planted}", secret(home))
    with pytest.raises(CustodyError, match=r"seal-fire\.2"):
        roll(home, "seal-fire")
    planted.unlink()
    roll(home, "seal-fire")
    assert "seal-fire.2" in open_held(home).names


def test_a_key_that_was_made_before_its_ceremony_was_interrupted_is_gone_on_with(tmp_path: Path) -> None:
    home, _ = make_home(tmp_path)
    folder = home / "authority"
    (folder / "keys").mkdir(parents=True)
    keys = FolderKeys(folder, secret(home), "p256", ())
    made = keys.make("seal-fire").public_key
    again = FolderKeys(folder, secret(home), "p256", ())
    assert again.ready(["seal-fire", "issuing"]) == {"seal-fire": made}
    assert again.make("seal-fire").public_key == made


def test_a_key_made_in_one_place_vouches_for_none_in_another(tmp_path: Path) -> None:
    home, _ = make_home(tmp_path)
    folder = home / "authority"
    (folder / "keys").mkdir(parents=True)
    FolderKeys(folder, secret(home), "p256", ()).make("seal-fire")
    create_key(f"file:{tmp_path}/seal-fire.key", secret(home))
    elsewhere = [CustodyPlan(("seal-fire",), f"file:{tmp_path}/{{name}}.key", secret(home))]
    with pytest.raises(CustodyError, match="did not make"):
        FolderKeys(folder, secret(home), "p256", elsewhere).make("seal-fire")
