"""Splits a line into words as Flamenco does, which uses the package shlex for Go."""

from collections.abc import Iterator

_SPACES = " \t\r\n"
_COMMENT = "#"
_ESCAPE = "\\"
_QUOTES = "'\""


def shell_words(text: str) -> list[str]:
    """Return the words of a shell line: quotes, backslashes and comments, no expansion.

    A `#` at the beginning of a word begins a comment, which lasts to the end of the line. Within
    double quotes a backslash escapes any character, unlike in a POSIX shell.

    Raises:
        ValueError: a quote stays open, or nothing follows a backslash. The message is a sentence.
    """
    words: list[str] = []
    word: list[str] | None = None
    characters = iter(text)
    for character in characters:
        if character in _SPACES:
            if word is not None:
                words.append("".join(word))
            word = None
        elif character == _COMMENT and word is None:
            for skipped in characters:
                if skipped == "\n":
                    break
        else:
            word = word or []
            if character in _QUOTES:
                word.append(_quoted(characters, character, text))
            else:
                word.append(_escaped(characters, text) if character == _ESCAPE else character)
    return words if word is None else [*words, "".join(word)]


def _quoted(characters: Iterator[str], quote: str, text: str) -> str:
    found: list[str] = []
    for character in characters:
        if character == quote:
            return "".join(found)
        is_escape = character == _ESCAPE and quote == '"'
        found.append(_escaped(characters, text) if is_escape else character)
    raise ValueError(f'A quote is never closed in "{text}".')


def _escaped(characters: Iterator[str], text: str) -> str:
    following = next(characters, None)
    if following is None:
        raise ValueError(f'Nothing follows the backslash at the end of "{text}".')
    return following
