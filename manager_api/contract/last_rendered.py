"""Flamenco's interface: images that jobs rendered last."""

from manager_api.contract.base import Answer


class JobLastRenderedImageInfo(Answer):
    base: str
    """Path of an address on this manager; each suffix goes behind it and a slash."""
    suffixes: list[str]
    """From the largest to the smallest image."""
