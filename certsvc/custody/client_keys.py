"""Keys that stand for a client, made here for trying things: a department makes its own, and we never see them."""

from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from certsvc.custody.secret import read_private_file, write_private_file
from certsvc.errors import CustodyError

MAX_BYTES = 16 * 1024


def make_client_key(path: Path) -> ec.EllipticCurvePublicKey:
    """The public half of the P-256 key in a file: PKCS #8 in PEM, mode 0600, not encrypted, for programs to use. Where
    there is no file it is made; one that is there is never overwritten.

    Raises:
        CustodyError: it cannot be written; or what is there is no such key, or others may read it.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    if write_private_file(path, key.private_bytes(*form)):
        return key.public_key()
    return _read(path).public_key()


def open_client_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """The P-256 key in a file, with which we show another service that we are its client.

    Raises:
        CustodyError: there is no such key, or others may read it.
    """
    return _read(path)


def _read(path: Path) -> ec.EllipticCurvePrivateKey:
    try:
        known = serialization.load_pem_private_key(read_private_file(path, MAX_BYTES), None)
    except (ValueError, TypeError):
        known = None
    if not isinstance(known, ec.EllipticCurvePrivateKey) or not isinstance(known.curve, ec.SECP256R1):
        raise CustodyError(
            f"{path} 已存在，但不是未加密的 P-256 私钥（PKCS #8 PEM）：请换一个文件名。",
            f"{path} is there, and is no P-256 key in PKCS #8 PEM without a passphrase: name another file.",
        )
    return known
