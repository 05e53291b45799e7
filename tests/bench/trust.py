"""`./dev bench trust`: timestamps and OCSP answers per core-second, without HTTP and over it, in rounds taken in turn.

The same timestamp is made in three ways: ours; the token built object by object with asn1crypto, with the same key
kept open; and by pyHanko's own timestamper, which does RSA only. Over HTTP the time is the server's, all its processes.
Figures, no judgement: nothing here passes or fails.
"""

import asyncio
import base64
import hashlib
import http.client
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from asn1crypto import algos, cms, core, keys, tsp, x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import OCSPNonce
from cryptography.x509.ocsp import OCSPRequestBuilder
from pyhanko.sign.timestamps.dummy_client import DummyTimeStamper
from trust_app import services
from trust_pki import Pki, make_pki
from trust_served import free_loopback_port, trust_process

from certsvc.authority.timestamps import POLICY
from certsvc.domain.token import P256_ORDER

ROUNDS, ROUND_SECONDS = 9, 0.15
OURS, BY_OBJECTS, BY_PYHANKO = "timestamp: ours", "timestamp: asn1crypto, same key", "timestamp: pyHanko, RSA-3072"
DIGEST, NONCE = hashlib.sha256(b"a signature").digest(), 0x1122334455667788
WITHOUT_LIMIT = 1_000_000_000


@dataclass
class Step:
    """One thing to do, and whose seconds it costs."""

    do: Callable[[], object]
    clock: Callable[[], float] = time.process_time


def main() -> None:
    """Make an authority in a folder of its own, measure, print, and leave nothing."""
    with tempfile.TemporaryDirectory(prefix="certsvc-bench-") as folder:
        port = free_loopback_port()
        pki = make_pki(Path(folder) / "home", f"http://127.0.0.1:{port}")
        with trust_process(pki.folder, port, per_minute=WITHOUT_LIMIT) as process, _connection(port) as ask:
            steps = {**_alone(pki), **_over_http(pki, ask, lambda: _seconds_of(process.pid))}
            _show(_measured(steps))


def _alone(pki: Pki) -> dict[str, Step]:
    made = services(pki.folder, 0)
    message = _query().dump()
    by_objects = _ByObjects(pki)
    for reply in (made.timestamps.respond(message, datetime.now(UTC)).der, by_objects.respond(message)):
        _require_valid(pki, reply)
    pyhanko = DummyTimeStamper(by_objects.certificates[0], _rsa_key(), include_nonce=True)
    nonced, plain = _status_request(pki, bytes(16)), _status_request(pki, None)
    return {
        OURS: Step(lambda: made.timestamps.respond(message, datetime.now(UTC))),
        BY_OBJECTS: Step(lambda: by_objects.respond(message)),
        BY_PYHANKO: Step(lambda: asyncio.run(pyhanko.async_request_tsa_response(_query()))),
        "OCSP: signed for this request": Step(lambda: made.ocsp.respond(nonced, datetime.now(UTC))),
        "OCSP: the answer for everyone": Step(lambda: made.ocsp.respond(plain, datetime.now(UTC))),
    }


def _require_valid(pki: Pki, reply: bytes) -> None:
    """What is compared must be the same to OpenSSL."""
    (pki.folder / "reply").write_bytes(reply)
    command = ["openssl", "ts", "-verify", "-in", "reply", "-digest", DIGEST.hex(), "-CAfile", "root.pem"]
    subprocess.run(command, cwd=pki.folder, check=True, capture_output=True)


def _over_http(pki: Pki, ask: Callable[..., bytes], clock: Callable[[], float]) -> dict[str, Step]:
    message, nonced = _query().dump(), _status_request(pki, bytes(16))
    path = "/ocsp/" + quote(base64.b64encode(_status_request(pki, None)).decode(), safe="")
    return {
        "timestamp over HTTP": Step(lambda: ask("POST", "/tsa", message), clock),
        "OCSP over HTTP, POST, signed": Step(lambda: ask("POST", "/ocsp", nonced), clock),
        "OCSP over HTTP, GET, for everyone": Step(lambda: ask("GET", path, None), clock),
    }


def _measured(steps: dict[str, Step]) -> dict[str, list[float]]:
    """Seconds for each time a step is done, by step and round."""
    times = {name: _times_in_a_round(step) for name, step in steps.items()}
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(ROUNDS):
        for name, step in steps.items():
            began = step.clock()
            for _ in range(times[name]):
                step.do()
            seconds[name].append((step.clock() - began) / times[name])
    return seconds


def _times_in_a_round(step: Step) -> int:
    step.do()
    began, times = time.perf_counter(), 0
    while time.perf_counter() - began < ROUND_SECONDS:
        step.do()
        times += 1
    return times


