"""What the demonstration shows: progress while it works, then where everything is."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from certsvc.demo.people import Person
from certsvc.demo.sandbox import Sandbox
from certsvc.domain.organ import DUTY_WORDS
from certsvc.render.qr import QUIET, QrSymbol

Item = TypeVar("Item")
HALVES = {(True, True): "█", (True, False): "▀", (False, True): "▄", (False, False): " "}
BLACK_ON_WHITE, PLAIN = "\x1b[30;107m", "\x1b[0m"
LOCAL_HOSTS = {"localhost", "127.0.0.1"}


def track(items: Sequence[Item], what: str, *, quiet: bool) -> Iterator[Item]:
    """The items one by one, with a bar on standard error while they are worked on."""
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True), disable=quiet) as bar:
        yield from bar.track(items, description=what)


def show_ready(url: str, papers: Path, anchors: Path, codes: Iterable[tuple[str, str]], symbol: QrSymbol) -> None:
    """Where everything is. `codes` are pairs of typed code and what it is."""
    click.echo(f"\n扫码 Scan (营业执照 business licence):\n{draw(symbol, sys.stdout.isatty())}")
    click.echo("查验码 Typed codes")
    for code, what in codes:
        click.echo(f"  {code}  {what}")
    click.echo(f"\nPDF 文件 files     {papers}\n信任锚 anchors     {anchors}")
    if urlsplit(url).hostname in LOCAL_HOSTS:
        click.echo(
            f"手机 phone         二维码里的地址是 {url}，手机打不开；请换一个 CERTSVC_HOME，\n"
            "                   用 --public-url 给出手机能打开的地址。\n"
            f"                   The QR codes name {url}, which a phone cannot open: with another CERTSVC_HOME, give\n"
            "                   --public-url an address that leads a phone here."
        )


def show_case(url: str, code: str | None) -> None:
    """Where a case is followed, if there is one."""
    if code is not None:
        click.echo(f"办件进度 case      {url}/P/{code}")


def show_sandbox(url: str, sandbox: Sandbox) -> None:
    """Who may try the department API here, and where their keys are."""
    click.echo(
        f"\n部门接口 API       {url}/docs\n"
        f"沙箱 sandbox      {sandbox.system.id}  {sandbox.system.key}\n"
        f"审批人 approver   {sandbox.approver.id}  {sandbox.approver.key}\n"
        f"                  {sandbox.second_approver.id}  {sandbox.second_approver.key}"
    )


def show_village(url: str, people: Sequence[Person]) -> None:
    """How to sign in to the village's console as each, and that these accounts are for nothing else."""
    lines = [
        f"  {DUTY_WORDS[one.duty][0]} {DUTY_WORDS[one.duty][1]:<9} {one.name}  {one.password:<19} {one.secret_text}"
        for one in people
    ]
    click.echo(
        f"\n村务 village       {url}/village\n居民 residents     {url}/apply\n"
        "以下账号仅供演示，密码和动态码密钥人人可见；正式运行的服务会拒绝启动。\n"
        "For demonstration only: everybody knows these passwords and secrets, and no server in earnest starts with "
        "them.\n"
        "  职责 duty        姓名    密码 password        动态码密钥 secret of one-time codes\n"
        + "\n".join(lines)
        + f"\n  现在的动态码 the code of now: ./dev accounts code {people[0].name}"
    )


def show_serving(url: str) -> None:
    """The address, once it can be opened, and how to stop."""
    click.echo(f"查验网站 verifier  {url}\n停止 stop          Ctrl-C")


def draw(symbol: QrSymbol, colours: bool) -> str:
    """The symbol in half blocks, quiet zone included; black on white whatever the terminal's colours are."""
    side = symbol.modules
    rows = [[_dark(symbol, x, y) for x in range(side)] for y in range(side + side % 2)]
    lines = ("".join(HALVES[pair] for pair in zip(*pair_of_rows, strict=True)) for pair_of_rows in _pairs(rows))
    return "\n".join(f"{BLACK_ON_WHITE}{line}{PLAIN}" if colours else line for line in lines)


def _dark(symbol: QrSymbol, x: int, y: int) -> bool:
    inside = range(QUIET, QUIET + len(symbol.rows))
    return x in inside and y in inside and symbol.rows[y - QUIET][x - QUIET]


def _pairs(rows: Sequence[Item]) -> Iterable[tuple[Item, Item]]:
    return zip(rows[::2], rows[1::2], strict=True)
