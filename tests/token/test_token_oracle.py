"""Our tokens in the hands of another implementation: the package `cwt`, in a Python of its own."""

import json
import os
import subprocess
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from qr_vectors import FOLDER, kid, vectors

pytestmark = pytest.mark.needs("cwt-oracle")
GOOD, BAD = vectors("good"), vectors("bad")
WITH_TOKEN = {name: vector for name, vector in {**GOOD, **BAD}.items() if "cose_sign1" in vector}


@cache
def answers() -> dict[str, dict[str, Any]]:
    """What `cwt` says of every vector, asked once."""
    asked = {
        "key": (FOLDER / "token-key.pem").read_text("ascii"),
        "kid": kid().hex(),
        "tokens": {name: vector["cose_sign1"] for name, vector in WITH_TOKEN.items()},
    }
    oracle = [os.environ["CERTSVC_CWT_PYTHON"], str(Path(__file__).with_name("cwt_oracle.py"))]
    done = subprocess.run(oracle, input=json.dumps(asked), capture_output=True, text=True, check=True, timeout=60)
    answered: dict[str, dict[str, Any]] = json.loads(done.stdout)
    assert answered.keys() == WITH_TOKEN.keys()
    return answered


@pytest.mark.parametrize("name", GOOD)
def test_another_implementation_verifies_our_token_and_reads_the_same_claims(name: str) -> None:
    claims = GOOD[name]["claims"]
    seconds = {"4": claims["expires_at"], "6": claims["issued_at"]}
    expected: dict[str, Any] = {
        "7": claims["ref"],
        "-65537": [claims["type_number"], claims["version"], claims["list_index"], claims["holder_name"]],
        **({"2": claims["subject"]} if claims["subject"] else {}),
        **{key: int(datetime.fromisoformat(text).timestamp()) for key, text in seconds.items() if text},
    }
    assert answers()[name] == {"claims": expected}


@pytest.mark.parametrize(
    "name", [n for n, v in BAD.items() if v["refused_at"] == "signature" and "term" not in v["check"]["reason"]]
)
def test_another_implementation_refuses_the_same_signatures_but_not_the_other_s(name: str) -> None:
    """RFC 9053 asks nothing of s: that (r, n − s) is refused is our rule, and why there is one."""
    assert ("claims" in answers()[name]) == (name == "other-s")


@pytest.mark.parametrize("name", [n for n, v in BAD.items() if v["refused_at"] == "spelling"])
def test_every_other_spelling_is_genuine_to_a_reader_without_our_rule(name: str) -> None:
    assert "claims" in answers()[name]
