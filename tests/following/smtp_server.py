"""A small SMTP server on loopback (RFC 5321, with STARTTLS, TLS and AUTH PLAIN), for tests of ours alone."""

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass
class SmtpServer:
    """What it took, and how it behaves: `answers` says otherwise than 250 to a command, `tls` offers STARTTLS, `drops`
    ends the connection after a message was taken but before that is said."""

    port: int = 0
    tls: ssl.SSLContext | None = None
    password: str | None = None
    drops: bool = False
    answers: dict[str, str] = field(default_factory=dict)
    taken: list[EmailMessage] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        is_tls = writer.get_extra_info("sslcontext") is not None
        await self._say(writer, "220 mail.example ESMTP")
        try:
            while line := await reader.readline():
                command = line.decode().strip()
                self.commands.append(command)
                word = command.split(" ")[0].split(":")[0].upper()
                if word == "STARTTLS" and self.tls is not None:
                    await self._say(writer, "220 go ahead")
                    await writer.start_tls(self.tls)
                    is_tls = True
                    continue
                if word == "QUIT":
                    await self._say(writer, self.answers.get(word, "221 bye"))
                    return
                if word == "DATA" and word not in self.answers:
                    await self._take(reader, writer, is_tls)
                    if self.drops:
                        return
                    continue
                await self._say(writer, self.answers.get(word) or self._usual(word, command, is_tls))
        except (ConnectionError, ssl.SSLError):
            pass
        finally:
            writer.transport.abort() if self.drops else writer.close()

    def _usual(self, word: str, command: str, is_tls: bool) -> str:
        if word == "EHLO":
            offered = ["mail.example", *(["STARTTLS"] if self.tls and not is_tls else []), "AUTH PLAIN", "8BITMIME"]
            return "\r\n".join([*(f"250-{one}" for one in offered[:-1]), f"250 {offered[-1]}"])
        if word == "AUTH":
            given = base64.b64decode(command.split(" ")[2]).split(b"\0")
            return "235 good" if given[2].decode() == self.password else "535 wrong"
        return "250 fine"

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, is_tls: bool) -> None:
        await self._say(writer, "354 go on")
        content = b""
        while not content.endswith(b"\r\n.\r\n"):
            content += await reader.readline()
        raw = content[:-3].replace(b"\r\n..", b"\r\n.")
        self.taken.append(message_from_bytes(raw, policy=policy.default))
        self.encrypted.append(is_tls)
        if not self.drops:
            await self._say(writer, self.answers.get("MESSAGE", "250 taken"))

    @staticmethod
    async def _say(writer: asyncio.StreamWriter, text: str) -> None:
        writer.write(text.encode() + b"\r\n")
        await writer.drain()


@asynccontextmanager
async def smtp_server(server: SmtpServer, *, at_once: bool = False) -> AsyncIterator[SmtpServer]:
    """The server, listening; `at_once` speaks TLS from the first byte."""
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=server.tls if at_once else None)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()


def certificates(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """TLS for a server called localhost, and for a client that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=9))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + secret)
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    server.load_cert_chain(path)
    client.load_verify_locations(path)
    return server, client
