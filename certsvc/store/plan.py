"""How PostgreSQL plans: once for all values, which is right for nearly every query, or for each."""

from certsvc.store.pool import Connection
from certsvc.store.queries import queries

SQL = queries("plan")


async def plan_each(connection: Connection) -> None:
    """Have what follows in this transaction planned for its values: where half of the filters are left out, one plan
    for all would go by no index, and what scopes cover would be worked out for every row."""
    await connection.execute(SQL["plan_each"])
