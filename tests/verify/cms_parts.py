"""A CMS SignedData taken apart and put together again with other parts, as DER or as somebody else would spell it."""

from dataclasses import dataclass
from typing import Any

from asn1crypto import cms

from certsvc import der

STAMP = "1.2.840.113549.1.9.16.2.14"


@dataclass(frozen=True, kw_only=True)
class SignedParts:
    """The parts of a SignedData with one signer, each as DER; `unsigned` are the values of unsigned attributes."""

    version: int
    digests: tuple[bytes, ...]
    content: bytes
    certificates: tuple[bytes, ...]
    crls: tuple[bytes, ...] = ()
    signer_version: int
    sid: bytes
    digest: bytes
    signed: bytes
    algorithm: bytes
    signature: bytes
    unsigned: tuple[tuple[str, bytes], ...] | None

    def encode(self) -> bytes:
        """The ContentInfo."""
        unsigned = () if self.unsigned is None else (der.attribute(*one) for one in self.unsigned)
        signer = der.sequence(
            der.integer(self.signer_version),
            self.sid,
            self.digest,
            self.signed,
            self.algorithm,
            der.octet_string(self.signature),
            *([] if self.unsigned is None else [der.explicit(1, *unsigned)]),
        )
        body = der.sequence(
            der.integer(self.version),
            der.set_of(*self.digests),
            self.content,
            der.explicit(0, *sorted(self.certificates)),
            *([der.explicit(1, *self.crls)] if self.crls else []),
            der.set_of(signer),
        )
        return der.sequence(der.SIGNED_DATA, der.explicit(0, body))


def take_apart(data: bytes) -> SignedParts:
    """The parts of a ContentInfo with a SignedData."""
    signed: Any = cms.ContentInfo.load(data)["content"]
    signer = signed["signer_infos"][0]
    unsigned = None
    if signer["unsigned_attrs"]:
        unsigned = tuple((item["type"].dotted, item["values"][0].dump()) for item in signer["unsigned_attrs"])
    return SignedParts(
        version=int(signed["version"]),
        digests=tuple(item.dump() for item in signed["digest_algorithms"]),
        content=signed["encap_content_info"].dump(),
        certificates=tuple(item.chosen.dump() for item in signed["certificates"]),
        signer_version=int(signer["version"]),
        sid=signer["sid"].chosen.dump(),
        digest=signer["digest_algorithm"].dump(),
        signed=signer["signed_attrs"].dump(),
        algorithm=signer["signature_algorithm"].dump(),
        signature=signer["signature"].native,
        unsigned=unsigned,
    )
