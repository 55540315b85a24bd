"""SQLAlchemy and SQLModel, with the packages that build on them."""
