"""What anybody can do inside the hole, which no signature covers: respell the CMS, exchange or strip the timestamp."""

import hashlib
from dataclasses import replace
from typing import Any

from cms_parts import STAMP, SignedParts, take_apart
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from flaws import Bench, flaw
from pdf_bytes import contents, fill
from seal_workshop import certificate_der

from certsvc import der
from certsvc.authority.timestamps import TokenMaker
from certsvc.domain.token import P256_ORDER
from certsvc.services import Timestamper

HIDDEN = ("1.2.3.4", der.octet_string(b"hidden"))
SHA512 = der.sequence(der.object_identifier("2.16.840.1.101.3.4.2.3"))


def _seal(bench: Bench) -> SignedParts:
    return take_apart(contents(bench.genuine.pdf))


def _changed(bench: Bench, **parts: Any) -> bytes:
    return fill(bench.genuine.pdf, replace(_seal(bench), **parts).encode())


def _stamp(data: bytes) -> bytes:
    ((_, token),) = take_apart(contents(data)).unsigned or ()
    return token


def _with_stamp(bench: Bench, token: bytes) -> bytes:
    return _changed(bench, unsigned=((STAMP, token),))


def _with_changed_stamp(bench: Bench, **parts: Any) -> bytes:
    return _with_stamp(bench, replace(take_apart(_stamp(bench.genuine.pdf)), **parts).encode())


def _stamped_by(bench: Bench, timestamper: Timestamper) -> bytes:
    digest = hashlib.sha256(_seal(bench).signature).digest()
    return _with_stamp(bench, timestamper.timestamp(digest, bench.workshop.now))


def _other_spelling(signature: bytes) -> bytes:
    r, s = decode_dss_signature(signature)
    return encode_dss_signature(r, P256_ORDER - s)


def _foreign(bench: Bench) -> bytes:
    return certificate_der(bench.workshop.lookalike.sealing("health").certificate)


@flaw("timestamp.no_timestamp")
def the_timestamp_stripped(bench: Bench) -> bytes:
    return _changed(bench, unsigned=None)


@flaw("cms.respelt")
def the_timestamp_emptied(bench: Bench) -> bytes:
    return _changed(bench, unsigned=())


@flaw("timestamp.not_trusted")
def the_timestamp_of_another_signature(bench: Bench) -> bytes:
    return _with_stamp(bench, _stamp(bench.other.pdf))


@flaw("timestamp.not_trusted")
def a_timestamp_by_a_foreign_authority(bench: Bench) -> bytes:
    return _stamped_by(bench, bench.workshop.lookalike.timestamper)


@flaw("timestamp.not_trusted")
def a_timestamp_by_the_key_of_a_seal(bench: Bench) -> bytes:
    seal = bench.workshop.ours.sealing("health")
    return _stamped_by(bench, TokenMaker(seal.key, seal.certificate, seal.chain[:-1]))


@flaw("cms.respelt")
def a_second_timestamp(bench: Bench) -> bytes:
    bare = replace(take_apart(_stamp(bench.other.pdf)), certificates=()).encode()
    return _changed(bench, unsigned=((STAMP, _stamp(bench.genuine.pdf)), (STAMP, bare)))


@flaw("cms.respelt")
def an_unsigned_attribute_more(bench: Bench) -> bytes:
    return _changed(bench, unsigned=((STAMP, _stamp(bench.genuine.pdf)), HIDDEN))


@flaw("cms.respelt")
def a_certificate_more(bench: Bench) -> bytes:
    return _changed(bench, certificates=(*_seal(bench).certificates, _foreign(bench)))


@flaw("cms.respelt")
def a_certificate_less(bench: Bench) -> bytes:
    """The chain is found in the rest of the file."""
    return _changed(bench, certificates=(certificate_der(bench.workshop.ours.sealing("market").certificate),))


@flaw("cms.respelt")
def an_altered_copy_of_the_issuers_certificate(bench: Bench) -> bytes:
    issuing = certificate_der(bench.workshop.ours.sealing("market").chain[0])
    cms = contents(bench.genuine.pdf)
    place = cms.index(issuing) + len(issuing) - 1
    return fill(bench.genuine.pdf, cms[:place] + bytes([cms[place] ^ 1]) + cms[place + 1 :])


@flaw("cms.respelt")
def a_revocation_list_more(bench: Bench) -> bytes:
    return _changed(bench, crls=(bench.workshop.ours.validation_data("market", bench.workshop.now).crls[0],))


@flaw("cms.respelt")
def another_version_of_the_cms(bench: Bench) -> bytes:
    return _changed(bench, version=3)


@flaw("cms.respelt")
def another_version_of_the_signer(bench: Bench) -> bytes:
    return _changed(bench, signer_version=3)


@flaw("cms.respelt")
def a_digest_algorithm_that_nobody_used(bench: Bench) -> bytes:
    return _changed(bench, digests=(der.SHA256, SHA512))


@flaw("cms.respelt")
def a_digest_algorithm_with_parameters(bench: Bench) -> bytes:
    return _changed(bench, digest=der.sequence(der.object_identifier("2.16.840.1.101.3.4.2.1"), der.NULL))


@flaw("cms.respelt")
def the_signer_named_by_key_instead_of_serial(bench: Bench) -> bytes:
    own = bench.workshop.ours.sealing("market").certificate
    identifier = own.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    return _changed(bench, sid=der.tlv(0x80, identifier), signer_version=3)


@flaw("cms.respelt")
def a_length_longer_than_need_be(bench: Bench) -> bytes:
    cms = contents(bench.genuine.pdf)
    size = 2 + (cms[1] & 0x7F)
    return fill(bench.genuine.pdf, bytes([0x30, 0x84]) + (len(cms) - size).to_bytes(4, "big") + cms[size:])


@flaw("cms.respelt")
def signed_attributes_in_another_spelling(bench: Bench) -> bytes:
    signed = _seal(bench).signed
    body = signed[2 + (signed[1] & 0x7F if signed[1] & 0x80 else 0) :]
    return _changed(bench, signed=b"\xa0\x84" + len(body).to_bytes(4, "big") + body)


@flaw("timestamp.not_trusted")
def the_seals_signature_respelt(bench: Bench) -> bytes:
    """It still holds, but the timestamp is over the other spelling."""
    return _changed(bench, signature=_other_spelling(_seal(bench).signature))


@flaw("cms.respelt")
def the_timestamps_signature_respelt(bench: Bench) -> bytes:
    stamp = take_apart(_stamp(bench.genuine.pdf))
    return _with_changed_stamp(bench, signature=_other_spelling(stamp.signature))


@flaw("cms.respelt")
def another_version_of_the_timestamp(bench: Bench) -> bytes:
    return _with_changed_stamp(bench, version=1)


@flaw("cms.respelt")
def an_unsigned_attribute_in_the_timestamp(bench: Bench) -> bytes:
    return _with_changed_stamp(bench, unsigned=(HIDDEN,))


@flaw("cms.respelt")
def a_certificate_more_in_the_timestamp(bench: Bench) -> bytes:
    stamp = take_apart(_stamp(bench.genuine.pdf))
    return _with_changed_stamp(bench, certificates=(*stamp.certificates, _foreign(bench)))
