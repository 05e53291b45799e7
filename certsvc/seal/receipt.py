"""Sign a receipt as a JWS, and seal its printed page: both with the key that does nothing else."""

import base64
import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from certsvc.domain.jwk import base64url
from certsvc.domain.receipt import ALGORITHM, TYPE, canonical, seal_reason
from certsvc.domain.seal import Placement, SealPicture, ValidationData
from certsvc.errors import CustodyError
from certsvc.seal.fields import POINTS_PER_MM
from certsvc.seal.pdf import seal_pdf
from certsvc.seal.token import es256
from certsvc.services import Sealing, Timestamper

WIDTH_MM, HEIGHT_MM = 62.0, 15.0
PLACE = Placement(page=1, x_mm=164.0, y_mm=27.5)
"""Where the page says that the signature is: at its head, to the right."""

DESCRIPTION = "查验回执的电子签名 Electronic signature of the receipt"


def sign_receipt(content: Mapping[str, Any], sealing: Sealing) -> str:
    """The JWS (RFC 7515) in compact form over the receipt, which has one spelling: ES256, with the certificate and
    those above it but the root.

    Raises:
        CustodyError: the key cannot be used, or is none for ES256.
    """
    key = sealing.key.public_key
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name != "secp256r1":
        raise CustodyError("回执的密钥不是 P-256。", "The key of receipts is not a P-256 key.")
    chain = (sealing.certificate, *sealing.chain[:-1])  # whoever reads it has the root
    encoded = [base64.b64encode(each.public_bytes(Encoding.DER)).decode("ascii") for each in chain]
    header = canonical({"alg": ALGORITHM, "typ": TYPE, "x5c": encoded})
    signed = f"{base64url(header)}.{base64url(canonical(content))}"
    return f"{signed}.{base64url(es256(signed.encode('ascii'), sealing.key))}"


def seal_receipt(
    page: bytes,
    receipt_id: str,
    jws: str,
    *,
    sealing: Sealing,
    timestamper: Timestamper,
    validation_data: ValidationData,
    now: datetime,
) -> bytes:
    """The page of a receipt under its seal, as certificates are sealed; its reason names the record.

    Raises:
        see `seal_pdf`.
    """
    return seal_pdf(
        page,
        picture=frame(),
        placement=PLACE,
        description=DESCRIPTION,
        reason=seal_reason(receipt_id, hashlib.sha256(jws.encode("ascii")).hexdigest()),
        sealing=sealing,
        timestamper=timestamper,
        validation_data=validation_data,
        now=now,
    )


def frame() -> SealPicture:
    """What marks the place of the signature: a thin line around it. It is no seal of an organ, and looks like none."""
    width, height = WIDTH_MM * POINTS_PER_MM, HEIGHT_MM * POINTS_PER_MM
    content = b"0.078 0.216 0.369 RG 0.6 w 0.3 0.3 %.2f %.2f re S" % (width - 0.6, height - 0.6)
    return SealPicture(content=content, width_pt=width, height_pt=height)
