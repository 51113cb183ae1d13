"""What can be wrong with a job's files, in one sentence for the artist."""


class FilesError(Exception):
    """str() says what is wrong, and what to do."""
