"""RFC 3161 timestamp tokens: everything that does not change is encoded once."""

import hashlib
import secrets
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding

from certsvc import der
from certsvc.authority.clock import Clock
from certsvc.domain.token import P256_ORDER
from certsvc.errors import TimestampUnavailable
from certsvc.services import PrivateKey, Timestamper

POLICY = "1.3.6.1.4.1.32473.118246390.2"
"""Timestamp policy of a demonstration, under the arc of `domain.trust.DEMONSTRATION_POLICY`."""

TST_INFO = "1.2.840.113549.1.9.16.1.4"
CONTENT_TYPE, MESSAGE_DIGEST = "1.2.840.113549.1.9.3", "1.2.840.113549.1.9.4"
REQUEST = timedelta(seconds=60)
"""A request takes its time once, when it comes in, and ends within this: how far the clock may seem to run backwards,
and how exact the time in a token is."""

ACCURACY = der.sequence(der.integer(int(REQUEST.total_seconds())))
INFO_HEAD = der.integer(1) + der.object_identifier(POLICY)
CONTENT_HEAD = der.object_identifier(TST_INFO)


class TokenMaker:
    """Makes tokens. The time in them is the caller's and only grows; whoever hands them out has asked a `Clock`, and
    `require_term`."""

    def __init__(self, key: PrivateKey, certificate: x509.Certificate, chain: tuple[x509.Certificate, ...]) -> None:
        self._key, self._certificate = key, certificate
        self._has_two_spellings = isinstance(key.public_key, ec.EllipticCurvePublicKey)
        self._lock = threading.Lock()
        self._latest: datetime | None = None
        encoded = sorted(item.public_bytes(Encoding.DER) for item in (certificate, *chain))
        self._certificates = der.explicit(0, *encoded)
        self._type = der.attribute(CONTENT_TYPE, CONTENT_HEAD)
        self._signed_by = der.signing_certificate_v2(certificate)
        self._algorithm = der.signature_algorithm(key.public_key)
        signer = der.sequence(certificate.issuer.public_bytes(), der.integer(certificate.serial_number))
        self._signer_head = der.integer(1) + signer + der.SHA256

    def require_term(self, now: datetime) -> None:
        """See that the certificate is in its term.

        Raises:
            TimestampUnavailable: it is not.
        """
        if not self._certificate.not_valid_before_utc <= now <= self._certificate.not_valid_after_utc:
            raise TimestampUnavailable(
                "时间戳证书不在有效期内。", "The timestamp authority's certificate is not in its term."
            )

    def timestamp(self, digest: bytes, now: datetime) -> bytes:
        """A token over a SHA-256 digest, with the certificates; see `token`.

        Raises:
            TimestampUnavailable: see `token`.
        """
        return self.token(der.sequence(der.SHA256, der.octet_string(digest)), now)

    def token(self, imprint: bytes, now: datetime, *, nonce: bytes = b"", certificates: bool = True) -> bytes:
        """A DER TimeStampToken (RFC 3161 section 2.4.2) with an ESSCertIDv2 (RFC 5816), genTime in whole seconds.

        `imprint` is the MessageImprint and `nonce` the INTEGER of the request, both as they came. A request that began
        before another but comes here after it gets the other's time.

        Raises:
            TimestampUnavailable: `now` lies further before a token already given than a request can take.
            CustodyError: the key refuses.
        """
        info = self._info(imprint, self._growing(now), nonce)
        signed = der.set_of(
            self._type, self._signed_by, der.attribute(MESSAGE_DIGEST, der.octet_string(hashlib.sha256(info).digest()))
        )
        chain = self._certificates if certificates else b""
        return der.sequence(der.SIGNED_DATA, der.explicit(0, self._signed_data(info, signed, chain)))

    def _growing(self, now: datetime) -> datetime:
        with self._lock:
            latest = self._latest or now
            if now < latest - REQUEST:
                raise TimestampUnavailable(
                    "时钟倒退，不签时间戳。", "The clock has run backwards: no timestamp is given."
                )
            self._latest = max(now, latest)
            return self._latest

    def _info(self, imprint: bytes, now: datetime, nonce: bytes) -> bytes:
        serial = der.integer(secrets.randbits(120) | 1 << 119)
        return der.sequence(INFO_HEAD, imprint, serial, der.generalized_time(now), ACCURACY, nonce)

    def _signed_data(self, info: bytes, signed: bytes, certificates: bytes) -> bytes:
        signature = der.octet_string(self._sign(signed))
        attributes = b"\xa0" + signed[1:]  # [0] IMPLICIT takes the place of the SET tag that was signed
        signer = der.sequence(self._signer_head, attributes, self._algorithm, signature)
        content = der.sequence(CONTENT_HEAD, der.explicit(0, der.octet_string(info)))
        return der.sequence(der.integer(3), der.set_of(der.SHA256), content, certificates, der.set_of(signer))

    def _sign(self, data: bytes) -> bytes:
        """Of s and n − s, which both hold, ECDSA with the smaller: nothing covers this signature in a sealed file, so
        it must not have two spellings."""
        signature = self._key.sign(data)
        if not self._has_two_spellings:
            return signature
        r, s = decode_dss_signature(signature)
        return encode_dss_signature(r, min(s, P256_ORDER - s))


class LocalTimestamper:
    """`services.Timestamper` in this process: tokens while the clock is good."""

    def __init__(self, maker: TokenMaker, clock: Clock) -> None:
        self._maker, self._clock = maker, clock

    def timestamp(self, digest: bytes, now: datetime) -> bytes:
        """A DER TimeStampToken over a SHA-256 digest.

        Raises:
            TimestampUnavailable: the clock jumped, is not synchronised and must be, or runs backwards; or the
                certificate is not in its term.
            CustodyError: the key refuses.
        """
        self._clock.require_good()
        self._maker.require_term(now)
        return self._maker.timestamp(digest, now)


def require_real_time(now: datetime, real: datetime) -> None:
    """See that `now` is no further from the real time than a token says its time can be.

    Raises:
        TimestampUnavailable: it is; nothing may be dated by it.
    """
    if abs(real - now) > REQUEST:
        raise TimestampUnavailable(
            f"办理用的时刻与时钟相差超过 {REQUEST.seconds} 秒，不签时间戳：请重新办理。",
            f"The time of this request is more than {REQUEST.seconds} s from the clock: no timestamp is given for it.",
        )


class PunctualTimestamper:
    """`services.Timestamper`: another one, asked only while the time it is told is the real one."""

    def __init__(self, timestamper: Timestamper, clock: Callable[[], datetime]) -> None:
        self._timestamper, self._clock = timestamper, clock

    def timestamp(self, digest: bytes, now: datetime) -> bytes:
        """A DER TimeStampToken over a SHA-256 digest.

        Raises:
            TimestampUnavailable: `now` is not the real time, or the other one gives none.
            CustodyError: the key refuses.
        """
        require_real_time(now, self._clock())
        return self._timestamper.timestamp(digest, now)
