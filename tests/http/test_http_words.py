"""Words for everything the checks can find and every verdict they can lead to, in every language."""

import ast
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

import pytest
from public_site import ROOT

from certsvc.domain.calendar import TermState
from certsvc.domain.effects import Effect
from certsvc.domain.states import Status
from certsvc.http.language import CODES, Language, load_languages
from certsvc.http.verifier.headline import LOOKS, unsound_headline
from certsvc.verify.report import Check, Outcome

VERIFY = ROOT / "certsvc" / "verify"
NOT_ON_PAGES = {"path.py": "answers for the command line alone", "report.py": "defines Check, makes none"}
ENUMS = {"status": Status, "term": TermState, "effect": Effect}
Function = ast.FunctionDef | ast.AsyncFunctionDef


class Collector:
    """Every (kind, reason) that one module can put into a `Check`, read from its source.

    Arguments are followed through conditional expressions, local names, module constants, enums and the parameters of
    functions of the same module. What cannot be followed fails the test, so that it is never silently left out.
    """

    def __init__(self, source: str) -> None:
        self._tree = ast.parse(source)
        self._functions = {node.name: node for node in ast.walk(self._tree) if isinstance(node, Function)}

    def pairs(self) -> Iterator[tuple[str, str]]:
        for call, within in self._calls("Check"):
            yield from self._pairs_of(call.args[0], call.args[2], within)

    def _pairs_of(self, kind: ast.expr, reason: ast.expr, within: Function | None) -> Iterator[tuple[str, str]]:
        wanted = self._parameters((kind, reason), within)
        if not wanted or within is None:
            yield from itertools.product(self._texts(kind, within), self._texts(reason, within))
            return
        for call, caller in self._calls(within.name):
            names = [argument.arg for argument in within.args.args]
            given = dict(zip(names, call.args, strict=False))
            for one in self._choices(reason, within):
                kinds = self._texts(given.get(_name(kind), kind), caller)
                yield from itertools.product(kinds, self._texts(given.get(_name(one), one), caller))

    def _calls(self, name: str) -> Iterator[tuple[ast.Call, Function | None]]:
        for node in ast.walk(self._tree):
            if isinstance(node, ast.Call) and _name(node.func) == name:
                yield node, self._around(node)

    def _around(self, node: ast.AST) -> Function | None:
        inside = [function for function in self._functions.values() if any(node is one for one in ast.walk(function))]
        return max(inside, key=lambda function: function.lineno, default=None)

    def _parameters(self, expressions: Iterable[ast.expr], within: Function | None) -> set[str]:
        names = {_name(one) for expression in expressions for one in self._choices(expression, within)}
        return names & {argument.arg for argument in within.args.args} if within else set()

    def _choices(self, expression: ast.expr, within: Function | None) -> Iterator[ast.expr]:
        if isinstance(expression, ast.IfExp):
            yield from self._choices(expression.body, within)
            yield from self._choices(expression.orelse, within)
        elif isinstance(expression, ast.Name) and (assigned := self._assigned(expression.id, within)):
            for value in assigned:
                yield from self._choices(value, within)
        else:
            yield expression

    def _assigned(self, name: str, within: Function | None) -> list[ast.expr]:
        scope: Iterable[ast.AST] = ast.walk(within) if within else ()
        nodes = [node for node in (*scope, *self._tree.body) if isinstance(node, ast.Assign)]
        return [node.value for node in nodes if _name(node.targets[0]) == name]

    def _texts(self, expression: ast.expr, within: Function | None) -> list[str]:
        return [text for choice in self._choices(expression, within) for text in self._text(choice)]

    @staticmethod
    def _text(expression: ast.expr) -> list[str]:
        match expression:
            case ast.Constant(value=str(text)):
                return [text]
            case ast.Attribute(value=ast.Name(id=name), attr="value") if name in ENUMS:
                return [member.value for member in ENUMS[name] if member.value != "unknown"]
            case ast.JoinedStr(values=[ast.Constant(value=str(text)), *_]):
                return [text + "Error"]
        raise AssertionError(f"line {expression.lineno}: teach the collector to follow {ast.unparse(expression)}")


def _name(expression: ast.expr) -> str:
    return expression.id if isinstance(expression, ast.Name) else ""


@cache
def emitted() -> frozenset[tuple[str, str]]:
    """Every (kind, reason) the verify package can emit."""
    found: set[tuple[str, str]] = set()
    for path in sorted(VERIFY.glob("*.py")):
        if path.name not in NOT_ON_PAGES:
            found.update(Collector(path.read_text("utf-8")).pairs())
    return frozenset(found)


@cache
def languages() -> dict[str, Language]:
    """Every language of the site."""
    return load_languages(ROOT / "verifier_web" / "words")


def test_the_collector_sees_what_is_known_to_be_there() -> None:
    assert emitted() >= {
        ("token_signature", "signed_by_us"),
        ("format", "bytes_after_end"),
        ("coverage", "not_whole_file"),
        ("signature", "altered"),
        ("timestamp", "could_not_run"),
        ("picture_qr", "no_qr_read"),
        ("status", "transferred_out"),
        ("term", "in_force_by_law"),
        ("register", "sealed_but_not_registered"),
        ("code", "not_asked"),
    }


