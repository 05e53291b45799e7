"""Where a key lies, in words that people read: no secret, no reference to one, nothing of how to get there."""

from urllib.parse import urlsplit

from certsvc.custody.csc_keys import parse_csc_uri
from certsvc.custody.pkcs11_uri import parse_pkcs11_uri


def where(uri: str) -> str:
    """The place that a key's URI names, in Chinese and English.

    Raises:
        CustodyError: the URI is wrong.
    """
    if uri.startswith("file:"):
        return f"文件 file {uri.removeprefix('file:')}"
    if uri.startswith("pkcs11:"):
        token = parse_pkcs11_uri(uri)
        key = f"object {token.label}" if token.label else f"id {(token.id or b'').hex()}"
        return f"令牌 token {token.token or token.serial or f'slot {token.slot}'}, {key}"
    signer = parse_csc_uri(uri)
    return f"远程签名服务 remote signer {urlsplit(signer.base).netloc}, credentialID {signer.credential}"


def is_made_here(uri: str) -> bool:
    """Whether keys of this kind are made by us; a remote signer makes its keys itself, before they are named to us."""
    return not uri.startswith("csc+https:")
