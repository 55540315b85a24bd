"""Tortoise ORM: models and migrations; its queries are read as Django's are."""
