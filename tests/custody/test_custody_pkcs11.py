"""Keys on a token: they never leave it, one name is one key, and they outlive unplugging, threads, forks and kills."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import pkcs11
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pkcs11 import Attribute, KeyType, Mechanism, ObjectClass
from pkcs11.util.ec import encode_named_curve_parameters
from softhsm import PIN, SoftHsm, SoftToken

from certsvc.custody.keys import CustodyKey, create_key, destroy_key, find_key, open_key
from certsvc.custody.pkcs11_library import library_at
from certsvc.errors import CustodyError

pytestmark = pytest.mark.needs("softhsm")


def verify(key: CustodyKey, signature: bytes, data: bytes = b"text") -> None:
    """As a stranger does."""
    assert isinstance(key.public_key, ec.EllipticCurvePublicKey)
    key.public_key.verify(signature, data, ec.ECDSA(hashes.SHA256()))


def spki(key: CustodyKey) -> bytes:
    """A public key, to compare between processes."""
    return key.public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def by_hand(token: SoftToken, rw: bool = False) -> pkcs11.Session:
    """A session of this process beside ours; a log-in counts for both."""
    return pkcs11.lib(str(token.library.resolve())).get_token(token_label=token.label).open(rw=rw)


def private_half(session: pkcs11.Session, label: str) -> Any:
    """The private key as the token shows it."""
    return session.get_key(ObjectClass.PRIVATE_KEY, label=label)


def make_by_hand(token: SoftToken, label: str, **more: Any) -> None:
    """A pair of keys with this label, not made by us."""
    create_key(token.uri("opens-the-session"), token.secret)
    with by_hand(token, rw=True) as session:
        curve = {Attribute.EC_PARAMS: encode_named_curve_parameters("secp256r1")}
        parameters = session.create_domain_parameters(KeyType.EC, curve, local=True)
        parameters.generate_keypair(store=True, label=label, id=os.urandom(8), **more)


def import_by_hand(token: SoftToken, label: str) -> None:
    """A pair of keys that was made outside of the token, as an operator brings it in."""
    file = token.pin_file.with_name(f"{token.label}.pem")
    make = ["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", str(file)]
    bring = ["softhsm2-util", "--import", str(file), "--token", token.label, "--label", label, "--id", "01"]
    for command in (make, [*bring, "--pin", PIN]):
        subprocess.run(command, capture_output=True, check=True, timeout=60)


@pytest.mark.parametrize("algorithm", ["p256", "rsa3072"])
def test_a_key_cannot_be_taken_out_nor_used_for_anything_but_signing(algorithm: Any, token: SoftToken) -> None:
    create_key(token.uri("k"), token.secret, algorithm)
    with by_hand(token, rw=True) as session:
        private = private_half(session, "k")
        secret = Attribute.VALUE if algorithm == "p256" else Attribute.PRIVATE_EXPONENT
        with pytest.raises(pkcs11.AttributeSensitive):
            private[secret]
        for change in ({Attribute.EXTRACTABLE: True}, {Attribute.SENSITIVE: False}):
            for attribute, value in change.items():
                with pytest.raises(pkcs11.PKCS11Error):
                    private[attribute] = value
        wrapping: Any = session.generate_key(KeyType.AES, 256)
        with pytest.raises(pkcs11.KeyUnextractable):
            wrapping.wrap_key(private, mechanism=Mechanism.AES_KEY_WRAP_PAD)
        yes = [Attribute.TOKEN, Attribute.PRIVATE, Attribute.SENSITIVE, Attribute.ALWAYS_SENSITIVE, Attribute.SIGN]
        yes += [Attribute.LOCAL, Attribute.NEVER_EXTRACTABLE]
        no = (Attribute.EXTRACTABLE, Attribute.DECRYPT, Attribute.UNWRAP, Attribute.DERIVE, Attribute.SIGN_RECOVER)
        assert [private[attribute] for attribute in yes] == [True] * len(yes)
        assert [private[attribute] for attribute in no] == [False] * len(no)


def test_a_key_is_private_to_whoever_has_the_pin(token: SoftToken) -> None:
    create_key(token.uri("k"), token.secret)
    script = "import sys, pkcs11; s = pkcs11.lib(sys.argv[1]).get_token(token_label=sys.argv[2]).open(); "
    script += "print(len(list(s.get_objects({pkcs11.Attribute.CLASS: pkcs11.ObjectClass.PRIVATE_KEY}))))"
    command = [sys.executable, "-c", script, str(token.library), token.label]
    assert subprocess.run(command, capture_output=True, check=True, timeout=60).stdout.strip() == b"0"


def test_a_key_that_could_be_taken_out_is_refused(token: SoftToken) -> None:
    make_by_hand(token, "loose", private_template={Attribute.EXTRACTABLE: True, Attribute.SENSITIVE: False})
    for use in (open_key, create_key):
        with pytest.raises(CustodyError, match="taken out of the token"):
            use(token.uri("loose"), token.secret)


@pytest.mark.needs("openssl")
def test_a_key_made_outside_and_imported_is_refused_with_what_it_lacks_and_what_to_do(token: SoftToken) -> None:
    import_by_hand(token, "imported")
    for use in (open_key, create_key, find_key):
        with pytest.raises(CustodyError) as raised:
            use(token.uri("imported"), token.secret)
        for words in ("LOCAL, NEVER_EXTRACTABLE, ALWAYS_SENSITIVE", "token make the key", "imported @"):
            assert words in raised.value.en
        assert "LOCAL" in raised.value.zh and "EXTRACTABLE=" not in raised.value.en


def test_a_key_is_looked_for_and_none_is_made(token: SoftToken) -> None:
    assert find_key(token.uri("k"), token.secret) is None
    key = create_key(token.uri("k"), token.secret)
    found = find_key(token.uri("k"), token.secret)
    assert found is not None and found.public_key == key.public_key


def test_of_two_keys_with_one_name_it_is_always_the_same(token: SoftToken) -> None:
    for _ in range(4):
        make_by_hand(token, "k")
    found = {spki(open_key(token.uri("k"), token.secret)) for _ in range(3)}
    found |= {spki(create_key(token.uri("k"), token.secret))}
    assert len(found) == 1
    destroy_key(token.uri("k"), token.secret)
    with pytest.raises(CustodyError, match="no key"):
        open_key(token.uri("k"), token.secret)


def test_a_key_is_found_by_serial_slot_or_id_as_well(token: SoftToken) -> None:
    key = create_key(token.uri("k"), token.secret)
    with by_hand(token) as session:
        key_id = "".join(f"%{byte:02x}" for byte in private_half(session, "k")[Attribute.ID])
        serial, slot = session.token.serial.decode(), session.token.slot.slot_id
    module = f"?module-path={token.library}"
    for path in (
        f"serial={serial};object=k",
        f"slot-id={slot};object=k;type=private",
        f"token={token.label};id={key_id}",
    ):
        assert open_key(f"pkcs11:{path}{module}", token.secret).public_key == key.public_key
    with pytest.raises(CustodyError):
        open_key(f"pkcs11:token={token.label};model=Other;object=k{module}", token.secret)


def test_two_tokens_of_one_name_are_refused_until_the_serial_tells_them_apart(softhsm: SoftHsm) -> None:
    twins = [softhsm.make_token("twins") for _ in range(2)]
    try:
        with pytest.raises(CustodyError, match="add the serial"):
            create_key(twins[0].uri("k"), twins[0].secret)
    finally:
        for twin in twins:
            twin.unplug()


def test_the_pin_may_be_named_in_the_uri(token: SoftToken) -> None:
    uri = token.uri("k", f"&pin-source={token.secret}")
    assert create_key(uri, "env:CERTSVC_NOT_SET").public_key == open_key(token.uri("k"), token.secret).public_key


def create_and_sign(uri: str, secret: str, count: int, barrier: Any, found: Any) -> None:
    """In a process of its own: make the keys together with the others, and sign from threads."""
    for number in range(count):
        barrier.wait(60)
        key = create_key(uri.replace("NUMBER", str(number)), secret)
        with ThreadPoolExecutor(3) as pool:
            found.put((number, spki(key), list(pool.map(key.sign, [b"text"] * 6))))


@pytest.mark.long
def test_processes_that_make_the_same_key_at_once_get_the_same_and_all_sign(token: SoftToken) -> None:
    context = multiprocessing.get_context("spawn")
    barrier, found = context.Barrier(3), context.Queue()
    arguments = (token.uri("kNUMBER"), token.secret, 5, barrier, found)
    workers = [context.Process(target=create_and_sign, args=arguments) for _ in range(3)]
    for worker in workers:
        worker.start()
    reported = [found.get(timeout=60) for _ in range(15)]
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert len({(number, public) for number, public, _ in reported}) == 5
    assert len(token.objects()) == 10
    for number, public, signatures in reported:
        key = open_key(token.uri(f"k{number}"), token.secret)
        assert spki(key) == public
        for signature in signatures:
            verify(key, signature)


CREATE = """
import sys
from certsvc.custody.keys import create_key
create_key(sys.argv[1], sys.argv[2], sys.argv[3])
"""


@pytest.mark.long
@pytest.mark.parametrize("algorithm", ["p256", "rsa3072"])
@pytest.mark.parametrize("files", [1, 2])
def test_killed_while_it_is_made_a_key_is_whole_or_made_again(algorithm: Any, files: int, token: SoftToken) -> None:
    command = [sys.executable, "-c", CREATE, token.uri("k"), token.secret, algorithm]
    making = subprocess.Popen(command)
    end = time.monotonic() + 60
    while len(token.objects()) < files and making.poll() is None and time.monotonic() < end:
        time.sleep(0.0002)
    making.send_signal(signal.SIGKILL)
    making.wait(60)
    assert token.objects()
    key = create_key(token.uri("k"), token.secret, "p256")
    key.check()
    key.sign(b"text")
    assert open_key(token.uri("k"), token.secret).public_key == key.public_key


@pytest.mark.long
@pytest.mark.parametrize("length", [None, 40, 0], ids=["missing", "cut short", "empty"])
@pytest.mark.parametrize("half", [0, 1], ids=["one half", "other half"])
def test_half_a_pair_is_no_key_and_does_not_stop_another(length: int | None, half: int, token: SoftToken) -> None:
    subprocess.run([sys.executable, "-c", CREATE, token.uri("k"), token.secret, "p256"], check=True, timeout=60)
    broken = sorted(token.objects())[half]
    if length is None:
        broken.unlink()
    else:
        os.truncate(broken, length)
    with pytest.raises(CustodyError, match="no key"):
        open_key(token.uri("k"), token.secret)
    key = create_key(token.uri("k"), token.secret)
    verify(key, key.sign(b"text"))
    assert open_key(token.uri("k"), token.secret).public_key == key.public_key


@pytest.mark.long
def test_unplugged_under_the_hands_of_many_threads_it_fails_in_words_and_comes_back(token: SoftToken) -> None:
    key = create_key(token.uri("k"), token.secret)
    signed = Event()

    def sign(number: int) -> bytes | None:
        try:
            signature = key.sign(b"text")
        except CustodyError:
            return None
        if number > 20:
            signed.set()
        return signature

    with ThreadPoolExecutor(4) as pool:
        attempts = [pool.submit(sign, number) for number in range(200)]
        assert signed.wait(60)
        token.unplug()
        attempts += [pool.submit(sign, 0) for _ in range(20)]
        away = [attempt.result(60) for attempt in attempts]
    assert away[-1] is None
    token.plug_in()
    for signature in [signature for signature in away if signature] + [key.sign(b"text")]:
        verify(key, signature)


def test_all_keys_of_a_process_come_back_not_only_the_one_that_noticed(softhsm: SoftHsm, token: SoftToken) -> None:
    other = softhsm.make_token()
    keys = [create_key(token.uri("a"), token.secret), create_key(token.uri("b"), token.secret)]
    keys.append(create_key(other.uri("c"), other.secret))
    token.unplug()
    with pytest.raises(CustodyError):
        keys[0].sign(b"text")
    verify(keys[2], keys[2].sign(b"text"))
    token.plug_in()
    for key in keys:
        verify(key, key.sign(b"text"))


def test_another_key_under_the_same_name_is_not_used_in_its_place(token: SoftToken) -> None:
    key = create_key(token.uri("k"), token.secret)
    destroy_key(token.uri("k"), token.secret)
    create_key(token.uri("k"), token.secret)
    for use in (key.check, lambda: key.sign(b"text")):
        with pytest.raises(CustodyError, match="another key"):
            use()


FORKED = """
import os, sys
from certsvc.custody.keys import create_key, open_key
from certsvc.errors import CustodyError
def in_a_child(work):
    child = os.fork()
    if child == 0:
        try:
            work()
            os._exit(0)
        except CustodyError as error:
            os._exit(7 if "forked process" in error.en else 8)
        except BaseException:
            os._exit(9)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
