"""Certificates whose page somebody else laid out."""
