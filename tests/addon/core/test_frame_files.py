"""The add-on finds the files that the manager expects."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addon.core.frame_files import frames_among
from workflows.domain.frame_files import files_of_arguments

ends = st.sampled_from(
    ["#", "####", "a", "a##b###c", "a.####", "a1#", "####.", "##.png", "##.PNG", "##.tif", "##.v2"]
)
forms = st.sampled_from(["PNG", "JPEG", "TIFF", "OPEN_EXR", "TGA", "JPEG2000", "WEBP"])


@given(ends, forms, st.sets(st.integers(-999, 20_000), min_size=1, max_size=4))
def test_the_files_that_the_manager_expects_are_found(
    end: str, form: str, frames: set[int]
) -> None:
    files = files_of_arguments(["-o", f"/out/{end}", "-F", form])
    assert files is not None
    expected = [(frame, files.name(frame)) for frame in sorted(frames)]

    text = ",".join(map(str, frames))

    names = [name for _, name in reversed(expected)]
    assert frames_among(names, end, text) == expected
    assert frames_among(names, end, "all") == expected


@pytest.mark.parametrize(
    ("names", "found"),
    [
        ("0001_L.png 0001_R.png 0002_L.png 0002_R.png", "0001_L.png 0002_L.png"),
        ("0001_R.png 0002_R.png", "0001_R.png 0002_R.png"),
        ("0001.png 0001_L.png 0002.png", "0001.png 0002.png"),
        ("0001.exr 0001.jpg 0002.exr 0002.jpg", "0001.exr 0002.exr"),
        ("0001_L.exr 0001_L.jpg 0001_R.exr", "0001_L.exr"),
        ("0001.png 0900.png AAA_contact.png 0002.png.incomplete", "0001.png"),
        ("00001.png 1.png 0001.txt x0001.png", ""),
        ("9" * 5000 + ".png", ""),
    ],
)
def test_one_view_of_the_jobs_own_frames_is_found(names: str, found: str) -> None:
    chosen = frames_among(names.split(), "####", "1-2")

    assert [name for _, name in chosen] == found.split()
