"""What a refusal says to a caller that may not do something."""

import pytest

from workflows.domain.access import PERMISSIONS, Identity, Permission, Role, Via, rights, why_not


def artist(*scopes: Permission, via: Via = Via.TOKEN) -> Identity:
    return Identity(role=Role.ARTIST, permissions=rights(Role.ARTIST, scopes), via=via)


@pytest.mark.parametrize(
    ("caller", "needed", "sentence"),
    [
        (
            artist(Permission.READ),
            Permission.SUBMIT,
            'the token lacks the scope "submit"',
        ),
        (
            artist(Permission.SUBMIT, via=Via.PATH),
            Permission.READ,
            "a token in the address may only submit jobs",
        ),
        (
            artist(*PERMISSIONS[Role.ARTIST]),
            Permission.WORKERS,
            'it needs the permission "workers", which the roles wrangler and admin have',
        ),
        (
            artist(*Permission),
            Permission.ADMIN,
            'it needs the permission "admin", which the role admin has',
        ),
    ],
)
def test_a_refusal_names_the_scope_or_the_roles(
    caller: Identity, needed: Permission, sentence: str
) -> None:
    assert why_not(caller, (needed,)) == sentence
