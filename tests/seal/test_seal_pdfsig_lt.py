"""What pdfsig says of a file in the form LT: signature and certificate as ever, and that the store follows the seal."""

from pathlib import Path

import pytest
from sealed_set import SealedSet
from test_seal_outside import run, trust_root

pytest_plugins = ["seal_fixtures"]
pytestmark = pytest.mark.long


@pytest.mark.needs("pdfsig", "certutil")
def test_pdfsig_trusts_a_file_in_the_form_lt_and_says_that_something_follows_the_seal(
    sealed_rsa: SealedSet, tmp_path: Path
) -> None:
    """The form that has the name LT pays for it: the seal does not cover the revision with the validation data."""
    trust_root(tmp_path, sealed_rsa.root)
    done = run("pdfsig", "-nssdir", f"sql:{tmp_path}", sealed_rsa.lt)
    said = [line.strip(" -") for line in done.stdout.splitlines()]
    assert sum(line.startswith("Signature #") for line in said) == 1
    assert "Signature Validation: Signature is Valid." in said, said
    assert "Certificate Validation: Certificate is Trusted." in said, said
    assert [line for line in said if "otal document signed" in line] == ["Not total document signed"]
