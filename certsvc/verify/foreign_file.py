"""A file under signatures that are not ours: what it has, and what reports show of it."""

from dataclasses import dataclass

import msgspec

from certsvc.domain.recognition import TrustedAuthority


class ForeignSignature(msgspec.Struct, frozen=True):
    """A signature that none of our anchors vouches for, as the file has it. The names are what its certificate says
    of itself. `intact` is None where that could not be found out; `whole_file` says that nothing was added after it.

    `said_at` is the signer's own clock, `stamped_at` the time in its timestamp (seconds since 1970). `anchor` is the
    SHA-256 of the recognised root (hex) that its certificate leads to, with timestamp and proof of no revocation.
    """

    name: str
    organisation: str
    issuer: str
    intact: bool | None
    whole_file: bool
    said_at: float | None = None
    stamped_at: float | None = None
    anchor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignFile:
    """The signatures of a file that is not ours. `authority` is recognised here and stands behind all of them, `title`
    is what the file says it is; `covered` says whether it is recognised for that, on the day of sealing. `namesake`
    says that a signer calls himself as one of our authorities does, and is not."""

    signatures: tuple[ForeignSignature, ...]
    authority: TrustedAuthority | None = None
    title: str = ""
    covered: bool = False
    namesake: bool = False

    @property
    def unchanged(self) -> bool:
        """Whether every signature is intact and nothing was added after the last."""
        return all(one.intact for one in self.signatures) and self.signatures[-1].whole_file
