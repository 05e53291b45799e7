"""What nobody comes back for: drafts are withdrawn, and what requests said is erased some time after their end."""

from datetime import datetime, timedelta

from certsvc.domain.proof_request import KEPT_DAYS, LAPSES_AFTER_DAYS
from certsvc.services import ProofRequests

NOBODY_CAME = f"{LAPSES_AFTER_DAYS} 天没有办理，自动撤回"


async def tidy(requests: ProofRequests, now: datetime) -> tuple[int, int]:
    """Withdraw and erase what is due; how many of each."""
    lapsed = await requests.lapse(now - timedelta(days=LAPSES_AFTER_DAYS), NOBODY_CAME, now)
    return lapsed, await requests.erase(now - timedelta(days=KEPT_DAYS), now)
