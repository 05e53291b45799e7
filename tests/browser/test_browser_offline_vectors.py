"""The published vectors through the modules that other people's software takes: in the browser, and in Node where there
is one."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from offline_room import Room, browser, room
from playwright.sync_api import Browser, Page

from certsvc.domain.jwk import jwk_of

__all__ = ["browser", "room"]
ROOT = Path(__file__).resolve().parents[2]
VECTORS, MODULES = ROOT / "tests" / "vectors", ROOT / "verifier_web" / "static"

RUN = """async ([base, cases]) => {
  const {NoToken, importKeys, parseDigits, verifyOffline} = await import(base + 'verify-offline.js');
  const ready = {}, done = [];
  for (const {qr, list, keys, now, digits} of cases) {
    ready[keys.name] ??= await importKeys(keys.said);
    try {
      if (digits) parseDigits(qr);  // says which of the two errors it is
    } catch (error) {
      if (!(error instanceof NoToken)) throw error;
      done.push({token: {outcome: 'malformed', reason: 'malformed'}, claims: null, code: error.code});
      continue;
    }
    done.push(await verifyOffline({qr, list, keys: ready[keys.name], now}));
  }
  return done;
}"""


def read(folder: str) -> dict[str, Any]:
    """The vectors of a folder, by file."""
    return {str(path.relative_to(VECTORS)): json.loads(path.read_bytes()) for path in (VECTORS / folder).glob("*.json")}


def qr_cases() -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """What is asked and what must come out, of the vectors of tokens."""
    key = load_pem_public_key((VECTORS / "qr" / "token-key.pem").read_bytes())
    assert isinstance(key, ec.EllipticCurvePublicKey)
    said = {"iat": 946684800, "exp": 4102444800, "demonstration": True, "status_keys": [], "list_keys": []}
    term = {"not_before": 1790784000, "not_after": 1798732799}
    told = json.loads((VECTORS / "qr" / "token-key.json").read_bytes())
    said["token_keys"] = [{"kid": told["kid"], "jwk": jwk_of(key), **term, "compromised": False}]
    for name, vector in (read("qr/good") | read("qr/bad")).items():
        keys = {"name": "qr", "said": said}
        asked = {"qr": vector["digits"], "list": None, "keys": keys, "now": 1795000000, "digits": True}
        if "error" in vector:
            wanted = {"token": {"outcome": "malformed", "reason": "malformed"}, "code": vector["error"], "claims": None}
        elif "check" in vector:
            wanted = {"token": {"outcome": "unsound", "reason": vector["check"]["reason"]}, "claims": None}
        else:
            wanted = {"token": {"outcome": "sound", "reason": "signed_by_us"}}
        yield name, asked, wanted


def status_cases() -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """The same of the vectors of lists."""
    for name, vector in (read("status/good") | read("status/bad")).items():
        said = json.loads((VECTORS / "status" / "keys" / f"{vector['keys']}.json").read_bytes())["verifier"]
        keys = {"name": vector["keys"], "said": said}
        yield name, {"qr": vector["qr"], "list": vector["list"], "keys": keys, "now": vector["now"]}, vector["expected"]


def flat(report: dict[str, Any]) -> dict[str, Any]:
    """A report in the form in which vectors of lists expect it."""
    said = report["list"]
    token = report["token"]
    return {
        "verdict": report["verdict"],
        "token": token["outcome"],
        "token_reason": token["reason"],
        "term": report["term"],
        "state": report["state"],
        "list": said["reason"],
        "age_s": said["age_s"],
    }


def check(reports: list[dict[str, Any]]) -> None:
    """Every report is what its vector wants."""
    wanted = [*qr_cases(), *status_cases()]
    assert len(reports) == len(wanted) > 200
    for report, (name, _, expected) in zip(reports, wanted, strict=True):
        found = flat(report) if name.startswith("status/") else report
        assert {key: found[key] for key in expected} == expected, name
        if name.startswith("qr/good/"):
            claims = json.loads((VECTORS / name).read_bytes())["claims"]
            for key in ("ref", "subject", "type_number", "version", "holder_name"):
                assert report["claims"][key] == claims[key], (name, key)
            assert report["list"]["index"] == claims["list_index"], name


def asked_of_all() -> list[dict[str, Any]]:
    """What is asked, in the order of `check`."""
    return [asked for _, asked, _ in (*qr_cases(), *status_cases())]


@pytest.mark.needs("chromium")
def test_every_vector_in_the_browser(browser: Browser, room: Room) -> None:
    page: Page = browser.new_page()
    page.goto(f"{room.base}/scan")
    base = str(page.locator("script[src*='/offline/']").get_attribute("src")).removesuffix("scan.js")
    check(page.evaluate(RUN, [base, asked_of_all()]))
    page.close()


@pytest.mark.long
@pytest.mark.needs("node")
def test_every_vector_in_node_and_damage_to_the_keys_file(tmp_path: Path) -> None:
    jws = json.loads((VECTORS / "status" / "keys" / "verifier-jws.json").read_bytes())
    script = tmp_path / "run.mjs"
    script.write_text(
        f"""
        import {{readFileSync}} from 'node:fs';
        import {{importKeys, readVerifierKeys}} from '{MODULES.as_uri()}/verify-offline.js';
        const run = {RUN};
        const asked = JSON.parse(readFileSync(0, 'utf8'));
        const said = await readVerifierKeys(asked.jws);
        const again = await readVerifierKeys(asked.jws, await importKeys(said));
        const altered = await readVerifierKeys(asked.altered).catch(error => error.name);
        const done = await run(['{MODULES.as_uri()}/', asked.cases]);
        process.stdout.write(JSON.stringify({{iss: again.iss, altered, done}}));
        """,
        "utf-8",
    )
    first = "A" if jws["signature"][0] != "A" else "B"
    altered = {**jws, "signature": first + jws["signature"][1:]}
    asked = {"jws": json.dumps(jws), "altered": json.dumps(altered), "cases": asked_of_all()}
    node = shutil.which("node") or "node"
    done = subprocess.run([node, script], input=json.dumps(asked), capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert found["iss"] and found["altered"] == "RangeError"
    check(found["done"])
