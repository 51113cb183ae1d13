"""Names of the files that Blender writes for frames."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.domain.frame_files import frame_files


@pytest.mark.parametrize(
    ("output", "frame", "directory", "name"),
    [
        ("{render}/fan/######", 7, "{render}/fan", "000007.png"),
        ("/render/fan_####_left", 12, "/render", "fan_0012_left.png"),
        ("/render/fan_", 12, "/render", "fan_0012.png"),
        ("/render/a##b###", 1, "/render", "a##b001.png"),
        ("/render/##", 1234, "/render", "1234.png"),
        ("R:\\render\\fan-###.PNG", 3, "R:/render", "fan-003.PNG"),
    ],
)
def test_frames_are_named_as_blender_names_them(
    output: str, frame: int, directory: str, name: str
) -> None:
    files = frame_files({"render_output_path": output, "image_file_extension": ".png"})

    assert files is not None
    assert (files.directory, files.name(frame)) == (directory, name)


def test_the_format_says_what_the_extension_is_where_nothing_else_does() -> None:
    files = frame_files({"render_output_path": "/r/####", "format": "OPEN_EXR_MULTILAYER"})

    assert files is not None
    assert (files.name(1), files.pattern) == ("0001.exr", "####.exr")


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"render_output_path": "", "format": "PNG"},
        {"render_output_path": 3, "format": "PNG"},
        {"render_output_path": "/r/####"},
        {"render_output_path": "/r/####", "format": "FFMPEG"},
    ],
)
def test_settings_need_not_speak_of_frames(settings: dict[str, object]) -> None:
    assert frame_files(settings) is None


@given(
    st.text(st.characters(exclude_characters="/\\#")), st.integers(1, 8), st.integers(0, 2**31 - 1)
)
def test_a_name_holds_no_separator_and_the_number(text: str, digits: int, frame: int) -> None:
    settings = {"render_output_path": f"/r/{text}{'#' * digits}", "format": "PNG"}

    files = frame_files(settings)

    assert files is not None
    assert files.name(frame) == f"{text}{frame:0{digits}d}.png"
