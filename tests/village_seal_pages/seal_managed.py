"""The village's seal with the overseer of the town as its manager (村章镇管), by an act on record."""

import secrets

from seal_pages_room import CONFIRMS, OF_TOWN, SEAL, SealPages, now

from certsvc.domain.seal_acts import SealAct, SealActRequest
from certsvc.store.seals import PostgresSeals


def managed_by_town(pages: SealPages) -> None:
    """Who approved the seal makes the overseer its manager."""
    asked = SealActRequest(
        client="t",
        key=secrets.token_hex(8),
        seal_id=SEAL,
        act=SealAct.REPLACE_MANAGER,
        actor=CONFIRMS,
        reason="村章镇管",
        successor=OF_TOWN,
    )
    pages.room.run(PostgresSeals(pages.room.pool).act(asked, now()))