@pytest.mark.parametrize("code", CODES)
def test_every_check_and_every_reason_has_words(code: str) -> None:
    language = languages()[code]
    wordless = []
    for kind, reason in sorted(emitted()):
        said = language.reason(kind, "unknown", reason)
        if language.check_name(kind) == kind or f"({reason})" in said:
            wordless.append(f"{kind}.{reason}")
    assert wordless == []


def test_no_words_stand_for_checks_that_do_not_exist() -> None:
    written = languages()["zh"].words["checks"]
    stale = {f"{kind}.{reason}" for kind, table in written.items() for reason in table if reason != "name"}
    assert stale - {f"{kind}.{reason}" for kind, reason in emitted()} == set()


@pytest.mark.parametrize("code", CODES)
def test_every_case_has_word_shape_and_next_steps(code: str) -> None:
    verdicts = languages()[code].words["verdict"]
    assert verdicts.keys() == LOOKS.keys()
    blocks = {"valid": "ok", "not_valid_now": "hold", "not_valid": "bad", "undetermined": "unk", "document": "page"}
    words = {"有效": "valid", "目前无效": "not_valid_now", "无效": "not_valid", "无法判定": "undetermined"}
    words |= dict.fromkeys(
        ("印章真实", "Seal genuine", "回执真实", "Receipt genuine", "印章真實", "回執真實"), "document"
    )
    words |= {"目前無效": "not_valid_now", "無效": "not_valid", "無法判定": "undetermined"}
    words |= dict.fromkeys(("印章真實", "回執真實"), "document")
    words |= {
        "Valid": "valid",
        "Not valid now": "not_valid_now",
        "Not valid": "not_valid",
        "Cannot tell": "undetermined",
    }
    for headline, said in verdicts.items():
        assert LOOKS[headline].block == blocks[words[said["word"]]] or headline == "not_yet", headline
        assert len(said["next"]) <= 3 and (said["next"] or headline == "valid"), headline


def test_valid_not_valid_and_cannot_tell_never_share_a_shape() -> None:
    shapes: dict[str, set[str]] = {}
    for look in LOOKS.values():
        shapes.setdefault(look.block, set()).add(look.icon)
    for one, other in itertools.combinations(shapes.values(), 2):
        assert not one & other


@pytest.mark.parametrize("code", CODES)
def test_words_stay_plain(code: str) -> None:
    """Never `验证通过` (of what?), `假证` (a court says that) or `系统错误` (say what is missing); no colours."""
    paths = (ROOT / "verifier_web" / "words" / code).glob("*.toml")
    values = " ".join(value for path in paths for value in re.findall(r'"([^"]*)"', path.read_text("utf-8")))
    assert values
    for word in ("验证通过", "假证", "系统错误", "绿色", "红色", "green", "fake", "license", " red "):
        assert word not in values


def flat(table: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from flat(value, f"{path}{key}.")
        else:
            yield f"{path}{key}", value


def test_a_sentence_has_the_same_places_for_values_in_every_language() -> None:
    said = {code: dict(flat(language.words)) for code, language in languages().items()}
    differing = [
        key
        for key in said["zh"]
        if len({tuple(sorted(re.findall(r"{\w*}", str(words[key])))) for words in said.values()}) > 1
        or len({len(words[key]) for words in said.values() if isinstance(words[key], list)}) > 1
    ]
    assert differing == []


def test_traditional_words_are_written_and_not_left_in_simplified_characters() -> None:
    said = dict(flat(languages()["hant"].words))
    unlike = {key: str(value).replace("查验", "") for key, value in said.items()}
    both = set("".join(str(value) for value in dict(flat(languages()["en"].words)).values()))
    forbidden = (
        set("证执业请问说过还时间网页码验签发务书报销变续级录领处无这们为来对应补办机构关长号单经态显输图扫") - both
    )
    assert {key: text for key, text in unlike.items() if forbidden & set(text)} == {}
    for word in ("文件名", "網絡", "打印", "屏幕", "信息", "服務器", "登錄", "保存的文件", "默認", "數據"):
        assert not any(word in text for text in unlike.values()), word


# ---- which failure is said first ----


def failed(*pairs: tuple[str, str]) -> list[Check]:
    return [Check(kind, Outcome.FAILED, reason) for kind, reason in pairs]


@pytest.mark.parametrize(
    ("pairs", "headline"),
    [
        ([("signature", "no_seal")], "no_seal"),
        ([("signature", "altered"), ("signer", "not_our_anchor")], "changed"),
        ([("signer", "not_our_anchor"), ("format", "revisions")], "not_ours"),
        ([("format", "revisions"), ("signature", "not_one_signature"), ("signer", "not_our_anchor")], "not_ours"),
        ([("signature", "not_one_signature"), ("coverage", "no_single_byte_range")], "changed"),
        ([("padding", "data_in_padding")], "changed"),
        ([("on_record", "document_not_on_record"), ("padding", "data_in_padding")], "changed"),
        ([("on_record", "document_not_on_record"), ("coverage", "not_whole_file")], "not_on_record"),
        ([("token_signature", "unknown_key"), ("picture_qr", "other_than_data")], "not_ours"),
        ([("picture_qr", "no_qr_read")], "mismatch"),
        ([("register_agrees", "register_differs")], "mismatch"),
        ([("timestamp", "no_timestamp")], "unsound"),
    ],
)
def test_the_gravest_failure_names_the_case(pairs: list[tuple[str, str]], headline: str) -> None:
    assert unsound_headline(failed(*pairs)) == headline
