"""What is said of a fault: `words.toml` beside this file, read when there is one; and what parsers say, in Chinese."""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("words.toml")

SYNTAX: Mapping[str, str] = {
    "Expected '=' after a key": "名称后面缺少等号",
    "Expected newline or end of document": "一行里多写了东西，或者文字没有全部写在引号里",
    "Expected ']": "方括号没有配对",
    "Unclosed array": "方括号没有配对",
    "Unclosed inline table": "花括号没有配对",
    "Unterminated string": "引号没有配对",
    "Illegal character": "引号没有配对，或有不能用的字符",
    "Invalid value": "等号后面的值不对：文字要写在英文引号里",
    "Invalid initial character for a key": "这里应是一个名称：可能有中文标点，或多了一个符号",
    "Invalid statement": "这里应是一个名称：可能有中文标点，或多了一个符号",
    "Cannot overwrite a value": "同一个名称写了两次",
    "Cannot declare": "同一个表写了两次",
    "Duplicate inline table key": "同一个名称写了两次",
    "Unescaped '\\' in a string": "双引号里的反斜杠要写两个，或改用单引号",
    "Found invalid character": "有不能用的字符",
    "Expecting property name": "这里应是写在英文双引号里的名称：可能前面多了一个逗号",
    "Illegal trailing comma": "最后一项后面多了逗号",
    "Expecting ',' delimiter": "两项之间缺少逗号，或括号没有配对",
    "Expecting ':' delimiter": "名称后面缺少冒号",
    "Expecting value": "这里缺少值：文字要写在英文双引号里，最后一项后面不能有逗号",
    "Extra data": "最外层的括号之后还有东西",
    "Invalid control character": "文字里有换行或其他不能用的字符",
    "Invalid \\escape": "反斜杠后面的字符不对：反斜杠要写两个",
    "too many brackets": "括号套得太深",
}
"""What tomllib and json say, by its beginning."""


@cache
def words() -> Mapping[str, tuple[str, str]]:
    """The Chinese and the English words of every code, with places to fill."""
    return {code: (said["zh"], said["en"]) for code, said in tomllib.loads(FILE.read_text("utf-8")).items()}
