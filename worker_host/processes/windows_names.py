"""Names on Windows: of programs, variables and events. Standard library only."""

import ntpath

#: What Windows can start without another program, in the order in which it is looked for.
_PROGRAMS = (".com", ".exe", ".bat", ".cmd")


def program_names(name: str) -> list[str]:
    """Return the names that the file of a program can have."""
    if ntpath.splitext(name)[1].lower() in _PROGRAMS:
        return [name]
    return [name + extension for extension in _PROGRAMS]


def variable_name(name: str) -> str:
    """Return the name under which an environment has a variable: case does not count."""
    return name.upper()


def stop_event(pid: int, start: str) -> str:
    """Return the name of the event by which a shim is told to stop.

    It is the same in all sessions, because a host may run as a service. The time in it keeps other
    users from making it first.

    Args:
        start: the shim's `identity`.
    """
    return f"Global\\tablao-stop-{pid}-{start}"
