"""Imports the data of a Flamenco farm."""
