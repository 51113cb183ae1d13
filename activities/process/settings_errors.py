"""Says in sentences what is wrong with settings, and where: in which line, or which variable."""

import os
from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml

PREFIX = "TABLAO_"
#: A user mends some, and tries again.
_MOST_SAID = 10
_LONGEST_VALUE = 40

Location = Sequence[str | int]
#: By pydantic's word for the problem; `ctx` has its numbers.
_SENTENCES: Mapping[str, str] = {
    "missing": "it is missing",
    "extra_forbidden": "there is no such setting",
    "greater_than": "it must be more than {gt}",
    "greater_than_equal": "it must be at least {ge}",
    "less_than": "it must be less than {lt}",
    "less_than_equal": "it must be at most {le}",
    "literal_error": "it must be {expected}",
    "enum": "it must be {expected}",
    "string_type": "it must be a text; put it in quotes",
    "string_too_long": "it may have at most {max_length} characters",
    "string_too_short": "it must have at least {min_length} characters",
    "too_long": "it may have at most {max_length} entries",
    "too_short": "it must have at least {min_length} entries",
    "list_type": "it must be a list",
    "tuple_type": "it must be a list",
    "dict_type": "it must be a section of settings",
    "model_type": "it must be a section of settings",
    "dataclass_type": "it must be a section of settings",
    "path_type": "it must be a path",
    "int_type": "it must be a whole number",
    "int_parsing": "it must be a whole number, not {input}",
    "int_from_float": "it must be a whole number, not {input}",
    "float_type": "it must be a number",
    "float_parsing": "it must be a number, not {input}",
    "finite_number": "it must be a number, not {input}",
    "bool_type": "it must be true or false",
    "bool_parsing": "it must be true or false, not {input}",
}


def problems_in_words(
    problems: Sequence[Mapping[str, Any]],
    known: Collection[str],
    command_line: Collection[str],
    path: Path | None,
) -> str:
    """Return a line for each problem.

    Args:
        problems: as pydantic tells them.
        known: the names that settings have.
        command_line: the settings that were given there.
        path: the settings file; None if there is none, or if its content came another way.
    """
    tree = None if path is None else _tree(path)
    lines = [
        f"Setting {'.'.join(map(str, each['loc']))}: {_sentence(each, known)}."
        f"{_place(each['loc'], command_line, path, tree)}"
        for each in problems[:_MOST_SAID]
    ]
    more = len(problems) - _MOST_SAID
    return "\n".join(lines + ([f"{more} more settings are wrong."] if more > 0 else []))


def unreadable(path: Path, error: Exception) -> str:
    """Return why a settings file cannot be read, with the line if there is one."""
    if isinstance(error, UnicodeDecodeError):
        line = error.object[: error.start].count(b"\n") + 1
        return f"{path} cannot be read: in line {line} is a character that is not UTF-8."
    if isinstance(error, OSError):
        return f"{path} cannot be read: {error.strerror or error}."
    if not isinstance(error, yaml.MarkedYAMLError):
        return f"{path} cannot be read: {error}"
    # The beginning of what has no end says more than the end of the file.
    mark = error.context_mark or error.problem_mark
    line = mark.line + 1 if mark is not None else 1
    problem = error.problem or ""
    if "'\\t'" in problem:
        at = error.problem_mark.line + 1 if error.problem_mark is not None else line
        return f"{path} cannot be read: line {at} begins with a tab; indent it with spaces."
    if "end" in problem and "quoted" in (error.context or ""):
        return f"{path} cannot be read: in line {line} begins a quote that does not end."
    if "end" in problem and "flow" in (error.context or ""):
        return f"{path} cannot be read: in line {line} begins a bracket that does not end."
    what = f"{error.context or 'the text'}: {problem}".removeprefix("while ")
    return f"{path} cannot be read: line {line} is not YAML ({what})."


def _sentence(problem: Mapping[str, Any], known: Collection[str]) -> str:
    kind, context = problem["type"], problem.get("ctx") or {}
    shown = str(problem.get("input"))
    shown = f'"{shown[:_LONGEST_VALUE]}{"…" if len(shown) > _LONGEST_VALUE else ""}"'
    if kind not in _SENTENCES:
        return str(problem["msg"]).removeprefix("Value error, ").rstrip(".")
    sentence = _SENTENCES[kind].format_map({"input": shown, **context})
    if kind == "extra_forbidden" and len(problem["loc"]) == 1:
        near = get_close_matches(str(problem["loc"][0]), known, n=1)
        sentence += f"; did you mean {near[0]}" if near else ""
    return sentence


def _place(
    location: Location, command_line: Collection[str], path: Path | None, tree: yaml.Node | None
) -> str:
    """Return a sentence about the place of the value; empty if that is not known."""
    if not location:
        return ""
    name = str(location[0])
    if name in command_line:
        return " It was given on the command line."
    variable = _variable(location)
    if variable:
        return f" It is in the environment, in {variable}."
    line = None if tree is None else _line(tree, location)
    return "" if line is None else f" It is in line {line} of {path}."


def _variable(location: Location) -> str:
    """Return the environment's variable that has the value, or the section that the value is in."""
    for length in range(len(location), 0, -1):
        name = PREFIX + "__".join(str(part) for part in location[:length]).upper()
        if any(name == each.upper() for each in os.environ):
            return name
    return ""


def _tree(path: Path) -> yaml.Node | None:
    try:
        return yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except (OSError, ValueError, yaml.YAMLError):
        return None


def _line(tree: yaml.Node, location: Location) -> int | None:
    """Return the line of a value, or of the innermost section that is there; None: none is."""
    line: int | None = None
    for part in location:
        if isinstance(tree, yaml.MappingNode):
            found = next((pair for pair in tree.value if pair[0].value == str(part)), None)
            if found is None:
                break
            line, tree = found[0].start_mark.line + 1, found[1]
        elif isinstance(tree, yaml.SequenceNode) and isinstance(part, int):
            if part >= len(tree.value):
                break
            tree = tree.value[part]
            line = tree.start_mark.line + 1
        else:
            break
    return line
