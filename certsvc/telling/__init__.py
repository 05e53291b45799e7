"""Telling others by web-hook: Standard Webhooks 1.0, to addresses that are checked when the connection is made."""
