"""What every key can do, wherever it is kept: one contract for all backends."""

import hashlib
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from remote_signer import RemoteSigner
from shown import traceback_of

from certsvc.custody.delegate import as_issuer_key
from certsvc.custody.keys import Algorithm, CustodyKey, create_key, destroy_key, find_key, open_key
from certsvc.custody.place import is_made_here, where
from certsvc.custody.secret import make_secret_file, write_private_file
from certsvc.custody.usage import UsageBook, count_uses
from certsvc.errors import CustodyError, KeyLimitReached

WRONG = "wrong-wrong-wrong-wrong"
NOBODY = "nobody-has-this"


@dataclass
class Place:
    """Where keys of one backend are kept, and how a test treats it."""

    uri: Callable[[str], str]
    secret: str
    algorithm: Algorithm
    order: Callable[[str, Algorithm], None]
    """Done before a key is made: what a remote signer wants."""
    take_away: Callable[[], None]
    bring_back: Callable[[], None]
    destroys: bool = True

    def make(self, name: str, algorithm: Algorithm | None = None) -> CustodyKey:
        """A key of this name."""
        self.order(name, algorithm or self.algorithm)
        return create_key(self.uri(name), self.secret, algorithm or self.algorithm)


def nothing(*_: object) -> None:
    """Where a backend needs nothing done."""


def files(folder: Path, algorithm: Algorithm) -> Place:
    """Keys in files."""
    keys = folder / "keys"
    keys.mkdir()
    make_secret_file(folder / "passphrase")
    return Place(
        uri=lambda name: f"file:{keys / name}.key",
        secret=f"file:{folder / 'passphrase'}",
        algorithm=algorithm,
        order=nothing,
        take_away=lambda: nothing(keys.rename(folder / "away")),
        bring_back=lambda: nothing((folder / "away").rename(keys)),
    )


def on_a_token(request: pytest.FixtureRequest, algorithm: Algorithm) -> Place:
    """Keys on a token."""
    token = request.getfixturevalue("softhsm").make_token()
    return Place(token.uri, token.secret, algorithm, nothing, token.unplug, token.plug_in)


def remote(folder: Path, algorithm: Algorithm) -> Place:
    """Keys with a remote signer."""
    signer = RemoteSigner(folder)
    write_private_file(folder / "token", signer.token.encode())

    def order(name: str, kind: Algorithm) -> None:
        if name not in signer.credentials:
            p256 = kind == "p256"
            signer.order(
                name, ec.generate_private_key(ec.SECP256R1()) if p256 else rsa.generate_private_key(65537, 3072)
            )

    def away() -> None:
        signer.credentials["kept"].status = "disabled"

    def back() -> None:
        signer.credentials["kept"].status = "enabled"

    return Place(signer.uri, f"file:{folder / 'token'}", algorithm, order, away, back, destroys=False)


