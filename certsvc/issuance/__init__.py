"""Use cases that write: prepare, issue, resume, change of state."""
