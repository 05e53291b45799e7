"""The demonstration: everything once, from an empty folder to a served verifier."""
