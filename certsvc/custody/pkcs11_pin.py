"""The PIN of a token: given as often as the token lets us be wrong, which is once.

A token locks after a few wrong PINs, and a service manager that restarts us every second would use them up at once.
So nothing is tried on a token that has seen a wrong PIN since the last right one: its own flags say so (PKCS #11
`CKF_USER_PIN_COUNT_LOW` and the two after it), to every process and after every restart. A token may keep that to
itself; then a mark beside the PIN's file says that what stands in it was refused, until the file is changed. To clear
it, the operator puts the right PIN in the file and logs in once by hand, with the token's own tool.
"""

import hmac
import re
import secrets
from contextlib import suppress
from pathlib import Path

import pkcs11
from pkcs11 import TokenFlag

from certsvc.custody.secret import read_secret
from certsvc.errors import CustodyError
from certsvc.files import replace_file

REFUSALS = (pkcs11.PinIncorrect, pkcs11.PinInvalid, pkcs11.PinLenRange)
FLAGS = (
    (
        TokenFlag.USER_PIN_LOCKED,
        "已锁定；请安全管理员（SO）重设 PIN",
        "is locked; have its security officer set the PIN anew",
    ),
    (
        TokenFlag.USER_PIN_FINAL_TRY,
        "只剩最后一次 PIN 尝试，本服务不再尝试；请用令牌自带工具以正确 PIN 手工登录一次",
        "has one try at the PIN left, and it is not ours; log in once by hand with the right PIN and the token's tool",
    ),
    (
        TokenFlag.USER_PIN_COUNT_LOW,
        "在上次正确登录后有人输错过 PIN，本服务不再尝试；请核对 PIN，并用令牌自带工具以正确 PIN 手工登录一次",
        "was given a wrong PIN since the last right one, so none is tried; check the PIN, then log in once by hand "
        "with the right one and the token's tool",
    ),
)


class Pins:
    """What one process knows of the PINs it gave, kept as keyed hashes under a key that nobody else has."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._refused: set[bytes] = set()
        self._in_use: dict[bytes, bytes] = {}

    def log_in(self, token: pkcs11.Token, secret: str) -> pkcs11.Session:
        """A session on `token`, logged in with the PIN that `secret` refers to, where that cannot lock the token.

        Raises:
            CustodyError: the token or this process has seen a wrong PIN, or the PIN is wrong. Never `PKCS11Error`:
                a log-in is not repeated.
        """
        _refuse_after_a_wrong_pin(token)
        known = self._hash(token, secret)
        if known in self._refused or _is_marked(secret, token):
            raise _wrong_pin(token, secret)
        opened = _open(token, secret)
        if isinstance(opened, pkcs11.PKCS11Error):
            if isinstance(opened, REFUSALS):
                self._refused.add(known)
                _mark(secret, token)
                raise _wrong_pin(token, secret)
            name = type(opened).__name__
            raise CustodyError(
                f"令牌 {token.label} 登录失败：{name}", f"The token {token.label} refuses the log-in: {name}"
            )
        self._in_use[token.serial] = known
        _unmark(secret, token)
        return opened

    def confirm(self, token: pkcs11.Token, secret: str) -> None:
        """That `secret` refers to the PIN the token is in use with: once logged in, a token asks nobody for it.

        Raises:
            CustodyError: it refers to another.
        """
        if self._in_use.get(token.serial) != self._hash(token, secret):
            raise CustodyError(
                f"{secret} 与令牌 {token.label} 正在使用的 PIN 不同；若 PIN 已更改，请重启服务。",
                f"{secret} is not the PIN the token {token.label} is in use with; if it was changed, restart.",
            )

    def _hash(self, token: pkcs11.Token, secret: str) -> bytes:
        return hmac.digest(self._key, token.serial + b"\0" + read_secret(secret), "sha256")


def _refuse_after_a_wrong_pin(token: pkcs11.Token) -> None:
    for flag, zh, en in FLAGS:
        if token.flags & flag:
            raise CustodyError(f"令牌 {token.label} {zh}。", f"The token {token.label} {en}.")


def _open(token: pkcs11.Token, secret: str) -> pkcs11.Session | pkcs11.PKCS11Error:
    """The session, or the error without its traceback: that would show the PIN among the local names."""
    try:
        return token.open(user_pin=read_secret(secret).decode("utf-8"))
    except UnicodeDecodeError:
        return pkcs11.PinInvalid()
    except pkcs11.PKCS11Error as error:
        return error.with_traceback(None)


def _wrong_pin(token: pkcs11.Token, secret: str) -> CustodyError:
    return CustodyError(
        f"令牌 {token.label} 不接受 {secret} 中的 PIN，不会再试。请更正 PIN，用令牌自带工具手工登录一次，再重启。",
        f"The token {token.label} refused the PIN in {secret}; it will not be tried again. Correct it, log in once by "
        "hand with the right PIN and the token's tool, then restart.",
    )


def _mark_path(secret: str, token: pkcs11.Token) -> Path | None:
    """Beside the PIN's file; a PIN from the environment has no such place, there the token's flags must do."""
    kind, _, place = secret.partition(":")
    serial = re.sub(r"[^0-9A-Za-z]", "_", token.serial.decode("ascii", "replace"))
    return Path(f"{place}.refused-{serial}") if kind == "file" else None


def _is_marked(secret: str, token: pkcs11.Token) -> bool:
    mark = _mark_path(secret, token)
    try:
        changed = Path(secret.partition(":")[2]).stat().st_ctime_ns if mark else 0
        return mark is not None and mark.stat().st_mtime_ns >= changed
    except OSError:
        return False


def _mark(secret: str, token: pkcs11.Token) -> None:
    if mark := _mark_path(secret, token):
        with suppress(OSError):  # a folder we may not write in: the token's flags must do
            replace_file(
                mark, f"The token {token.label} refused this PIN. Change the file to have it tried again.\n".encode()
            )


def _unmark(secret: str, token: pkcs11.Token) -> None:
    if mark := _mark_path(secret, token):
        with suppress(OSError):
            mark.unlink(missing_ok=True)
