"""Django, DRF and django-ninja: projects, URLs, views, permissions, settings."""
