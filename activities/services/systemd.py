"""Services of systemd: units of the system or of one user, and systemctl's commands.

docs/services.md says why a unit has what it has. Keys that an older systemd does not know are
ignored by it.
"""

import getpass
from collections.abc import Sequence
from pathlib import Path

from activities.services.definition import (
    MARK,
    OPEN_FILES,
    RESTART_AFTER_S,
    STOP_WITHIN_S,
    Account,
    Command,
    Program,
    Runner,
    Service,
    Standing,
    name_of,
)
from activities.services.exit_codes import NEEDS_A_PERSON, RESTART_ORDERED, TYPED_WRONGLY

SYSTEM_UNITS = Path("/etc/systemd/system")
_LINGERING = Path("/var/lib/systemd/linger")
_COMMENT = "# "
#: In a quoted word. A percent sign begins a specifier wherever it stands.
_ESCAPES = {"\\": "\\\\", '"': '\\"', "%": "%%"}
#: systemd refuses these in the path of a program, in whatever way they are written.
_NOT_IN_PROGRAMS = frozenset("\"'\\")

#: Filters of system calls, which also a user's own systemd can set.
_FILTERS = (
    "NoNewPrivileges=yes",
    "LockPersonality=yes",
    "RestrictNamespaces=yes",
    "RestrictRealtime=yes",
    "RestrictSUIDSGID=yes",
    "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK",
    "SystemCallArchitectures=native",
    "SystemCallFilter=@system-service",
    "SystemCallErrorNumber=EPERM",
)
#: These need namespaces, which only the system's systemd makes without losing the user's groups.
_CONFINEMENT = (
    # The settings may name a storage anywhere, so what is not the system's stays writable.
    "ProtectSystem=full",
    "ProtectControlGroups=yes",
)
_TEMPORARY = (Path("/tmp"), Path("/var/tmp"))
_MANAGERS_CONFINEMENT = (
    "PrivateDevices=yes",
    "ProtectClock=yes",
    "ProtectHostname=yes",
    "ProtectKernelLogs=yes",
    "ProtectKernelModules=yes",
    "ProtectKernelTunables=yes",
    "RemoveIPC=yes",
    # To listen on port 443; no other right of root.
    "CapabilityBoundingSet=CAP_NET_BIND_SERVICE",
    "AmbientCapabilities=CAP_NET_BIND_SERVICE",
)


class Systemd:
    """
    Args:
        for_user: whether the services are those of one user's own systemd.
        units: the folder of the unit files.
    """

    def __init__(self, units: Path, *, for_user: bool) -> None:
        self._units = units
        self._systemctl = ("systemctl", "--user") if for_user else ("systemctl",)

    @property
    def restarts_for_changes(self) -> bool:
        return False

    def file(self, program: Program) -> Path:
        return self._units / _unit(program)

    def content(self, service: Service) -> bytes:
        return unit_of(service).encode()

    def note_in(self, content: bytes) -> str:
        first = content.decode(errors="replace").partition("\n")[0]
        note = first.removeprefix(_COMMENT)
        return note if note.startswith(MARK) else ""

    def other_place(self, program: Program, run: Runner) -> str:
        shown = self._shown(program, run)
        path = shown.get("FragmentPath", "")
        return "" if path == str(self.file(program)) else path

    def installing(self, program: Program, *, is_changed: bool) -> Sequence[Command]:
        return (self._command("daemon-reload"), self._command("enable", "--now", _unit(program)))

    def removing(self, program: Program) -> Sequence[Command]:
        return (self._command("disable", "--now", _unit(program)),)

    def removed(self, program: Program) -> Sequence[Command]:
        # What has failed would be shown until the next start of the machine.
        forget = self._command("reset-failed", _unit(program))
        return (self._command("daemon-reload"), forget._replace(may_fail=True))

    def starting(self, program: Program) -> Sequence[Command]:
        return (self._command("start", _unit(program)),)

    def stopping(self, program: Program) -> Sequence[Command]:
        return (self._command("stop", _unit(program)),)

    def standing(self, program: Program, run: Runner) -> Standing:
        shown = self._shown(program, run)
        state, result = shown.get("ActiveState", ""), shown.get("Result", "")
        if state in ("active", "deactivating", "reloading"):
            does = shown.get("StatusText", "") or state
            words = f"runs as process {shown.get('MainPID')}: {does}"
        elif state == "activating":
            words = "waits for its next start after a failure, or starts"
        elif state == "failed":
            words = f"has failed ({result}, exit code {shown.get('ExecMainStatus')})"
        else:
            words = "does not run"
        at_start = shown.get("UnitFileState") == "enabled"
        begins = "starts by itself" if at_start else "does not start by itself"
        return Standing(state == "active", f"{_unit(program)} {words}. It {begins}.")

    def hint(self, service: Service) -> str:
        if service.account is not None or (_LINGERING / getpass.getuser()).exists():
            return ""
        return (
            "It runs while you are logged in. To start it with the machine, let your services "
            f"linger: sudo loginctl enable-linger {getpass.getuser()}"
        )

    def _command(self, *words: str) -> Command:
        return Command((*self._systemctl, *words))

    def _shown(self, program: Program, run: Runner) -> dict[str, str]:
        properties = (
            "FragmentPath,ActiveState,StatusText,MainPID,UnitFileState,Result,ExecMainStatus"
        )
        answer = run((*self._systemctl, "show", f"--property={properties}", _unit(program)))
        pairs = (line.partition("=") for line in answer.output.splitlines())
        return {key: value for key, _, value in pairs}


