"""A systemd of a test's own: process 1 of namespaces, with private /run, /etc, /dev and /var.

It has the machine's programs, network and /tmp, but none of its services, and what it writes
goes when it ends. That takes root, and Linux with cgroup2.
"""

import contextlib
import os
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

from tests.farm.processes import wait_until

SYSTEMD = Path("/lib/systemd/systemd")
MISSING = "no systemd here, and services cannot be tried: apt-get install systemd"
#: The user whom services run as in there.
USER, USER_ID = "tablao", 990
_PROJECT = Path(__file__).parents[2]

#: All that the machine's own targets would start is left out.
UNITS = {
    "sysinit.target": "[Unit]\nRequires=systemd-journald.service\nAfter=systemd-journald.service\n",
    "basic.target": "[Unit]\nRequires=sysinit.target\nAfter=sysinit.target\n",
    "multi-user.target": "[Unit]\nRequires=basic.target\nAfter=basic.target\n",
    **{
        f"{name}.target": "[Unit]\nDefaultDependencies=no\n"
        for name in ("network-online", "remote-fs", "shutdown", "umount", "final")
    },
    "systemd-journald.socket": (
        "[Unit]\nDefaultDependencies=no\n[Socket]\nListenDatagram=/run/systemd/journal/socket\n"
        "ListenStream=/run/systemd/journal/stdout\nPassCredentials=yes\n"
    ),
    "systemd-journald.service": (
        "[Unit]\nDefaultDependencies=no\nRequires=systemd-journald.socket\n"
        "After=systemd-journald.socket\n"
        "[Service]\nType=notify\nExecStart=/lib/systemd/systemd-journald\nStandardOutput=null\n"
        "RuntimeDirectory=systemd/journal\nRuntimeDirectoryPreserve=yes\n"
        "Sockets=systemd-journald.socket\n"
    ),
}

BOOT = """
set -eu
mount --make-rprivate /
mkdir -p "$HOLD"
mount -t tmpfs -o mode=755 hold "$HOLD"
cp -a /etc "$HOLD/etc"
rm -rf "$HOLD/etc/systemd/system"
mkdir -p "$HOLD/etc/systemd/system" "$HOLD/kept" "$HOLD/dev"
echo "tablao:x:$USER_ID:$USER_ID::/var/lib/tablao:/bin/sh" >>"$HOLD/etc/passwd"
echo "tablao:x:$USER_ID:" >>"$HOLD/etc/group"
mount --bind "$HOLD/etc" /etc
cd "$HOLD/dev"
mknod -m 666 null c 1 3
mknod -m 666 zero c 1 5
mknod -m 666 full c 1 7
mknod -m 666 random c 1 8
mknod -m 666 urandom c 1 9
mknod -m 666 tty c 5 0
mkdir pts shm
mount -t devpts -o newinstance,ptmxmode=0666 devpts pts
mount -t tmpfs -o mode=1777 shm shm
ln -s pts/ptmx ptmx
ln -s /proc/self/fd fd
touch console
mount --bind "$CONSOLE" console
cd /
mount --rbind "$HOLD/dev" /dev
# Python and this project may be in a home directory that is closed to others.
number=0
for path in $REACHED; do
  number=$((number + 1))
  mkdir "$HOLD/kept/$number"
  mount --bind "$path" "$HOLD/kept/$number"
done
[ -z "$REACHED" ] || mount -t tmpfs -o mode=755 root /root
number=0
for path in $REACHED; do
  number=$((number + 1))
  mkdir -p "$path"
  mount --bind "$HOLD/kept/$number" "$path"
done
mount -t tmpfs -o mode=755 lib /var/lib
mount -t tmpfs -o mode=755 log /var/log
install -d -o tablao -g tablao /var/lib/tablao
mount -t tmpfs -o mode=755 run /run
mkdir -p /run/lock
cp -r "$UNITS" /run/units
ln -s multi-user.target /run/units/default.target
umount -R /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
exec env -i PATH="$PATH" container=tablao-tests SYSTEMD_UNIT_PATH=/etc/systemd/system:/run/units \\
  "$SYSTEMD" --system --log-target=console --show-status=no
"""


