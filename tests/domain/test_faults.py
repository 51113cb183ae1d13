"""Causes of failures: the lines of Blender, ffmpeg and the system that name them."""

import pytest

from workflows.domain.exit_codes import said_of_code
from workflows.domain.fault_rules import Fault
from workflows.domain.faults import CauseFinder, own_rule, rules_from

#: Lines as programs print them, and the rule that they belong to.
LINES = {
    "Error: Render error (No space left on device) cannot save: '/out/f0001.jpg'": "disk-full",
    "Output file write error --- out of disk space?": "disk-full",
    'OpenEXR-writePixels: ERROR: Failed to write pixel data to image file "/o/f.exr". '
    "No space left on device.": "disk-full",
    "Could not write header for output file #0 (incorrect codec parameters ?): "
    "No space left on device": "disk-full",
    "av_interleaved_write_frame(): Disk quota exceeded": "disk-full",
    "OSError(28, 'No space left on device')": "disk-full",
    "/o/a.mp4: Read-only file system": "read-only",
    "Error: Cannot read '/mnt/shot.blend': Stale file handle": "storage",
    'cannot copy "/a" to "/b": /a: Input/output error': "storage",
    "/mnt/farm/a.png: Transport endpoint is not connected": "storage",
    "Error: System is out of GPU memory": "gpu-memory",
    "Error: System is out of GPU and shared host memory": "gpu-memory",
    "Out of memory in cuMemAlloc_v2(&device_pointer, size) (intern/device/cuda/device_impl.cpp)": (
        "gpu-memory"
    ),
    "CUDA error: Out of memory in cuLaunchKernel": "gpu-memory",
    "Failed to create CUDA context (CUDA driver version is insufficient for ...)": "gpu-lost",
    "CUDA error at cuCtxCreate: no CUDA-capable device is detected": "gpu-lost",
    "OPTIX_ERROR_UNSUPPORTED_DRIVER in optixInit()": "gpu-lost",
    "Launch failed in cuCtxSynchronize() (integrator_shade_surface)": "gpu-lost",
    "CUDA binary kernel for this graphics card compute capability (3.5) not found.": "gpu-lost",
    "Error: Failed to load OptiX kernel from '/b/lib/kernel_optix.ptx.zst'": "gpu-lost",
    'oneAPI kernel "integrator_intersect" execution error: got runtime exception "Native API '
    'failed. Native API returns: 20 (UR_RESULT_ERROR_DEVICE_LOST)"': "gpu-lost",
    "Native API failed. Native API returns: 39 (UR_RESULT_ERROR_OUT_OF_DEVICE_MEMORY)": (
        "gpu-memory"
    ),
    "Error: Insufficient Memory (00000008:kIOGPUCommandBufferCallbackErrorOutOfMemory)": (
        "gpu-memory"
    ),
    "Caused GPU Timeout Error (00000002:kIOGPUCommandBufferCallbackErrorTimeout)": "gpu-lost",
    "Unable to open a display": "no-display",
    "OSError: [WinError 53] The network path was not found: '//nas/share/a.blend'": "storage",
    "terminate called after throwing an instance of 'std::bad_alloc'": "memory",
    "Calloc returns null: len=98304000 in imb_addrectfloatImBuf, total 1234": "memory",
    "command exited abnormally with code -9": "memory",
    f"command exited abnormally with code 137{said_of_code(137)}": "memory",
    f"command exited abnormally with code -7{said_of_code(-7)}": "unreadable-memory",
    f"command exited abnormally with code -4{said_of_code(-4)}": "cpu",
    f"command exited abnormally with code 3221225495{said_of_code(3221225495)}": "memory",
    f"command exited abnormally with code -1073741515{said_of_code(-1073741515)}": (
        "program-missing"
    ),
    "MemoryError": "memory",
    "blender: error while loading shared libraries: libGL.so.1: cannot open": "program-missing",
    "Error: Cannot render, no camera": "no-camera",
    'Error: No camera found in scene "Scene" (used in compositing of scene "Comp")': "no-camera",
    '00:01.5  render           | ERROR No camera found in scene "Scene"': "no-camera",
    'the blend file has no scene "Shot_010"': "no-scene",
    "Error: Failed to read blend file '/b/cut.blend': Missing DNA block": "not-readable",
    "Error: File format is not supported in file '/b/junk.blend'": "not-readable",
    "Error: Cannot read blend file '/b/a.blend', incomplete header, "
    "may be from a newer version of Blender": "newer-blender",
    "Error: All render layers are disabled": "nothing-to-render",
}

