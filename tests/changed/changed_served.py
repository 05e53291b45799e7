"""The public verifier with real files, real workers' work and a register in memory, on loopback."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from app_served import app_served, free_port, quietly

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "verify"))
from asking import stocked
from changed_fixtures import looking
from changing import another_name, painted_over, printed_to_a_picture, the_seal_moved
from flaws import Bench
from photographs import beside, on_a_table, paper, qr, saved
from seal_workshop import FOOD, PLAN, ROOT, Workshop, certificate_der, with_status

from certsvc.authority.founding import throw_away_authority
from certsvc.authority.plan import load_plan
from certsvc.domain.calendar import beijing_date
from certsvc.domain.recognition import Addresses, CoveredType, Scope, TrustedAuthority
from certsvc.domain.states import Status
from certsvc.http.public import create_public_app
from certsvc.http.site import Site
from certsvc.ids import new_ref


@dataclass(frozen=True)
class Known:
    """`Recognised` with one authority."""

    authority: TrustedAuthority

    def at(self, now: object) -> tuple[TrustedAuthority, ...]:
        """Always it."""
        return (self.authority,)


@dataclass(frozen=True)
class Served:
    """The address, and the files to bring, by name."""

    base: str
    files: dict[str, bytes]


def files_and_app(host: str, trust: Path) -> tuple[dict[str, bytes], object]:
    """Everything a reader can bring, and the application that answers."""
    workshop = Workshop()
    bench = Bench(workshop=workshop, genuine=workshop.make(FOOD, 0), other=workshop.make(FOOD, 1))
    old, shelf = workshop.make(FOOD, 1), stocked(bench)
    shelf.add(old)
    shelf.certificates[old.registered.ref] = replace(
        with_status(old.registered, Status.SUPERSEDED), successor=new_ref(old.registered.ref.slot)
    )
    there = throw_away_authority(load_plan(PLAN), workshop.now)
    theirs = workshop.make(FOOD, 1, authority=there)
    today, root = beijing_date(workshop.now), certificate_der(there.certificate("root"))
    from hashlib import sha256

    known = TrustedAuthority(
        name_zh="江海市电子证照",
        name_en="Jianghai Electronic Certificates",
        area="329900",
        certificate=root,
        sha256=sha256(root).hexdigest(),
        scopes=(
            Scope(certificate_types=(CoveredType(str(theirs.face.type.type_code)),), first=today - timedelta(days=9)),
        ),
        ground_zh="江海、云山两市电子证照互认协议（虚构）第三条",
        ground_en="Agreement of Jianghai and Yunshan (made up), article 3",
        addresses=Addresses(practice="http://zz.jianghai.example/practice"),
    )
    stranger = throw_away_authority(load_plan(PLAN), workshop.now)
    prefix = "HTTP://YZ.TEST/Q/"
    files = {
        "name": another_name(bench)[0],
        "painted": painted_over(bench),
        "moved": the_seal_moved(bench),
        "tail": bench.genuine.pdf + b"x\n",
        "scan": printed_to_a_picture(bench.genuine.pdf),
        "older": old.pdf,
        "recognised": theirs.pdf,
        "foreign": workshop.make(FOOD, 1, authority=stranger).pdf,
        "photo": saved(on_a_table(paper(bench.genuine.pdf, 150))),
        "two": saved(beside(qr(prefix, bench.genuine.digits), qr(prefix, bench.other.digits)), "PNG"),
        "host": saved(qr("HTTPS://YZ-TEST.EVIL/Q/", bench.genuine.digits), "PNG"),
        "heic": b"\0\0\0\x18ftypheic" + bytes(64),
        "nothing": saved(paper(bench.genuine.pdf, 20), "PNG"),
    }
    verifying = replace(looking(workshop, shelf), recognised=Known(known))
    return files, create_public_app(verifying, Site(host, f"http://{host}", ROOT / "verifier_web", trust, True))


@contextmanager
def serve_changed() -> Iterator[Served]:
    """It, at a free port, in a thread of its own."""
    port = free_port()
    with tempfile.TemporaryDirectory() as trust:
        with quietly():
            files, app = files_and_app(f"localhost:{port}", Path(trust))
        with app_served(app, port):
            yield Served(f"http://localhost:{port}", files)
