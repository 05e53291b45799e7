"""The CSC API (Cloud Signature Consortium, version 2, and 1 under its old names)."""
