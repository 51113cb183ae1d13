"""The rooms of a package and the imports between them: `python -m tests.docs.import_graph`.

A room is a module or package directly under the package that is looked at. An arrow is drawn
where any module of one room imports any module of another.
"""

import sys
from collections import defaultdict
from collections.abc import Mapping

import grimp

Arrows = Mapping[str, frozenset[str]]


def arrows_between_rooms(package: str) -> Arrows:
    """By room, the rooms that it imports; rooms without an arrow are there, too."""
    graph = grimp.build_graph(package, cache_dir=None)
    arrows: defaultdict[str, set[str]] = defaultdict(set)
    for importer in graph.modules - {package}:
        room = _room(importer, package)
        arrows[room] |= {
            _room(imported, package)
            for imported in graph.find_modules_directly_imported_by(importer)
            if imported != package
        } - {room}
    return {room: frozenset(imported) for room, imported in arrows.items()}


def circles(arrows: Arrows) -> list[list[str]]:
    """Rooms that can be reached from themselves, grouped by circle."""
    reached = {room: _reached_from(room, arrows) for room in arrows}
    found: list[list[str]] = []
    for room in sorted(arrows):
        if room in reached[room] and not any(room in circle for circle in found):
            found.append(sorted(other for other in reached[room] if room in reached[other]))
    return found


def _reached_from(room: str, arrows: Arrows) -> set[str]:
    reached: set[str] = set()
    waiting = [room]
    while waiting:
        for other in arrows[waiting.pop()] - reached:
            reached.add(other)
            waiting.append(other)
    return reached


def _room(module: str, package: str) -> str:
    return module.removeprefix(f"{package}.").partition(".")[0]


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def main() -> None:
    for package in sys.argv[1:] or ["manager_api"]:
        arrows = arrows_between_rooms(package)
        count = sum(map(len, arrows.values()))
        _say(f"{package}: {len(arrows)} rooms, {count} arrows, circles: {circles(arrows)}")
        for room in sorted(arrows):
            _say(f"  {room}: {', '.join(sorted(arrows[room])) or '-'}")


if __name__ == "__main__":
    main()
