"""Pure values and rules. Imports nothing of ours but `ids` and `errors`; no I/O, no clock, no settings."""
