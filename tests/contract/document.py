"""Where Flamenco's interface, its OpenAPI document, is kept."""

from pathlib import Path

CONTRACT = Path(__file__).with_name("flamenco-v3.json")
