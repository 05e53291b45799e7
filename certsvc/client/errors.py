"""What can go wrong for a client of the service. `code` is stable: programs decide by it, not by words."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with what was sent: where, a stable code, and what to do, in both languages."""

    field: str
    code: str
    zh: str
    en: str


class ApiError(Exception):
    """The service refused. `status` is the HTTP status, `code` the stable code, `problems` every field that is wrong;
    `request_key` the Idempotency-Key of a write, under which it can be sent again."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        problems: tuple[Problem, ...] = (),
        request_key: str | None = None,
    ) -> None:
        super().__init__(f"{code} ({status}): {detail}")
        self.status, self.code, self.detail = status, code, detail
        self.problems, self.request_key = problems, request_key


class AccessRefused(ApiError):
    """No access token was given: `code` is in OAuth's own words, such as invalid_client or invalid_scope."""


class NotReached(ApiError):
    """The service was not reached, however often it was tried: `status` is 0. What became of a write is not known: send
    it again with the same `request_key`."""


class WaitedTooLong(ApiError):
    """It is on record and goes on, but did not come to its end in the time given."""


class SignatureWrong(Exception):
    """A message that came to a web-hook is not from the service, is too old, or was changed."""
