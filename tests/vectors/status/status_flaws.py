"""What a reader must not believe: flawed lists around a good token, and tokens that are not ours around a good list."""

import gzip
import hashlib
import hmac
import random
import zlib
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from qr_bytes import cose, kid_of, other_s, sig_structure, to_digits
from qr_bytes import sign as sign_token
from status_workshop import (
    MADE,
    NOW,
    PREFIX,
    QUARTER,
    URL,
    Certificate,
    Workshop,
    as_json,
    base64url,
    claims,
    packed,
    seconds,
)

INDEX = Certificate().index
VALID = packed({INDEX: 0})
Flaw = dict[str, Any]


def respelt(text: str) -> str:
    """The same bytes in another spelling of Base64url: a bit set that says nothing."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    assert len(text) % 4
    return text[:-1] + letters[letters.index(text[-1]) | 1]


def flaw(shows: str, reason: str, status_list: str | None, **more: Any) -> Flaw:
    """A list that says nothing; the token beside it is sound."""
    return {"shows": shows, "list": status_list, "reason": reason, **more}


def token_flaw(shows: str, outcome: str, reason: str, qr: str, **more: Any) -> Flaw:
    """A token that is not ours, or not known to be."""
    return {"shows": shows, "qr": qr, "outcome": outcome, "token_reason": reason, **more}


def flaws(shop: Workshop) -> dict[str, Flaw]:
    """Every flawed vector by name."""
    good = shop.jwt(claims(VALID))
    found: dict[str, Flaw] = {}
    for part in (tokens(shop, good), forms(shop, good), signers(shop, good), claimed(shop), times(shop), packing(shop)):
        found |= dict(part)
    return found


def tokens(shop: Workshop, good: str) -> Iterator[tuple[str, Flaw]]:
    """Tokens."""
    stranger, seal, ours = shop.theirs["token"], shop.ours["seal"], shop.ours["token"]
    payload = shop.payload(Certificate())
    signature = sign_token(ours.key, sig_structure(payload))

    def address(payload: bytes, signature: bytes) -> str:
        return PREFIX + to_digits(cose(kid_of(ours.public), payload, signature))

    another = shop.payload(Certificate(index=INDEX + 1))
    early = Certificate(issued=QUARTER[0] - timedelta(seconds=1))
    yield (
        "token-of-a-stranger",
        token_flaw(
            "Signed by a key of a look-alike authority.", "unsound", "unknown_key", shop.qr(signer=stranger), list=good
        ),
    )
    yield (
        "token-by-a-seal",
        token_flaw(
            "A token under the key, and the kid, of one of our seals.",
            "unsound",
            "unknown_key",
            shop.qr(signer=seal),
            list=good,
        ),
    )
    yield (
        "token-altered",
        token_flaw(
            "Another index under a genuine signature.",
            "unsound",
            "signature_wrong",
            address(another, signature),
            list=good,
        ),
    )
    yield (
        "token-respelt",
        token_flaw(
            "The greater s: the same token, respelt by somebody.",
            "unsound",
            "signature_wrong",
            address(payload, other_s(signature)),
            list=good,
        ),
    )
    yield (
        "token-before-its-key",
        token_flaw(
            "Dated before the quarter of its key.", "unsound", "signed_outside_key_term", shop.qr(early), list=good
        ),
    )
    yield (
        "token-of-a-stolen-key",
        token_flaw(
            "The token key was stolen: offline nobody can tell who signed.",
            "unknown",
            "compromised_key",
            shop.qr(),
            list=good,
            keys="token-key-stolen",
        ),
    )
    yield (
        "token-of-a-stolen-key-invalid",
        token_flaw(
            "The same, and the list says invalid of the index that the token names: nothing of the token counts.",
            "unknown",
            "compromised_key",
            shop.qr(),
            list=shop.jwt(claims(packed({INDEX: 1}))),
            keys="token-key-stolen",
        ),
    )
    yield (
        "qr-of-something-else",
        token_flaw("The address of a web page.", "malformed", "malformed", "https://example.com/", list=good),
    )
    yield (
        "qr-path-with-more",
        token_flaw("Something follows the digits.", "malformed", "malformed", shop.qr() + "?x=1", list=good),
    )
    for name, qr in (("space-before", " " + shop.qr()), ("line-end-after", shop.qr() + "\n")):
        yield f"qr-with-a-{name}", token_flaw("Blanks around the address.", "malformed", "malformed", qr, list=good)
    yield (
        "qr-with-a-page-of-blanks",
        token_flaw(
            "Something far behind the address.",
            "malformed",
            "malformed",
            shop.qr() + " " * 1000 + "another",
            list=good,
        ),
    )
    yield "qr-empty", token_flaw("Nothing at all.", "malformed", "malformed", "", list=good)


def forms(shop: Workshop, good: str) -> Iterator[tuple[str, Flaw]]:
    """What is no such JWT."""
    head, body, signature = good.split(".")
    said, bad = claims(VALID), "list_malformed"
    none = base64url(as_json(shop.header(alg="none")))
    public = shop.ours["status"].public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    hs256 = base64url(as_json(shop.header(alg="HS256")))
    mac = base64url(hmac.digest(public, f"{hs256}.{body}".encode(), hashlib.sha256))
    theirs = shop.theirs["status"]
    foreign = shop.header(theirs, x5c=[theirs.der, shop.theirs["issuing"].der])
    yield "list-missing", flaw("There is no list.", "list_missing", None)
    yield "list-empty", flaw("An empty file.", bad, "")
    yield "list-is-a-page", flaw("A proxy's page of errors in the place of the list.", bad, "<!doctype html><p>502</p>")
    yield "list-with-a-line-end", flaw("A line end after the JWT.", bad, good + "\n")
    yield "list-of-two-parts", flaw("No signature part.", bad, f"{head}.{body}")
    yield "list-of-an-empty-signature", flaw("Nothing after the second dot.", bad, f"{head}.{body}.")
    yield "list-of-an-empty-middle", flaw("Nothing between the dots.", bad, f"{head}..{signature}")
    yield "list-with-padding", flaw("Padding after the claims.", bad, f"{head}.{body}=.{signature}")
    yield "signature-respelt", flaw("Its signature spelt in another way.", bad, f"{head}.{body}.{respelt(signature)}")
    yield (
        "signature-respelt-of-a-stranger",
        flaw(
            "The form comes first: the same, under an unknown key.",
            bad,
            f"{shop.jwt(said, theirs, foreign).rpartition('.')[0]}.{respelt(signature)}",
        ),
    )
    yield (
        "kid-not-utf-8",
        flaw(
            "A kid that is no UTF-8.",
            bad,
            f"{base64url(as_json(shop.header(kid='?')).replace(b'?', bytes([0xFF])))}.{body}.{signature}",
        ),
    )
    yield "list-of-four-parts", flaw("A part too many.", bad, f"{good}.{signature}")
    yield "alg-none-without-signature", flaw("alg none, and no signature.", bad, f"{none}.{body}.")
    yield "alg-none", flaw("alg none, with a signature.", bad, f"{none}.{body}.{signature}")
    yield "alg-hs256", flaw("A MAC under the public key.", bad, f"{hs256}.{body}.{mac}")
    yield (
        "alg-es384",
        flaw("Another algorithm than the one there is.", bad, shop.jwt(said, header=shop.header(alg="ES384"))),
    )
    yield "typ-jwt", flaw("Any other JWT of the same key.", bad, shop.jwt(said, header=shop.header(typ="JWT")))
    yield "typ-cased", flaw("The type in other letters.", bad, shop.jwt(said, header=shop.header(typ="StatusList+JWT")))
    yield (
        "header-with-crit",
        flaw("A header that would have to be understood.", bad, shop.jwt(said, header=shop.header(crit=["exp"]))),
    )
    yield (
        "header-with-jku",
        flaw("A header that leads elsewhere.", bad, shop.jwt(said, header=shop.header(jku="https://example.com/keys"))),
    )
    yield "header-without-kid", flaw("No kid.", bad, shop.jwt(said, header=shop.header(kid=None)))
    yield "header-without-x5c", flaw("No chain.", bad, shop.jwt(said, header=shop.header(x5c=None)))
    yield "header-is-no-object", flaw("A header that is a list.", bad, shop.jwt(said, header=["ES256"]))


def signers(shop: Workshop, good: str) -> Iterator[tuple[str, Flaw]]:
    """Signed, by somebody else or too late."""
    head, body, signature = good.split(".")
    said, unknown = claims(VALID), "list_key_unknown"
    theirs = shop.theirs["status"]
    foreign = shop.header(theirs, x5c=[theirs.der, shop.theirs["issuing"].der])
    first = body[0] + ("A" if body[1] != "A" else "B") + body[2:]
    yield (
        "signed-by-a-stranger",
        flaw(
            "Our header, somebody else's signature.",
            "list_signature_wrong",
            shop.jwt(said, theirs, header=shop.header()),
        ),
    )
    yield (
        "chain-of-a-stranger",
        flaw("A look-alike's key, with its own chain.", unknown, shop.jwt(said, theirs, header=foreign)),
    )
    for name, shows in (("seal", "a seal"), ("list", "trust lists"), ("token", "tokens")):
        yield (
            f"signed-by-our-{name}-key",
            flaw(f"One of our own keys, but for {shows}.", unknown, shop.jwt(said, shop.ours[name])),
        )
    yield (
        "claims-altered",
        flaw("A character of the claims changed.", "list_signature_wrong", f"{head}.{first}.{signature}"),
    )
    yield (
        "signature-cut",
        flaw(
            "A signature of 63 bytes.",
            "list_signature_wrong",
            f"{head}.{body}.{base64url(shop.ours['status'].sign(b'')[:63])}",
        ),
    )
    yield "signature-of-zeros", flaw("r = s = 0.", "list_signature_wrong", f"{head}.{body}.{base64url(bytes(64))}")
    yield (
        "status-key-stolen",
        flaw(
            "The key for lists was stolen: no list of it counts, whatever its date.",
            "list_key_compromised",
            good,
            keys="status-key-stolen",
        ),
    )
    yield (
        "status-key-revoked",
        flaw("Made after its key was revoked.", "list_signed_outside_key_term", good, keys="status-key-revoked"),
    )
    yield (
        "keys-too-old",
        flaw(
            "What is known of the keys has run out: nobody can say that this one was not revoked.",
            "keys_too_old",
            good,
            keys="old",
        ),
    )


def claimed(shop: Workshop) -> Iterator[tuple[str, Flaw]]:
    """Signed by us, and not what is needed, or not what was agreed on."""
    bad, another = "list_malformed", "list_of_another"

    def one(**changed: Any) -> str:
        return shop.jwt(claims(VALID, **changed))

    def bits(value: Any) -> str:
        said = claims(VALID)
        return shop.jwt(said | {"status_list": said["status_list"] | {"bits": value}})

    yield "list-of-another-quarter", flaw("The list of another quarter.", another, one(sub=f"{URL}/status/101-2026q3"))
    yield "list-of-another-type", flaw("The list of another type.", another, one(sub=f"{URL}/status/10-2026q4"))
    yield (
        "list-of-a-type-that-ends-alike",
        flaw("The list of type 1101.", another, one(sub=f"{URL}/status/1101-2026q4")),
    )
    yield (
        "sub-elsewhere-in-the-path",
        flaw("The name in another folder.", another, one(sub=f"{URL}/status/x/101-2026q4")),
    )
    yield "sub-with-a-query", flaw("The name in a query.", another, one(sub=f"{URL}/?/status/101-2026q4"))
    for name, more in (("name", "0"), ("suffix", ".jwt"), ("slash", "/")):
        yield (
            f"sub-with-a-{name}-after",
            flaw("Something follows the name.", another, one(sub=f"{URL}/status/101-2026q4{more}")),
        )
    yield "sub-is-no-address", flaw("A name without an address.", another, one(sub="/status/101-2026q4"))
    for value in (1, 2, 8, "4", None):
        yield f"bits-{value}".lower(), flaw("Other bits than 4.", bad, bits(value))
    yield "without-sub", flaw("No sub.", bad, one(sub=None))
    yield "without-iat", flaw("No iat.", bad, one(iat=None))
    yield "without-exp", flaw("No exp: it would be good for ever.", bad, one(exp=None))
    yield "without-ttl", flaw("No ttl.", bad, one(ttl=None))
    yield "ttl-zero", flaw("A ttl of nothing.", bad, one(ttl=0))
    yield "exp-as-text", flaw("exp as text.", bad, one(exp=str(seconds(MADE))))
    yield (
        "term-of-eight-days",
        flaw("A longer term than any list of ours has.", bad, one(exp=seconds(MADE + timedelta(days=8)))),
    )
    yield "exp-before-iat", flaw("It ends before it begins.", bad, one(exp=seconds(MADE) - 1))
    yield "without-list", flaw("No list in it.", bad, one(status_list=None))
    yield "claims-are-no-object", flaw("Claims that are a list.", bad, shop.jwt([1]))


def times(shop: Workshop) -> Iterator[tuple[str, Flaw]]:
    """At the wrong time."""
    good = shop.jwt(claims(VALID))
    late = shop.jwt(claims(VALID, iat=seconds(NOW) + 301, exp=seconds(NOW) + 3600))
    yield "list-expired", flaw("At the second of its exp.", "list_expired", good, now=seconds(MADE) + 86_400)
    yield (
        "list-expired-renewal-unknown",
        flaw(
            "The term on paper is over and the list too old: a renewal may be pending.",
            "list_expired",
            good,
            now=seconds(MADE) + 86_400,
            certificate=Certificate(expires=MADE),
            term="over",
        ),
    )
    yield (
        "list-from-the-future",
        flaw("Made more than five minutes from now: one of the clocks is wrong.", "list_from_the_future", late),
    )


def packing(shop: Workshop) -> Iterator[tuple[str, Flaw]]:
    """Ours, current, of this token, and not to be unpacked; signed, to show where a reader stops."""
    bad, whole = "list_unreadable", zlib.compress(VALID, 9)
    raw = zlib.compressobj(9, wbits=-15)
    noise = random.Random(1).randbytes(600)
    spare = next(data for level in range(9, 0, -1) if len(data := zlib.compress(VALID, level)) % 3)

    def one(data: bytes) -> str:
        return shop.jwt(claims(VALID, lst=base64url(data)))

    yield "bomb", flaw("16 MiB in 16 kB.", bad, one(zlib.compress(bytes(16 << 20), 9)))
    yield "one-byte-too-many", flaw("One byte more than a list has.", bad, one(zlib.compress(VALID + b"\xff", 9)))
    yield "truncated", flaw("The last byte is missing.", bad, one(whole[:-1]))
    yield "truncated-early", flaw("Half of it.", bad, one(whole[: len(whole) // 2]))
    yield "followed-by-something", flaw("A byte after the end.", bad, one(whole + b"\0"))
    yield "wrong-checksum", flaw("Another Adler-32.", bad, one(whole[:-1] + bytes([whole[-1] ^ 1])))
    yield "raw-deflate", flaw("DEFLATE without ZLIB around it.", bad, one(raw.compress(VALID) + raw.flush()))
    yield "gzip", flaw("GZIP.", bad, one(gzip.compress(VALID, mtime=0)))
    yield "noise", flaw("Bytes that are nothing.", bad, one(noise))
    yield (
        "lst-with-padding",
        flaw(
            "Base64 with padding.",
            bad,
            shop.jwt(claims(VALID, lst=base64url(whole) + "=" * (-len(base64url(whole)) % 4 or 4))),
        ),
    )
    yield (
        "lst-respelt",
        flaw(
            "Bits set after the last byte: spelt in another way.",
            bad,
            shop.jwt(claims(VALID, lst=respelt(base64url(spare)))),
        ),
    )
    yield "lst-in-base64", flaw("The other alphabet.", bad, shop.jwt(claims(VALID, lst="eNr+/+8=")))
    yield (
        "index-out-of-range",
        flaw("A list that ends before the index.", "index_out_of_range", one(zlib.compress(packed({}, INDEX // 2), 9))),
    )
    yield "list-of-nothing", flaw("A list of no bytes.", "index_out_of_range", one(zlib.compress(b"", 9)))
    for value in (0x4, 0xB):
        yield (
            f"value-{value:x}",
            flaw(
                "A value that is reserved for later standards.",
                "value_reserved",
                one(zlib.compress(packed({INDEX: value}), 9)),
            ),
        )
