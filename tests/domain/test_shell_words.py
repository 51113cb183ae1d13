"""Words of a line, as Flamenco splits them. The right answers are those of its own package."""

import pytest

from workflows.domain.shell_words import shell_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a # b", ["a"]),
        ("a#b", ["a#b"]),
        ("# x\ny z", ["y", "z"]),
        ("'a#b' #c\n d", ["a#b", "d"]),
        (r"\#a", ["#a"]),
        ("a '' # \n#\n", ["a", ""]),
        ('"#"', ["#"]),
        ("a #", ["a"]),
        (r'"a\nb"', ["anb"]),
        ('""', [""]),
        ('a "" b', ["a", "", "b"]),
        (r"a\ b", ["a b"]),
        ("a\tb\rc\nd", ["a", "b", "c", "d"]),
        ("\\\nx", ["\nx"]),
        ('"a\\\nb"', ["a\nb"]),
        ("x\u00a0y\vz", ["x\u00a0y\vz"]),
        ("a;b|c", ["a;b|c"]),
        ("", []),
    ],
)
def test_words_are_split_as_in_flamenco(text: str, words: list[str]) -> None:
    assert shell_words(text) == words


@pytest.mark.parametrize("text", ["'x", '"x', "a 'b\" c"])
def test_a_quote_that_stays_open_is_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match=r"A quote is never closed in"):
        shell_words(text)


@pytest.mark.parametrize("text", ["a\\", '"a\\'])
def test_a_backslash_at_the_end_is_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match="Nothing follows the backslash at the end of"):
        shell_words(text)
