"""Keys by URI. The scheme chooses the backend: `file:` (encrypted PKCS #8), `pkcs11:` (a token, RFC 7512) or
`csc+https:` (a remote signer). Every backend passes one contract: tests/custody/test_custody_contract.py."""

from certsvc.custody import csc_keys, file_keys
from certsvc.custody.file_keys import SoftwareKey, generate_key
from certsvc.custody.protocol import Algorithm, Backend, CustodyKey, NoSuchKey
from certsvc.errors import CustodyError

__all__ = [
    "Algorithm",
    "CustodyKey",
    "SoftwareKey",
    "create_key",
    "destroy_key",
    "find_key",
    "generate_key",
    "open_key",
]

SCHEMES = "file: pkcs11: csc+https:"


def create_key(uri: str, secret: str, algorithm: Algorithm = "p256") -> CustodyKey:
    """The key at `uri`; where there is none, one is made. `secret` refers to what opens it (`env:NAME`, `file:PATH`).

    Two processes that make it at once get the same key; one that is there is never overwritten.

    Raises:
        CustodyError: unknown scheme, unusable secret, no place for a key, a backend that makes none (`csc+https:`),
            or a key that `open_key` refuses.
    """
    return _backend(uri).create_key(uri, secret, algorithm)


def open_key(uri: str, secret: str) -> CustodyKey:
    """The key at `uri`, opened with the passphrase, PIN or token that `secret` refers to.

    Raises:
        CustodyError: unknown scheme, no such key, wrong secret, damaged, out of reach, or no kind of ours.
    """
    return _backend(uri).open_key(uri, secret)


def find_key(uri: str, secret: str) -> CustodyKey | None:
    """The key at `uri`, opened as by `open_key`; None where there is none. Makes nothing.

    Raises:
        CustodyError: as `open_key`, but for a key that is not there; a remote signer does not tell that from others.
    """
    try:
        return open_key(uri, secret)
    except NoSuchKey:
        return None


def destroy_key(uri: str, secret: str) -> None:
    """Destroy the key at `uri` for ever, as when a seal is destroyed; nothing happens where there is none.

    Raises:
        CustodyError: unknown scheme, wrong secret, out of reach, or not ours to destroy (`csc+https:`).
    """
    _backend(uri).destroy_key(uri, secret)


def _backend(uri: str) -> Backend:
    scheme = uri.partition(":")[0]
    if scheme == "file":
        return file_keys
    if scheme == "pkcs11":
        return _pkcs11()
    if scheme == "csc+https":
        return csc_keys
    raise CustodyError(f"不认识的密钥地址 {scheme}:，可用：{SCHEMES}", f"Unknown key URI {scheme}:, known: {SCHEMES}")


def _pkcs11() -> Backend:
    try:
        from certsvc.custody import pkcs11_keys
    except ModuleNotFoundError as error:
        if error.name != "pkcs11":
            raise
        raise CustodyError(
            "pkcs11: 密钥需要另装一个包：pip install 'certsvc[hsm]'",
            "pkcs11: keys need a package more: pip install certsvc[hsm]",
        ) from None
    return pkcs11_keys
