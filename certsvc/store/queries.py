"""SQL is a file of named queries: `-- name: gather`, a line on what it is for, the statement."""

import re
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "sql" / "queries"


@cache
def queries(file: str) -> dict[str, str]:
    """The statements in `sql/queries/<file>.sql` by name.

    Raises:
        ValueError: two of them have one name, or one has no line on what it is for.
    """
    parts = re.split(r"^-- name: (\w+)\n", (FOLDER / f"{file}.sql").read_text("utf-8"), flags=re.M)[1:]
    names, bodies = parts[::2], parts[1::2]
    if len(set(names)) != len(names) or not all(body.startswith("-- ") for body in bodies):
        raise ValueError(f"{file}.sql: every query has a name of its own and a line on what it is for")
    return dict(zip(names, bodies, strict=True))
