"""docs/commands.md has each command of the worker host, and its parameters, as the code."""

import ast
import inspect
import json
import re
from pathlib import Path
from types import FunctionType
from typing import Any, NamedTuple

import pytest

from worker_host import commands
from worker_host.commands import blender, ffmpeg, video_frames
from worker_host.commands.parameters import CommandFailed

#: By the function that reads a parameter.
TYPES = {"text": "text", "number": "number", "texts": "list", "words": "words"}
NEEDED = {"text", "number"}
#: Commands whose parameters whole modules read.
MODULES = {"blender-render": [blender], "frames-to-video": [ffmpeg, video_frames]}
VALUES: dict[str, type | tuple[type, ...]] = {
    "text": str,
    "words": str,
    "number": (int, float),
    "list": list,
    "yes or no": bool,
}


class Parameter(NamedTuple):
    type: str
    is_needed: bool


@pytest.fixture(scope="module")
def page(root: Path) -> dict[str, str]:
    """The section of each command."""
    parts = (root / "docs/commands.md").read_text(encoding="utf-8").split("\n## ")[1:]
    sections = {part.partition("\n")[0]: part for part in parts}
    del sections["Any other name"]
    return sections


def told(section: str) -> dict[str, Parameter]:
    rows = re.findall(r"^\| `(\w+)` \| ([\w ]+) \| (yes|no) \|", section, re.MULTILINE)
    return {name: Parameter(type_, needed == "yes") for name, type_, needed in rows}


def read(command: str) -> dict[str, set[Parameter]]:
    """Each parameter as the code reads it; without a type where it is only looked at."""
    found: dict[str, set[Parameter]] = {}
    for source in sources(command):
        for call in ast.walk(ast.parse(source)):
            match call:
                case ast.Call(
                    ast.Name(reader), [ast.Name("parameters"), ast.Constant(str(name)), *_]
                ):
                    each = Parameter(TYPES[reader], reader in NEEDED)
                    found.setdefault(name, set()).add(each)
                case ast.Call(
                    ast.Attribute(ast.Name("parameters"), "get"), [ast.Constant(str(name))]
                ):
                    found.setdefault(name, set())
    return found


def sources(command: str) -> list[str]:
    if command in MODULES:
        return [inspect.getsource(module) for module in MODULES[command]]
    function: Any = commands.command_named(command)
    assert isinstance(function, FunctionType)
    return [inspect.getsource(function)]


def test_the_page_has_every_command(page: dict[str, str]) -> None:
    assert set(page) == set(commands._MODULES)


@pytest.mark.parametrize("command", commands._MODULES)
def test_the_page_has_the_parameters_that_the_code_reads(
    page: dict[str, str], command: str
) -> None:
    said, true = told(page[command]), read(command)

    assert set(said) == set(true)
    for name, parameter in said.items():
        if not true[name]:  # only looked at, never demanded
            assert not parameter.is_needed
        elif parameter.is_needed or command != "frames-to-video":
            assert true[name] == {parameter}
        else:  # `frames` and `frameFiles` are demanded only when both are there
            assert {each.type for each in true[name]} == {parameter.type}


@pytest.mark.parametrize("command", commands._MODULES)
def test_the_example_fits_the_table(page: dict[str, str], command: str) -> None:
    (block,) = re.findall(r"^```json\n(.+?)^```", page[command], re.MULTILINE | re.DOTALL)
    example, parameters = json.loads(block), told(page[command])

    assert example["name"] == command
    assert set(example["parameters"]) <= set(parameters)
    assert set(example["parameters"]) >= {name for name, p in parameters.items() if p.is_needed}
    for name, value in example["parameters"].items():
        assert isinstance(value, VALUES[parameters[name].type])


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"blendfile": ""}, 'parameter "exe" is missing'),
        (
            {"exe": "blender", "blendfile": "", "args": "-b"},
            "parameter \"args\" must be a list, not '-b'",
        ),
    ],
)
def test_the_sentences_about_parameters_are_true(
    root: Path, parameters: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(CommandFailed, match=re.escape(sentence)):
        blender.command_line(parameters)

    assert sentence in (root / "docs/commands.md").read_text(encoding="utf-8")
