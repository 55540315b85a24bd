"""SQL: models, queries, migrations and statements, by mapper and as text."""
