"""Sealing departments' own documents, and digests."""