@pytest.fixture(
    scope="module",
    params=[
        "file-p256",
        "file-rsa3072",
        pytest.param("pkcs11-p256", marks=pytest.mark.needs("softhsm")),
        pytest.param("pkcs11-rsa3072", marks=pytest.mark.needs("softhsm")),
        "csc-p256",
        "csc-rsa3072",
    ],
)
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Every backend in turn."""
    backend, _, algorithm = request.param.partition("-")
    if backend == "pkcs11":
        return on_a_token(request, algorithm)
    return {"file": files, "csc": remote}[backend](tmp_path_factory.mktemp(backend), algorithm)


@pytest.fixture(scope="module")
def key(place: Place) -> Iterator[CustodyKey]:
    """A key that stays for the tests of one backend."""
    return place.make("kept")  # type: ignore[return-value]


def verify(key: CustodyKey, data: bytes, signature: bytes) -> None:
    """As a stranger does."""
    public = key.public_key
    if isinstance(public, ec.EllipticCurvePublicKey):
        public.verify(signature, data, ec.ECDSA(hashes.SHA256()))
    else:
        assert isinstance(public, rsa.RSAPublicKey)
        public.verify(signature, data, padding.PKCS1v15(), hashes.SHA256())


def test_a_key_is_of_the_algorithm_asked_for_and_signs_with_it(place: Place, key: CustodyKey) -> None:
    public = key.public_key
    if place.algorithm == "p256":
        assert isinstance(public, ec.EllipticCurvePublicKey) and public.curve.name == "secp256r1"
    else:
        assert isinstance(public, rsa.RSAPublicKey) and public.key_size == 3072
    for data in (b"", b"text", b"x" * 1_000_000):
        verify(key, data, key.sign(data))


def test_a_digest_is_signed_as_its_data_would_be_and_nothing_but_a_digest_is(key: CustodyKey, tmp_path: Path) -> None:
    counted = count_uses(key, "seal-digests", UsageBook(tmp_path), 3)
    for data in (b"", b"text", b"x" * 1_000_000):
        verify(key, data, counted.sign_digest(hashlib.sha256(data).digest()))
    with pytest.raises(KeyLimitReached):
        counted.sign_digest(hashlib.sha256(b"one more").digest())
    for other in (b"", b"text", hashlib.sha512(b"text").digest(), hashlib.sha1(b"text").digest()):
        with pytest.raises(CustodyError):
            key.sign_digest(other)


@pytest.mark.long
def test_the_same_key_is_opened_again_and_made_only_once(place: Place, key: CustodyKey) -> None:
    assert open_key(place.uri("kept"), place.secret).public_key == key.public_key
    assert create_key(place.uri("kept"), place.secret, "p256").public_key == key.public_key
    assert create_key(place.uri("kept"), place.secret, "rsa3072").public_key == key.public_key


def test_a_key_can_be_used_now(key: CustodyKey) -> None:
    key.check()


def test_a_key_that_is_not_there_is_refused(place: Place) -> None:
    with pytest.raises(CustodyError):
        open_key(place.uri(NOBODY), place.secret)


@pytest.mark.long
def test_a_key_that_is_looked_for_is_found_or_not_made(place: Place, key: CustodyKey) -> None:
    found = find_key(place.uri("kept"), place.secret)
    assert found is not None and found.public_key == key.public_key
    if is_made_here(place.uri(NOBODY)):
        for _ in range(2):
            assert find_key(place.uri(NOBODY), place.secret) is None


def test_where_a_key_lies_is_told_without_secrets(place: Place) -> None:
    told = where(place.uri("kept"))
    assert "kept" in told and str(place.secret) not in told and "?" not in told


def test_a_key_does_not_open_with_a_wrong_secret_and_none_is_shown(
    place: Place, key: CustodyKey, tmp_path: Path
) -> None:
    write_private_file(tmp_path / "wrong", WRONG.encode())
    shown = traceback_of(lambda: open_key(place.uri("kept"), f"file:{tmp_path / 'wrong'}"))
    right = Path(place.secret.removeprefix("file:")).read_text()
    shown += repr(key) + str(key)
    assert WRONG not in shown and right not in shown
    verify(key, b"still", key.sign(b"still"))


def test_a_secret_is_not_taken_in_place_of_a_reference_and_not_shown(place: Place) -> None:
    right = Path(place.secret.removeprefix("file:")).read_text()
    with pytest.raises(CustodyError) as raised:
        open_key(place.uri("kept"), right)
    assert right not in raised.value.en + raised.value.zh


@pytest.mark.long
def test_many_threads_sign_at_once(key: CustodyKey) -> None:
    texts = [f"{number}".encode() for number in range(24)]
    with ThreadPoolExecutor(8) as pool:
        signatures = list(pool.map(key.sign, texts))
    for text, signature in zip(texts, signatures, strict=True):
        verify(key, text, signature)


def test_a_key_that_is_taken_away_says_so_and_works_when_it_is_back(place: Place, key: CustodyKey) -> None:
    place.take_away()
    try:
        with pytest.raises(CustodyError):
            key.check()
        with pytest.raises(CustodyError):
            open_key(place.uri("kept"), place.secret)
    finally:
        place.bring_back()
    key.check()
    verify(key, b"again", key.sign(b"again"))


def test_a_destroyed_key_is_gone_and_destroying_it_again_is_nothing(place: Place) -> None:
    key = place.make("short-lived", "p256")
    uri = place.uri("short-lived")
    if not place.destroys:
        with pytest.raises(CustodyError, match="remote signer can destroy"):
            destroy_key(uri, place.secret)
        key.check()
        return
    destroy_key(uri, place.secret)
    destroy_key(uri, place.secret)
    for use in (key.check, lambda: open_key(uri, place.secret)):
        with pytest.raises(CustodyError):
            use()
    assert place.make("short-lived", "p256").public_key != key.public_key
    destroy_key(uri, place.secret)


def test_uses_are_counted_and_refused_beyond_the_limit(key: CustodyKey, tmp_path: Path) -> None:
    book = UsageBook(tmp_path)
    counted = count_uses(key, "kept", book, 2)
    assert counted.public_key == key.public_key
    for _ in range(2):
        counted.check()
        verify(key, b"text", counted.sign(b"text"))
    for use in (counted.check, lambda: counted.sign(b"text")):
        with pytest.raises(KeyLimitReached):
            use()
    assert book.used("kept") == 2


@pytest.mark.needs("openssl")
def test_a_certificate_and_a_revocation_list_of_its_making_satisfy_openssl(key: CustodyKey, tmp_path: Path) -> None:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Root")])
    now = datetime.now(UTC)
    issuer = as_issuer_key(key)
    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    certificate = (
        x509.CertificateBuilder(name, name, issuer.public_key(), 7, now - timedelta(1), now + timedelta(1))
        .add_extension(x509.BasicConstraints(True, None), critical=True)
        .add_extension(usage, critical=True)
        .sign(issuer, hashes.SHA256())
    )
    revocations = x509.CertificateRevocationListBuilder(name, now, now + timedelta(1)).sign(issuer, hashes.SHA256())
    (tmp_path / "root.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    (tmp_path / "root.crl").write_bytes(revocations.public_bytes(Encoding.PEM))
    command = "openssl verify -x509_strict -check_ss_sig -crl_check -CAfile root.pem -CRLfile root.crl root.pem"
    checked = subprocess.run(command.split(), cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert checked.stdout == "root.pem: OK\n", checked.stderr
