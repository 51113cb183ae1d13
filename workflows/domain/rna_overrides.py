"""RNA overrides: assignments to Blender's properties, made after a scene is loaded and before it
is rendered.

Each line is one assignment: `bpy.context.scene.cycles.samples = 64`. Only assignments are accepted,
so that a typing mistake cannot become a program. This does not protect the farm against users who
may change jobs, because a job can run any program anyway.
"""

import ast
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

#: The most characters in all lines together. Windows allows 32,767 characters in a whole command
#: line, where some of these characters count double.
LONGEST = 6_000
_RENDERS = frozenset({"--render-frame", "-f", "--render-anim", "-a"})
_LITERALS = (bool, int, float, str, type(None))
_VALUES = (
    "a value is a number, a text in quotes, True, False, None, a tuple, list, set or dictionary "
    "of such, or another property of bpy"
)
_PROGRAM = """\
import bpy
import sys
for number, line, existing in {lines!r}:
    try:
        eval(existing, {{'bpy': bpy}})
        exec(line, {{'bpy': bpy}})
    except Exception as problem:
        print(f'RNA override of line {{number}} failed: {{line}}: '
              f'{{type(problem).__name__}}: {{problem}}', flush=True)
        sys.exit(1)
    print(f'RNA override: {{line}}', flush=True)
"""


@dataclass(frozen=True, slots=True)
class Problem:
    line: int
    """The line's number, from 1."""
    reason: str

    def __str__(self) -> str:
        return f"Line {self.line}: {self.reason}"


class BadOverrides(Exception):
    """Some lines are not assignments; the message has one line for each of them."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


class _NotAllowed(Exception):
    """A line is refused; the message is the end of a sentence that says why."""


def check(lines: Sequence[str]) -> None:
    """Check that each line is an assignment, a comment or blank.

    Raises:
        BadOverrides: a line is not an assignment, or the lines are too long together.
    """
    problems: list[Problem] = []
    length = 0
    for number, line in enumerate(lines, 1):
        length += len(line)
        if length > LONGEST:
            problems.append(Problem(number, f"more than {LONGEST:,} characters altogether"))
            break
        if reason := _reason_against(line):
            problems.append(Problem(number, reason))
    if problems:
        raise BadOverrides(problems)


def assignments(lines: Sequence[str]) -> list[tuple[int, str]]:
    """Return the lines that are neither blank nor a comment, with their numbers, from 1."""
    numbered = ((number, line.strip()) for number, line in enumerate(lines, 1))
    return [(number, line) for number, line in numbered if line and not line.startswith("#")]


def with_overrides(
    name: str, parameters: Mapping[str, Any], lines: Sequence[str]
) -> Mapping[str, Any]:
    """Return a command's parameters with the overrides right before the first frame's rendering.

    Only a `blender-render` command with `--render-frame` or `--render-anim` gets them. If an
    assignment fails, Blender prints a line about it and ends with exit code 1.
    """
    arguments = parameters.get("args")
    todo = assignments(lines)
    if name != "blender-render" or not todo or not isinstance(arguments, list):
        return parameters
    first = next((i for i, argument in enumerate(arguments) if argument in _RENDERS), None)
    if first is None:
        return parameters
    added = ["--python-expr", _expression(todo)]
    return {**parameters, "args": [*arguments[:first], *added, *arguments[first:]]}


def _expression(todo: Sequence[tuple[int, str]]) -> str:
    lines = [(number, line, _existing(line)) for number, line in todo]
    # The text has no line breaks, because not every shell between here and Blender accepts them.
    return f"exec({_PROGRAM.format(lines=lines)!r}, {{}})"


def _existing(line: str) -> str:
    """Return the expression that must exist before the assignment.

    Properties of add-ons such as Cycles would accept any misspelled name. An index may be new:
    `bpy.context.scene["quality"] = 1` makes a custom property.
    """
    match ast.parse(line).body:
        case [ast.Assign(targets=[target]) | ast.AugAssign(target=target)]:
            return ast.unparse(target.value if isinstance(target, ast.Subscript) else target)
    return "bpy"


def _reason_against(line: str) -> str:
    """Return why the line is refused; empty if it is accepted."""
    text = line.strip()
    if not text or text.startswith("#"):
        return ""
    if any(end in text for end in "\r\n\f\0"):
        return "one assignment a line"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # such as those about invalid escapes in a text
            _check_statements(ast.parse(text).body)
    except SyntaxError as error:
        return f"not Python: {error.msg}"
    except _NotAllowed as refusal:
        return str(refusal)
    except (ValueError, RecursionError, MemoryError):
        return "not Python, or nested too deeply"
    return ""


def _check_statements(statements: Sequence[ast.stmt]) -> None:
    match statements:
        case [ast.Assign(targets=[target], value=value)]:
            pass
        case [ast.AugAssign(target=target, value=value)]:
            pass
        case [ast.Assign()]:
            raise _NotAllowed("one property on the left of one equals sign")
        case [_]:
            raise _NotAllowed("not an assignment such as bpy.context.scene.cycles.samples = 64")
        case _:
            raise _NotAllowed("one assignment a line")
    if not isinstance(target, ast.Attribute | ast.Subscript) or _root(target) != "bpy":
        raise _NotAllowed("the left side must be a property that begins with bpy.")
    _check_value(target)
    _check_value(value)


def _root(node: ast.expr) -> str:
    """Return the name that a chain of attributes and indexes begins with; empty if it has none."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _check_value(node: ast.expr) -> None:
    for part in _parts(node):
        _check_value(part)


def _parts(node: ast.expr) -> Iterator[ast.expr]:
    """Yield the parts of a value; each must be a valid value, too.

    Raises:
        _NotAllowed: the expression is not a value.
    """
    match node:
        case ast.Constant(value=value) if isinstance(value, _LITERALS):
            return
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=number)) if _is_number(number):
            return
        case ast.Tuple(elts=parts) | ast.List(elts=parts) | ast.Set(elts=parts):
            yield from parts
        case ast.Dict(keys=keys, values=values) if None not in keys:
            yield from (key for key in keys if key is not None)
            yield from values
        case ast.Attribute(value=owner, attr=attribute) if _root(node) == "bpy":
            if attribute.startswith("_"):
                raise _NotAllowed(f"{attribute} is no property of Blender")
            yield from _owner(owner)
        case ast.Subscript(value=owner, slice=index) if _root(node) == "bpy":
            yield from _owner(owner)
            yield from _index(index)
        case _:
            raise _NotAllowed(f"{_words(node)} is not allowed: {_VALUES}")


def _owner(node: ast.expr) -> Iterator[ast.expr]:
    if not isinstance(node, ast.Name):
        yield node


def _index(node: ast.expr) -> Iterator[ast.expr]:
    if isinstance(node, ast.Slice):
        yield from (end for end in (node.lower, node.upper, node.step) if end is not None)
    else:
        yield node


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _words(node: ast.expr) -> str:
    text = ast.unparse(node)
    return text if len(text) <= 60 else f"{text[:57]}…"
