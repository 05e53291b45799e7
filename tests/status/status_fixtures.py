"""The fixtures of the store, for tests of status lists."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "store"))

pytest_plugins = ["store_fixtures"]
