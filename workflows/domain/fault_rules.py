"""The built-in rules: which lines of programs name which cause. Pure, and standard library only.

A pattern is plain text, with `*` for any characters, found anywhere in a line, upper or lower case.
It is no regular expression, because some of those take hours for one line.
"""

from dataclasses import dataclass
from enum import StrEnum


class Fault(StrEnum):
    """The class of a failure's cause."""

    SCENE = "scene"
    """It fails alike on every machine: the task fails for good at its first failure."""
    MACHINE = "machine"
    """It is no failure of the task: its worker is set aside, and the task is tried elsewhere."""
    CHANCE = "chance"
    """It is no failure of the task, as long as it happens at most three times."""


class Probe(StrEnum):
    """How a host finds out whether a machine's fault is mended."""

    FOLDERS = "folders"
    """The folders of runs and of the task's files can be written, and have free space."""
    STORAGE = "storage"
    """The shared storage has its marker."""
    PROGRAMS = "programs"
    """The programs for its task types are there."""
    MEMORY = "memory"
    """A part of the memory is free."""
    TIME = "time"
    """It cannot be found out: a pause ends it."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One cause, and how its failures are told."""

    name: str
    patterns: tuple[str, ...]
    fault: Fault
    sentence: str
    """What it is, and what to do."""
    probe: Probe = Probe.TIME
    may_be_tasks: bool = False
    """Whether the task itself may be the cause, for example because it needs too much memory."""


