"""Reads Blender's output: turns lines into events, and events into progress. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from worker_host.run_spec import Command
from workflows.domain.steps import steps_of


@dataclass(frozen=True, slots=True)
class FrameStarted:
    """Blender has named the frame it renders; repeated while it renders the frame."""

    frame: int


@dataclass(frozen=True, slots=True)
class SampleDone:
    sample: int
    of: int


@dataclass(frozen=True, slots=True)
class FrameSaved:
    path: str


@dataclass(frozen=True, slots=True)
class StepDone:
    """A frame is done: rendered, or skipped because its file exists."""


Event = FrameStarted | SampleDone | FrameSaved | StepDone

# Blender 5 begins its lines with a time, the name of a part of Blender, and a bar.
_SPOKEN = re.compile(r"^[\d:.]+\s+(?P<part>\S+)\s*\|\s?")
_FRAME = re.compile(r"^(?:Fra:\s*|Rendering frame )(-?\d+)")
# Cycles prints "Sample", Eevee "Rendering".
_SAMPLE = re.compile(r"\b(?:Sample|Rendering) (\d+)\s*/\s*(\d+)")
_SAVED = re.compile(r"Saved: '(.*)'")
_TIME = re.compile(r"^\s*Time: [\d:.]+")
_SKIPPED = re.compile(
    r"^\s*skipping existing frame(?: [\"'](?P<path>.*?)[\"'](?: for view [\"'].*[\"'])?\s*$)?",
    re.IGNORECASE,
)


def parse_line(line: str) -> list[Event]:
    """Return the events of one line of Blender 3.4 to 5.2; none for most lines."""
    spoken = _SPOKEN.match(line)
    text = line[spoken.end() :] if spoken else line
    events: list[Event] = []
    if found := _FRAME.search(text):
        events.append(FrameStarted(int(found[1])))
    if found := _SAMPLE.search(text):
        events.append(SampleDone(int(found[1]), int(found[2])))
    if found := _SAVED.search(text):
        events.append(FrameSaved(found[1]))
    # As a Python module, Blender 5 does not print a frame's time, so its saved file counts.
    is_step = found if spoken else _TIME.match(text)
    if is_step or _SKIPPED.match(text):
        events.append(StepDone())
    return events


def skipped_file(line: str) -> str:
    """Return the file because of which Blender does not render a frame; empty for other lines."""
    # A script may have printed something without a newline before.
    begins = line.lower().find("skipping existing frame")
    skipped = _SKIPPED.match(line[max(0, begins) :])
    return (skipped["path"] or "") if skipped else ""


_OUTPUT = re.compile(r"^pid=\d+ > (.*)$", re.DOTALL)
_PROGRAM_STARTS = "going to run:"
_PROGRAMS = frozenset({"blender-render", "frames-to-video", "exec"})


@dataclass(slots=True)
class Progress:
    """A run's progress, from the lines of its log.

    Steps are counted over all commands. A command without a step count is one step, which is done
    when the next program starts.
    """

    commands: Sequence[Command]
    frame: int | None = None
    frames_done: int = 0
    sample: int | None = None
    samples: int | None = None
    steps_completed: int = 0
    _current: int = -1
    _steps_before: int = 0
    _images: list[str] = field(default_factory=list)

    def feed(self, line: str) -> list[Event]:
        """Take in one line of the task's log; return Blender's events in it."""
        if line == _PROGRAM_STARTS:
            self._next_program()
            return []
        output = _OUTPUT.match(line)
        if output is None or not self._is_blender:
            return []
        events = parse_line(output[1])
        for event in events:
            self._apply(event)
        return events

    def shown(self) -> Mapping[str, Any]:
        """Return the progress for heartbeats and the dashboard, without unknown values."""
        known: dict[str, Any] = {"steps_completed": self.steps_completed}
        if self._is_blender:
            known |= {"frame": self.frame, "sample": self.sample, "samples": self.samples}
            known |= {"frames_done": self.frames_done, "frames_total": self._frames_total}
        return {key: value for key, value in known.items() if value is not None}

    @property
    def _is_blender(self) -> bool:
        return self._current >= 0 and self.commands[self._current].name == "blender-render"

    @property
    def _frames_total(self) -> int | None:
        command = self.commands[self._current]
        return command.total_step_count or rendered_frames(command.parameters) or None

    def _apply(self, event: Event) -> None:
        match event:
            case FrameStarted(frame):
                if frame != self.frame:
                    self.sample = self.samples = None
                self.frame = frame
            case SampleDone(sample, of):
                self.sample, self.samples = sample, of
            case StepDone():
                self.frames_done += 1
                own = self.commands[self._current].total_step_count
                self.steps_completed = self._steps_before + min(self.frames_done, own)
            case FrameSaved():
                pass

    def _next_program(self) -> None:
        programs = [i for i, command in enumerate(self.commands) if command.name in _PROGRAMS]
        self._current = next((i for i in programs if i > self._current), self._current)
        done = self.commands[: self._current]
        self._steps_before = steps_of(command.total_step_count for command in done)
        self.steps_completed = self._steps_before
        self.frame = self.sample = self.samples = None
        self.frames_done = 0


def rendered_frames(parameters: Mapping[str, Any]) -> int:
    """Return how many frames `--render-frame` (`-f`) asks for, as in `1..5,8`; 0 if unknown."""
    arguments = [str(argument) for argument in parameters.get("args") or []]
    asked = [
        following for option, following in pairwise(arguments) if option in ("-f", "--render-frame")
    ]
    return sum(_count(part) for frames in asked for part in frames.split(","))


def _count(part: str) -> int:
    ends = re.fullmatch(r"(\d+)(?:\.\.(\d+))?", part)
    if ends is None:
        return 0
    return int(ends[2]) - int(ends[1]) + 1 if ends[2] else 1
