"""docs/access.md says what the routes say."""

from tests.docs.access_table import PAGE, with_table


def test_the_table_of_addresses_is_that_of_the_routes() -> None:
    page = PAGE.read_text(encoding="utf-8")

    assert with_table(page) == page, "run: python -m tests.docs.access_table --write"
