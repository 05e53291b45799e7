"""`pkcs11:` keys: on a token that never gives them out, by RFC 7512 URI."""

import hashlib
import secrets
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pkcs11
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pkcs11 import Attribute, KeyType, Mechanism, MechanismFlag, ObjectClass

from certsvc.custody.pkcs11_library import GENERATE_WITHIN, Pkcs11Library, library_at
from certsvc.custody.pkcs11_uri import Pkcs11Uri, parse_pkcs11_uri
from certsvc.custody.protocol import RSA_BITS, Algorithm, NoSuchKey, OurPublicKey, our_kind, require_digest, verified
from certsvc.der import object_identifier
from certsvc.errors import CustodyError

P256 = object_identifier("1.2.840.10045.3.1.7")
POINT = 65
"""Bytes of an uncompressed point of P-256 (SEC 1 section 2.3.3)."""
SHA256_DIGEST_INFO = bytes.fromhex("3031300d060960864801650304020105000420")
"""What stands before a SHA-256 digest in an RSA signature (RFC 8017 section 9.2, note 1)."""
NOTHING_BUT_SIGN = {
    Attribute.PRIVATE: True,
    Attribute.SENSITIVE: True,
    Attribute.EXTRACTABLE: False,
    Attribute.SIGN_RECOVER: False,
}
MADE_THERE_AND_NEVER_OUTSIDE = {
    Attribute.SENSITIVE: True,
    Attribute.EXTRACTABLE: False,
    Attribute.LOCAL: True,
    Attribute.NEVER_EXTRACTABLE: True,
    Attribute.ALWAYS_SENSITIVE: True,
}
"""What a token must say of a key. The last three it sets itself, and nobody can: a key that was made elsewhere and
brought in may be anybody's as well, however well the token keeps it now."""


@dataclass(frozen=True, slots=True)
class Pkcs11Key:
    """A key on a token. After the token was away it is looked up again, and must be the same key."""

    public_key: OurPublicKey
    _library: Pkcs11Library = field(repr=False)
    _uri: Pkcs11Uri
    _secret: str = field(repr=False)
    _name: bytes = field(repr=False)

    def sign(self, data: bytes) -> bytes:
        """Sign with SHA-256: ECDSA as DER, RSA as PKCS #1 v1.5. Only the digest goes to the token.

        Raises:
            CustodyError: the token is away, refuses, does not answer, or gives what does not verify.
        """
        return self.sign_digest(hashlib.sha256(data).digest())

    def sign_digest(self, digest: bytes) -> bytes:
        """The same signature, over data of which only the SHA-256 is known here.

        Raises:
            CustodyError: that is no SHA-256; or as `sign`.
        """
        require_digest(digest)
        if isinstance(self.public_key, ec.EllipticCurvePublicKey):
            signature = _as_der(self._sign(digest, Mechanism.ECDSA))
        else:
            signature = self._sign(SHA256_DIGEST_INFO + digest, Mechanism.RSA_PKCS)
        return verified(self.public_key, digest, signature, str(self._uri))

    def check(self) -> None:
        """Whether token, PIN and key are there.

        Raises:
            CustodyError: one of them is not.
        """
        self._library.run(self._look_up)

    def _sign(self, content: bytes, mechanism: Mechanism) -> bytes:
        def work() -> bytes:
            private = self._library.found.get(self._name) or self._look_up()
            signature: bytes = private.sign(content, mechanism=mechanism)  # type: ignore[attr-defined]
            return signature

        return self._library.run(work)

    def _look_up(self) -> pkcs11.PrivateKey:
        session = self._library.session(self._uri, self._secret)
        found = _find(session, self._uri)
        if found is None:
            raise pkcs11.NoSuchKey(str(self._uri))
        private, public = found
        if public != self.public_key:
            raise CustodyError(
                f"{self._uri} 现在是另一把密钥。", f"{self._uri} is now another key than the one that was opened."
            )
        self._library.found[self._name] = private
        return private


def create_key(uri: str, secret: str, algorithm: Algorithm = "p256") -> Pkcs11Key:
    """The key at `uri`; where there is none, one is made on the token: private, sensitive, not extractable, sign only.

    Processes of one machine that make it at once get the same key. Machines that share a token must not make the same
    key at once: PKCS #11 has no act that would make that safe.

    Raises:
        CustodyError: as `open_key`; or the URI gives the key no name (`object`).
    """
    parsed = parse_pkcs11_uri(uri)
    if parsed.label is None:
        raise CustodyError("新密钥要有名称：地址中缺 object。", "A new key needs a name: object is missing in the URI.")
    library = library_at(parsed.module)

    def work() -> Pkcs11Key:
        session = library.session(parsed, secret)
        with library.alone():
            found = _find(session, parsed)
            if found is None:
                _generate(session.token, parsed, algorithm)
                found = _find(session, parsed)
        return _opened(library, parsed, secret, found)

    return library.run(work, GENERATE_WITHIN)


def open_key(uri: str, secret: str) -> Pkcs11Key:
    """Open the key at `uri`; `secret` refers to the token's PIN, unless the URI does (`pin-source`).

    Raises:
        NoSuchKey: the token has no such key.
        CustodyError: the URI is wrong, the token is not there, the PIN is wrong or may not be tried, the key was not
            made on the token, could be or could have been taken out of it, or is no kind of ours.
    """
    parsed = parse_pkcs11_uri(uri)
    library = library_at(parsed.module)

    def work() -> Pkcs11Key:
        session = library.session(parsed, secret)
        found = _find(session, parsed)
        if found is None:
            with library.alone():  # another process may have been writing to the token just then
                found = _find(session, parsed)
        return _opened(library, parsed, secret, found)

    return library.run(work)


