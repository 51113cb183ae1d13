"""Names of the files that Blender writes for frames, as Blender 3.4 and 4.5 wrote them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.domain.frame_files import (
    FrameFiles,
    files_of_arguments,
    frame_files,
    of_pattern,
    previews_of,
    resolved,
)


def files_of(output: str, form: str = "PNG", *, adds_extension: bool = True) -> FrameFiles:
    arguments = ["-o", output, "-F", form, "-x", str(int(adds_extension))]
    files = files_of_arguments(arguments)
    assert files is not None
    return files


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


@pytest.mark.parametrize(
    ("end", "names"),
    [
        ("#", "0 2 10 12345 1048574 -3 -12345"),
        ("##", "00 02 10 12345 1048574 -03 -12345"),
        ("####", "0000 0002 0010 12345 1048574 -0003 -12345"),
        ("a", "a0000 a0002 a0010 a12345 a1048574 a-0003 a-12345"),
        ("a##b###", "a##b000 a##b002 a##b010 a##b12345 a##b1048574 a##b-003 a##b-12345"),
        ("a###b##c", "a###b00c a###b02c a###b10c a###b12345c a###b1048574c a###b-03c"),
        ("a1#", "a10 a12 a110 a112345 a11048574 a1-3 a1-12345"),
        ("####.v002", "0000.v002 0002.v002 0010.v002 12345.v002"),
        ("a.####", "a.0000 a.0002 a.0010 a.12345 a.1048574 a.-0003 a.-12345"),
        ("...####", "...0000 ...0002"),
    ],
)
def test_numbers_have_signs_and_at_least_the_digits(end: str, names: str) -> None:
    frames = (0, 2, 10, 12345, 1048574, -3, -12345)
    with_extension, bare = files_of(f"/r/{end}"), files_of(f"/r/{end}", adds_extension=False)

    for frame, name in zip(frames, names.split(), strict=False):
        assert with_extension.name(frame) == f"{name}.png"
        assert bare.name(frame) == name


@pytest.mark.parametrize(
    ("form", "end", "written"),
    [
        ("PNG", "a####.png", "a0001.png"),
        ("PNG", "a####.PNG", "a0001.PNG"),
        ("PNG", "a####.tif", "a0001.png"),
        ("PNG", "a####.exr", "a0001.png"),
        ("PNG", "a####.j2k", "a0001.j2k.png"),
        ("PNG", "a####.avif", "a0001.avif.png"),
        ("PNG", "a####.png.jpg", "a0001.png.png"),
        ("PNG", "a####.jpg.v2", "a0001.jpg.v2.png"),
        ("PNG", "a.png####", "a.png0001.png"),
        ("PNG", "a####.", "a0001.png"),
        ("PNG", "a####.PNG.", "a0001.PNG.png"),
        ("JPEG", "a####", "a0001.jpg"),
        ("JPEG", "a####.jpeg", "a0001.jpeg"),
        ("JPEG", "a####.JPG", "a0001.JPG"),
        ("TIFF", "a####", "a0001.tif"),
        ("TIFF", "a####.tiff", "a0001.tiff"),
        ("OPEN_EXR", "a####.EXR", "a0001.EXR"),
        ("MULTILAYER", "a####", "a0001.exr"),
        ("IRIS", "a####.sgi", "a0001.rgb"),
        ("TGA", "a####", "a0001.tga"),
        ("TARGA_RAW", "a####", "a0001.tga"),
        ("JPEG2000", "a####.j2c", "a0001.jp2"),
        ("HDR", "a####", "a0001.hdr"),
        ("WEBP", "a####", "a0001.webp"),
        ("BMP", "a####.xyz", "a0001.xyz.bmp"),
    ],
)
def test_the_format_decides_which_extension_is_there(form: str, end: str, written: str) -> None:
    assert files_of(f"/r/{end}", form).name(1) == written


@pytest.mark.parametrize(
    ("end", "adds_extension", "view"),
    [
        ("a####", True, "a0001_L.png"),
        ("a.####", True, "a.0001_L.png"),
        ("b####.v2", True, "b0001.v2_L.png"),
        ("c####.tif", True, "c0001_L.png"),
        ("e.####", False, "e_L.0001"),
        ("f####", False, "f0001_L"),
        ("g####.png", False, "g0001_L.png"),
        ("h", False, "h0001_L"),
    ],
)
def test_a_views_suffix_stands_before_the_extension(
    end: str, adds_extension: bool, view: str
) -> None:
    mono = files_of(f"/r/{end}", adds_extension=adds_extension)

    assert FrameFiles(mono.directory, mono.before, mono.digits, mono.after, "_L").name(1) == view


@pytest.mark.parametrize(
    ("there", "view"),
    [
        ("1.png 2.png", ""),
        ("1_L.png 1_R.png 2_L.png 2_R.png", "_L"),
        ("1_R.png 2_R.png", "_R"),
        ("1.png 1_L.png 2_L.png", ""),
        ("1_far.png 1_near.png 2_near.png", "_near"),
        ("10.png 20.png", ""),
        ("1_L.jpg 01_L.png", ""),
        ("3_L.png", ""),
        ("AAA_contact.png 000900.png", ""),
        ("", ""),
        ("9" * 5000 + "_L.png", ""),
    ],
)
def test_one_view_is_looked_at(there: str, view: str) -> None:
    assert files_of("/r/#").as_view_in(set(there.split()), [1, 2]).view == view


@pytest.mark.parametrize(
    ("end", "preview"),
    [("####", "0002.jpg"), ("####.EXR", "0002.jpg"), ("k.###", "k.002.jpg")],
)
def test_previews_of_exr_files_are_beside_them(end: str, preview: str) -> None:
    assert previews_of(files_of(f"/r/{end}", "OPEN_EXR")).name(2) == preview


def test_other_files_have_no_previews() -> None:
    assert previews_of(files_of("/r/#")) == files_of("/r/#")


@pytest.mark.parametrize("end", ["####", "a##b#c.png", "a", "#.v2", "x.####"])
def test_a_pattern_says_all_about_the_names(end: str) -> None:
    files = files_of(f"/r [1]/{end}")

    again = of_pattern(f"{files.directory}/{files.pattern}")

    assert again == files
    assert again.directory == "/r [1]"


def test_only_blenders_own_arguments_count() -> None:
    ours = ["-b", "x.blend", "--render-output", "/a/#", "-F", "PNG", "--render-format", "TIFF"]
    files = files_of_arguments([*ours, "--", "-o", "/other/#"])

    assert files is not None
    assert (files.directory, files.name(1)) == ("/a", "1.tif")
    assert files_of_arguments(["-o", "/a/#"]) is None
    assert files_of_arguments(["-F", "PNG"]) is None
    assert files_of_arguments(["-o", "/a/#", "-F", "AVIJPEG"]) is None


@pytest.mark.parametrize(
    ("path", "blend_file", "there"),
    [
        ("//relout/####", "/shots/a/b.blend", "/shots/a/relout/####"),
        ("//../out/#", "{jobs}/a/b.blend", "{jobs}/out/#"),
        ("//", "/shots/b.blend", "/shots"),
        ("//r/#", "C:\\shots\\b.blend", "C:/shots/r/#"),
        ("//r/#", "", "//r/#"),
        ("/r/#", "/shots/b.blend", "/r/#"),
        ("\\\\server\\share\\#", "/shots/b.blend", "\\\\server\\share\\#"),
    ],
)
def test_two_slashes_mean_the_blend_files_folder(path: str, blend_file: str, there: str) -> None:
    assert resolved(path, blend_file) == there


@pytest.mark.parametrize(
    ("form", "given", "name"),
    [
        ("OPEN_EXR_MULTILAYER", None, "0001.exr"),
        ("JPEG", ".jpeg", "0001.jpg"),
        ("PNG", ".exr", "0001.png"),
        ("JPEG2000", ".j2c", "0001.j2c"),
        ("OURS", ".dat", "0001.dat"),
    ],
)
def test_the_format_counts_more_than_the_extension(form: str, given: str | None, name: str) -> None:
    settings = {"render_output_path": "/r/####", "format": form, "image_file_extension": given}

    files = frame_files(settings)

    assert files is not None
    assert files.name(1) == name


def test_a_relative_output_is_beside_the_blend_file() -> None:
    files = frame_files({"render_output_path": "//r/#", "format": "PNG", "blendfile": "/s/b.blend"})

    assert files is not None
    assert files.directory == "/s/r"


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


@given(st.integers(-2000, 2000), st.integers(1, 6), st.sampled_from(["_L", "_R", ".left", "_ö 1"]))
def test_every_view_of_a_frame_is_found(frame: int, digits: int, view: str) -> None:
    mono = files_of(f"/r/a{'#' * digits}b")
    stereo = FrameFiles(mono.directory, mono.before, mono.digits, mono.after, view)

    assert mono.as_view_in({stereo.name(frame)}, [frame]) == stereo
    assert re.search(re.escape(view) + r"\.png$", stereo.name(frame))
