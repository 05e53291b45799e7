"""RFC 3161 timestamp tokens: everything that does not change is encoded once."""

import hashlib
import secrets
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from certsvc import der
from certsvc.errors import TimestampUnavailable
from certsvc.services import PrivateKey

POLICY = "2.25.268473915180402893647203958119073405218"
TST_INFO = "1.2.840.113549.1.9.16.1.4"
SHA256 = der.sequence(der.object_identifier("2.16.840.1.101.3.4.2.1"))
SIGNED_DATA = der.object_identifier("1.2.840.113549.1.7.2")
ECDSA_SHA256 = der.sequence(der.object_identifier("1.2.840.10045.4.3.2"))
RSA_SHA256 = der.sequence(der.object_identifier("1.2.840.113549.1.1.11"), der.NULL)
ACCURACY = der.sequence(der.tlv(0x80, (500).to_bytes(2, "big")))
BACKWARDS = timedelta(seconds=1)


class TokenMaker:
    """`services.Timestamper` in this process. The clock is the caller's; it may not run backwards."""

    def __init__(self, key: PrivateKey, certificate: x509.Certificate, chain: tuple[x509.Certificate, ...]) -> None:
        self._key = key
        self._latest: datetime | None = None
        self._signer = der.sequence(certificate.issuer.public_bytes(), der.integer(certificate.serial_number))
        encoded = sorted(item.public_bytes(Encoding.DER) for item in (certificate, *chain))
        self._certificates = der.explicit(0, *encoded)
        self._type = der.attribute("1.2.840.113549.1.9.3", der.object_identifier(TST_INFO))
        self._signed_by = der.signing_certificate_v2(certificate)
        is_ec = isinstance(key.public_key, ec.EllipticCurvePublicKey)
        self._algorithm = ECDSA_SHA256 if is_ec else RSA_SHA256

    def timestamp(self, digest: bytes, now: datetime) -> bytes:
        """A DER TimeStampToken (RFC 3161 section 2.4.2) over a SHA-256 digest, genTime in whole seconds.

        Raises:
            TimestampUnavailable: `now` lies before a token already given.
        """
        if self._latest is not None and now < self._latest - BACKWARDS:
            raise TimestampUnavailable("时钟倒退，不签时间戳。", "The clock has run backwards: no timestamp is given.")
        self._latest = max(now, self._latest or now)
        info = self._info(digest, now)
        signed = der.set_of(
            self._type,
            self._signed_by,
            der.attribute("1.2.840.113549.1.9.4", der.octet_string(hashlib.sha256(info).digest())),
        )
        return der.sequence(SIGNED_DATA, der.explicit(0, self._signed_data(info, signed)))

    def _info(self, digest: bytes, now: datetime) -> bytes:
        imprint = der.sequence(SHA256, der.octet_string(digest))
        serial = der.integer(secrets.randbits(120) | 1 << 119)
        policy = der.object_identifier(POLICY)
        return der.sequence(der.integer(1), policy, imprint, serial, der.generalized_time(now), ACCURACY)

    def _signed_data(self, info: bytes, signed: bytes) -> bytes:
        signature = der.octet_string(self._key.sign(signed))
        attributes = b"\xa0" + signed[1:]  # [0] IMPLICIT takes the place of the SET tag that was signed
        signer = der.sequence(der.integer(1), self._signer, SHA256, attributes, self._algorithm, signature)
        content = der.sequence(der.object_identifier(TST_INFO), der.explicit(0, der.octet_string(info)))
        return der.sequence(der.integer(3), der.set_of(SHA256), content, self._certificates, der.set_of(signer))