def _show(seconds: dict[str, list[float]]) -> None:
    middle = {name: statistics.median(taken) for name, taken in seconds.items()}
    print(f"{ROUNDS} rounds in turn, load {os.getloadavg()[0]:.1f}; medians of processor time")
    for name, each in middle.items():
        slowest = max(seconds[name])
        print(f"{name:36} {each * 1e6:9.1f} µs  (slowest {slowest * 1e6:9.1f})  {1 / each:9.0f} per core-second")
    for name in (BY_OBJECTS, BY_PYHANKO):
        print(f"{OURS} is {middle[name] / middle[OURS]:.0f} times as fast as {name.partition(': ')[2]}")


@contextmanager
def _connection(port: int) -> Iterator[Callable[..., bytes]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def ask(method: str, path: str, message: bytes | None) -> bytes:
        connection.request(method, path, message, {"Content-Type": "application/octet-stream"})
        response = connection.getresponse()
        content = response.read()
        if response.status != http.HTTPStatus.OK:
            sys.exit(f"{path.partition('?')[0]}: HTTP {response.status}")
        return content

    try:
        yield ask
    finally:
        connection.close()


def _seconds_of(pid: int) -> float:
    """Processor time of a process and its children (proc(5))."""
    total = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it ended meanwhile
        if pid in (int(path.parent.name), int(fields[1])):
            total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def _query() -> Any:
    imprint = {"hash_algorithm": {"algorithm": "sha256"}, "hashed_message": DIGEST}
    return tsp.TimeStampReq({"version": 1, "message_imprint": imprint, "nonce": NONCE, "cert_req": True})


def _status_request(pki: Pki, nonce: bytes | None) -> bytes:
    certificates = pki.certificates
    builder = OCSPRequestBuilder().add_certificate(certificates["seal"], certificates["issuing"], SHA256())
    if nonce is not None:
        builder = builder.add_extension(OCSPNonce(nonce), critical=False)
    return builder.build().public_bytes(Encoding.DER)


def _rsa_key() -> Any:
    key = rsa.generate_private_key(65537, 3072)
    encoded = key.private_bytes(Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return keys.PrivateKeyInfo.load(encoded)


class _ByObjects:
    """The same answer as ours, written plainly with asn1crypto."""

    def __init__(self, pki: Pki) -> None:
        encoded = sorted(pki.certificates[name].public_bytes(Encoding.DER) for name in ("timestamp", "issuing"))
        own = pki.certificates["timestamp"].public_bytes(Encoding.DER)
        self.certificates = [x509.Certificate.load(own), *map(x509.Certificate.load, encoded)]
        self._key = pki.keys["timestamp"]

    def respond(self, message: bytes) -> bytes:
        request = tsp.TimeStampReq.load(message, strict=True)
        info = self._info(request)
        signed = self._attributes(info)
        own, *chain = self.certificates
        signer = cms.SignerInfo(
            {
                "version": "v1",
                "sid": cms.SignerIdentifier(
                    "issuer_and_serial_number", {"issuer": own.issuer, "serial_number": own.serial_number}
                ),
                "digest_algorithm": {"algorithm": "sha256"},
                "signed_attrs": signed,
                "signature_algorithm": {"algorithm": "sha256_ecdsa"},
                "signature": self._sign(signed),
            }
        )
        content = cms.SignedData(
            {
                "version": "v3",
                "digest_algorithms": [{"algorithm": "sha256"}],
                "encap_content_info": {"content_type": "tst_info", "content": core.ParsableOctetString(info)},
                "certificates": chain,
                "signer_infos": [signer],
            }
        )
        token = cms.ContentInfo({"content_type": "signed_data", "content": content})
        reply: bytes = tsp.TimeStampResp({"status": {"status": "granted"}, "time_stamp_token": token}).dump()
        return reply

    def _info(self, request: Any) -> bytes:
        info = tsp.TSTInfo(
            {
                "version": "v1",
                "policy": POLICY,
                "message_imprint": request["message_imprint"],
                "serial_number": secrets.randbits(120) | 1 << 119,
                "gen_time": datetime.now(UTC).replace(microsecond=0),
                "accuracy": {"seconds": 60},
                "nonce": request["nonce"],
            }
        )
        encoded: bytes = info.dump()
        return encoded

    def _attributes(self, info: bytes) -> Any:
        own = self.certificates[0]
        identifier = tsp.ESSCertIDv2(
            {
                "cert_hash": hashlib.sha256(own.dump()).digest(),
                "issuer_serial": {
                    "issuer": [x509.GeneralName("directory_name", own.issuer)],
                    "serial_number": own.serial_number,
                },
            }
        )
        return cms.CMSAttributes(
            [
                cms.CMSAttribute({"type": "content_type", "values": ["tst_info"]}),
                cms.CMSAttribute({"type": "message_digest", "values": [hashlib.sha256(info).digest()]}),
                cms.CMSAttribute(
                    {
                        "type": "signing_certificate_v2",
                        "values": [tsp.SigningCertificateV2({"certs": [identifier]})],
                    }
                ),
            ]
        )

    def _sign(self, signed: Any) -> bytes:
        signature: Any = algos.DSASignature.load(self._key.sign(signed.dump())).native
        low = algos.DSASignature({"r": signature["r"], "s": min(signature["s"], P256_ORDER - signature["s"])})
        encoded: bytes = low.dump()
        return encoded
