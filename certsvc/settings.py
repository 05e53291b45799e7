"""Settings: `settings.toml` in the data folder, then the environment; an unknown key is refused.

Secrets come by reference only (`env:NAME`, `file:PATH`). `CERTSVC_DATABASE_URI=…` sets `database.uri`, and so on.
"""

import ipaddress
import json
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec

from certsvc.errors import SettingsError

REPOSITORY = Path(__file__).resolve().parent.parent
FILE = "settings.toml"
MAX_BYTES = 64 * 1024
LISTS = {
    ("fonts", "extra"): ":",
    ("seals", "lt_types"): ":",
    ("verify", "hosts"): ",",
    ("webhooks", "networks"): ",",
    ("openid", "strong"): ",",
}
"""What joins their items in the environment."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
OWN_MACHINE = ("127.0.0.1/32", "::1/128")


class Service(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`public_url` is printed on paper (scheme, host, port; no path); `port` is where we listen on loopback."""

    public_url: str = ""
    port: int = 8000


class Database(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`embedded:` or a PostgreSQL URL (15 or newer); `public_uri` is that of the role that only reads, `desk_uri` that
    of the role that takes what strangers write."""

    uri: str = "embedded:"
    public_uri: str = ""
    desk_uri: str = ""


class Catalog(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The folder with certificate types; those that come with the program if none is named."""

    schemas: str = ""


class Fonts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Folders with more fonts, for characters that ours lack."""

    extra: tuple[str, ...] = ()


class Authority(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the passphrase of the key files is: a reference, never the passphrase."""

    secret: str = ""


class Verify(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many worker processes read PDFs. `hosts` are other hosts under which QR codes of ours were printed, such as
    that of an earlier address: a QR in a photo that leads elsewhere is refused."""

    workers: int = 2
    hosts: tuple[str, ...] = ()


class Offline(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether browsers may keep the verifier for use without network. Switched off, `/sw.js` is a worker that takes
    every earlier one away, with everything it stored."""

    worker: bool = True


class Seals(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The certificate types whose receivers demand the format name PAdES-BASELINE-LT: their validation data stands in a
    revision of its own after the seal, not under it."""

    lt_types: tuple[str, ...] = ()

    def lt_types_among(self, seals_under: Mapping[str, int]) -> frozenset[str]:
        """`lt_types`, held against the types there are and how many seals stand under each.

        Raises:
            SettingsError: there is no such type, or it has joint seals, whose documents have a form of their own.
        """
        if unknown := [each for each in self.lt_types if each not in seals_under]:
            raise SettingsError(
                f"seals.lt_types：没有证照类型 {unknown[0]}。",
                f"seals.lt_types names {unknown[0]}: there is no such type.",
            )
        if joint := [each for each in self.lt_types if seals_under[each] > 1]:
            raise SettingsError(
                f"seals.lt_types：{joint[0]} 由几个单位联合盖章，文件另有自己的格式，不能用 LT。",
                f"seals.lt_types names {joint[0]}: its documents bear several seals and have their own form.",
            )
        return frozenset(self.lt_types)


class Office(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The department API. `url` is the address under which departments reach it (the public one if none is named);
    each client may ask so many times a minute. A file that a client sent, and that nothing was made of, is kept so many
    days: longer than the answer to its sending, which would be given again for a file that is gone."""

    url: str = ""
    requests_per_minute: Annotated[int, msgspec.Meta(ge=1)] = 1200
    keep_uploads_days: Annotated[int, msgspec.Meta(ge=8, le=36500)] = 90


class Cases(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many days after a case has ended its answers are kept, which speak of persons. The default is a little over
    the year in which a decision may still be contested by who was not told how."""

    keep_answers_days: Annotated[int, msgspec.Meta(ge=1, le=36500)] = 400


class Reports(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Reports of problems. `operator` is the client that answers where no department is known; without one they wait
    for `certsvc reports`. `deadlines` is a file with the deadlines of places, in stead of ours. What the reporter wrote
    is erased so many days after the answer; where none comes, 180 days after the deadline."""

    operator: str = ""
    deadlines: str = ""
    keep_days: Annotated[int, msgspec.Meta(ge=1, le=3650)] = 30

    @property
    def deadlines_file(self) -> Path | None:
        """Where the deadlines are, if not in our own file."""
        return Path(self.deadlines).absolute() if self.deadlines else None


class Webhooks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Telling departments by web-hook. `networks` (CIDR) are those beside the public internet that web-hooks may lead
    into, such as a government intranet; what lies on the machine or its link must be named address by address."""

    networks: tuple[str, ...] = ()

    def allowed(self, *, is_demonstration: bool) -> tuple[Network, ...]:
        """These networks; in a demonstration also the machine itself.

        Raises:
            SettingsError: one is malformed.
        """
        return tuple(map(_network, (*self.networks, *(OWN_MACHINE if is_demonstration else ()))))


def _network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        raise SettingsError(
            f"webhooks.networks：{text!r} 应写作 10.20.0.0/16 这样的网段，主机位为零。",
            f"webhooks.networks: write {text!r} as a network like 10.20.0.0/16, without host bits.",
        ) from None


class Timestamp(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`uri` is where seals get their timestamps: `local:`, or the http(s) address of another RFC 3161 service, where
    the token that `secret` refers to makes us known. `clients` refers to the file of those who may ask here; strangers
    may so many times a minute, 0 for never."""

    uri: str = "local:"
    secret: str = ""
    clients: str = ""
    strangers_per_minute: Annotated[int, msgspec.Meta(ge=0)] = 10


class Mail(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Mail to those who follow a licence. `uri` is what carries it: `file:` (the folder `mail` in the home, or
    `file:/path`), `smtps://user@host`, `smtp+starttls://user@host`, and `smtp:` to this machine alone; without one none
    is offered, but in a demonstration, which has the folder. `sender` is who it is from, `noreply` at the public host
    if nobody is named; `secret` refers to the password of the user."""

    uri: str = ""
    sender: str = ""
    secret: str = ""

    def carrier(self, *, is_demonstration: bool) -> str:
        """The URI of what carries mail; nothing where none is offered."""
        return self.uri or ("file:" if is_demonstration else "")


class OpenId(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Signing in at a place's OpenID provider: its `issuer` exactly as its tokens have it, our `client_id` there, and
    what shows that it is us: the reference to our `client_secret`, or to a `client_key` (`file:PATH`, a P-256 key in
    PKCS #8 PEM without a passphrase). None of them, or all with one of the last two. `name` is how people there call
    it, `strong` are values of `acr` or `amr` of which an ID token must have one."""

    issuer: str = ""
    client_id: str = ""
    client_secret: str = ""
    client_key: str = ""
    name: str = ""
    strong: tuple[str, ...] = ()

    @property
    def is_set(self) -> bool:
        """Whether there is a provider.

        Raises:
            SettingsError: only a part of it is named.
        """
        named = [bool(self.issuer), bool(self.client_id), bool(self.client_secret) != bool(self.client_key)]
        if (any(named) or self.client_secret) and not all(named):
            raise SettingsError(
                "openid 要写全 issuer、client_id，以及 client_secret 或 client_key 之一；不用的，都不写。",
                "openid needs issuer, client_id, and either client_secret or client_key; or none of them.",
            )
        return all(named)


class Receipts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many receipts one address may ask for in a minute: an office behind one address has them together."""

    per_minute: Annotated[int, msgspec.Meta(ge=1)] = 30


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that can be set. `home` is `CERTSVC_HOME`."""

    home: Path
    service: Service = Service()
    database: Database = Database()
    catalog: Catalog = Catalog()
    fonts: Fonts = Fonts()
    authority: Authority = Authority()
    verify: Verify = Verify()
    offline: Offline = Offline()
    timestamp: Timestamp = Timestamp()
    receipts: Receipts = Receipts()
    seals: Seals = Seals()
    office: Office = Office()
    cases: Cases = Cases()
    reports: Reports = Reports()
    webhooks: Webhooks = Webhooks()
    mail: Mail = Mail()
    openid: OpenId = OpenId()

    def at(self, port: int | None, public_url: str | None) -> "Settings":
        """The same with another port or public address, where given.

        Raises:
            SettingsError: see `parse_public_url`.
        """
        service = self.service
        if port is not None:
            service = msgspec.structs.replace(service, port=port)
        if public_url is not None:
            service = msgspec.structs.replace(service, public_url=parse_public_url(public_url))
        return msgspec.structs.replace(self, service=service)

    @property
    def schemas(self) -> Path:
        """The folder with the certificate types."""
        return Path(self.catalog.schemas).absolute() if self.catalog.schemas else REPOSITORY / "schemas"

    @property
    def web(self) -> Path:
        """The folder with pages, styles and modules."""
        return REPOSITORY / "verifier_web"

    @property
    def public(self) -> Path:
        """Public facts that anyone may mirror: trust anchors and CRLs."""
        return self.home / "public"

    @property
    def anchors(self) -> Path:
        """The trust anchors among the public facts."""
        return self.public / "anchors"

    @property
    def papers(self) -> Path:
        """Sealed files under the names that people know."""
        return self.home / "pdf"

    @property
    def own_secret(self) -> Path:
        """Where we keep a passphrase of our own, when none is named."""
        return self.home / "secrets" / "passphrase"

    @property
    def secret(self) -> str:
        """Reference to the passphrase of the key files."""
        return self.authority.secret or f"file:{self.own_secret}"

    @property
    def public_url(self) -> str:
        """What QR codes begin with; this machine's own address when none is set."""
        return self.service.public_url.rstrip("/") or f"http://localhost:{self.service.port}"

    @property
    def office_url(self) -> str:
        """Where departments reach the API: the issuer of access tokens."""
        return self.office.url.rstrip("/") or self.public_url


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
        settings = msgspec.convert({**table, "home": home}, Settings, strict=False, dec_hook=lambda _, value: value)
    except msgspec.ValidationError as error:
        raise SettingsError(
            f"{home / FILE} 或环境变量中的设置有误：{error}", f"Wrong setting in {home / FILE} or environment: {error}"
        ) from None
    try:
        parse_public_url(settings.public_url)
        settings.webhooks.allowed(is_demonstration=False)
    except SettingsError as error:
        raise SettingsError(
            f"{home / FILE} 或环境变量：{error.zh}", f"{home / FILE} or environment: {error.en}"
        ) from None
    return settings


def parse_public_url(text: str) -> str:
    """An address as it is printed on paper: scheme, host and perhaps a port, no path; without a final slash.

    Raises:
        SettingsError: it is anything else, or has a character that no host has.
    """
    url = text.strip().rstrip("/").lower()
    if not re.fullmatch(r"https?://[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?(:[0-9]{1,5})?", url, re.ASCII):
        raise SettingsError(
            f"公开地址 {text!r} 应为 http(s)://主机名[:端口]，不带路径。",
            f"The public address {text!r} must be http(s)://host[:port], without a path.",
        )
    return url


def keep_service(home: Path, service: Service) -> None:
    """Write down what is printed on paper, and the port, in a home whose settings do not name them yet."""
    path = home / FILE
    text = path.read_text("utf-8") if path.exists() else ""
    line = f"public_url = {json.dumps(service.public_url)}\n"
    if not re.search(r"^port\s*=", text, re.M):
        line += f"port = {service.port}\n"
    kept, found = re.subn(r"^\[service\][^\n]*\n", lambda header: header[0] + line, text, count=1, flags=re.M)
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(kept if found else f"{text}\n[service]\n{line}".lstrip(), encoding="utf-8")
    unfinished.replace(path)


def _read(path: Path) -> dict[str, Any]:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise SettingsError(
            f"读不了 {path}：{error.strerror}。可用 CERTSVC_HOME 指定别的数据目录。",
            f"Cannot read {path}: {error.strerror}. CERTSVC_HOME names another data folder.",
        ) from None
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
        between = LISTS.get((section, key))
        table.setdefault(section, {})[key] = value if between is None else _items(value, between)


def _items(text: str, between: str) -> list[str]:
    return text.split(between) if text else []
