"""`tablao-worker`: the command line of the render machine's process."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

#: The option of a new version that ends when the farm has welcomed it.
ON_TRIAL = "--on-trial"
#: The verb that looks whether this machine can render for the farm.
_DOCTOR = "doctor"
#: With these, no other version begins in the place of this one.
_STAYS = frozenset({"-h", "--help", "--version", ON_TRIAL})


def main(arguments: Sequence[str] | None = None) -> None:
    given = sys.argv[1:] if arguments is None else arguments
    if given[:1] == ["service"]:
        from worker_host.service_command import run_service_command

        sys.exit(run_service_command(given[1:]))
    if arguments is None and not _STAYS.intersection(sys.argv):
        from worker_host.version_start import begin_chosen_version

        # A doctor has the version that the host has, but tries none.
        begin_chosen_version(sys.argv[1:], on_trial=ON_TRIAL, tries=_DOCTOR not in sys.argv)
    parser = _parser()
    options = vars(parser.parse_args(arguments))
    if options["json"] and not options["verb"]:
        parser.error("--json is for the doctor: tablao-worker doctor --json")
    if options.pop("version"):
        from importlib.metadata import version

        sys.stdout.write(f"tablao-worker {version('tablao')}\n")
        return
    on_trial, verb, as_json = options.pop("on_trial"), options.pop("verb"), options.pop("json")
    if verb == _DOCTOR:
        from activities.process.process_end import end_with
        from worker_host.doctor.service import run_doctor

        # A look that hangs, as on a lost mount, must not hold up the end.
        end_with(lambda: run_doctor(options, as_json=as_json))
    # This loads the whole host, which `--help` and a mistyped option do not need.
    from worker_host.serving import run_host

    run_host(options, on_trial=on_trial)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tablao-worker",
        description="Renders for a Tablao farm on this machine.",
        epilog="`tablao-worker service --help`: as a service, which starts with the machine.",
    )
    parser.add_argument(
        "verb",
        nargs="?",
        choices=[_DOCTOR],
        help="look whether this machine can render for the farm; default: render",
    )
    parser.add_argument("--json", action="store_true", help="print what the doctor finds as JSON")
    parser.add_argument(
        "--manager", metavar="URL", help="where the farm's manager is; default: searches for it"
    )
    parser.add_argument(
        "--pin",
        dest="manager_pin",
        metavar="sha256:…",
        help="of the manager's certificate or its authority; `tablao tls show` prints it",
    )
    parser.add_argument(
        "--join-token-file",
        type=Path,
        metavar="FILE",
        help="a file with a join token, which only its owner can read",
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
    parser.add_argument("--version", action="store_true", help="say the version, and end")
    parser.add_argument(ON_TRIAL, action="store_true", help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    main()
