"""Flaws of digits, mark, COSE_Sign1, headers and signatures. Each token is signed in order over what it holds, unless
its signature is the flaw: so nothing but the rule in question refuses it."""

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from qr_bytes import (
    ARRAY,
    MAP,
    NULL,
    PROTECTED,
    array,
    cose,
    head,
    kid_of,
    mapping,
    number,
    octets,
    other_s,
    sig_structure,
    sign,
    text,
    to_digits,
)
from qr_claim_flaws import claim_flaws
from qr_workshop import Flaw, Workshop, malformed, unlike

NOT_AGREED, LENGTH = "it is not the COSE_Sign1 agreed on", "its key id or signature has the wrong length"


def flaws(shop: Workshop) -> dict[str, Flaw]:
    """Every bad vector by the name of its flaw."""
    outer = {**_digits(to_digits(shop.token(shop.payload))), **_marks(shop), **_cose(shop), **_headers(shop)}
    return {**outer, **claim_flaws(shop), **_signatures(shop)}


def _digits(good: str) -> dict[str, Flaw]:
    def one(flaw: str, digits: str) -> Flaw:
        return malformed("digits", "it is not digits", flaw, digits)

    def other(zero: str) -> str:
        return "".join(chr(ord(zero) + int(digit)) for digit in good)

    too_long = "The same digits, and zeros up to one more than 700."
    return {
        "empty": one("Nothing at all.", ""),
        "leading-zero": one("A zero before the digits: the same integer.", "0" + good),
        "plus-sign": one("A plus sign before the digits: the same integer.", "+" + good),
        "minus-sign": one("A minus sign before the digits.", "-" + good),
        "leading-space": one("A space before the digits: the same integer.", " " + good),
        "trailing-newline": one("A line feed after the digits: the same integer.", good + "\n"),
        "underscore-between-digits": one(
            "An underscore between digits, as some languages write.", f"{good[:3]}_{good[3:]}"
        ),
        "full-width-digits": one("Full-width digits U+FF10 to U+FF19: the same integer.", other("０")),
        "arabic-indic-digits": one("Arabic-Indic digits U+0660 to U+0669: the same integer.", other("٠")),
        "devanagari-last-digit": one(
            "One Devanagari digit at the end: the same integer.", good[:-1] + chr(0x966 + int(good[-1]))
        ),
        "hexadecimal": one("The same integer in base 16.", f"{int(good):x}"),
        "exponent": one("Another way to write a number.", good[0] + "e5"),
        "over-700-digits": malformed(
            "digits", "more than 700 digits", too_long, good.ljust(701, "0"), "token_too_long"
        ),
    }


def _marks(shop: Workshop) -> dict[str, Flaw]:
    token, because = shop.token(shop.payload), "its first byte is not 1"
    return {
        "unknown-mark-byte": malformed("mark", because, "The mark byte is 2.", to_digits(token, mark=2)),
        "no-mark-byte": malformed(
            "mark", because, "The mark byte is 0, which no integer shows.", to_digits(token, mark=0)
        ),
        "nothing-after-the-mark": malformed("cose", "it is not CBOR", "The mark byte alone.", "1"),
        "all-nines": malformed("mark", because, "700 nines.", "9" * 700),
    }


def _cose(shop: Workshop) -> dict[str, Flaw]:
    token, kid, signature = shop.token(shop.payload), shop.kid, shop.signature()
    unprotected, payload = mapping([(number(4), octets(kid))]), octets(shop.payload)
    protected = octets(PROTECTED)
    r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
    items = protected + unprotected + payload + octets(signature)
    return {
        "tagged-18": unlike("cose", NOT_AGREED, "The tag of COSE_Sign1 before it.", b"\xd2" + token),
        "tagged-61-and-18": unlike(
            "cose", NOT_AGREED, "The tags of CWT and COSE_Sign1 before it.", b"\xd8\x3d\xd2" + token
        ),
        "truncated": unlike("cose", "it is not CBOR", "The last byte is missing.", token[:-1]),
        "five-elements": unlike("cose", NOT_AGREED, "A fifth element.", head(ARRAY, 5) + items + NULL),
        "three-elements": unlike("cose", NOT_AGREED, "No signature.", array(protected, unprotected, payload)),
        "map-instead-of-array": unlike("cose", NOT_AGREED, "A map around the parts.", head(MAP, 2) + items),
        "detached-payload": unlike(
            "cose", NOT_AGREED, "Null for the payload.", array(protected, unprotected, NULL, octets(signature))
        ),
        "payload-not-wrapped": unlike(
            "cose",
            NOT_AGREED,
            "The claims themselves, not a byte string.",
            array(protected, unprotected, shop.payload, octets(signature)),
        ),
        "signature-of-63-bytes": unlike(
            "cose", LENGTH, "A signature cut by a byte.", cose(kid, shop.payload, signature[:-1])
        ),
        "signature-as-der": unlike(
            "cose", LENGTH, "The signature as X.509 writes it.", cose(kid, shop.payload, encode_dss_signature(r, s))
        ),
        "trailing-byte": unlike("spelling", "it is not the one spelling", "A zero byte after it.", token + b"\0"),
    }


