"""A dictionary with a bound forgets what was put in first."""

from workflows.domain.bounded_dict import BoundedDict


def test_beyond_its_bound_the_oldest_goes() -> None:
    known: BoundedDict[int, str] = BoundedDict(2)

    for number in (1, 2, 3):
        known[number] = str(number)

    assert known == {2: "2", 3: "3"}


def test_a_new_value_of_a_known_key_costs_nothing() -> None:
    known: BoundedDict[int, str] = BoundedDict(2)
    known[1], known[2] = "1", "2"

    known[1] = "one"

    assert known == {1: "one", 2: "2"}
