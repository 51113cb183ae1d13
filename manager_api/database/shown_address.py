"""Shows the address of a database without its passwords."""

from urllib.parse import quote

from sqlalchemy import make_url

#: SQLAlchemy puts it in the place of passwords.
MASK = "***"


def shown_address(database: str) -> str:
    """Return an address with masks in the place of passwords; unchanged if it has none.

    Args:
        database: An address that SQLAlchemy takes, or the path of a file.
    """
    if "://" not in database:
        return database
    url = make_url(database)
    hidden = {name: MASK for name in url.query if "password" in name.lower()}
    if not (hidden or url.password):
        return database
    shown = url.update_query_dict(hidden).render_as_string(hide_password=True)
    shown = shown.replace(quote(MASK, safe=""), MASK)
    if url.password and "@" in f"{url.host}{url.database}":
        # An `@` in the password was not quoted, so SQLAlchemy takes the rest of it for the host.
        before, _, after = shown.partition(f":{MASK}@")
        rest = after.replace(quote("@", safe=""), "@").rpartition("@")[2]
        return f"{before}:{MASK}@{rest}"
    return shown