#: The lines are of programs that cannot start; a program that is not there prints nothing.
PROGRAM_MISSING = Rule(
    "program-missing",
    ("error while loading shared libraries", "a library is missing, 0xC0000135"),
    Fault.MACHINE,
    "A program is missing: install it, or set its path for this worker.",
    Probe.PROGRAMS,
    may_be_tasks=True,
)
#: No line of a program tells of it: the host looks for the storage's marker.
STORAGE_MISSING = Rule(
    "storage-missing",
    (),
    Fault.MACHINE,
    "The shared storage is not there: mount it.",
    Probe.STORAGE,
)
#: Only where the blend file's folder is surely there; no line of a program tells that.
NO_BLEND_FILE = Rule(
    "no-blend-file",
    (),
    Fault.SCENE,
    "Its folder is there, so it was moved, renamed or deleted, or never came.",
)
BUILT_IN: tuple[Rule, ...] = (
    STORAGE_MISSING,
    Rule(
        "disk-full",
        (
            "No space left on device",
            "Disk quota exceeded",
            "out of disk space?",
            "not enough space on the disk",
        ),
        Fault.MACHINE,
        "A disk is full: free some space.",
        Probe.FOLDERS,
    ),
    Rule(
        "read-only",
        ("Read-only file system",),
        Fault.MACHINE,
        "A disk can only be read: mount it for writing.",
        Probe.FOLDERS,
    ),
    Rule(
        "storage",
        (
            "Stale file handle",
            "Stale NFS file handle",
            "Transport endpoint is not connected",
            "Input/output error",
            "Remote I/O error",
            "Host is down",
            "The network path was not found",
            "The specified network name is no longer available",
        ),
        Fault.MACHINE,
        "A storage does not answer: look at the disk, the network and the mounts.",
        Probe.FOLDERS,
    ),
    Rule(
        "gpu-memory",
        (
            "out of GPU memory",
            "out of GPU and shared host memory",
            "cuMemAlloc",
            "CUDA error: Out of memory",
            "CUDA_ERROR_OUT_OF_MEMORY",
            "HIP error: Out of memory",
            "hipErrorOutOfMemory",
            "OPTIX_ERROR_DEVICE_OUT_OF_MEMORY",
            "out of device memory",
            "out of device and host memory",
            "UR_RESULT_ERROR_OUT_OF_",
            "PI_ERROR_OUT_OF_",
            "VK_ERROR_OUT_OF_DEVICE_MEMORY",
            "CallbackErrorOutOfMemory",
        ),
        Fault.MACHINE,
        "The GPU's memory is full: end other programs that use it, or make the scene smaller.",
        may_be_tasks=True,
    ),
    Rule(
        "gpu-lost",
        (
            "CUDA_ERROR_NO_DEVICE",
            "no CUDA-capable device",
            "CUDA driver version is insufficient",
            "Failed to create CUDA context",
            "CUDA error: Unknown error",
            "CUDA_ERROR_UNKNOWN",
            "CUDA_ERROR_LAUNCH_FAILED",
            "CUDA_ERROR_ILLEGAL_ADDRESS",
            "CUDA_ERROR_ECC_UNCORRECTABLE",
            "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH",
            "Launch failed in cu",
            "Illegal address in",
            "hipErrorLaunchFailure",
            "UR_RESULT_ERROR_DEVICE_LOST",
            "PI_ERROR_DEVICE_NOT_FOUND",
            "GPUCommandBufferCallbackError",
            "Failed to load OptiX kernel",
            "kernel for this graphics card compute capability",
            "hipErrorNoDevice",
            "OPTIX_ERROR_*DRIVER",
            "VK_ERROR_DEVICE_LOST",
            "Failed to create HIP context",
            "GPU is lost",
            "Unable to determine the device handle for GPU",
        ),
        Fault.MACHINE,
        "The GPU or its driver does not answer: restart the machine, or install the driver.",
        may_be_tasks=True,
    ),
    Rule(
        "no-display",
        ("Unable to open a display",),
        Fault.MACHINE,
        "The renderer needs a display, and this machine has none: render with Cycles, or run the "
        "worker in a session with a display.",
        may_be_tasks=True,
    ),
    Rule(
        "memory",
        (
            "it was killed, SIGKILL",
            "exited abnormally with code -9",
            "there was not enough memory, 0xC",
            "std::bad_alloc",
            "alloc returns null: len=",
            "Cannot allocate memory",
            "Failed allocate render result, out of memory",
            "MemoryError",
        ),
        Fault.MACHINE,
        "The machine has run out of memory, or the program was killed: free memory, use fewer "
        "slots, or make the scene smaller.",
        Probe.MEMORY,
        may_be_tasks=True,
    ),
    Rule(
        "too-many-files",
        ("Too many open files",),
        Fault.MACHINE,
        "The machine allows too few open files: raise its limit.",
        may_be_tasks=True,
    ),
    PROGRAM_MISSING,
    Rule(
        "unreadable-memory",
        ("it could not read its memory, SIGBUS", "it could not read its memory, in-page error"),
        Fault.MACHINE,
        "A file went away while the program used it, or the memory is broken: look at the disks, "
        "the mounts and the memory.",
        Probe.FOLDERS,
        may_be_tasks=True,
    ),
    Rule(
        "cpu",
        ("it used an instruction that this CPU does not have",),
        Fault.MACHINE,
        "This machine's CPU is too old for the program: use an older version of it here.",
        may_be_tasks=True,
    ),
    NO_BLEND_FILE,
    Rule(
        "no-camera",
        ("Cannot render, no camera", "No camera found in scene", "Error: No camera"),
        Fault.SCENE,
        "The scene has no camera: add one, or make one active.",
    ),
    Rule(
        "no-scene",
        ("the blend file has no scene", "Can't find scene:"),
        Fault.SCENE,
        "The blend file does not have this scene.",
    ),
    Rule(
        "output-path",
        ("the output path is relative", "and Blender cuts it off after"),
        Fault.SCENE,
        "Give the job another output path.",
    ),
    Rule("warning", ("(in this job, a warning is a failure)",), Fault.SCENE, ""),
    Rule(
        "newer-blender",
        (
            "may be from a newer version of Blender",
            "was saved by a newer version of Blender",
            "File saved by a newer version of Blender",
            "The file was saved by a newer version",
        ),
        Fault.SCENE,
        "A newer Blender saved the blend file: render it with that version.",
    ),
    Rule(
        "not-readable",
        ("Failed to read blend file", "File format is not supported in file"),
        Fault.SCENE,
        "Blender cannot read the blend file: it is cut off, or is no blend file.",
    ),
    Rule(
        "nothing-to-render",
        ("All render layers are disabled", "No render output node in scene", "Image too small"),
        Fault.SCENE,
        "The scene has nothing to render: look at its view layers, its compositor and its size.",
    ),
)