HARMLESS = (
    "Fra:1 Mem:9.90M (Peak 10.83M) | Time:00:00.15 | Scene, ViewLayer | Sample 0/1",
    "Saved: '/farm/no space/out of memory lane/f0001.png'",
    "Error: Not freed memory blocks: 1, total unfreed memory 0.000183 MB",
    "Warning: File written by newer Blender binary (405.0), expect loss of data!",
    "command exited abnormally with code 1",
    "command exited abnormally with code -11",
    f"command exited abnormally with code -11{said_of_code(-11)}",
    f"command exited abnormally with code -6{said_of_code(-6)}",
    f"command exited abnormally with code 3221225477{said_of_code(3221225477)}",
    "read camera track of shot 9",
    "",
)


def found(*lines: str, own: tuple[tuple[str, str, str, str], ...] = ()) -> str:
    finder = CauseFinder([own_rule(*rule) for rule in own])
    for line in lines:
        finder.lines([line.encode()])
    return finder.cause.rule.name if finder.cause else ""


@pytest.mark.parametrize("line", LINES)
def test_lines_name_their_cause(line: str) -> None:
    assert found("Blender 3.4.1", line, "Blender quit") == LINES[line]


@pytest.mark.parametrize("line", HARMLESS)
def test_harmless_lines_name_none(line: str) -> None:
    assert found(line) == ""


def test_the_machines_cause_counts_more_than_the_scenes() -> None:
    broken = "Error: Failed to read blend file '/b/a.blend': Missing DNA block"

    assert found(broken, "/b/a.blend: Input/output error") == "storage"


def test_a_scenes_fault_begins_with_blenders_own_words() -> None:
    finder = CauseFinder()

    finder.lines([b"Error: Cannot render, no camera"])

    assert finder.cause is not None
    assert finder.cause.reason("command exited abnormally with code 1") == (
        "Error: Cannot render, no camera. The scene has no camera: add one, or make one active."
    )


@pytest.mark.parametrize(
    ("pattern", "line", "is_found"),
    [
        ("license*denied", "the LICENSE server has denied it", True),
        ("license*denied", "denied: no license", False),
        ("*license*", "a license", True),
        ("(a+)+$", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", False),
        ("(a+)+$", "the text (a+)+$ itself", True),
        ("ünï", "ÜNÏ", True),
        ("late", "x" * 3_000 + "late", False),
    ],
)
def test_a_pattern_is_text_with_stars(pattern: str, line: str, is_found: bool) -> None:
    assert found(line, own=(("mine", pattern, "chance", "By chance."),)) == "mine" * is_found


def test_a_farms_own_rules_come_first() -> None:
    own = (("license", "no space left", "chance", "The license server is full."),)

    assert found("No space left on device", own=own) == "license"


@pytest.mark.parametrize(
    ("name", "pattern", "fault", "sentence"),
    [
        ("", "a", "scene", "A."),
        ("x" * 51, "a", "scene", "A."),
        ("a", "***", "scene", "A."),
        ("a", "x" * 201, "scene", "A."),
        ("a", "a", "weather", "A."),
        ("a", "a", "scene", " "),
        ("a", "a", "scene", "x" * 251),
    ],
)
def test_rules_that_cannot_be_used_are_refused(
    name: str, pattern: str, fault: str, sentence: str
) -> None:
    with pytest.raises(ValueError, match=r"."):
        own_rule(name, pattern, fault, sentence)


def test_rules_of_a_newer_manager_are_left_out() -> None:
    known = {"name": "a", "pattern": "b", "fault": "machine", "sentence": "C."}

    rules = rules_from([{**known, "fault": "weather"}, {"name": "x"}, {**known, "more": 1}])

    assert [(rule.name, rule.fault) for rule in rules] == [("a", Fault.MACHINE)]
