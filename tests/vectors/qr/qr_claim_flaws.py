"""Flaws of the claims and other spellings of good ones. Each token is signed in order over what it holds."""

from qr_bytes import (
    ARRAY,
    BYTES,
    CTI,
    DETAIL,
    EXP,
    IAT,
    NULL,
    PROTECTED,
    SUB,
    TEXT,
    TRUE,
    array,
    head,
    mapping,
    number,
    octets,
    text,
)
from qr_workshop import Flaw, Workshop, unlike

BREAK = b"\xff"
NAME = "云山市晨光食品有限公司"
DETAIL_WRONG, OUT_OF_RANGE = "its certificate detail is wrong", "its certificate detail is out of range"
NOT_THOSE, TIME, USCC = (
    "its claims are not those agreed on",
    "its time is wrong",
    "its unified social credit code is wrong",
)


def claim_flaws(shop: Workshop) -> dict[str, Flaw]:
    """The bad vectors whose flaw lies in the payload or in how anything is written."""
    return {**_claims(shop), **_values(shop), **_detail(shop), **_spellings(shop)}


def _claims(shop: Workshop) -> dict[str, Flaw]:
    def one(flaw: str, token: bytes) -> Flaw:
        return unlike("claims", NOT_THOSE, flaw, token)

    def more(key: int, value: bytes) -> bytes:
        return shop.token(mapping(sorted([*shop.pairs, (number(key), value)], key=lambda pair: pair[0])))

    return {
        "no-reference": one("Claim 7 is missing.", shop.having(CTI, None)),
        "no-issue-time": one("Claim 6 is missing.", shop.having(IAT, None)),
        "no-detail": one("Claim −65537 is missing.", shop.having(DETAIL, None)),
        "extra-issuer": one("A claim 1 (issuer).", more(1, text("云山市"))),
        "extra-not-before": one("A claim 5 (not before).", more(5, number(0))),
        "extra-private-claim": one("A claim −65538.", more(-65538, number(0))),
        "claims-in-an-array": one("The claims as an array.", shop.token(array(*(value for _, value in shop.pairs)))),
        "claims-tagged": one("The tag of CWT before the claims.", shop.token(b"\xd8\x3d" + shop.payload)),
        "claims-self-described": one(
            "The tag of self-described CBOR before them.", shop.token(b"\xd9\xd9\xf7" + shop.payload)
        ),
        "empty-payload": unlike("claims", "it is not CBOR", "A payload of no bytes.", shop.token(b"")),
        "text-key": one('Claim 7 under the key "7".', shop.keyed(CTI, text("7"))),
    }


def _values(shop: Workshop) -> dict[str, Flaw]:
    def one(because: str, flaw: str, key: int, value: bytes) -> Flaw:
        return unlike("claims", because, flaw, shop.having(key, value))

    ref, end = "its reference is wrong", 1_953_129_600
    return {
        "reference-of-9-bytes": one(
            "its reference has the wrong length", "A reference of 9 bytes.", CTI, octets(bytes(9))
        ),
        "reference-as-text": one(ref, "A reference as text.", CTI, text("0123456789")),
        "reference-as-number": one(ref, "A reference as a number.", CTI, number(7)),
        "issue-time-as-float": one(TIME, "iat as a float.", IAT, b"\xfb\x41\xda\x49\x09\x20\x00\x00\x00"),
        "end-as-float": one(TIME, "exp as a float.", EXP, b"\xfb\x41\xdd\x1a\x8a\x20\x00\x00\x00"),
        "end-as-text": one(TIME, "exp as text.", EXP, text(str(end))),
        "end-as-date": one(TIME, "exp with the tag of an epoch time.", EXP, b"\xc1" + number(end)),
        "end-is-null": one(TIME, "exp null, where it should be left out.", EXP, NULL),
        "issue-time-is-true": one(TIME, "true for iat, which some languages take for 1.", IAT, TRUE),
        "issue-time-before-1970": one(TIME, "A negative iat.", IAT, number(-1)),
        "issue-time-after-9999": one(TIME, "An iat after the year 9999 in China.", IAT, number(253_402_272_000)),
        "subject-wrong-check": one(
            USCC, "A subject whose check character does not match.", SUB, text("91441900MA51ABC089")
        ),
        "subject-citizen-id": one(USCC, "A citizen's number as the subject.", SUB, text("11010519491231002X")),
        "subject-is-null": one(USCC, "sub null, where it should be left out.", SUB, NULL),
        "subject-with-space": one(USCC, "A space after the subject.", SUB, text("91441900MA51ABC088 ")),
        "subject-as-bytes": one(USCC, "The subject as a byte string.", SUB, octets(b"91441900MA51ABC088")),
    }


