"""SoftHSM, a PKCS #11 token in software: tokens in a folder of the tests' own, made and broken as a test needs it."""

import os
import secrets
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

USUAL_PLACES = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib64/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
    "/opt/homebrew/lib/softhsm/libsofthsm2.so",
)
SO_PIN = "87654321"
PIN = "271828182845"
WRONG_PIN = "314159265358"
COUNT_LOW, FINAL_TRY, LOCKED = 0x10000, 0x20000, 0x40000
"""CK_TOKEN_INFO flags about the user's PIN (PKCS #11 section 5.5)."""
TOKEN_FLAGS = 0x8000534B
"""The attribute in which SoftHSM keeps a token's flags, in its own file format."""

BY_HAND = """
import sys, pkcs11
pkcs11.lib(sys.argv[1]).get_token(token_label=sys.argv[2]).open(user_pin=sys.argv[3])
"""
FLAGS = """
import sys, pkcs11
print(int(pkcs11.lib(sys.argv[1]).get_token(token_label=sys.argv[2]).flags))
"""


def find_softhsm() -> Path | None:
    """The library, where distributions put it."""
    return next((Path(place) for place in USUAL_PLACES if Path(place).is_file()), None)


@dataclass(frozen=True)
class SoftToken:
    """One token: its label, its folder, and the file its PIN stands in."""

    label: str
    folder: Path
    pin_file: Path
    library: Path
    _away: Path = field(repr=False)

    @property
    def secret(self) -> str:
        """The reference to the right PIN."""
        return f"file:{self.pin_file}"

    def uri(self, label: str, query: str = "") -> str:
        """The URI of a key on this token."""
        return f"pkcs11:token={self.label};object={label}?module-path={self.library}{query}"

    def flags(self) -> int:
        """What the token says of itself, as a process of its own finds it."""
        command = [sys.executable, "-c", FLAGS, str(self.library), self.label]
        return int(subprocess.run(command, capture_output=True, check=True, timeout=60).stdout)

    def unplug(self) -> None:
        """Take the token out of the machine."""
        self.folder.rename(self._away)

    def plug_in(self) -> None:
        """Put it back."""
        self._away.rename(self.folder)

    def objects(self) -> set[Path]:
        """The files of the objects on it, whole or begun."""
        return {path for path in self.folder.glob("*.object") if path.name != "token.object"}

    def set_flag(self, flag: int) -> None:
        """Have the token say this of its PIN; SoftHSM itself locks none."""
        path = self.folder / "token.object"
        content = bytearray(path.read_bytes())
        at = content.index(TOKEN_FLAGS.to_bytes(8, "big")) + 16
        flags = int.from_bytes(content[at : at + 8], "big") | flag
        content[at : at + 8] = flags.to_bytes(8, "big")
        content[:8] = (int.from_bytes(content[:8], "big") + 1).to_bytes(8, "big")  # has processes read it again
        path.write_bytes(content)

    def log_in_by_hand(self, pin: str = PIN) -> None:
        """What an operator does with a tool, in a process of its own."""
        command = [sys.executable, "-c", BY_HAND, str(self.library), self.label, pin]
        subprocess.run(command, capture_output=True, check=False, timeout=60)


class SoftHsm:
    """SoftHSM over one folder, for this process and those it starts."""

    def __init__(self, folder: Path, library: Path) -> None:
        self._folder, self._library = folder, library
        self._tokens = folder / "tokens"
        self._tokens.mkdir(parents=True)
        (folder / "pins").mkdir(mode=0o700)
        configuration = folder / "softhsm2.conf"
        configuration.write_text(
            f"directories.tokendir = {self._tokens}\nobjectstore.backend = file\nlog.level = ERROR\n"
        )
        os.environ["SOFTHSM2_CONF"] = str(configuration)

    def make_token(self, label: str = "") -> SoftToken:
        """A fresh token, of a name of its own where none is given."""
        label = label or f"t{secrets.token_hex(6)}"
        before = set(self._tokens.iterdir())
        command = ["softhsm2-util", "--init-token", "--free", "--label", label, "--so-pin", SO_PIN, "--pin", PIN]
        subprocess.run(command, capture_output=True, check=True, timeout=60)
        (folder,) = set(self._tokens.iterdir()) - before
        pin_file = self._folder / "pins" / folder.name
        pin_file.write_text(PIN)
        pin_file.chmod(0o600)
        return SoftToken(label, folder, pin_file, self._library, self._folder / f"{folder.name}.away")


@pytest.fixture(scope="session")
def softhsm(tmp_path_factory: pytest.TempPathFactory) -> SoftHsm:
    """SoftHSM with no token yet. Its configuration is read once a process, so all tests share the folder."""
    library = find_softhsm()
    assert library is not None, "the test is to be marked needs('softhsm')"
    return SoftHsm(tmp_path_factory.mktemp("softhsm"), library)


@pytest.fixture
def token(softhsm: SoftHsm) -> SoftToken:
    """A token of the test's own."""
    return softhsm.make_token()
