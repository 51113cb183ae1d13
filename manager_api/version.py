"""Who we are."""

from importlib.metadata import version

NAME = "Tablao"
VERSION = version("tablao")
