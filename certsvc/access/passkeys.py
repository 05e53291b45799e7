"""Passkeys (WebAuthn Level 2): what a browser is asked for, and what it answers, checked by `fido2`.

The user is verified by the device every time, the key is found without a name, and no attestation is asked for: which
make of device somebody has is nobody's business.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from fido2.server import Fido2Server
from fido2.webauthn import (
    AttestedCredentialData,
    AuthenticationResponse,
    PublicKeyCredentialRpEntity,
    RegistrationResponse,
    UserVerificationRequirement,
)

from certsvc.domain.account import CHALLENGE_FOR, Account, Passkey
from certsvc.errors import InvalidInput

ALGORITHMS = (-7, -8, -257)
"""ES256, EdDSA, and RS256 for Windows Hello of before 2023."""

LONGEST_ANSWER = 12 * 1024
MILLISECONDS = int(CHALLENGE_FOR.total_seconds() * 1000)


class PasskeyRefused(Exception):
    """What a browser sent is not what was asked for; why is not told to it."""


class PasskeyChecks:
    """Passkeys for one address: its host is what they are bound to, its origin where they may be used."""

    def __init__(self, public_url: str, name: str) -> None:
        self._host = urlsplit(public_url).hostname or ""
        self._server = Fido2Server(
            PublicKeyCredentialRpEntity(id=self._host, name=name), verify_origin=lambda origin: origin == public_url
        )

    @property
    def is_possible(self) -> bool:
        """Whether browsers have passkeys here: never for an address in figures (WebAuthn 5.1.2)."""
        return bool(self._host) and not self._host.replace(".", "").isdigit()

    def registration_options(self, challenge: bytes, account: Account, known: Sequence[Passkey]) -> Mapping[str, Any]:
        """What `navigator.credentials.create` is asked for; bytes in base64url."""
        return {
            "rp": {"id": self._host, "name": self._server.rp.name},
            "user": {"id": _text(account.id.encode("ascii")), "name": account.name, "displayName": account.name},
            "challenge": _text(challenge),
            "pubKeyCredParams": [{"type": "public-key", "alg": algorithm} for algorithm in ALGORITHMS],
            "excludeCredentials": [{"type": "public-key", "id": _text(each.id)} for each in known],
            "authenticatorSelection": {
                "residentKey": "required",
                "requireResidentKey": True,
                "userVerification": "required",
            },
            "attestation": "none",
            "timeout": MILLISECONDS,
        }

    def assertion_options(self, challenge: bytes, allowed: Sequence[Passkey] = ()) -> Mapping[str, Any]:
        """What `navigator.credentials.get` is asked for; without `allowed`, the browser offers what it has."""
        return {
            "rpId": self._host,
            "challenge": _text(challenge),
            "allowCredentials": [{"type": "public-key", "id": _text(each.id)} for each in allowed],
            "userVerification": "required",
            "timeout": MILLISECONDS,
        }

    def registered(self, challenge: bytes, answer: Mapping[str, Any]) -> tuple[bytes, bytes, int]:
        """Id, credential data and count of a new passkey.

        Raises:
            PasskeyRefused: it is not an answer to this challenge from this origin, verified no user, or has an
                algorithm that was not asked for.
        """
        try:
            found = self._server.register_complete(_state(challenge), answer)
            credential = found.credential_data
            if credential is None or credential.public_key.ALGORITHM not in ALGORITHMS:
                raise PasskeyRefused("algorithm")
            _require_same_origin(RegistrationResponse.from_dict(answer).response.client_data)
        except PasskeyRefused:
            raise
        except Exception as error:  # hostile CBOR and JSON raise whatever they like
            raise PasskeyRefused(type(error).__name__) from None
        return credential.credential_id, bytes(credential), found.counter

    def asserted(self, challenge: bytes, answer: Mapping[str, Any], passkey: Passkey) -> int:
        """The count that the passkey showed with its signature.

        Raises:
            PasskeyRefused: it is not the signature of this passkey over this challenge from this origin, or no user was
                verified.
        """
        try:
            credential = AttestedCredentialData(passkey.credential)
            self._server.authenticate_complete(_state(challenge), [credential], answer)
            response = AuthenticationResponse.from_dict(answer).response
            _require_same_origin(response.client_data)
            handle = response.user_handle
            if handle is not None and bytes(handle) != passkey.account.encode("ascii"):
                raise PasskeyRefused("user handle")
        except PasskeyRefused:
            raise
        except Exception as error:
            raise PasskeyRefused(type(error).__name__) from None
        return int(response.authenticator_data.counter)


def read_answer(text: str) -> tuple[Mapping[str, Any], bytes, bytes]:
    """What a browser sent, with the id of the passkey and the challenge that it names; nothing of it is believed yet.

    Raises:
        InvalidInput: it is too long, no JSON object, or lacks one of them.
    """
    try:
        if len(text) > LONGEST_ANSWER:
            raise ValueError
        answer = json.loads(text)
        data = json.loads(_bytes(answer["response"]["clientDataJSON"]))
        return answer, _bytes(answer["rawId"]), _bytes(data["challenge"])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise InvalidInput("通行密钥的应答不合格式。", "The answer of the passkey is malformed.") from None


def _require_same_origin(client_data: Any) -> None:
    if client_data.cross_origin:
        raise PasskeyRefused("cross origin")


def _state(challenge: bytes) -> Mapping[str, Any]:
    return {"challenge": _text(challenge), "user_verification": UserVerificationRequirement.REQUIRED}


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode("ascii").rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
