"""Progress of long work whose length is not known before."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress, TextColumn, TimeElapsedColumn


@contextmanager
def advancing(what: str, *, quiet: bool) -> Iterator[Callable[[int], None]]:
    """Gives a function that is told how many more are done, and shows the sum on standard error."""
    columns = TextColumn("{task.description}"), TextColumn("{task.completed:.0f}"), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True), disable=quiet) as bar:
        task = bar.add_task(what, total=None)
        yield lambda count: bar.advance(task, count)
