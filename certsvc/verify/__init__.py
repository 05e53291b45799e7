"""Verifying: independent checks make a report, and one small function gives the verdict."""