def destroy_key(uri: str, secret: str) -> None:
    """Destroy every key that goes by `uri`, private halves first; nothing happens where there is none.

    Raises:
        CustodyError: the token is not there, or the PIN is wrong.
    """
    parsed = parse_pkcs11_uri(uri)
    library = library_at(parsed.module)

    def work() -> None:
        token = library.session(parsed, secret).token
        with library.alone(), token.open(rw=True) as writing:
            for kind in (ObjectClass.PRIVATE_KEY, ObjectClass.PUBLIC_KEY):
                for found in list(writing.get_objects({Attribute.CLASS: kind, **_named(parsed)})):
                    found.destroy()

    library.run(work)


def _opened(
    library: Pkcs11Library, uri: Pkcs11Uri, secret: str, found: tuple[pkcs11.PrivateKey, OurPublicKey] | None
) -> Pkcs11Key:
    if found is None:
        raise NoSuchKey(
            f"令牌上没有密钥 {uri}，或缺其公钥。", f"There is no key {uri} on the token, or not its public half."
        )
    private, public = found
    _require_made_there(private, uri)
    name = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    library.found[name] = private
    return Pkcs11Key(public, library, uri, secret, name)


def _require_made_there(private: pkcs11.PrivateKey, uri: Pkcs11Uri) -> None:
    rules = MADE_THERE_AND_NEVER_OUTSIDE.items()
    if broken := [rule.name for rule, value in rules if _attribute(private, rule) is not value]:
        raise CustodyError(
            f"{uri} 不是在令牌上生成，或者可以、曾经可以导出（{'、'.join(broken)} 不合要求），不予使用；"
            "请删去它，让本程序在令牌上生成，或另选名称。",
            f"{uri} was not made on the token, or can be or could have been taken out of the token "
            f"({', '.join(broken)} not as it must be), and is not used: delete it, or choose another name, and have "
            "the token make the key.",
        )


def _generate(token: pkcs11.Token, uri: Pkcs11Uri, algorithm: Algorithm) -> None:
    """Make a key pair. Its random id ties the halves together, and orders keys of one name where there are several."""
    named: dict[str, Any] = {"store": True, "label": uri.label, "id": uri.id or secrets.token_bytes(16)}
    rules: dict[str, Any] = {
        "capabilities": MechanismFlag.SIGN | MechanismFlag.VERIFY,
        "private_template": NOTHING_BUT_SIGN,
    }
    with token.open(rw=True) as writing:
        if algorithm == "p256":
            curve = writing.create_domain_parameters(KeyType.EC, {Attribute.EC_PARAMS: P256}, local=True)
            curve.generate_keypair(**named, **rules)
        else:
            writing.generate_keypair(KeyType.RSA, RSA_BITS, **named, **rules)


def _find(session: pkcs11.Session, uri: Pkcs11Uri) -> tuple[pkcs11.PrivateKey, OurPublicKey] | None:
    """The key pair that goes by `uri`: of several always the one with the least id. Half a pair, as left by a process
    that was killed, is none.
    """
    wanted = {Attribute.CLASS: ObjectClass.PRIVATE_KEY, **_named(uri)}
    privates = [found for found in session.get_objects(wanted) if isinstance(found, pkcs11.PrivateKey)]
    for private in sorted(privates, key=lambda found: _attribute(found, Attribute.ID) or b""):
        for public in _public_halves(session, private):
            return private, our_kind(public, str(uri))
    return None


def _public_halves(session: pkcs11.Session, private: pkcs11.PrivateKey) -> Iterator[OurPublicKey]:
    kind = _attribute(private, Attribute.KEY_TYPE)
    tie = Attribute.ID if _attribute(private, Attribute.ID) else Attribute.LABEL
    wanted = {Attribute.CLASS: ObjectClass.PUBLIC_KEY, tie: _attribute(private, tie)}
    for public in list(session.get_objects(wanted)):
        with suppress(ValueError, TypeError):  # half an object, or not its public half
            if kind == KeyType.RSA:
                exponent, modulus = (
                    _attribute(public, part) for part in (Attribute.PUBLIC_EXPONENT, Attribute.MODULUS)
                )
                yield rsa.RSAPublicNumbers(int.from_bytes(exponent, "big"), int.from_bytes(modulus, "big")).public_key()
            elif kind == KeyType.EC and _attribute(public, Attribute.EC_PARAMS) == P256:
                # An OCTET STRING of the point (PKCS #11 section 6.3.3); older libraries give the point alone.
                point = _attribute(public, Attribute.EC_POINT)[-POINT:]
                yield ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)


def _named(uri: Pkcs11Uri) -> dict[Attribute, Any]:
    said = {Attribute.LABEL: uri.label, Attribute.ID: uri.id}
    return {attribute: value for attribute, value in said.items() if value is not None}


def _attribute(found: pkcs11.Object, attribute: Attribute) -> Any:
    try:
        return found[attribute]
    except pkcs11.AttributeTypeInvalid:
        return None


def _as_der(signature: bytes) -> bytes:
    """ECDSA-Sig-Value (RFC 3279 section 2.2.3) from the r ‖ s that tokens give."""
    half = len(signature) // 2
    return encode_dss_signature(int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big"))
