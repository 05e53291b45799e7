"""Each key is lost: what stops, what stays valid, and the act by which it goes on (keys/LOSS.md)."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from key_office import BY, SEAL, WITNESS, KeyOffice

from certsvc.commands.key_work import data_keys, declare_lost, move_contents
from certsvc.domain.calendar import quarter
from certsvc.errors import CertsvcError, Conflict, CustodyError, NotFound, Queued
from certsvc.issuance.prepare import open_payload
from certsvc.issuance.service import Issuing
from certsvc.store.data_keys import DataKeys

pytestmark = pytest.mark.long

pytest_plugins = ["key_fixtures"]
VALID = ("valid", "valid")
TOKEN = f"token-{quarter(datetime.now(UTC))}"
WEEK = timedelta(days=7)


def lose(office: KeyOffice, name: str) -> None:
    """The key is gone for ever."""
    office.key_file(name).unlink()


def stopped(work: Callable[[], object], words: str) -> None:
    """It waits, and says what for."""
    with pytest.raises(Queued, match=words):
        work()


def test_a_lost_seal_key_stops_this_seal_alone_and_the_next_key_goes_on(office: KeyOffice) -> None:
    lose(office, SEAL)
    stopped(office.issue, SEAL)
    assert office.old_verdicts == VALID
    assert office.authority.sealing("market")
    office.hold("next", SEAL)
    assert office.resume() == 1
    assert office.verdicts(office.issue()) == VALID


def test_a_lost_timestamp_key_stops_all_sealing_and_nothing_is_sealed_weaker(office: KeyOffice) -> None:
    lose(office, "timestamp")
    stopped(office.issue, "timestamp")
    assert office.old_verdicts == VALID
    office.hold("next", "timestamp")
    assert office.resume() == 1
    assert office.old_verdicts == VALID


def test_a_lost_qr_key_stops_what_has_no_token_yet(office: KeyOffice) -> None:
    lose(office, TOKEN)
    stopped(office.issue, TOKEN)
    assert office.old_verdicts == VALID
    office.hold("next", TOKEN)
    assert office.resume() == 1
    assert office.verdicts(office.issue()) == VALID


def test_a_lost_issuing_key_lets_sealing_go_on_until_its_crl_ends(office: KeyOffice) -> None:
    lose(office, "issuing")
    assert office.verdicts(office.issue()) == VALID
    stopped(lambda: office.issue(datetime.now(UTC) + WEEK + timedelta(hours=1)), "issuing key cannot be used")
    office.hold("next", "issuing", "timestamp", "ocsp", "list", "seal-*", TOKEN)
    assert office.resume() == 1
    assert office.verdicts(office.issue()) == VALID
    assert office.old_verdicts == VALID


def test_a_lost_root_key_stops_nothing_for_as_long_as_its_last_crl_lasts_and_a_new_root_goes_on(
    office: KeyOffice,
) -> None:
    lose(office, "root")
    assert office.verdicts(office.issue()) == VALID
    with pytest.raises(CustodyError, match=r"root\.key"):
        office.hold("crl", root_crl=True)
    office.hold("new-root", "root", "issuing", "timestamp", "ocsp", "list", "seal-*", TOKEN)
    assert office.verdicts(office.issue()) == VALID
    assert office.old_verdicts == VALID


@pytest.mark.parametrize("name", ["ocsp", "list"])
def test_a_lost_service_key_stops_that_service_alone(name: str, office: KeyOffice) -> None:
    lose(office, name)
    assert office.verdicts(office.issue()) == VALID
    with pytest.raises(CustodyError):
        office.authority.key(name)
    office.hold("next", name)
    assert office.authority.key(f"{name}.2")


def test_a_lost_data_key_stops_full_views_and_no_verification(office: KeyOffice) -> None:
    (office.home / "secrets" / "data-1").unlink()
    with pytest.raises(CustodyError, match="data-key lost"):
        office.issue()
    assert office.old_verdicts == VALID
    made = declare_lost(office.settings, "data-1", BY, WITNESS, "磁盘损坏", quiet=True)
    assert made["next"] == "data-2"
    again = declare_lost(office.settings, "data-1", BY, WITNESS, "磁盘损坏", quiet=True)
    assert again["next"] == "data-2"
    assert office.old_verdicts == VALID
    new = office.issue()
    assert office.verdicts(new) == VALID
    with pytest.raises(CustodyError, match="data-1"):
        office.with_keys(lambda issuing, now: payload(issuing, office.old))
    assert office.with_keys(lambda issuing, now: payload(issuing, new[0]))


async def payload(issuing: object, reservation: object) -> object:
    """The content that a certificate was issued with."""
    return open_payload(issuing, reservation)  # type: ignore[arg-type]


def test_another_data_key_of_the_same_name_is_noticed_before_anything_is_encrypted_with_it(office: KeyOffice) -> None:
    path = office.home / "secrets" / "data-1"
    path.write_bytes(b"another random text of more than 32 bytes")
    with pytest.raises(CustodyError, match="data-1 is missing, or not the key"):
        office.issue()


def test_a_lost_look_up_key_is_followed_by_one_that_finds_the_same_people(office: KeyOffice) -> None:
    before = holders(office)
    (office.home / "secrets" / "lookup").unlink()
    made = declare_lost(office.settings, "lookup", BY, WITNESS, "磁盘损坏", quiet=True)
    assert (made["next"], made["hashed"]) == ("lookup-2", 1)
    assert holders(office) and holders(office) != before
    assert office.old_verdicts == VALID


def holders(office: KeyOffice) -> list[bytes]:
    """The keyed hashes on record."""
    from certsvc.store.pool import open_pool

    async def ask() -> list[bytes]:
        async with open_pool(office.uris.writer) as pool, pool.connection() as connection:
            rows = await connection.fetch("select code_hash from holder where code_hash is not null order by ref")
            return [row["code_hash"] for row in rows]

    return asyncio.run(ask())


def test_contents_move_to_the_next_data_key_and_the_old_one_is_needed_no_more(office: KeyOffice) -> None:
    content = office.with_keys(lambda issuing, now: payload(issuing, office.old))
    assert move_contents(office.settings, make=True, quiet=True) == {"key": "data-2", "moved": 2}
    assert move_contents(office.settings, make=False, quiet=True) == {"key": "data-2", "moved": 0}
    (office.home / "secrets" / "data-1").unlink()
    office.old = office.with_keys(lambda issuing, now: issuing.register.reservation(office.old.ref))
    assert office.with_keys(lambda issuing, now: payload(issuing, office.old)) == content


def test_a_worker_that_runs_while_contents_move_to_the_next_data_key_goes_on(office: KeyOffice) -> None:
    async def work(issuing: Issuing, now: datetime) -> tuple[object, object]:
        before = await payload(issuing, office.old)
        await asyncio.to_thread(move_contents, office.settings, make=True, quiet=True)
        moved = await issuing.register.reservation(office.old.ref)
        assert moved is not None and moved.payload_key_id == "data-2"
        after = await payload(issuing, moved)
        assert issuing.cipher.key_id == "data-2"
        return before, after

    before, after = office.with_keys(work)
    assert before == after


@pytest.mark.parametrize("key_id", ["data-1", "lookup"])
def test_a_key_that_works_is_not_declared_lost(key_id: str, office: KeyOffice) -> None:
    path = office.home / "secrets" / key_id
    with pytest.raises(Conflict, match="data-key next") as refused:
        declare_lost(office.settings, key_id, BY, WITNESS, "以防万一", quiet=True)
    assert str(path) in refused.value.en and str(path) in refused.value.zh
    assert key_names(office) == ["data-1", "lookup"]
    assert [key["ended_why"] for key in data_keys(office.settings)] == [None, None]
    path.rename(office.home / "moved-away")
    assert declare_lost(office.settings, key_id, BY, WITNESS, "以防万一", quiet=True)["lost"] == key_id


def test_another_key_in_the_place_of_a_lost_one_does_not_keep_it_from_being_declared_lost(office: KeyOffice) -> None:
    (office.home / "secrets" / "data-1").write_bytes(b"another random text of more than 32 bytes")
    assert declare_lost(office.settings, "data-1", BY, WITNESS, "备份不对", quiet=True)["next"] == "data-2"
    assert office.verdicts(office.issue()) == VALID


def test_a_key_that_is_not_on_record_is_not_lost_and_makes_no_other(office: KeyOffice) -> None:
    with pytest.raises(NotFound, match="data-7"):
        declare_lost(office.settings, "data-7", BY, WITNESS, "笔误", quiet=True)
    assert key_names(office) == ["data-1", "lookup"]


def key_names(office: KeyOffice) -> list[str]:
    """The files of data keys and look-up keys."""
    return sorted(path.name for path in (office.home / "secrets").iterdir() if path.name != "passphrase")


def test_declaring_a_key_lost_that_is_killed_on_its_way_is_begun_again(
    office: KeyOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    (office.home / "secrets" / "data-1").unlink()

    async def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(DataKeys, "end", killed)
        with pytest.raises(KeyboardInterrupt):
            declare_lost(office.settings, "data-1", BY, WITNESS, "磁盘损坏", quiet=True)
    with pytest.raises(CustodyError, match="data-1 is missing"):
        office.issue()
    assert declare_lost(office.settings, "data-1", BY, WITNESS, "磁盘损坏", quiet=True)["next"] == "data-2"
    assert office.verdicts(office.issue()) == VALID


def test_a_loss_on_record_whose_next_key_was_never_made_says_how_to_go_on(office: KeyOffice) -> None:
    (office.home / "secrets" / "data-1").unlink()
    declare_lost(office.settings, "data-1", BY, WITNESS, "磁盘损坏", quiet=True)
    (office.home / "secrets" / "data-2").unlink()
    with pytest.raises(CustodyError, match=r"no data key in .* `certsvc data-key lost` for it again"):
        office.issue()
    declare_lost(office.settings, "data-1", BY, WITNESS, "磁盘损坏", quiet=True)
    assert office.verdicts(office.issue()) == VALID


def test_one_person_alone_declares_nothing_lost(office: KeyOffice) -> None:
    with pytest.raises(CertsvcError, match="two persons"):
        declare_lost(office.settings, "data-1", BY, BY, "磁盘损坏", quiet=True)
