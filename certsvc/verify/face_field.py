"""A line of a face, as reports show it: of our certificates, and of what others reported."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceField:
    """A field as on the face: both labels and the value to compare with the paper."""

    key: str
    zh: str
    en: str
    value: str
