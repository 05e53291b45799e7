"""`./dev bench`: how long each step takes, in rounds taken in turn, so that a busy machine slows all of them alike;
`./dev bench trust`: timestamps and OCSP; `./dev bench api [ROWS]`: what the API adds to issuing, and a batch of so
many rows; `./dev bench village [VILLAGES [OPEN]]`: the console of villages, alone and among so many.

Figures, no judgement: nothing here passes or fails.
"""

import argparse
import asyncio
import importlib
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

from certsvc import app
from certsvc.catalog import load_catalog
from certsvc.catalog.load import examples
from certsvc.domain.actor import Actor
from certsvc.domain.issuing import Order
from certsvc.domain.token import to_digits
from certsvc.issuance.issue import issue
from certsvc.issuance.prepare import prepare
from certsvc.issuance.service import Issuing, silent_walk
from certsvc.issuing import open_issuing
from certsvc.settings import Settings, load_settings
from certsvc.verify.file import verify_file
from certsvc.verify.pixels import read_pages
from certsvc.verify.scan import verify_code, verify_scan
from certsvc.verify.service import Verifying
from certsvc.verify.token import check_token

ROUNDS = 12
FOOD = "food-business"
ACTOR = Actor(name="bench", scopes=frozenset({"issue:*"}))
Step = Callable[[], Awaitable[object]]
HERE = Path(__file__).resolve().parent
MODULES = {"trust": "trust", "api": "tests.bench.api", "village": "village"}
"""What each measures is in a module of its own, which is loaded only then."""

SAID = {
    "trust": "timestamps and OCSP",
    "api": "what the API adds to issuing, and a batch",
    "village": "the console of villages, alone and among many",
}
NUMBERS = {
    "api": [("ROWS", "rows of the batch")],
    "village": [("VILLAGES", "how many villages there are"), ("OPEN", "how many requests each of them has open")],
}


def main() -> None:
    """Measure what the arguments name, or the demonstration."""
    asked = vars(_usage().parse_args())
    what, numbers = asked.pop("what"), [each for each in asked.values() if each is not None]
    sys.path[:0] = {"trust": [str(HERE), str(HERE.parent / "trust")], "village": [str(HERE)]}.get(what, [])
    if what is None:
        measure_demonstration()
    else:
        importlib.import_module(MODULES[what]).main(*numbers)


def _usage() -> argparse.ArgumentParser:
    """How it is called; what is wrong ends with 2 before anything is measured."""
    parser = argparse.ArgumentParser(prog="./dev bench", description="How long each step of the demonstration takes.")
    kinds = parser.add_subparsers(dest="what", metavar="WHAT")
    for what, said in SAID.items():
        kind = kinds.add_parser(what, help=said, description=f"Measures {said}.")
        for name, meant in NUMBERS.get(what, ()):
            kind.add_argument(name, nargs="?", type=_count, help=meant)
    return parser


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text)):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of them")
    return int(text)


def measure_demonstration() -> None:
    """Make a demonstration in a folder of its own, measure, print, and leave nothing."""
    with tempfile.TemporaryDirectory(prefix="certsvc-bench-") as folder:
        Path(folder).chmod(0o711)
        home = Path(folder) / "home"
        print("demo --once …", file=sys.stderr)
        command = [sys.executable, "-m", "certsvc", "demo", "--once"]
        environment = {"CERTSVC_HOME": str(home), "PYTHONUTF8": "1", "PATH": "/usr/bin:/bin"}
        subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
        settings = load_settings({"CERTSVC_HOME": str(home)})
        with app.databases(settings) as uris:
            asyncio.run(_measure(settings, uris))


async def _measure(settings: Settings, uris: app.Databases) -> None:
    async with AsyncExitStack() as stack:
        issuing = await stack.enter_async_context(open_issuing(settings, uris.writer, silent_walk, datetime.now(UTC)))
        verifying = await stack.enter_async_context(app.verifying(settings, uris.reader))
        steps = await _steps(issuing, verifying)
        seconds: dict[str, list[float]] = {name: [] for name in steps}
        for _ in range(ROUNDS):
            for name, step in steps.items():
                began = time.perf_counter()
                await step()
                seconds[name].append(time.perf_counter() - began)
    for name, taken in seconds.items():
        middle, slowest = statistics.median(taken) * 1000, max(taken) * 1000
        print(f"{name:44} median {middle:9.3f} ms   slowest {slowest:9.3f} ms   {ROUNDS} rounds in turn")


async def _steps(issuing: Issuing, verifying: Verifying) -> dict[str, Step]:
    kind = issuing.catalog.latest(FOOD)
    payload = next(payload for path, payload in examples(kind, "good") if path.stem == "good-snack-bar")
    numbers = iter(range(1_000_000))

    def order() -> Order:
        number = next(numbers)
        elsewhere = payload | {"address": f"云山市云岗镇石塘村东二巷{number + 1000}号"}  # one permit for each place
        return Order(client=ACTOR.name, key=str(number), type_id=FOOD, payload=elsewhere)

    first = await issue(issuing, ACTOR, order(), datetime.now(UTC))
    digits = to_digits(first.token or b"")
    (document,) = await issuing.register.documents(first.ref)
    pdf = issuing.blobs.get(document.sha256)

    async def check() -> object:
        return check_token(digits, verifying.anchors)

    async def picture() -> object:
        return read_pages(pdf)

    async def types() -> object:
        return load_catalog(issuing.catalog.folder)

    return {
        f"check-types: load and check all {len(list(issuing.catalog))} types": types,
        "token: take apart, check the signature": check,
        "scan: token, one query, report": lambda: verify_scan(verifying, digits, datetime.now(UTC)),
        "typed code: one query, report": lambda: verify_code(verifying, first.ref.typed_code, datetime.now(UTC)),
        "picture: page to pixels, read the QR": picture,
        "file: everything, in a worker": lambda: verify_file(verifying, pdf, datetime.now(UTC)),
        "prepare: lint with throw-away keys, reserve": lambda: prepare(issuing, ACTOR, order(), datetime.now(UTC)),
        "issue: the whole walk, one sheet": lambda: issue(issuing, ACTOR, order(), datetime.now(UTC)),
    }


if __name__ == "__main__":
    main()
