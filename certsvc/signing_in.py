"""Composition of signing in: what pages need to know who asks, and accounts of a demonstration."""

from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

from certsvc.access.fetching import Fetcher
from certsvc.access.openid import OpenIdSignIn
from certsvc.access.openid_provider import Provider, ProviderTerms
from certsvc.access.own_account import OwnAccount
from certsvc.access.passkeys import PasskeyChecks
from certsvc.access.passwords import RECOMMENDED, Cost, Passwords, hash_password
from certsvc.access.sign_in import SignIn, totp_context
from certsvc.access.totp import SECONDS, code_at
from certsvc.custody.client_keys import open_client_key
from certsvc.custody.secret import read_secret
from certsvc.domain.account import Method, SealedTotp, SignedIn
from certsvc.domain.openid import parse_issuer
from certsvc.errors import Forbidden, InvalidInput, NotFound, SettingsError
from certsvc.http.pages import Pages
from certsvc.http.site import Site
from certsvc.http.village.openid import BACK
from certsvc.http.village.session import SigningIn
from certsvc.ids import new_opaque_id
from certsvc.log import open_log
from certsvc.services import PayloadCipher
from certsvc.settings import OpenId
from certsvc.store.account_credentials import PostgresCredentials
from certsvc.store.account_register import PostgresAccountRegister
from certsvc.store.accounts import PostgresAccounts
from certsvc.store.openid import PostgresOpenId
from certsvc.store.pool import Pool

NAME = "村级证明"
"""What devices show beside a passkey."""


def open_signing_in(
    pool: Pool,
    cipher: PayloadCipher,
    site: Site,
    pages: Pages,
    *,
    cost: Cost = RECOMMENDED,
    provider: Provider | None = None,
) -> SigningIn:
    """Signing in over the database of `pool`, which is that of the role that owns the tables; also at the provider of
    the place, where it has one."""
    sign_in = SignIn(
        accounts=PostgresAccounts(pool),
        credentials=PostgresCredentials(pool),
        cipher=cipher,
        passwords=Passwords(cost),
        passkeys=PasskeyChecks(site.public_url, NAME),
    )
    openid = None
    if provider is not None:
        openid = OpenIdSignIn(
            provider=provider,
            register=PostgresOpenId(pool),
            sign_in=sign_in,
            redirect_uri=site.public_url + BACK,
            note=_note_refused,
        )
    return SigningIn(sign_in=sign_in, own=OwnAccount(sign_in=sign_in), site=site, pages=pages, openid=openid)


def _client_key(reference: str) -> EllipticCurvePrivateKey:
    kind, _, path = reference.partition(":")
    if kind != "file":
        raise SettingsError("openid.client_key 应为 file:路径。", "openid.client_key is file:PATH.")
    return open_client_key(Path(path))


def _note_refused(why: str) -> None:
    open_log().warning("openid_answer_refused", why=why)


def open_provider(settings: OpenId, *, is_demonstration: bool) -> Provider | None:
    """The OpenID provider of the place; None where it has none.

    Raises:
        SettingsError: it is named in part, is no issuer, or has no TLS and this is no demonstration.
        CustodyError: our secret or key there cannot be read.
    """
    if not settings.is_set:
        return None
    try:
        issuer = parse_issuer(settings.issuer)
    except InvalidInput as error:
        raise SettingsError(f"openid.issuer：{error.zh}", f"openid.issuer: {error.en}") from None
    if not issuer.startswith("https://") and not is_demonstration:
        raise SettingsError("openid.issuer 应为 https 地址。", "openid.issuer is an https address.")
    key = _client_key(settings.client_key) if settings.client_key else None
    if key is None:
        read_secret(settings.client_secret)
    terms = ProviderTerms(
        issuer=issuer,
        client_id=settings.client_id,
        secret=None if key else lambda: read_secret(settings.client_secret).decode("utf-8"),
        key=key,
        name=settings.name,
        strong=settings.strong,
    )
    return Provider(terms, Fetcher().fetch)


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


async def demonstration_code(pool: Pool, cipher: PayloadCipher, name: str, now: datetime) -> str:
    """The one-time code of this moment of somebody of a demonstration, whose secret everybody knows anyway.

    Raises:
        NotFound: nobody of this name has an account with one-time codes.
        Forbidden: the account is none of a demonstration.
    """
    found = {each.account.name: each.account for each in await PostgresAccountRegister(pool).accounts(now)}.get(name)
    if found is not None and not found.is_demonstration:
        raise Forbidden(
            f"{name} 的账号不是演示账号：动态码只有本人的设备知道。",
            f"The account of {name} is none of a demonstration: the codes are on the person's own device.",
        )
    known = None if found is None else await PostgresCredentials(pool).credentials(found.id)
    if known is None or known.totp is None:
        raise NotFound(f"没有设了动态码的演示账号 {name}。", f"No demonstration account {name} has one-time codes.")
    secret = cipher.decrypt(known.totp.sealed, totp_context(known.account.id), known.totp.key_id)
    return code_at(secret, int(now.timestamp()) // SECONDS)
