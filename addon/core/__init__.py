"""The part of the add-on that needs no bpy: everything about submitting.

Pipelines use it, too: see docs/scripting.md.
"""

from .checks import Finding, NotSubmittable
from .manager import Manager, ManagerError
from .manager_info import ManagerInfo, fetch
from .pipeline import submit_blend_file
from .progress import Canceled
from .project import ProjectFinder
from .submission import Submission, submit

__all__ = [
    "Canceled",
    "Finding",
    "Manager",
    "ManagerError",
    "ManagerInfo",
    "NotSubmittable",
    "ProjectFinder",
    "Submission",
    "fetch",
    "submit",
    "submit_blend_file",
]
