"""`tablao-worker service`: this machine's worker as a service, where only the worker is installed.

The same as `tablao service … worker`.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from activities.services import requests
from activities.services.definition import Program, ServiceError
from activities.services.requests import Wish


def run_service_command(arguments: Sequence[str]) -> int:
    """Carry out a command; return the exit code.

    Args:
        arguments: what follows `service` on the command line.
    """
    options = _parser().parse_args(arguments)
    try:
        return _done(options)
    except ServiceError as refusal:
        sys.stderr.write(f"Error: {refusal}\n")
        return 1


def _done(options: argparse.Namespace) -> int:
    """
    Raises:
        ServiceError: it cannot be done.
    """
    for_user = requests.is_for_user(user=options.user, system=options.system)
    match options.verb:
        case "install":
            wish = Wish(
                Program.WORKER,
                for_user,
                options.run_as,
                options.data_dir,
                options.join_token_file,
                tuple(options.arguments),
            )
            requests.install(wish, _print, dry_run=options.dry_run)
        case "uninstall":
            requests.uninstall(Program.WORKER, _print, for_user=for_user, dry_run=options.dry_run)
        case verb:
            control = requests.control_here(_print, for_user=for_user)
            if verb == "status":
                return 0 if control.status(Program.WORKER) else 1
            (control.start if verb == "start" else control.stop)(Program.WORKER)
    return 0


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tablao-worker service", description="This machine's worker as a service."
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    install = _add(verbs, "install", "install and start the service; installed again, it stays one")
    install.add_argument(
        "arguments", nargs="*", help="options of tablao-worker, after `--`: `-- --slots 2`"
    )
    install.add_argument(
        "--run-as", default="", metavar="USER", help="whose rights a service of the machine has"
    )
    install.add_argument("--data-dir", type=Path, help="the folder for the worker's files")
    install.add_argument(
        "--join-token-file",
        type=Path,
        metavar="FILE",
        help="a file with a join token, which only its owner can read",
    )
    uninstall = _add(verbs, "uninstall", "stop and remove the service; its data stays")
    for parser_of_verb in (install, uninstall):
        parser_of_verb.add_argument(
            "--dry-run", action="store_true", help="print the file and the commands, do nothing"
        )
    _add(verbs, "status", "show whether it runs; the exit code is 1 if it does not")
    _add(verbs, "start", "start it")
    _add(verbs, "stop", "stop it until it is started again, or until the machine starts")
    return parser


def _add(
    verbs: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, sentence: str
) -> argparse.ArgumentParser:
    parser = verbs.add_parser(name, help=sentence, description=sentence)
    parser.add_argument("--user", action="store_true", help="your own, without an administrator")
    parser.add_argument("--system", action="store_true", help="the machine's; the default of root")
    return parser
