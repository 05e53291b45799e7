"""How commands print: one JSON value a line for programs, plain text for people."""

import json
from typing import Any

import click

JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON, one value a line, and nothing else.")


def show(value: dict[str, Any], text: str, as_json: bool) -> None:
    """Print one result, as JSON or as text."""
    click.echo(json.dumps(value, ensure_ascii=False) if as_json else text)
