"""What is known against packages: who is asked, and a database that cannot be used."""

SERVICES = ("pypi", "osv")


class DatabaseError(Exception):
    """A database of advisories cannot be used; the message is one line."""
