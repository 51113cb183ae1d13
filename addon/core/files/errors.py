"""The error for everything that can be wrong with a job's files."""


class FilesError(Exception):
    """The text tells the artist in one sentence what is wrong, and what to do."""