def _detail(shop: Workshop) -> dict[str, Flaw]:
    def one(because: str, flaw: str, *items: bytes) -> Flaw:
        return unlike("claims", because, flaw, shop.having(DETAIL, array(*items)))

    kind, version, index, name = number(101), number(1), number(345_678), text(NAME)
    return {
        "detail-of-3": one(DETAIL_WRONG, "No name in the detail.", kind, version, index),
        "detail-of-5": one(DETAIL_WRONG, "A fifth part of the detail.", kind, version, index, name, NULL),
        "detail-not-an-array": unlike("claims", DETAIL_WRONG, "The detail is a number.", shop.having(DETAIL, kind)),
        "name-as-bytes": one(DETAIL_WRONG, "The name as a byte string.", kind, version, index, octets(NAME.encode())),
        "version-as-float": one(DETAIL_WRONG, "The version as a float.", kind, b"\xf9\x3c\x00", index, name),
        "version-is-true": one("not numbers", "true for the version 1.", kind, TRUE, index, name),
        "type-0": one(OUT_OF_RANGE, "Type number 0.", number(0), version, index, name),
        "type-65536": one(OUT_OF_RANGE, "Type number 65 536.", number(65_536), version, index, name),
        "version-0": one(OUT_OF_RANGE, "Version 0.", kind, number(0), index, name),
        "version-1000": one(OUT_OF_RANGE, "Version 1000.", kind, number(1000), index, name),
        "index-negative": one(OUT_OF_RANGE, "Index −1.", kind, version, number(-1), name),
        "index-2-to-the-20": one(OUT_OF_RANGE, "Index 2²⁰.", kind, version, number(1 << 20), name),
        "name-of-21-characters": one(OUT_OF_RANGE, "A name of 21 characters.", kind, version, index, text("云" * 21)),
        "name-of-76-bytes": one(OUT_OF_RANGE, "19 characters of four bytes.", kind, version, index, text("𠮷" * 19)),
        "name-empty": one(OUT_OF_RANGE, "An empty name.", kind, version, index, text("")),
        "name-not-utf-8": unlike(
            "claims",
            "it is not CBOR",
            "A name that is not UTF-8.",
            shop.having(DETAIL, array(kind, version, index, head(TEXT, 2) + b"\xff\xfe")),
        ),
    }


def _spellings(shop: Workshop) -> dict[str, Flaw]:
    def one(flaw: str, token: bytes) -> Flaw:
        return unlike("spelling", "it is not the one spelling", flaw, token)

    kid, payload, pairs = shop.kid, shop.payload, list(shop.pairs)
    protected, unprotected = octets(PROTECTED), mapping([(number(4), octets(kid))])
    signature = octets(shop.signature())
    values = dict(pairs)
    iat = int.from_bytes(values[number(IAT)][1:], "big")
    ref, detail = values[number(CTI)], array(number(101), number(1, wide=1), number(345_678), text(NAME))
    chunks = b"\x5f" + octets(payload[:40]) + octets(payload[40:]) + BREAK
    return {
        "issue-time-in-8-bytes": one("iat in 8 bytes.", shop.having(IAT, number(iat, wide=8))),
        "issue-time-as-bignum": one("iat as a bignum.", shop.having(IAT, b"\xc2" + octets(iat.to_bytes(4, "big")))),
        "claim-key-in-2-bytes": one("The key 7 in two bytes.", shop.keyed(CTI, number(CTI, wide=1))),
        "claim-key-as-float": one("The key 7.0.", shop.keyed(CTI, b"\xf9\x47\x00")),
        "claims-in-another-order": one("The claims sorted the other way.", shop.token(mapping(pairs[::-1]))),
        "claim-twice": one(
            "Claim 7 twice, with the same value.", shop.token(mapping([*pairs[:-1], pairs[-2], pairs[-1]]))
        ),
        "claim-twice-with-another-value": one(
            "Claim 7 twice: readers that take the first see another certificate.",
            shop.token(mapping([*pairs[:-2], (number(CTI), octets(bytes(10))), *pairs[-2:]])),
        ),
        "claims-of-indefinite-length": one(
            "A map without its length.", shop.token(b"\xbf" + b"".join(k + v for k, v in pairs) + BREAK)
        ),
        "name-in-chunks": one(
            "The name in chunks.",
            shop.having(
                DETAIL,
                array(number(101), number(1), number(345_678), b"\x7f" + text(NAME[:4]) + text(NAME[4:]) + BREAK),
            ),
        ),
        "version-in-2-bytes": one("The version 1 in two bytes.", shop.having(DETAIL, detail)),
        "reference-in-chunks": one(
            "The reference in chunks.", shop.having(CTI, b"\x5f" + octets(ref[1:6]) + octets(ref[6:]) + BREAK)
        ),
        "subject-in-lower-case": one("The subject in small letters.", shop.having(SUB, text("91441900ma51abc088"))),
        "token-self-described": one(
            "The tag of self-described CBOR before the token.", b"\xd9\xd9\xf7" + shop.token(payload)
        ),
        "bytes-after-the-claims": one("A zero byte within the payload, after the claims.", shop.token(payload + b"\0")),
        "array-of-indefinite-length": one(
            "The four parts in an array without its length.",
            b"\x9f" + protected + unprotected + octets(payload) + signature + BREAK,
        ),
        "array-length-in-2-bytes": one(
            "The length 4 in two bytes.",
            head(ARRAY, 4, wide=1) + protected + unprotected + octets(payload) + signature,
        ),
        "payload-in-chunks": one("The payload in chunks.", array(protected, unprotected, chunks, signature)),
        "payload-length-in-3-bytes": one(
            "The payload's length in three bytes.", array(protected, unprotected, octets(payload, wide=2), signature)
        ),
        "key-id-header-in-2-bytes": one(
            "The header 4 in two bytes.",
            array(protected, mapping([(number(4, wide=1), octets(kid))]), octets(payload), signature),
        ),
        "signature-length-in-3-bytes": one(
            "The signature's length in three bytes.",
            array(protected, unprotected, octets(payload), head(BYTES, 64, wide=2) + signature[2:]),
        ),
    }
