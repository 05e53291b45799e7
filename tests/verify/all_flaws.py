"""Every altered file of one seal: importing this puts all of them on the list."""

import alter_attacks
import alter_bytes
import alter_cms
import alter_content
import alter_keys
import alter_store
import alter_structure
from flaws import FLAWS

MAKERS = (alter_attacks, alter_bytes, alter_cms, alter_content, alter_keys, alter_store, alter_structure)
__all__ = ["FLAWS", "MAKERS"]
