"""What somebody changes of the own account: password, one-time codes, passkeys. Each time they show who they are."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from certsvc.access.passkeys import PasskeyRefused, read_answer
from certsvc.access.sign_in import REGISTER, SignIn, Typed, Visitor, refused_passkey, totp_context
from certsvc.access.totp import matching_step, new_totp_secret
from certsvc.domain.account import (
    LONGEST_PASSKEY_NAME,
    MOST_PASSKEYS,
    Challenge,
    Passkey,
    SealedTotp,
    SignedIn,
    require_good_password,
)
from certsvc.errors import Conflict, InvalidInput, NotSignedIn, SignInRefused
from certsvc.ids import new_opaque_id


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnAccount:
    """Changes of the account of who is signed in."""

    sign_in: SignIn

    async def change_password(
        self, signed: SignedIn, typed: Typed, wanted: str, visitor: Visitor, now: datetime
    ) -> None:
        """Another password from now on; the other sessions end.

        Raises:
            InvalidInput: see `require_good_password`; or it is the one that there is.
            SignInRefused, SignInLocked: see `SignIn.by_password`.
        """
        require_good_password(wanted, signed.name)
        if wanted == typed.password:
            raise InvalidInput("新密码与原来的一样。", "The new password is the one that you have.")
        await self._require(signed, typed, visitor, now)
        kept = await self.sign_in.passwords.hash(wanted)
        await self.sign_in.credentials.set_password(signed, kept, now)

    async def begin_totp(self, signed: SignedIn, typed: Typed, visitor: Visitor, now: datetime) -> None:
        """Make a secret for one-time codes; it is in force once a code of it was typed.

        Raises:
            SignInRefused, SignInLocked: see `SignIn.by_password`.
        """
        await self._require(signed, typed, visitor, now)
        cipher = self.sign_in.cipher
        sealed = cipher.encrypt(new_totp_secret(), totp_context(signed.account))
        made = SealedTotp(id=new_opaque_id("t"), account=signed.account, sealed=sealed, key_id=cipher.key_id)
        await self.sign_in.credentials.begin_totp(made, now)

    async def pending_secret(self, signed: SignedIn) -> bytes | None:
        """The secret that is being set up."""
        pending = await self.sign_in.credentials.pending_totp(signed.account)
        return None if pending is None else self.sign_in.secret_of(pending)

    async def finish_totp(self, signed: SignedIn, code: str, now: datetime) -> None:
        """Put the secret in force, for its app shows its codes.

        Raises:
            InvalidInput: the code is not of now.
            Conflict: none is being set up.
        """
        pending = await self.sign_in.credentials.pending_totp(signed.account)
        if pending is None:
            raise Conflict("没有正在设置的动态码，请重新开始。", "No one-time codes are being set up: begin again.")
        step = matching_step(self.sign_in.secret_of(pending), code, now, pending.last_step)
        if step is None:
            raise InvalidInput(
                "这不是现在的动态码：请看手机上的时间准不准，再输入新的一个。",
                "This is not the code of now: see that the clock of your phone is right, and type the next one.",
            )
        await self.sign_in.credentials.confirm_totp(signed, pending.id, step, now)

    async def passkey_options(
        self, signed: SignedIn, typed: Typed, visitor: Visitor, now: datetime
    ) -> Mapping[str, Any]:
        """What a browser is to ask for, to make a passkey.

        Raises:
            SignInRefused, SignInLocked: see `SignIn.by_password`.
            Conflict: there are as many as there may be.
        """
        await self._require(signed, typed, visitor, now)
        found = await self.sign_in.credentials.credentials(signed.account)
        known = await self.sign_in.credentials.passkeys(signed.account)
        if found is None:
            raise NotSignedIn("/village/sign-in")
        if len(known) >= MOST_PASSKEYS:
            raise Conflict(f"通行密钥最多 {MOST_PASSKEYS} 个。", f"There are {MOST_PASSKEYS} passkeys at most.")
        challenge = await self.sign_in.challenge(Challenge(purpose=REGISTER, account=signed.account), now)
        return self.sign_in.passkeys.registration_options(challenge, found.account, known)

    async def add_passkey(self, signed: SignedIn, name: str, answer: str, now: datetime) -> None:
        """Put a passkey on record.

        Raises:
            InvalidInput: it has no name, or the answer is malformed.
            SignInRefused: it is no answer to what was asked for.
            Conflict: it is on record already.
        """
        if not 0 < len(name) <= LONGEST_PASSKEY_NAME or not name.isprintable():
            raise InvalidInput(
                f"请给通行密钥起个名字，最多 {LONGEST_PASSKEY_NAME} 个字。",
                f"Give the passkey a name of at most {LONGEST_PASSKEY_NAME} characters.",
            )
        read, _, challenge = read_answer(answer)
        asked = await self.sign_in.credentials.use_challenge(challenge, REGISTER, now)
        if asked is None or asked.account != signed.account:
            raise refused_passkey()
        try:
            passkey_id, credential, count = self.sign_in.passkeys.registered(challenge, read)
        except PasskeyRefused:
            raise refused_passkey() from None
        made = Passkey(
            id=passkey_id,
            account=signed.account,
            name=name,
            credential=credential,
            sign_count=count,
            added_at=now,
        )
        await self.sign_in.credentials.add_passkey(signed, made, now)

    async def remove_passkey(
        self, signed: SignedIn, passkey_id: bytes, typed: Typed, visitor: Visitor, now: datetime
    ) -> None:
        """A passkey opens nothing any more.

        Raises:
            SignInRefused, SignInLocked: see `SignIn.by_password`.
        """
        await self._require(signed, typed, visitor, now)
        await self.sign_in.credentials.remove_passkey(signed, passkey_id, now)

    async def _require(self, signed: SignedIn, typed: Typed, visitor: Visitor, now: datetime) -> None:
        """That it is the person at the keyboard, and not somebody who found the browser open."""
        shown = await self.sign_in.shown_by_password(signed.name, typed, visitor, now)
        if shown.account != signed.account:
            raise SignInRefused("请重新登录。", "Sign in again.")
        await self.sign_in.accounts.accept(shown, now)
