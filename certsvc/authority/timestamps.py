"""RFC 3161 timestamp tokens: everything that does not change is encoded once."""

import hashlib
import secrets
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding

from certsvc import der
from certsvc.domain.token import P256_ORDER
from certsvc.errors import TimestampUnavailable
from certsvc.services import PrivateKey

POLICY = "1.3.6.1.4.1.32473.118246390.2"
"""Timestamp policy of a demonstration, under the arc of `domain.trust.DEMONSTRATION_POLICY`."""

TST_INFO = "1.2.840.113549.1.9.16.1.4"
REQUEST = timedelta(seconds=60)
"""A request takes its time once, when it comes in, and ends within this: how far the clock may seem to run backwards,
and how exact the time in a token is."""

ACCURACY = der.sequence(der.integer(int(REQUEST.total_seconds())))


class TokenMaker:
    """`services.Timestamper` in this process. The clock is the caller's; the time in its tokens only grows."""

    def __init__(self, key: PrivateKey, certificate: x509.Certificate, chain: tuple[x509.Certificate, ...]) -> None:
        self._key = key
        self._latest: datetime | None = None
        self._signer = der.sequence(certificate.issuer.public_bytes(), der.integer(certificate.serial_number))
        encoded = sorted(item.public_bytes(Encoding.DER) for item in (certificate, *chain))
        self._certificates = der.explicit(0, *encoded)
        self._type = der.attribute("1.2.840.113549.1.9.3", der.object_identifier(TST_INFO))
        self._signed_by = der.signing_certificate_v2(certificate)
        self._algorithm = der.signature_algorithm(key.public_key)

    def timestamp(self, digest: bytes, now: datetime) -> bytes:
        """A DER TimeStampToken (RFC 3161 section 2.4.2) over a SHA-256 digest, genTime in whole seconds.

        A request that began before another but comes here after it gets the other's time.

        Raises:
            TimestampUnavailable: `now` lies further before a token already given than a request can take.
        """
        latest = self._latest or now
        if now < latest - REQUEST:
            raise TimestampUnavailable("时钟倒退，不签时间戳。", "The clock has run backwards: no timestamp is given.")
        self._latest = max(now, latest)
        info = self._info(digest, self._latest)
        signed = der.set_of(
            self._type,
            self._signed_by,
            der.attribute("1.2.840.113549.1.9.4", der.octet_string(hashlib.sha256(info).digest())),
        )
        return der.sequence(der.SIGNED_DATA, der.explicit(0, self._signed_data(info, signed)))

    def _info(self, digest: bytes, now: datetime) -> bytes:
        imprint = der.sequence(der.SHA256, der.octet_string(digest))
        serial = der.integer(secrets.randbits(120) | 1 << 119)
        policy = der.object_identifier(POLICY)
        return der.sequence(der.integer(1), policy, imprint, serial, der.generalized_time(now), ACCURACY)

    def _signed_data(self, info: bytes, signed: bytes) -> bytes:
        signature = der.octet_string(self._sign(signed))
        attributes = b"\xa0" + signed[1:]  # [0] IMPLICIT takes the place of the SET tag that was signed
        signer = der.sequence(der.integer(1), self._signer, der.SHA256, attributes, self._algorithm, signature)
        content = der.sequence(der.object_identifier(TST_INFO), der.explicit(0, der.octet_string(info)))
        return der.sequence(der.integer(3), der.set_of(der.SHA256), content, self._certificates, der.set_of(signer))

    def _sign(self, data: bytes) -> bytes:
        """Of s and n − s, which both hold, ECDSA with the smaller: nothing covers this signature in a sealed file, so
        it must not have two spellings."""
        signature = self._key.sign(data)
        if not isinstance(self._key.public_key, ec.EllipticCurvePublicKey):
            return signature
        r, s = decode_dss_signature(signature)
        return encode_dss_signature(r, min(s, P256_ORDER - s))
