"""`tablao-worker`: the command line of the render machine's process."""

import argparse
from collections.abc import Sequence
from pathlib import Path


def main(arguments: Sequence[str] | None = None) -> None:
    options = _parser().parse_args(arguments)
    # This loads the whole host, which `--help` and a mistyped option do not need.
    from worker_host.serving import run_host

    run_host(vars(options))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tablao-worker", description="Renders for a Tablao farm on this machine."
    )
    parser.add_argument(
        "--manager", metavar="URL", help="where the farm's manager is; default: searches for it"
    )
    parser.add_argument(
        "--pin",
        dest="manager_pin",
        metavar="sha256:…",
        help="of the manager's certificate or its authority; `tablao tls show` prints it",
    )
    parser.add_argument("--data-dir", type=Path, help="credentials and running tasks")
    parser.add_argument("--name", help="shown for this worker; default: the machine's name")
    parser.add_argument("--slots", type=int, help="how many tasks run at a time; default: 1")
    parser.add_argument("--blender", metavar="PATH", help="Blender's executable")
    parser.add_argument("--ffmpeg", metavar="PATH", help="ffmpeg's executable")
    parser.add_argument("--task-types", metavar="A,B", help="types of tasks that this worker takes")
    parser.add_argument(
        "--restart-exit-code",
        type=int,
        metavar="N",
        help="exit code after a restart order; the service that runs this process then restarts it",
    )
    return parser


if __name__ == "__main__":
    main()
