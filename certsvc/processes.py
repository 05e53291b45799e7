"""Processes that must not outlive the one that began them."""

import ctypes
import signal
import sys

PR_SET_PDEATHSIG = 1  # Linux, prctl(2)


def end_with_parent(how: signal.Signals = signal.SIGKILL) -> None:
    """Have the kernel send this process a signal when the one that began it ends, also while it is at work."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, how)
