"""People who sign in, and who do not get in."""

import itertools
from datetime import datetime

import pytest
from account_room import (
    NOW,
    PASSWORD,
    Device,
    Room,
    visitor,
)

from certsvc.errors import SignInRefused

_numbers = itertools.count(1)


def fresh(name: str) -> str:
    """A name that nobody has."""
    return f"{name}{next(_numbers)}"


def refused(room: Room, name: str, code: str = "", password: str = PASSWORD, now: datetime = NOW) -> str:
    """What is said to who does not get in."""
    with pytest.raises(SignInRefused) as raised:
        room.enter(name, code, password, now)
    return raised.value.zh


def with_device(room: Room, name: str, **flaws: object) -> tuple[Device, object]:
    """Somebody with a passkey; the device has the flaws from then on."""
    room.person(name)
    device = Device(count=5)
    _, signed = room.enter(name)
    room.with_passkey(signed, device)
    for flaw, value in flaws.items():
        setattr(device, flaw, value)
    return device, signed


def by_passkey(room: Room, device: Device, now: datetime = NOW) -> None:
    """Sign in with it."""
    options = room.run(room.sign_in.passkey_options(now))
    room.run(room.sign_in.by_passkey(device.sign(options), visitor(), now))
