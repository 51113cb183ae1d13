"""Which modules may be imported where, as far as import-linter cannot say it.

Its contracts can forbid packages by name; these rules allow by name and forbid the rest.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path


def imported_by(file: Path) -> Iterator[str]:
    """Modules that a file names in its imports, those inside functions included."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module if node.module and not node.level else f"relative import in {file}"


def is_domains_own(module: str) -> bool:
    return f"{module}.".startswith("workflows.domain.")


def test_the_domain_imports_the_standard_library_and_itself_only(root: Path) -> None:
    files = sorted((root / "workflows/domain").rglob("*.py"))

    foreign = [
        f"{file.relative_to(root)}: {module}"
        for file in files
        for module in imported_by(file)
        if module.split(".")[0] not in sys.stdlib_module_names and not is_domains_own(module)
    ]

    assert files
    assert foreign == []


def test_the_add_ons_core_does_without_any_installed_package(root: Path) -> None:
    # Blender's Python has none of ours; what looks into .blend files runs in another process.
    program = f"import sys; sys.path.insert(0, {str(root)!r}); import addon.core, addon.core.files"

    result = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=False
    )

    assert result.returncode == 0, result.stderr


def test_the_add_on_is_written_for_the_python_of_the_oldest_blender(root: Path) -> None:
    files = sorted((root / "addon").rglob("*.py"))

    for file in files:
        ast.parse(file.read_text(), str(file), feature_version=(3, 10))

    named = {
        module
        for file in files
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.ImportFrom) and not node.level
        for module in (f"{node.module}.{alias.name}" for alias in node.names)
    }
    assert files
    assert not named & {"enum.StrEnum", "typing.Self", "typing.assert_never", "datetime.UTC"}


def test_the_add_on_never_says_what_it_is_called(root: Path) -> None:
    # Blender names the package: `tablao`, or `bl_ext.REPOSITORY.tablao`.
    named = [
        f"{file.relative_to(root)}: {module}"
        for file in sorted((root / "addon").rglob("*.py"))
        for module in imported_by(file)
        if module.split(".")[0] in ("addon", "tablao", "bl_ext")
    ]

    assert named == []


def test_a_shim_starts_without_any_installed_package(root: Path) -> None:
    # -S: no site-packages. A shim must outlive an upgrade of the environment that it came from.
    program = f"import sys; sys.path.insert(0, {str(root)!r}); import worker_host.shim"

    result = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=False
    )

    assert result.returncode == 0, result.stderr