def unit_of(service: Service) -> str:
    """Return the unit file, in full."""
    sections = {
        "Unit": _unit_section(service),
        "Service": _service_section(service),
        "Install": [f"WantedBy={'multi-user' if service.account else 'default'}.target"],
    }
    parts = [f"[{name}]\n" + "".join(f"{line}\n" for line in of) for name, of in sections.items()]
    return f"{_COMMENT}{service.note}\n" + "\n".join(parts)


def quoted(word: str) -> str:
    """Return a word of a unit file that stands for itself; it has no control characters."""
    return '"' + "".join(_ESCAPES.get(char, char) for char in word) + '"'


def argument(word: str) -> str:
    """Return a word of a command line in a unit file, where also `$` stands for itself."""
    return quoted(word).replace("$", "$$")


def command_line(command: Sequence[str]) -> str:
    """Return a command as `ExecStart=` wants it."""
    if _NOT_IN_PROGRAMS.intersection(command[0]):
        command = ("/bin/sh", "-c", 'exec "$0" "$@"', *command)
    program, *arguments = command
    # The path of the program itself has no variables.
    return " ".join([quoted(program), *map(argument, arguments)])


def _unit(program: Program) -> str:
    return f"{name_of(program)}.service"


def _unit_section(service: Service) -> list[str]:
    lines = [
        f"Description={service.title}",
        # A start that fails is tried again for ever, as the network or the database may be away.
        "StartLimitIntervalSec=0",
    ]
    if service.account is not None:
        lines += ["Wants=network-online.target", "After=network-online.target remote-fs.target"]
        if service.data_dir is not None:
            lines.append(f"RequiresMountsFor={quoted(str(service.data_dir))}")
    return lines


def _service_section(service: Service) -> list[str]:
    lines = [
        "Type=notify",
        # What a new version on trial says, a child of the host, is not the service's word.
        "NotifyAccess=main",
        f"ExecStart={command_line(service.command)}",
        # A migration takes its time, and so does a manager that is away. Nothing waits for it.
        "TimeoutStartSec=infinity",
        f"TimeoutStopSec={STOP_WITHIN_S}",
        "Restart=on-failure",
        f"RestartSec={RESTART_AFTER_S}",
        f"RestartPreventExitStatus={TYPED_WRONGLY} {NEEDS_A_PERSON}",
        # A child that runs out of memory is the program's affair.
        "OOMPolicy=continue",
        f"LimitNOFILE={OPEN_FILES}",
    ]
    lines += _of_account(service, service.account) if service.account else []
    if service.program is Program.MANAGER:
        # The manager ends its Temporal itself, in the right order.
        return [*lines, "KillMode=mixed", *_FILTERS]
    return [
        *lines,
        # Renders outlive the host, and its next start adopts them.
        "KillMode=process",
        f"RestartForceExitStatus={RESTART_ORDERED}",
        f"SuccessExitStatus={RESTART_ORDERED}",
    ]


def _of_account(service: Service, account: Account) -> list[str]:
    lines = [f"User={account.name}", *_CONFINEMENT]
    if service.state_directory:
        # The manager's storage is in its data directory by default, and others go through to it.
        mode = "0711" if service.program is Program.MANAGER else "0700"
        lines += [f"StateDirectory={service.state_directory}", f"StateDirectoryMode={mode}"]
    if service.program is not Program.MANAGER:
        return lines
    if not _is_temporary(service):
        lines.append("PrivateTmp=yes")
    return [*lines, *_MANAGERS_CONFINEMENT]


def _is_temporary(service: Service) -> bool:
    """Return whether the service has its program or its data where a private `/tmp` hides them."""
    paths = [Path(word) for word in service.command]
    if service.data_dir is not None:
        paths.append(service.data_dir)
    return any(path.is_relative_to(folder) for path in paths for folder in _TEMPORARY)
