"""Composition of issuing: catalogue, register, renderer, keys, and the checks that a stranger runs."""

import functools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from certsvc.authorities import open_keys
from certsvc.authority.authority import Authority
from certsvc.authority.founding import throw_away_authority
from certsvc.catalog import Catalog, load_catalog
from certsvc.custody.payloads import LivingPayloadCipher
from certsvc.issuance.data_keys import open_cipher
from certsvc.issuance.keyless import Keyless
from certsvc.issuance.service import External, Issuing
from certsvc.render.external_pool import ForeignPages
from certsvc.render.pages import Renderer
from certsvc.services import Walk
from certsvc.settings import Settings
from certsvc.store.blobs import BLOBS, FileBlobs
from certsvc.store.data_keys import DataKeys
from certsvc.store.external import PostgresExternalFiles
from certsvc.store.pool import Pool, open_pool
from certsvc.store.register import PostgresRegister
from certsvc.store.seals import PostgresSeals
from certsvc.verify.anchors import AnchorFiles, AnchorFolder, AnchorSource
from certsvc.verify.file import check_file
from certsvc.verify.inspector import Inspector
from certsvc.verify.service import Verifying


@asynccontextmanager
async def open_issuing(
    settings: Settings, writer_uri: str, walk: Walk, now: datetime, authority: Authority | None = None
) -> AsyncIterator[Issuing]:
    """What issuing needs: keys (opened unless they are given), register, renderer, and the checks a stranger runs.

    Raises:
        CeremonyError: no ceremony was held here.
        CustodyError: a data key is missing.
    """
    workers = settings.verify.workers
    async with open_pool(writer_uri) as pool, Inspector(workers) as inspector, ForeignPages(workers) as foreign:
        keys, catalog = authority or open_keys(settings, now), load_catalog(settings.schemas)
        yield await join_issuing(settings, catalog, keys, pool, inspector, walk, now, foreign)


async def join_issuing(
    settings: Settings,
    catalog: Catalog,
    authority: Authority,
    pool: Pool,
    inspector: Inspector,
    walk: Walk,
    now: datetime,
    foreign: ForeignPages | None = None,
    *,
    keyless: bool = False,
) -> Issuing:
    """The parts of issuing, put together; `keyless` where nothing is sealed, but handed over to a worker. Without
    `foreign` each page of others is read in a process of its own.

    Raises:
        SettingsError: `seals.lt_types` names what is no type of one seal.
    """

    lt_types = settings.seals.lt_types_among({kind.id: len(kind.layouts[0].seals) for kind in catalog})
    register, lint_anchors, secrets = PostgresRegister(pool), AnchorFiles(), settings.home / "secrets"
    await register.enrol_seals(authority.seals, now)
    authority.take_seals(await PostgresSeals(pool).with_keys())
    lint_authority = throw_away_authority(authority.plan, now, lint_anchors.put, authority.seals)
    return Issuing(
        catalog=catalog,
        register=register,
        blobs=FileBlobs(settings.home / BLOBS),
        renderer=Renderer(settings.schemas, settings.fonts.extra),
        cipher=LivingPayloadCipher(secrets, await open_cipher(secrets, DataKeys(pool), now)),
        keys=Keyless(authority) if keyless else authority,
        check_file=_checker(catalog, AnchorFolder(settings.public), inspector),
        lint_keys=lint_authority,
        lint_file=_checker(catalog, lint_anchors, inspector),
        public_url=settings.public_url,
        area=authority.area,
        walk=walk,
        lt_types=lt_types,
        external=External(files=PostgresExternalFiles(pool), pages=foreign or ForeignPages()),
    )


def _checker(catalog: Catalog, trust: AnchorSource, inspector: Inspector) -> Any:
    """The checks on a file alone, against one set of anchors."""

    return functools.partial(check_file, Verifying(catalog=catalog, trust=trust, register=None, inspector=inspector))
