"""Settings: `settings.toml` in the data folder, then the environment; an unknown key is refused.

Secrets come by reference only (`env:NAME`, `file:PATH`). `CERTSVC_DATABASE_URI=…` sets `database.uri`, and so on.
"""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from certsvc.errors import SettingsError

REPOSITORY = Path(__file__).resolve().parent.parent
FILE = "settings.toml"
MAX_BYTES = 64 * 1024


class Service(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`public_url` is printed on paper (scheme, host, port; no path); `port` is where we listen on loopback."""

    public_url: str = ""
    port: int = 8000


class Database(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`embedded:` or a PostgreSQL URL (15 or newer); `public_uri` is the read-only role's."""

    uri: str = "embedded:"
    public_uri: str = ""


class Fonts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Folders with more fonts, for characters that ours lack."""

    extra: tuple[str, ...] = ()


class Authority(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the passphrase of the key files is: a reference, never the passphrase."""

    secret: str = ""


class Verify(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many worker processes read PDFs."""

    workers: int = 2


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that can be set. `home` is `CERTSVC_HOME`."""

    home: Path
    service: Service = Service()
    database: Database = Database()
    fonts: Fonts = Fonts()
    authority: Authority = Authority()
    verify: Verify = Verify()

    @property
    def schemas(self) -> Path:
        """The folder with the certificate types."""
        return REPOSITORY / "schemas"

    @property
    def web(self) -> Path:
        """The folder with pages, styles and modules."""
        return REPOSITORY / "verifier_web"

    @property
    def public(self) -> Path:
        """Public facts that anyone may mirror: trust anchors and CRLs."""
        return self.home / "public"

    @property
    def secret(self) -> str:
        """Reference to the passphrase of the key files."""
        return self.authority.secret or f"file:{self.home / 'secrets' / 'passphrase'}"


def load_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read `$CERTSVC_HOME/settings.toml` (which may be absent) and the environment.

    Raises:
        SettingsError: not TOML, an unknown key, or a value of the wrong kind; with file and key.
    """
    home = Path(environment.get("CERTSVC_HOME") or REPOSITORY / "var").absolute()
    table = _read(home / FILE)
    for name, value in environment.items():
        _override(table, name, value)
    try:
        return msgspec.convert({**table, "home": str(home)}, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(
            f"{home / FILE} 或环境变量中的设置有误：{error}", f"Wrong setting in {home / FILE} or environment: {error}"
        ) from None


def keep_setting(home: Path, section: str, key: str, value: str) -> None:
    """Write a file with this one setting, for a home that has no settings yet."""
    (home / FILE).write_text(f'[{section}]\n{key} = "{value}"\n', encoding="utf-8")


def _read(path: Path) -> dict[str, Any]:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise SettingsError(f"读不了 {path}：{error.strerror}", f"Cannot read {path}: {error.strerror}") from None
    if len(data) > MAX_BYTES:
        raise SettingsError(f"{path} 超过 64 KiB。", f"{path} is over 64 KiB.")
    try:
        return tomllib.loads(data.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} 不是 TOML：{error}", f"{path} is not TOML: {error}") from None


def _override(table: dict[str, Any], name: str, value: str) -> None:
    head, _, rest = name.partition("_")
    section, _, key = rest.lower().partition("_")
    if head == "CERTSVC" and section in Settings.__struct_fields__ and key:
        table.setdefault(section, {})[key] = value.split(":") if (section, key) == ("fonts", "extra") else value
