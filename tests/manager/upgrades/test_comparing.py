"""Versions are compared as Python's packages are, and strangers' texts break nothing."""

import pytest

from manager_api.contract.versions import Standing
from manager_api.upgrades.comparing import LONGEST_VERSION, compared_manager, compared_worker


@pytest.mark.parametrize(
    ("software", "standing"),
    [
        ("Tablao 0.10.0", Standing.SAME),
        ("Tablao 0.10", Standing.SAME),
        ("Tablao 0.9.1", Standing.OLDER),
        ("Tablao 0.10.0rc1", Standing.OLDER),
        ("Tablao 0.10.0.dev3", Standing.OLDER),
        ("Tablao 0.10.1", Standing.NEWER),
        ("Tablao 0.10.0.post1", Standing.NEWER),
        ("Tablao 0.10.0+studio.2", Standing.NEWER),
        ("Tablao 1!0.1", Standing.NEWER),
        ("", Standing.UNKNOWN),
        ("Tablao", Standing.UNKNOWN),
        ("Tablao ", Standing.UNKNOWN),
        ("Tablao olé", Standing.UNKNOWN),
        ("tablao 0.9.1", Standing.UNKNOWN),
        ("3.5", Standing.FLAMENCO),
        ("3.6-alpha2", Standing.FLAMENCO),
    ],
)
def test_a_version_is_older_newer_or_none(software: str, standing: Standing) -> None:
    assert compared_worker(software, "0.10.0", is_http=False).standing is standing


def test_a_flamenco_worker_says_so_and_is_not_compared() -> None:
    assert compared_worker("3.5", "0.10.0", is_http=True)[:2] == (
        "Flamenco 3.5",
        Standing.FLAMENCO,
    )
    assert compared_worker("my build", "0.10.0", is_http=True)[:2] == (
        "Flamenco my build",
        Standing.FLAMENCO,
    )


def test_a_worker_of_ours_that_asks_over_http_is_compared() -> None:
    assert compared_worker("Tablao 0.9", "0.10.0", is_http=True).standing is Standing.OLDER


@pytest.mark.parametrize(
    "hostile",
    ["9" * 255, "1." * 127, "1\n2\t3", "\u202e1.0", "1" + "0" * 62 + "." + "9" * 190, " " * 255],
)
def test_a_hostile_text_is_shown_in_one_bounded_line(hostile: str) -> None:
    for software in (hostile, f"Tablao {hostile}"[:255]):
        compared = compared_worker(software, "0.10.0", is_http=False)

        assert compared.standing is Standing.UNKNOWN
        assert len(compared.version) <= LONGEST_VERSION
        assert "\n" not in compared.version


def test_a_manager_of_another_version_is_compared() -> None:
    assert compared_manager("0.9", "0.10.0").standing is Standing.OLDER
    assert compared_manager("0.11", "0.10.0").standing is Standing.NEWER
    assert compared_manager("none", "0.10.0").standing is Standing.UNKNOWN
