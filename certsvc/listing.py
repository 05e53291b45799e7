"""Composition of what makes and publishes signed lists of states, and of what puts trust out anew when a key is."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from structlog.typing import FilteringBoundLogger

from certsvc.authority.authority import Authority
from certsvc.authority.shelf import FolderShelf
from certsvc.authority.status_lists import StatusShelf, own_status_keys
from certsvc.catalog import Catalog
from certsvc.domain.status_list import LASTS
from certsvc.issuance.status_values import listed_values, rules_digest
from certsvc.jobs.status_lists import ListRules, StatusListWork
from certsvc.log import open_log
from certsvc.settings import Settings
from certsvc.store.notices import PostgresNotices
from certsvc.store.pool import Pool
from certsvc.store.status_lists import PostgresStatusLists


def status_list_work(
    settings: Settings, authority: Authority, catalog: Catalog, pool: Pool, log: FilteringBoundLogger | None = None
) -> StatusListWork:
    """The chore of signed lists over parts that are open."""
    keys = partial(own_status_keys, authority)
    return StatusListWork(
        lists=PostgresStatusLists(pool),
        settle=PostgresNotices(pool).settle,
        rules=list_rules(catalog),
        authority=authority,
        shelf=StatusShelf(FolderShelf(settings.public), settings.public_url, keys),
        log=log or open_log(),
    )


def list_rules(catalog: Catalog) -> ListRules:
    """What the types say of their lists."""
    ages = dict[str, timedelta]()
    for kind in catalog:
        number = str(kind.type_number)
        ages[number] = min(ages.get(number, LASTS), kind.status_max_age)
    return ListRules(
        values=partial(listed_values, catalog),
        digest=rules_digest(catalog),
        lasts=lambda name: ages.get(name.partition("-")[0], LASTS),
    )


@dataclass(slots=True)
class TrustWatch:
    """Has trust published as soon as a certificate was made or revoked: a reader of tokens needs each quarter's key."""

    authority: Authority
    publish: Callable[[datetime], None]
    _published: object = field(default=None, init=False)

    async def look(self, now: datetime) -> None:
        """Publish if something is new since the last look.

        Raises:
            CertsvcError: it cannot be; the next look tries again.
        """
        found = tuple(self.authority.names), len(self.authority.revocations())
        if found != self._published:
            self.publish(now)
            self._published = found
