"""Which output paths a farm's workers may not see."""

import pytest

from workflows.domain.seen_paths import why_unseen
from workflows.domain.variables import Variable, Variables, VariableValue

RENDER = Variable(
    "render",
    (VariableValue("/mnt/render", ("linux",)), VariableValue("R:\\render", ("windows",))),
    is_twoway=True,
)
FARM = Variables.of_farm([RENDER, Variable("shot", (VariableValue("sh010"),))], "/mnt/farm/jobs")
BOTH = ("linux", "windows")


@pytest.mark.parametrize(
    ("path", "platforms"),
    [
        ("/mnt/farm/out/####", ("linux",)),
        ("/mnt/farm", ("linux",)),
        ("/mnt/farm/{shot}/####", ("linux", "darwin")),
        ("{render}/out/####", BOTH),
        ("{render}", BOTH),
        ("/mnt/render/out/####", BOTH),
        ("{jobs}/out/####", ("linux",)),
        ("/mnt/farm/out/####", ()),
    ],
)
def test_shared_places_are_seen(path: str, platforms: tuple[str, ...]) -> None:
    assert why_unseen(path, FARM, "/mnt/farm", platforms, "linux") == []


@pytest.mark.parametrize(
    ("path", "platforms", "said"),
    [
        ("C:\\out\\####", ("linux",), ["On linux workers the output path C:\\out\\####"]),
        ("/mnt/farm/out/#", BOTH, ["On windows workers the output path /mnt/farm/out/#"]),
        ("out/####", BOTH, ["On linux workers", "On windows workers"]),
        ("C:out", ("windows",), ["On windows workers"]),
        ("{render}/out", ("darwin",), ["The variable {render} of the output path has no value"]),
        ("{rendr}/out", ("linux",), ["The variable {rendr} of the output path has no value"]),
        (
            "/private/ana/out/#",
            ("linux",),
            ["The output path /private/ana/out/# is outside the shared"],
        ),
        ("/mnt/farm2/#", ("linux",), ["The output path /mnt/farm2/# is outside"]),
        ("/mnt/renders/#", (), ["The output path /mnt/renders/# is outside"]),
        ("\\\\nas\\out\\#", ("windows",), ["The output path \\\\nas\\out\\# is outside"]),
    ],
)
def test_other_places_are_named(path: str, platforms: tuple[str, ...], said: list[str]) -> None:
    sentences = why_unseen(path, FARM, "/mnt/farm", platforms, "linux")

    assert len(sentences) == len(said)
    for sentence, beginning in zip(sentences, said, strict=True):
        assert sentence.startswith(beginning)
