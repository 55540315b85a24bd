"""Django's ORM: models, migrations and what asks them, REST framework's views included."""
