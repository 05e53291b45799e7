"""Seals on documents and signatures on tokens, by keys that `custody` holds."""
