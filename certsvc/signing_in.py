"""Composition of signing in: what pages need to know who asks, and accounts of a demonstration."""

from datetime import datetime

from certsvc.access.own_account import OwnAccount
from certsvc.access.passkeys import PasskeyChecks
from certsvc.access.passwords import RECOMMENDED, Cost, Passwords, hash_password
from certsvc.access.sign_in import SignIn, totp_context
from certsvc.domain.account import Method, SealedTotp, SignedIn
from certsvc.http.pages import Pages
from certsvc.http.site import Site
from certsvc.http.village.session import SigningIn
from certsvc.ids import new_opaque_id
from certsvc.services import PayloadCipher
from certsvc.store.account_credentials import PostgresCredentials
from certsvc.store.account_register import PostgresAccountRegister
from certsvc.store.accounts import PostgresAccounts
from certsvc.store.pool import Pool

NAME = "村级证明"
"""What devices show beside a passkey."""


def open_signing_in(
    pool: Pool, cipher: PayloadCipher, site: Site, pages: Pages, *, cost: Cost = RECOMMENDED
) -> SigningIn:
    """Signing in over the database of `pool`, which is that of the role that owns the tables."""
    sign_in = SignIn(
        accounts=PostgresAccounts(pool),
        credentials=PostgresCredentials(pool),
        cipher=cipher,
        passwords=Passwords(cost),
        passkeys=PasskeyChecks(site.public_url, NAME),
    )
    return SigningIn(sign_in=sign_in, own=OwnAccount(sign_in=sign_in), site=site, pages=pages)


async def have_demonstration_account(
    pool: Pool, cipher: PayloadCipher, name: str, password: str, secret: bytes, now: datetime
) -> None:
    """See that a demonstration has this person, with a password and the secret of one-time codes, both for everybody to
    read. Done again, or after it was killed, it changes nothing that is there."""
    register, credentials = PostgresAccountRegister(pool), PostgresCredentials(pool)
    found = {each.account.name: each for each in await register.accounts(now)}
    if name in found and found[name].has_totp:
        return
    if name in found:
        account = found[name].account
    else:
        account = await register.add(name, hash_password(password), "demonstration", now, is_demonstration=True)
    sealed = cipher.encrypt(secret, totp_context(account.id))
    totp = SealedTotp(id=new_opaque_id("t"), account=account.id, sealed=sealed, key_id=cipher.key_id)
    await credentials.begin_totp(totp, now)
    signed = SignedIn(account=account.id, name=name, session="", method=Method.PASSWORD)
    await credentials.confirm_totp(signed, totp.id, 0, now)
