"""Each index of the hardened twins on SQL, and how it is taken away: in the model, and in the migration
where there is one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.conftest import write

FIXTURES = Path(__file__).parents[2] / "fixtures"
_KINDS = (".py", ".toml", ".txt", ".env")


@dataclass(frozen=True)
class Removal:
    """`edits` are (path, text, what stands there instead) in the twin; `fields` those of the index."""

    twin: str
    table: str
    fields: tuple[str, ...]
    edits: tuple[tuple[str, str, str], ...]

    @property
    def hardened(self) -> Path:
        return FIXTURES / self.twin / "hardened"

    def mutated(self, root: Path) -> Path:
        """The twin without the index, written to a directory."""
        files = {
            str(file.relative_to(self.hardened)): file.read_text()
            for file in self.hardened.rglob("*")
            if file.is_file() and file.suffix in _KINDS
        }
        for path, text, instead in self.edits:
            assert text in files[path], (path, text)
            files[path] = files[path].replace(text, instead)
        return write(root, files)

    def __str__(self) -> str:
        return f"{self.table} {'+'.join(self.fields)}"


_MODELS = "expenses/models.py"
REMOVALS = (
    Removal(
        "flask-sqlalchemy", "expense", ("owner_id", "created_at"),
        ((_MODELS, '(db.Index("ix_expense_owner_created", "owner_id", "created_at"),)', "()"),),
    ),
    Removal(
        "flask-sqlalchemy", "user", ("email",),
        ((_MODELS, "db.String(254), unique=True", "db.String(254)"),),
    ),
    Removal(
        "flask-sqlalchemy", "user", ("token_hash",),
        ((_MODELS, "db.String(64), unique=True", "db.String(64)"),),
    ),
    Removal(
        "django-rest", "invoices_invoice", ("paid", "due"),
        (
            ("invoices/models.py", 'indexes = [models.Index(fields=["paid", "due"], name="invoice_paid_due")]', "pass"),
            ("invoices/migrations/0002_invoice_paid_due.py",
             'migrations.AddIndex(\n            model_name="invoice",\n            index=models.Index(fields=["paid", "due"], name="invoice_paid_due"),\n        ),', ""),
        ),
    ),
    Removal(
        "django-rest", "invoices_invoice", ("number",),
        (
            ("invoices/models.py", "max_length=40, unique=True", "max_length=40"),
            ("invoices/migrations/0001_initial.py", "max_length=40, unique=True", "max_length=40"),
        ),
    ),
    Removal(
        "django-rest", "invoices_invoice", ("project_id",),
        (
            ("invoices/models.py", "models.ForeignKey(Project, ", "models.ForeignKey(Project, db_index=False, "),
            ("invoices/migrations/0001_initial.py", "models.ForeignKey(\n", "models.ForeignKey(\n                        db_index=False,\n"),
        ),
    ),
    Removal(
        "django-rest", "projects_project", ("owner_id",),
        (
            ("projects/models.py", "models.ForeignKey(settings.AUTH_USER_MODEL, ", "models.ForeignKey(settings.AUTH_USER_MODEL, db_index=False, "),
            ("projects/migrations/0001_initial.py", "models.ForeignKey(\n", "models.ForeignKey(\n                        db_index=False,\n"),
        ),
    ),
)  # fmt: skip
