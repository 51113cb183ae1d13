"""Exit codes by which the programs tell a service what to do next. Standard library only."""

import os

#: launchd starts a program again after every code but 0, so its services set this to 0.
FINAL_CODE_VARIABLE = "TABLAO_FINAL_EXIT_CODE"
#: Only a person can mend the reason, such as a wrong setting, so a service does not start the
#: program again. Source: EX_CONFIG of sysexits.h.
NEEDS_A_PERSON = 78
#: The command was typed wrongly. Source: argparse and Click.
TYPED_WRONGLY = 2
#: A worker host was ordered to restart: whatever started it starts it again.
RESTART_ORDERED = 47


def final_code() -> int:
    """Return the exit code of an end whose reason only a person can mend."""
    return 0 if os.environ.get(FINAL_CODE_VARIABLE) == "0" else NEEDS_A_PERSON