class PrivateSystemd:
    def __init__(self, process_id: int) -> None:
        self.process_id = process_id
        """Of its process 1, as this side sees it."""
        self.console = b""

    def run(self, *words: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a program in there, as root."""
        enter = ["nsenter", "-t", str(self.process_id), *("-m", "-p", "-i", "-u", "-C"), "--"]
        environment = {"PATH": os.environ["PATH"], "HOME": "/root", "NO_COLOR": "1"}
        done = subprocess.run(
            [*enter, *map(str, words)],
            env=environment,
            cwd="/",
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert not check or done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return done

    def path(self, inside: str | Path) -> Path:
        """Return where a path of in there is for this side."""
        return Path(f"/proc/{self.process_id}/root{inside}")

    def shown(self, unit: str, name: str) -> str:
        """Return a property of a unit."""
        return self.run("systemctl", "show", "-P", name, unit).stdout.strip()

    def journal(self, unit: str) -> str:
        return self.run("journalctl", "--no-pager", "-o", "cat", "-u", unit).stdout


@contextmanager
def private_systemd(
    folder: Path, further: Mapping[str, str] = MappingProxyType({})
) -> Iterator[PrivateSystemd]:
    """
    Args:
        folder: for what it needs while it starts.
        further: units that the machine has, by name.
    """
    assert SYSTEMD.exists(), MISSING
    assert os.geteuid() == 0, "this test starts a systemd in namespaces, which takes root"
    units, hold = folder / "units", folder / "hold"
    units.mkdir()
    for name, content in {**UNITS, **further}.items():
        (units / name).write_text(content)
    group = _group_folder() / f"tablao-test-{uuid.uuid4().hex[:12]}"
    group.mkdir()
    reader, terminal = os.openpty()
    closed = [path for path in (sys.base_prefix, str(_PROJECT)) if path.startswith("/root/")]
    environment = {
        "PATH": os.environ["PATH"],
        "HOLD": str(hold),
        "UNITS": str(units),
        "CONSOLE": os.ttyname(terminal),
        "SYSTEMD": str(SYSTEMD),
        "USER_ID": str(USER_ID),
        "REACHED": " ".join(closed),
    }
    apart = ["unshare", "-m", "-p", "-f", "--mount-proc", "-i", "-u", "-C", "--kill-child"]
    # If this process is killed, all goes. The shell enters the group before its namespace begins,
    # so that the group is its root.
    bound = ["setpriv", "--pdeathsig", "KILL"]
    enter = ["sh", "-c", 'echo 0 >"$0/cgroup.procs" && exec "$@"', str(group)]
    outer = subprocess.Popen(
        [*bound, *enter, *apart, "sh", "-c", BOOT],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
    )
    systemd = PrivateSystemd(0)
    threading.Thread(target=_read, args=(reader, systemd), daemon=True).start()
    try:
        systemd.process_id = _child_of(outer, systemd)
        wait_until(lambda: _is_up(systemd), 60)
        yield systemd
    finally:
        # With its process 1, the system ends all that is in the namespace.
        outer.kill()
        outer.wait()
        os.close(terminal)
        wait_until(lambda: _removed(group), 60)


def _read(terminal: int, systemd: PrivateSystemd) -> None:
    with contextlib.suppress(OSError):
        while piece := os.read(terminal, 4096):
            systemd.console += piece


def _child_of(outer: "subprocess.Popen[bytes]", systemd: PrivateSystemd) -> int:
    children = Path(f"/proc/{outer.pid}/task/{outer.pid}/children")

    def found() -> str:
        assert outer.poll() is None, systemd.console.decode(errors="replace")
        names = children.read_text().split()
        name = names[0] if names else ""
        is_systemd = name and Path(f"/proc/{name}/comm").read_text().strip() == "systemd"
        return name if is_systemd else ""

    wait_until(found, 60)
    return int(found())


def _is_up(systemd: PrivateSystemd) -> bool:
    done = systemd.run("systemctl", "is-active", "multi-user.target", check=False)
    return done.stdout.strip() == "active"


def _group_folder() -> Path:
    """Return where cgroup2 is mounted: alone, or beside the older groups."""
    fields = (line.split() for line in Path("/proc/self/mounts").read_text().splitlines())
    folder = next((path for _, path, kind, *_ in fields if kind == "cgroup2"), None)
    assert folder is not None, "cgroup2 is not mounted here, which systemd needs"
    return Path(folder)


def _removed(group: Path) -> bool:
    """Return whether the group and those in it are removed; groups go when they are empty."""
    for folder, _, _ in os.walk(group, topdown=False):
        with contextlib.suppress(OSError):
            os.rmdir(folder)
    return not group.exists()
