"""Progress of what takes longer than a second, on standard error, so that results stay clean."""

import sys
import time

PATIENCE_S = 1.0


class Progress:
    """Says how far something is: nothing in the first second, then once a second at most."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._said = time.monotonic()
        self._written = 0

    def step(self, done: int, of: int, name: str) -> None:
        """`done` of `of` are finished, the last of them `name`."""
        now = time.monotonic()
        if now - self._said < PATIENCE_S and not (self._written and done == of):
            return
        self._said = now
        text = f"{self._what} {done}/{of}  {name}"
        if sys.stderr.isatty():
            print(text.ljust(self._written), end="\n" if done == of else "\r", file=sys.stderr, flush=True)
        else:
            print(text, file=sys.stderr, flush=True)
        self._written = len(text)
