"""Console and residents' pages ask no more of a browser than the Chromium of 2020 (87) that old computers have.

What such a browser does not know in a selector drops the whole rule, and in a script stops all of it; a property that
it does not know is only left out.
"""

import re
from pathlib import Path

import pytest

WEB = Path(__file__).resolve().parents[2] / "verifier_web"
STYLES = sorted((WEB / "static").glob("*.css"))
PAGES = [page for kind in ("village", "apply", "console") for page in sorted((WEB / "pages").glob(f"{kind}_*.html"))]
NEWER_SELECTORS = (":is(", ":where(", ":has(", "@layer", "@container", "@scope", "&:", "& ")
NEWER_CALLS = (
    *("structuredClone", "Object.hasOwn", "AbortSignal.timeout", "AbortSignal.any", "showPicker", "crypto.randomUUID"),
    *(".at(", ".findLast", ".toSorted(", ".toReversed(", ".toSpliced(", "withResolvers", "Object.groupBy", "static {"),
    *("parseCreationOptionsFromJSON", "parseRequestOptionsFromJSON", ".toBase64(", "Uint8Array.fromBase64", "cause:"),
)


def scripts() -> list[Path]:
    """What the pages load, and what that imports."""
    found = {name for page in PAGES for name in re.findall(r"""["'/]([a-z-]+\.js)\b""", page.read_text("utf-8"))}
    waiting = sorted(found)
    while waiting:
        text = (WEB / "static" / waiting.pop()).read_text("utf-8")
        more = set(re.findall(r"from '\./([a-z-]+\.js)'", text)) - found
        found |= more
        waiting += sorted(more)
    return [WEB / "static" / name for name in sorted(found)]


def test_village_pages_have_scripts_and_styles() -> None:
    assert {"entry.js", "passkey.js", "apply.js", "terminal.js"} <= {script.name for script in scripts()}
    assert {"style.css", "console.css", "apply.css"} <= {style.name for style in STYLES}


@pytest.mark.parametrize("style", STYLES, ids=lambda path: path.name)
def test_village_styles_use_no_selector_that_drops_a_rule(style: Path) -> None:
    text = re.sub(r"/\*.*?\*/|url\([^)]*\)", "", style.read_text("utf-8"), flags=re.S)
    assert [newer for newer in NEWER_SELECTORS if newer in text] == []


@pytest.mark.parametrize("script", scripts(), ids=lambda path: path.name)
def test_village_scripts_call_nothing_that_is_not_there(script: Path) -> None:
    text = script.read_text("utf-8")
    assert [newer for newer in NEWER_CALLS if newer in text] == []
