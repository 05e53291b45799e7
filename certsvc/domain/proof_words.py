"""What people type when they look for a proof, and what it can be compared with: one spelling for all of it."""

import unicodedata
from collections.abc import Callable, Iterable, Iterator

TRADITIONAL = (
    "證親屬關係戶養記錄復員況蹤狀齡現殘業檔財產遺繼權場體處婦離獨單結認報裝電遷墳華僑鄉補貼獎勵勞動計劃別區醫療濟請階費賃設備機訴訟學"
    "條調遊園車庫銀貸樓買賣過給錢長廣東時開無與這個點問題丟兩喪價優務變實審媽崗廢歸執掛舊爐著種經職營貧貫輛違鍋難項沒爺兒嗎裡國級農團應蓋"
)
SIMPLIFIED = (
    "证亲属关系户养记录复员况踪状龄现残业档财产遗继权场体处妇离独单结认报装电迁坟华侨乡补贴奖励劳动计划别区医疗济请阶费赁设备机诉讼学"
    "条调游园车库银贷楼买卖过给钱长广东时开无与这个点问题丢两丧价优务变实审妈岗废归执挂旧炉着种经职营贫贯辆违锅难项没爷儿吗里国级农团应盖"
)
"""The characters in which a name typed in traditional ones differs from the catalogue's; a name needs no others."""

BEFORE = tuple("我 想 要 需要 请 帮 开 开具 办 办理 出具 打 写 申请 一个 一份 一张 个 份 张".split())
BEHIND = tuple("怎么开 怎么办 在哪里开 在哪儿开 在哪开 的 吗 呢 啊".split())
"""What stands around a name in a sentence: 我要开一张…, …怎么办."""

MOST_AROUND = 4
LONGEST = 60
TAIL = "证明"
_SAME = str.maketrans(TRADITIONAL, SIMPLIFIED)


def plain(words: str) -> str:
    """Words in one spelling: simplified, lower case, without spaces and signs; at most 60 characters of them."""
    kept = unicodedata.normalize("NFKC", words[: 4 * LONGEST]).translate(_SAME).casefold()
    return "".join(each for each in kept if each.isalnum())[:LONGEST]


def spellings(words: str) -> tuple[str, ...]:
    """What somebody may have meant to name by `words`: as typed, with less and less of what stands around it, and with
    证明 behind it."""
    found = list(_bared(plain(words)))
    return tuple(dict.fromkeys((*found, *(each + TAIL for each in found))))


def likeness(words: str, names: Iterable[str]) -> float:
    """How alike `words`, with what stands around them or without, are to the nearest of `names`, from 0 to 1.

    1 where one stands in the other, else by the pairs of characters they share. The word 证明, which stands in all,
    counts for nothing.
    """
    typed = {each: _pairs(each) for each in (each.replace(TAIL, "") for each in _bared(plain(words)))}
    known = {each: _pairs(each) for each in (plain(name).replace(TAIL, "") for name in names)}
    return max((_alike(one, other) for one in typed.items() for other in known.items()), default=0.0)


def _alike(one: tuple[str, set[str]], other: tuple[str, set[str]]) -> float:
    (text, pairs), (name, its) = one, other
    if min(len(text), len(name)) < 2:
        return 1.0 if text and text == name else 0.0
    if text in name or name in text:
        return 1.0
    return 2 * len(pairs & its) / (len(pairs) + len(its))


def _bared(typed: str) -> Iterator[str]:
    """The words, and what is left of them when one word after the other is taken from before and from behind them."""
    for rest in _less(typed, lambda text: text[max(map(len, filter(text.startswith, BEFORE)), default=0) :]):
        yield from _less(rest, lambda text: text[: len(text) - max(map(len, filter(text.endswith, BEHIND)), default=0)])


def _less(text: str, cut: Callable[[str], str]) -> Iterator[str]:
    for _ in range(MOST_AROUND):
        if not text:
            return
        yield text
        shorter = cut(text)
        if shorter == text:
            return
        text = shorter


def _pairs(text: str) -> set[str]:
    return {text[at : at + 2] for at in range(len(text) - 1)}