def _headers(shop: Workshop) -> dict[str, Flaw]:
    alg, kid = (number(1), number(-7)), (number(4), octets(shop.kid))

    def made(protected: bytes, *unprotected: tuple[bytes, bytes]) -> bytes:
        signature = sign(shop.key, sig_structure(shop.payload, protected=protected))
        return array(octets(protected), mapping(unprotected), octets(shop.payload), octets(signature))

    def one(flaw: str, token: bytes, stage: str = "cose", because: str = NOT_AGREED) -> Flaw:
        return unlike(stage, because, flaw, token)

    spelling = "spelling", "it is not the one spelling"
    return {
        "algorithm-es384": one("ES384 in the protected header.", made(mapping([(number(1), number(-35))]), kid)),
        "algorithm-es256k": one("ES256K in the protected header.", made(mapping([(number(1), number(-47))]), kid)),
        "algorithm-esp256": one(
            "ESP256 (RFC 9864): the same arithmetic under another number.",
            made(mapping([(number(1), number(-9))]), kid),
        ),
        "algorithm-hmac": one(
            "HMAC 256 in the protected header: our public key as a shared secret.",
            made(mapping([(number(1), number(5))]), kid),
        ),
        "no-algorithm": one("An empty protected header.", made(b"", kid)),
        "algorithm-not-protected": one("The algorithm in the unprotected header.", made(b"", alg, kid)),
        "algorithm-twice-as-long": one(
            "−7 in two bytes in the protected header.", made(mapping([(number(1), number(-7, wide=1))]), kid)
        ),
        "key-id-protected": one("The key id in the protected header.", made(mapping([alg, kid]))),
        "no-key-id": one("No key id.", made(PROTECTED)),
        "key-id-of-3-bytes": one(
            "A key id of 3 bytes.", made(PROTECTED, (number(4), octets(shop.kid[:3]))), because=LENGTH
        ),
        "key-id-of-8-bytes": one(
            "A key id of 8 bytes.", made(PROTECTED, (number(4), octets(shop.kid * 2))), because=LENGTH
        ),
        "key-id-as-text": one("A key id as text.", made(PROTECTED, (number(4), text(shop.kid.hex())))),
        "extra-header": one(
            "A content type beside the key id.", made(PROTECTED, (number(3), number(60)), kid), *spelling
        ),
        "key-id-twice": one("The key id twice.", made(PROTECTED, kid, kid), *spelling),
    }


def _signatures(shop: Workshop) -> dict[str, Flaw]:
    kid, payload, signature = shop.kid, shop.payload, shop.signature()

    def one(reason: str, flaw: str, token: bytes) -> Flaw:
        check = {"kind": "token_signature", "outcome": "failed", "reason": reason}
        return {
            "flaw": flaw,
            "refused_at": "signature",
            "check": check,
            "digits": to_digits(token),
            "cose_sign1": token.hex(),
        }

    def wrong(flaw: str, made: bytes, over: bytes = payload) -> Flaw:
        return one("signature_wrong", flaw, cose(kid, over, made))

    foreign = sign(shop.foreign, sig_structure(payload))
    last = int(to_digits(cose(kid, payload, signature))) + (1 if signature[-1] < 0xFF else -1)
    changed = last.to_bytes((last.bit_length() + 7) // 8, "big")[1:]
    raised = payload.replace(number(345_678), number(345_679))
    return {
        "one-digit-changed": one("signature_wrong", "The last digit is another.", changed),
        "other-s": wrong("n − s for s: ES256 holds, but it is not the one spelling of this token.", other_s(signature)),
        "r-is-0": wrong("r is 0.", bytes(32) + signature[32:]),
        "s-is-0": wrong("s is 0.", signature[:32] + bytes(32)),
        "r-and-s-exchanged": wrong("s‖r for r‖s.", signature[32:] + signature[:32]),
        "signature-of-zeros": wrong("64 zero bytes.", bytes(64)),
        "claims-changed": wrong("Another index under the signature of the first.", signature, raised),
        "other-context": wrong(
            'Signed as "Signature", the context of COSE_Sign.',
            sign(shop.key, sig_structure(payload, context="Signature")),
        ),
        "other-external-aad": wrong(
            "Signed with an external_aad.", sign(shop.key, sig_structure(payload, aad=b"certsvc"))
        ),
        "payload-signed-alone": wrong("Signed without the Sig_structure.", sign(shop.key, payload)),
        "other-authority": one(
            "unknown_key",
            "Signed by a key that is not ours.",
            cose(kid_of(shop.foreign.public_key()), payload, foreign),
        ),
        "other-authority-under-our-key-id": wrong("Signed by a key that is not ours, under the id of ours.", foreign),
        "other-authority-other-s": one(
            "unknown_key",
            "Signed by a key that is not ours, with the greater s: that it is not ours is said first.",
            cose(kid_of(shop.foreign.public_key()), payload, other_s(foreign)),
        ),
        "before-the-keys-quarter": one(
            "signed_outside_key_term", "iat a second before the key's term.", shop.token(mapping(shop.early))
        ),
        "after-the-keys-quarter": one(
            "signed_outside_key_term", "iat a second after the key's term.", shop.token(mapping(shop.late))
        ),
    }
