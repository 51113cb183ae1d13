"""The sentences about runs whose time is over. It imports nothing: shims must start fast."""


def ran_too_long(longest_s: float, ran_s: float) -> str:
    return (
        f"it was stopped after {in_words(ran_s)}, because a run of this task may take "
        f"{in_words(longest_s)} at most"
    )


def was_silent(silent_s: float) -> str:
    return f"it was stopped, because it had no output and no CPU time for {in_words(silent_s)}"


def reported_nothing(silent_s: float) -> str:
    """Return the same as `was_silent` for an HTTP worker, whose CPU time is not known."""
    return f"it was stopped, because its worker reported nothing for {in_words(silent_s)}"


def in_words(seconds: float) -> str:
    """Return `1.5 s`, `45 s`, `30 min`, `2 h 5 min`."""
    if seconds < 60:
        return f"{round(seconds, 1):g} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "h"), (minutes, "min"), (rest if not hours else 0, "s"))
    return " ".join(f"{count} {unit}" for count, unit in parts if count)
