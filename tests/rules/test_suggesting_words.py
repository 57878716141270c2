"""Finding and weighing words: against a plain reference, and the rules of negation, landmark, title and company."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.lexicon import Counting, LexiconFile, Thresholds, Topic, Words
from rules.suggesting.finding import Finder, Hit
from rules.suggesting.weighing import Reading, Scores, Weigher

LETTERS = st.text("甲乙丙丁", max_size=30)
WORDS = st.sets(st.text("甲乙丙丁", min_size=2, max_size=5), max_size=12)


def plainly(words: Iterable[str], text: str) -> list[Hit]:
    """The longest word at every place, left to right, without any cleverness."""
    found, at = [], 0
    while at < len(text):
        here = sorted((w for w in words if text.startswith(w, at)), key=len)
        if here:
            found.append(Hit(here[-1], at, at + len(here[-1])))
        at += len(here[-1]) if here else 1
    return found


@given(WORDS, WORDS, LETTERS)
def test_the_finder_finds_what_a_plain_search_finds_in_each_family(one: set[str], other: set[str], text: str) -> None:
    assert Finder({"one": one, "other": other}).find(text) == {"one": plainly(one, text), "other": plainly(other, text)}


def test_a_word_of_one_character_is_refused() -> None:
    with pytest.raises(ValueError, match="two characters"):
        Finder({"one": ["水"]})


COUNTING = Counting(grades={"strong": 3, "clear": 2, "faint": 1}, title=2, again=0.5, landmark=0.25, window=6, sharpness=2, background=2,
                    threshold=Thresholds(klass=0.5, situation=0.5, sector=0.5, area=0.5, division=0.5))


def weigh(groups: list[tuple[str, Words]], subject: str, text: str) -> Scores[str]:
    topic = Topic(zh="试验", area="some", strong=("试验词",))
    file = LexiconFile(counting=COUNTING, negations=("不是", "并非"), landmarks=("旁", "门口"), klass={}, warnings={}, topics={"t": topic})
    weigher = Weigher("words", groups, file)
    return weigher.weigh(Reading.of(Finder(weigher.families), subject, text))


WATER = [("water", Words(strong=("供水",), clear=("停水",))), ("school", Words(strong=("学校",), clear=("停水",)))]


@pytest.mark.parametrize(
    ("subject", "text", "water", "school"),
    [
        ("", "供水", 3, None),
        ("供水", "", 6, None),  # the subject counts twice
        ("供水", "供水", 9, None),
        ("", "供水供水", 4.5, None),  # each further mention a half
        ("", "供水" * 9, 3 * 2.5, None),  # three further mentions at most
        ("", "停水", 2, 2),  # a word of two groups speaks for both
        ("", "学校停水", 2, 5),
        ("", "学校旁停水", 2, 2.75),  # the school only says where
        ("", "学校旁的供水，学校", 3, 3),  # said once for itself
        ("", "这不是供水的事", None, None),
        ("", "并非学校，供水", 3, None),
        ("", "不是说要怎么样，供水", 3, None),  # too far away to undo it
    ],
)
def test_what_a_word_weighs(subject: str, text: str, water: float | None, school: float | None) -> None:
    found = weigh(WATER, subject, text).of
    assert {k: pytest.approx(v) for k, v in (("water", water), ("school", school)) if v is not None} == found


PAY = [("pay", Words(together=({"all": (("拖欠", "不发"), ("工资", "工钱"))},)))]


@pytest.mark.parametrize(
    ("subject", "text", "score", "word"),
    [
        ("", "公司拖欠两个月工资", 3, "拖欠…工资"),
        ("", "工资一直不发", 3, "工资…不发"),
        ("拖欠工钱", "", 6, "拖欠…工钱"),
        ("拖欠", "工资", None, ""),  # not in the same part
        ("", "拖欠物业费很久，而且说工资也低", None, ""),  # not near each other
        ("", "工资", None, ""),
        ("", "不是拖欠工资", None, ""),
    ],
)
def test_words_that_speak_only_together(subject: str, text: str, score: float | None, word: str) -> None:
    found = weigh(PAY, subject, text)
    assert found.of.get("pay") == score
    assert [span.word for span in found.words("pay")] == ([word] if word else [])


@given(st.dictionaries(st.sampled_from("abcdef"), st.floats(0.1, 200), min_size=1), st.sampled_from("abcdef"), st.floats(0.1, 50))
def test_confidence_is_a_share_and_grows_with_the_score(scores: dict[str, float], key: str, more: float) -> None:
    before = dict(Scores(of=dict(scores)).ranked(1.6, 2.2))
    after = dict(Scores(of={**scores, key: scores.get(key, 0.0) + more}).ranked(1.6, 2.2))
    assert sum(before.values()) < 1
    assert all(0 < share < 1 for share in before.values())
    assert after[key] >= before.get(key, 0.0)
    assert all(after[other] <= before[other] for other in before if other != key)


def test_equal_scores_are_ordered_by_name() -> None:
    assert [k for k, _ in Scores(of={"b": 2.0, "a": 2.0}).ranked(1.6, 2.2)] == ["a", "b"]


@given(st.lists(st.sampled_from(["拖欠", "不发", "工资", "工钱", "好", "物业"]), max_size=14))
def test_company_is_found_wherever_a_plain_search_finds_it(pieces: list[str]) -> None:
    text = "".join(pieces)
    ends = [(text.index(p, at), p) for p, at in zip(pieces, [len("".join(pieces[:i])) for i in range(len(pieces))], strict=True)]
    one = [(at, at + len(p)) for at, p in ends if p in ("拖欠", "不发")]
    other = [(at, at + len(p)) for at, p in ends if p in ("工资", "工钱")]
    near = any(max(b[0] - a[1], a[0] - b[1], 0) <= COUNTING.window for a in one for b in other)
    assert ("pay" in weigh(PAY, "", text).of) == near
