"""Composition of the desk: what it has, which is no key that signs or seals."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from certsvc.catalog import Catalog, load_catalog
from certsvc.custody.payloads import LivingPayloadCipher, open_payload_cipher
from certsvc.domain.report_deadlines import FILE, load_report_deadlines
from certsvc.domain.working_days import load_working_days
from certsvc.http.desk.bundle import Desk
from certsvc.http.pages import Pages
from certsvc.http.site import Site
from certsvc.issuance.full_view import FullViewing
from certsvc.issuance.problem_reports.taking import Taking
from certsvc.services import PayloadCipher, RegisterReader, ReportDesk
from certsvc.settings import Settings
from certsvc.store.following import PostgresFollowers
from certsvc.store.full_view import PostgresFullViews
from certsvc.store.pool import open_pool
from certsvc.store.reader import PostgresReader
from certsvc.store.report_desk import PostgresReportDesk
from certsvc.telling.following import FollowDesk

DESK_CONNECTIONS = 6


@asynccontextmanager
async def open_desk(settings: Settings, site: Site, pages: Pages) -> AsyncIterator[Desk]:
    """Everything the desk needs; it connects as the roles that the settings name for it and for readers."""
    async with (
        open_pool(settings.database.public_uri, read_only=True) as reading,
        open_pool(settings.database.desk_uri, most=DESK_CONNECTIONS) as writing,
    ):
        catalog = load_catalog(settings.schemas)
        register, views = PostgresReader(reading), PostgresFullViews(writing)
        keys = _DataKeys(settings.home / "secrets", views)
        yield Desk(
            register=register,
            site=site,
            pages=pages,
            full_views=FullViewing(catalog=catalog, views=views, cipher=keys.cipher),
            taking=_taking(settings, catalog, register, PostgresReportDesk(writing), keys),
            keep_days=settings.reports.keep_days,
            following=FollowDesk(
                followers=PostgresFollowers(writing),
                cipher=keys.cipher,
                offers_mail=bool(settings.mail.carrier(is_demonstration=site.is_demonstration)),
            ),
        )


def _taking(
    settings: Settings, catalog: Catalog, register: RegisterReader, reports: ReportDesk, keys: "_DataKeys"
) -> Taking:
    """What reports are taken with."""
    return Taking(
        reports=reports,
        register=register,
        catalog=catalog,
        cipher=keys.cipher,
        deadlines=load_report_deadlines(load_working_days(), settings.reports.deadlines_file or FILE),
        operator=settings.reports.operator or None,
    )


class _DataKeys:
    """The keys that contents are encrypted with, opened when first needed: before anything is issued there are none,
    and the desk makes none."""

    def __init__(self, folder: Path, views: PostgresFullViews) -> None:
        self._folder, self._views = folder, views
        self._opened: LivingPayloadCipher | None = None
        self._known: Mapping[str, bytes] = {}

    async def cipher(self) -> PayloadCipher | None:
        """Reads with every key on record; None where there is none, and so nothing to read.

        Raises:
            CustodyError: a key on record is missing or another.
        """
        known = await self._views.known_keys()
        if not known:
            return None
        if self._opened is None or known != self._known:  # what is written must be under a key that has not ended
            self._known = known
            self._opened = LivingPayloadCipher(self._folder, open_payload_cipher(self._folder, known))
        return self._opened
