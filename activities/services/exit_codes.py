"""Exit codes by which the programs tell a service what to do next. Standard library only."""

#: Only a person can mend the reason, such as a wrong setting, so a service does not start the
#: program again. Source: EX_CONFIG of sysexits.h.
NEEDS_A_PERSON = 78
#: The command was typed wrongly. Source: argparse and Click.
TYPED_WRONGLY = 2
#: A worker host was ordered to restart: whatever started it starts it again.
RESTART_ORDERED = 47
