"""Batches: sent, checked row by row, run by workers, and told in a manifest."""
