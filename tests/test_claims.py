"""The practice statement and the threat model claim nothing without naming what is behind it, and what they name is."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = [
    ROOT / "keys" / name for name in ("PRACTICE.md", "THREATS.md", "THREATS_PUBLIC.md", "THREATS_VILLAGE.md", "LOSS.md")
]
NOT_DONE = "Not done here"
"""Under this heading stands what is left undone: nothing could be behind it."""

PROOF = re.compile(r"`((?:certsvc|keys|schemas|tests|verifier_web)/[\w./-]+)(?:::(\w+))?`")
ONE_PAGE = 120


def claims(text: str) -> list[str]:
    """Every list item of a document, on one line, but for what is said to be left undone."""
    sections = [part for part in re.split(r"^## ", text, flags=re.M)[1:] if NOT_DONE not in part.partition("\n")[0]]
    items = [item for part in sections for item in re.split(r"^- ", part, flags=re.M)[1:]]
    return [" ".join(item.partition("\n\n")[0].split()) for item in items]


def problems(text: str) -> list[str]:
    """Claims that name nothing, and names of nothing."""
    found = []
    for claim in claims(text):
        proofs = PROOF.findall(claim)
        if not proofs:
            found.append(f"nothing is behind: {claim}")
        found += [f"{path}::{name}" for path, name in proofs if not is_there(ROOT / path, name)]
    return found


def is_there(path: Path, name: str) -> bool:
    """Whether the file is there and defines or, where it is no Python, holds the name."""
    if not path.is_file():
        return False
    text = path.read_text("utf-8")
    if path.suffix != ".py" or not name:
        return re.search(rf"\b{name}\b", text) is not None
    return name in set(defined(ast.parse(text)))


def defined(tree: ast.Module) -> list[str]:
    """The names a module gives to functions, classes and values."""
    found = [node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    values = [target for node in tree.body if isinstance(node, ast.Assign) for target in node.targets]
    return found + [target.id for target in values if isinstance(target, ast.Name)]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_claim_names_a_file_or_a_test_that_is_there(document: Path) -> None:
    text = document.read_text("utf-8")
    assert len(claims(text)) > 10
    assert problems(text) == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_it_stays_about_a_page(document: Path) -> None:
    assert len(document.read_text("utf-8").splitlines()) <= ONE_PAGE


@pytest.mark.parametrize(
    ("claim", "said"),
    [
        ("- The moon is made of cheese.", "nothing is behind: The moon is made of cheese."),
        ("- It holds. `tests/test_moon.py`", "tests/test_moon.py::"),
        ("- It\n  holds. `tests/test_claims.py::test_moon`", "tests/test_claims.py::test_moon"),
        (
            "- It holds. `certsvc/store/sql/schema/05_history.sql::no_such_constraint`",
            "certsvc/store/sql/schema/05_history.sql::no_such_constraint",
        ),
        ("- It holds. `tests`", "nothing is behind: It holds. `tests`"),
    ],
)
def test_a_claim_without_what_is_behind_it_is_found(claim: str, said: str) -> None:
    assert problems(f"# Title\n\n## Heading\n\n{claim}\n- Good. `tests/test_claims.py::problems`\n") == [said]


def test_what_is_left_undone_needs_nothing_behind_it() -> None:
    assert problems(f"## 不做的 {NOT_DONE}\n\n- No audit.\n") == []
