"""What passes for a receipt and is none: each function is named after its flaw and makes it; `FLAWS` is all of them."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

import msgspec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding
from receipt_room import Room, now

from certsvc.domain.receipt import Receipt, canonical, seal_reason
from certsvc.domain.seal import ValidationData
from certsvc.domain.token import P256_ORDER
from certsvc.issuance.receipts import ReceiptPress
from certsvc.render.receipt import receipt_pdf
from certsvc.render.stamp import set_page
from certsvc.seal.pdf import seal_pdf
from certsvc.seal.receipt import DESCRIPTION, PLACE, frame, seal_receipt, sign_receipt
from certsvc.services import Sealing

Content = dict[str, Any]


@dataclass
class Bench:
    """What a forger or an insider starts from: two genuine receipts, the press, and another authority's."""

    room: Room
    other: Room
    content: Content
    jws: str
    second: str

    @property
    def press(self) -> ReceiptPress:
        """Our press with its key."""
        return press_of(self.room)

    @property
    def receipt(self) -> Receipt:
        """The first receipt as a value."""
        return msgspec.convert(self.content, Receipt)

    def signed(self, **changes: Any) -> bytes:
        """The first receipt with changes, signed by our own key."""
        return self.press.sign(self.content | changes).encode()

    def respelt(self, header: Callable[[Content], Content] | None = None, content: bytes | None = None) -> bytes:
        """The parts of the JWS with another header or content, under a signature by our own key."""
        first, second, _ = self.jws.split(".")
        said = header(json.loads(decoded(first))) if header else None
        parts = f"{encoded(canonical(said)) if said else first}.{encoded(content) if content else second}"
        return f"{parts}.{encoded(raw_signature(self.press.sealing, parts.encode()))}".encode()


def press_of(room: Room) -> ReceiptPress:
    """The press of a room."""
    found = room.receipting.press(now())
    assert found is not None
    return found


class Maker(Protocol):
    """A flaw: makes the file or the record. Its name says what is wrong."""

    __name__: str

    def __call__(self, bench: Bench) -> bytes: ...


@dataclass(frozen=True)
class Flaw:
    """A flaw, and the check that must not pass: `kind.reason`."""

    make: Maker
    answer: str

    @property
    def name(self) -> str:
        """The flaw in words."""
        return self.make.__name__


FLAWS: list[Flaw] = []


def flaw(answer: str) -> Callable[[Maker], Maker]:
    """Put a flaw on the list, with its answer."""

    def enlist(make: Maker) -> Maker:
        FLAWS.append(Flaw(make, answer))
        return make

    return enlist