in_a_child(lambda: create_key(*sys.argv[1:]).sign(b"text"))
key = open_key(*sys.argv[1:])
in_a_child(lambda: key.sign(b"text"))
in_a_child(key.check)
in_a_child(lambda: open_key(*sys.argv[1:]))
key.sign(b"text")
"""


@pytest.mark.long
def test_a_forked_process_opens_its_own_key_or_is_refused_never_its_parents(token: SoftToken) -> None:
    command = [sys.executable, "-c", FORKED, token.uri("k"), token.secret]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == ["0", "7", "7", "7"]


def test_a_token_that_hangs_costs_an_error_and_not_the_service(token: SoftToken) -> None:
    key = create_key(token.uri("k"), token.secret)
    library, answer = library_at(token.library), Event()
    for _ in range(2):
        with pytest.raises(CustodyError, match="did not answer"):
            library.run(answer.wait, within=0.02)
    answer.set()
    verify(key, key.sign(b"text"))


def test_without_the_package_it_says_what_to_install() -> None:
    script = "import sys; sys.modules['pkcs11'] = None\nfrom certsvc.custody.keys import open_key\n"
    script += "try:\n    open_key('pkcs11:token=a', 'env:A')\nexcept Exception as error:\n    print(error)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "pkcs11: keys need a package more: pip install certsvc[hsm]\n"


def test_a_library_that_is_not_there_or_is_none_is_refused(tmp_path: Path, token: SoftToken) -> None:
    (tmp_path / "text.so").write_text("no library")
    for place in (tmp_path / "none.so", tmp_path, tmp_path / "text.so"):
        with pytest.raises(CustodyError):
            open_key(f"pkcs11:token={token.label};object=k?module-path={place}", token.secret)


def test_what_is_shown_of_a_key_names_it_and_not_its_pin(token: SoftToken) -> None:
    key = create_key(token.uri("k"), token.secret)
    assert token.label in repr(key) and PIN not in repr(key) and str(token.pin_file) not in repr(key)
