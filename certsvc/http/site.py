"""What the web part must know about the place it serves."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from certsvc.errors import SettingsError


@dataclass(frozen=True, slots=True)
class Site:
    """`host` is what a reader compares with the address bar; `public_url` is what the QR codes begin with.

    `web_folder` holds pages, static files and words; `trust_folder` holds what anyone may mirror: anchors and CRLs.
    Where it no longer `works_offline`, browsers that stored it for use without network are told to drop it.
    """

    host: str
    public_url: str
    web_folder: Path
    trust_folder: Path
    is_demonstration: bool
    works_offline: bool = True

    def __post_init__(self) -> None:
        if urlsplit(self.public_url).scheme not in ("http", "https"):
            raise SettingsError(
                f"公开地址 {self.public_url} 应以 http:// 或 https:// 开头。",
                f"The public address {self.public_url} must begin with http:// or https://.",
            )

    @property
    def is_https(self) -> bool:
        """Whether readers come over TLS."""
        return urlsplit(self.public_url).scheme == "https"