def encoded(data: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(part: str) -> bytes:
    """The bytes of a part."""
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def raw_signature(sealing: Sealing, data: bytes) -> bytes:
    """The 64 bytes of an ES256 signature, with the smaller s."""
    r, s = decode_dss_signature(sealing.key.sign(data))
    return r.to_bytes(32, "big") + min(s, P256_ORDER - s).to_bytes(32, "big")


# ---- records: what anybody can do ----


@flaw("receipt_signature.signature_wrong")
def the_verdict_is_another(bench: Bench) -> bytes:
    head, content, signature = bench.jws.split(".")
    said = json.loads(decoded(content))
    said["report"]["verdict"] = "not_valid"
    return f"{head}.{encoded(canonical(said))}.{signature}".encode()


@flaw("receipt_signature.signature_wrong")
def the_signature_of_another_receipt(bench: Bench) -> bytes:
    return f"{bench.jws.rpartition('.')[0]}.{bench.second.rpartition('.')[2]}".encode()


@flaw("receipt_signature.signature_wrong")
def the_greater_of_the_two_values_of_s(bench: Bench) -> bytes:
    parts, _, signature = bench.jws.rpartition(".")
    raw = decoded(signature)
    other = P256_ORDER - int.from_bytes(raw[32:], "big")
    return f"{parts}.{encoded(raw[:32] + other.to_bytes(32, 'big'))}".encode()


@flaw("receipt_signature.signature_wrong")
def our_certificate_over_the_signature_of_a_strange_key(bench: Bench) -> bytes:
    parts = bench.jws.rpartition(".")[0]
    r, s = decode_dss_signature(ec.generate_private_key(ec.SECP256R1()).sign(parts.encode(), ec.ECDSA(hashes.SHA256())))
    s = min(s, P256_ORDER - s)
    return f"{parts}.{encoded(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}".encode()


@flaw("receipt_signature.signature_wrong")
def the_signature_as_der_instead_of_two_numbers(bench: Bench) -> bytes:
    parts, _, signature = bench.jws.rpartition(".")
    raw = decoded(signature)
    der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    return f"{parts}.{encoded(der)}".encode()


@flaw("receipt_signature.no_receipt")
def the_same_bits_in_another_spelling(bench: Bench) -> bytes:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return (bench.jws[:-1] + alphabet[alphabet.index(bench.jws[-1]) | 1]).encode()


@flaw("receipt_signature.no_receipt")
def the_algorithm_none(bench: Bench) -> bytes:
    return bench.respelt(lambda header: header | {"alg": "none"})


@flaw("receipt_signature.no_receipt")
def the_algorithm_of_a_shared_secret_which_is_our_public_certificate(bench: Bench) -> bytes:
    head, content, _ = bench.jws.split(".")
    header = json.loads(decoded(head))
    parts = f"{encoded(canonical(header | {'alg': 'HS256'}))}.{content}"
    secret = base64.b64decode(header["x5c"][0])
    return f"{parts}.{encoded(hmac.digest(secret, parts.encode(), 'sha256'))}".encode()


@flaw("receipt_signature.no_receipt")
def a_header_with_something_more_to_be_understood(bench: Bench) -> bytes:
    return bench.respelt(lambda header: header | {"crit": ["b64"], "b64": False})


@flaw("receipt_signature.no_receipt")
def another_kind_of_record_signed_by_the_same_key(bench: Bench) -> bytes:
    return bench.respelt(lambda header: header | {"typ": "JWT"})


@flaw("receipt_signature.no_receipt")
def no_certificate_at_all(bench: Bench) -> bytes:
    return bench.respelt(lambda header: header | {"x5c": []})


@flaw("receipt_signature.not_a_key_for_receipts")
def signed_by_a_look_alike_authority(bench: Bench) -> bytes:
    return press_of(bench.other).sign(bench.content).encode()


@flaw("receipt_signature.not_a_key_for_receipts")
def signed_by_a_seal(bench: Bench) -> bytes:
    return sign_receipt(bench.content, bench.room.authority().sealing("market")).encode()


@flaw("receipt_signature.not_a_key_for_receipts")
def signed_by_the_key_of_status_lists(bench: Bench) -> bytes:
    return sign_receipt(bench.content, bench.room.authority().credential("status")).encode()


@flaw("receipt_signature.not_a_key_for_receipts")
def signed_by_the_quarters_key_of_tokens(bench: Bench) -> bytes:
    authority = bench.room.authority()
    name = next(name for name in authority.names if name.startswith("token-"))
    return sign_receipt(bench.content, authority.credential(name)).encode()


# ---- records: what only our own key could sign ----


@flaw("receipt_content.other_form")
def a_member_of_the_content_twice(bench: Bench) -> bytes:
    content = decoded(bench.jws.split(".")[1])
    return bench.respelt(content=content.replace(b'"schema":', b'"schema":"x","schema":', 1))


@flaw("receipt_content.other_form")
def blanks_in_the_content(bench: Bench) -> bytes:
    return bench.respelt(content=json.dumps(bench.content, ensure_ascii=False, sort_keys=True).encode())


@flaw("receipt_content.other_form")
def a_version_to_come(bench: Bench) -> bytes:
    return bench.signed(schema="certsvc-receipt/2")


@flaw("receipt_content.other_form")
def an_instant_without_a_zone(bench: Bench) -> bytes:
    return bench.signed(made_at=now().replace(tzinfo=None).isoformat())


@flaw("receipt_content.other_form")
def no_words_that_were_shown(bench: Bench) -> bytes:
    return bench.signed(shown={})


@flaw("receipt_content.other_maker")
def another_authority_as_its_maker(bench: Bench) -> bytes:
    return bench.signed(by=bench.content["by"] | {"authority": "云海市电子证照"})


@flaw("receipt_content.other_maker")
def a_demonstration_that_does_not_say_so(bench: Bench) -> bytes:
    return bench.signed(by=bench.content["by"] | {"demonstration": False})


@flaw("receipt_content.still_to_come")
def made_tomorrow(bench: Bench) -> bytes:
    return bench.signed(made_at=(now() + timedelta(days=1)).isoformat())


@flaw("receipt_signature.signed_outside_key_term")
def made_before_there_was_a_key(bench: Bench) -> bytes:
    return bench.signed(made_at=(now() - timedelta(days=400)).isoformat())


# ---- pages ----


def evidence_for(sealing: Sealing, data: ValidationData) -> ValidationData:
    """The validation data with another signer's certificate."""
    return replace(data, certificates=(sealing.certificate.public_bytes(Encoding.DER), *data.certificates))


def sealed(bench: Bench, page: bytes, reason: str, sealing: Sealing | None = None) -> bytes:
    """A page under a seal at the receipt's own place, by our key for receipts or by another."""
    press = bench.press
    by = sealing or press.sealing
    data = press.evidence() if sealing is None else evidence_for(by, press.evidence())
    return seal_pdf(
        page,
        picture=frame(),
        placement=PLACE,
        description=DESCRIPTION,
        reason=reason,
        sealing=by,
        timestamper=press.timestamper(),
        validation_data=data,
        now=now(),
    )


def reason_of(bench: Bench) -> str:
    """The reason that belongs to the first receipt."""
    return seal_reason(bench.receipt.id, hashlib.sha256(bench.jws.encode()).hexdigest())


@flaw("receipt_page.other_receipt")
def the_page_of_one_receipt_with_the_record_of_another(bench: Bench) -> bytes:
    return sealed(bench, receipt_pdf(bench.receipt, bench.second), reason_of(bench))


@flaw("receipt_page.other_receipt")
def a_seal_that_names_no_record(bench: Bench) -> bytes:
    return sealed(bench, receipt_pdf(bench.receipt, bench.jws), "查验回执")


@flaw("receipt_signature.no_receipt")
def two_records_on_one_page(bench: Bench) -> bytes:
    return sealed(bench, page_with(bench, ("receipt.jws", bench.jws), ("more.jws", bench.second)), reason_of(bench))


@flaw("receipt_signature.no_receipt")
def a_record_that_is_none(bench: Bench) -> bytes:
    return sealed(bench, receipt_pdf(bench.receipt, "nothing"), reason_of(bench))


@flaw("receipt_seal.other_key")
def sealed_by_an_organs_seal(bench: Bench) -> bytes:
    sealing = bench.room.authority().sealing("market")
    return sealed(bench, receipt_pdf(bench.receipt, bench.jws), reason_of(bench), sealing)


@flaw("signer.not_our_anchor")
def sealed_by_a_look_alike_authority(bench: Bench) -> bytes:
    press = press_of(bench.other)
    return seal_receipt(
        receipt_pdf(bench.receipt, bench.jws),
        bench.receipt.id,
        bench.jws,
        sealing=press.sealing,
        timestamper=press.timestamper(),
        validation_data=press.evidence(),
        now=now(),
    )


@flaw("signature.no_seal")
def the_page_without_its_seal(bench: Bench) -> bytes:
    return receipt_pdf(bench.receipt, bench.jws)


@flaw("signature.altered")
def a_letter_of_the_page_changed(bench: Bench) -> bytes:
    pdf = genuine_pdf(bench)
    place = pdf.index(b"/FlateDecode", 2000)
    stream = pdf.index(b"stream\n", place) + 30
    return pdf[:stream] + bytes([pdf[stream] ^ 1]) + pdf[stream + 1 :]


@flaw("format.bytes_after_end")
def bytes_after_the_end(bench: Bench) -> bytes:
    return genuine_pdf(bench) + b"\n% more"


def genuine_pdf(bench: Bench) -> bytes:
    """The first receipt as it is handed out."""
    return bench.press.seal(receipt_pdf(bench.receipt, bench.jws), bench.receipt, bench.jws, now())


def page_with(bench: Bench, *attached: tuple[str, str]) -> bytes:
    """A page of ours with these files attached."""
    template = Path(bench.room.settings.home) / "two.typ"
    kind = 'relationship: "data", mime-type: "application/jose", description: "x"'
    lines = [f'#pdf.attach("/{name}", bytes("{text}"), {kind})' for name, text in attached]
    title = '#set document(title: "查验回执", date: datetime(year: 2026, month: 1, day: 1))\n'
    font = '#set text(font: "Noto Serif SC", lang: "zh")\n= 查验回执\n'
    template.write_text(title + '#set page(paper: "a4")\n' + font + "\n".join(lines), encoding="utf-8")
    return set_page(template, {}, tagged=True) + b"\n"
