"""The trust role of a `trust_pki` on disk, for a server process: `CERTSVC_TEST_TRUST` is its folder."""

import os
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from litestar import Litestar

from certsvc.authority.clock import Clock
from certsvc.authority.ocsp import OcspAuthority, OcspResponder
from certsvc.authority.timestamp_responder import TimestampResponder
from certsvc.authority.timestamps import TokenMaker
from certsvc.custody.keys import open_key
from certsvc.http.rate import Gate, parse_clients
from certsvc.http.site import Site
from certsvc.http.trust import TrustServices, create_trust_app
from certsvc.services import PrivateKey

FOLDER, PER_MINUTE = "CERTSVC_TEST_TRUST", "CERTSVC_TEST_TRUST_PER_MINUTE"
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Responders:
    """Both services, opened."""

    ocsp: OcspResponder
    timestamps: TimestampResponder
    gate: Gate


def services(folder: Path, per_minute: int) -> Responders:
    """What the role has: two keys, their certificates, and the public facts."""

    def certificate(name: str) -> x509.Certificate:
        return x509.load_pem_x509_certificate((folder / f"{name}.pem").read_bytes())

    def key(name: str) -> PrivateKey:
        return open_key(f"file:{folder / name}.key", f"file:{folder / 'passphrase'}")

    issuing = certificate("issuing")
    authority = OcspAuthority(name="issuing", certificate=issuing, responder=certificate("ocsp"), key=key("ocsp"))
    maker = TokenMaker(key("timestamp"), certificate("timestamp"), (issuing,))
    clients = folder / "clients"
    return Responders(
        ocsp=OcspResponder([authority], folder / "public"),
        timestamps=TimestampResponder(maker, Clock(unsafe_unsynchronised=True)),
        gate=Gate(parse_clients(clients.read_text("utf-8") if clients.exists() else ""), per_minute),
    )


def trust_app() -> Litestar:
    """The ASGI application, as a server process makes it."""
    folder = Path(os.environ[FOLDER])
    site = Site("trust.example", "http://trust.example", ROOT / "verifier_web", folder / "public", True)
    made = services(folder, int(os.environ.get(PER_MINUTE, "1000")))
    always = TrustServices(ocsp=lambda now: made.ocsp, timestamps=lambda now: made.timestamps, gate=made.gate)
    return create_trust_app(always, site)
