"""The timestamp service (RFC 3161): a request in, a reply out, whatever the request is."""

from dataclasses import dataclass
from datetime import datetime

from certsvc import der
from certsvc.authority.clock import Clock
from certsvc.authority.timestamp_request import Failure, RejectedRequest, parse_request
from certsvc.authority.timestamps import POLICY, TokenMaker
from certsvc.errors import CustodyError, MalformedDer, TimestampUnavailable

GRANTED, REJECTION = der.integer(0), der.integer(2)
SYSTEM_CLOCK = "system clock 系统时钟"
"""Said with every token of a clock that nobody keeps: a demonstration's."""

STATUS = {
    True: der.sequence(GRANTED),
    False: der.sequence(GRANTED, der.sequence(der.utf8_string(SYSTEM_CLOCK))),
}
"""PKIStatusInfo of a token, by whether the clock is synchronised."""


@dataclass(frozen=True, slots=True)
class TimestampReply:
    """A DER TimeStampResp; `failure` says why it has no token."""

    der: bytes
    failure: Failure | None = None


class TimestampResponder:
    """Answers requests with tokens while the clock is good. Safe to call from several threads."""

    def __init__(self, maker: TokenMaker, clock: Clock) -> None:
        self._maker, self._clock = maker, clock

    def respond(self, message: bytes, now: datetime) -> TimestampReply:
        """The reply to any bytes; it is never an exception."""
        try:
            request = parse_request(message, POLICY)
            status = STATUS[self.require_ready(now)]
            token = self._maker.token(
                request.imprint, now, nonce=request.nonce, certificates=request.wants_certificates
            )
        except MalformedDer as error:
            return _rejected(Failure.BAD_DATA_FORMAT, error.zh, error.en)
        except RejectedRequest as error:
            return _rejected(error.failure, error.zh, error.en)
        except TimestampUnavailable as error:
            return _rejected(Failure.TIME_NOT_AVAILABLE, error.zh, error.en)
        except CustodyError:
            return OUT_OF_ORDER
        return TimestampReply(der.sequence(status, token))

    def require_ready(self, now: datetime) -> bool:
        """See that tokens can be given at `now`; whether the clock is synchronised.

        Raises:
            TimestampUnavailable: the clock is not good, or the certificate is not in its term.
        """
        self._maker.require_term(now)
        return self._clock.require_good()


def _rejected(failure: Failure, zh: str, en: str) -> TimestampReply:
    text = der.sequence(der.utf8_string(zh), der.utf8_string(en))
    return TimestampReply(der.sequence(der.sequence(REJECTION, text, der.named_bit(failure))), failure)


OUT_OF_ORDER = _rejected(
    Failure.SYSTEM_FAILURE,
    "时间戳密钥暂时用不了，请稍后再试。",
    "The timestamp key cannot be used now: try again later.",
)
"""For trouble of our own; what it is stays here."""
