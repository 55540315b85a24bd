"""Tables that read like short lists, whose missing index is not certain; and near misses."""

from __future__ import annotations

import pytest

from auditor.model.data import CollectionFit, Fit
from auditor.stores.short_lists import reads_like_a_list
from tests.conftest import Build


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("auth_group", ("id", "name")),
        ("categories", ["id", "name", "slug", "parent_id", "created_at"]),
        ("academic_academicyear", ["id", "name", "start_date", "end_date", "is_current"]),
        ("user_types", ["name"]),
        ("departments", ["id", "name", "code", "manager_id", "is_active"]),
        ("class_levels", ["id", "name", "capacity", "form_teacher_id"]),
        ("roomTypes", ["_id", "title", "basePrice", "capacity"]),
        ("sections", ["id", "name", "academic_year_id", "capacity"]),
        ("main.grade", ["label"]),
        (
            "product_category",
            ["id", "guid", "title", "title_en", "photo", "photo_small", "photo_medium"],
        ),
        (
            "roles",
            [
                "id",
                "role_name",
                "role_code",
                "role_desc",
                "role_home",
                "create_time",
                "create_by_id",
            ],
        ),
        ("categories", ["id", "category_name", "category_note", "category_text", "category_hint"]),
        ("banners", ["id", "image", "link", "is_active", "position"]),
        ("ESTADO_VEHICULO", ["id_estado", "nombre_estado"]),
        ("tipo_producto", ["id", "nombre", "descripcion"]),
        ("public.tipos_usuario", ["id", "codigo_tipo"]),
        ("categories", ["id", "name_en", "name_de", "name_fr", "title_it"]),
        ("radio_discipline", ["id", "name", "css_class", "discipline_type"]),
        ("setting", ["key", "minute", "page", "webhook", "argument"]),
        ("appConfigs", ["site_name", "smtp_host", "smtp_password", "footer"]),
        ("options", ["name", "autoload", "payload"]),
        ("courses_systemsettings", ["id", "one_time_fee", "monthly_fee"]),
        ("core_site_configuration", ["id", "logo", "hero_text", "tagline"]),
        ("user_measurementunit", ["id", "name"]),
        ("shop_brandplan", ["id", "code", "price", "duration"]),
        (
            "plans",
            ["id", "name", "price_monthly", "max_users", "max_reports", "support", "trial_days"],
        ),
        ("shipping_methods", ["id", "code", "name", "price", "is_active", "order"]),
        ("migrations", ["migration_id", "version", "checksum", "text", "applied_on"]),
        ("role", ["role_id", "name"]),
        ("core_region", ["id", "name", "slug", "parent_id", "is_featured", "display_order"]),
    ],
)
def test_a_short_list(name: str, columns: list[str]) -> None:
    assert reads_like_a_list(name, columns)


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("products", ["id", "name", "slug"]),
        ("estates", ["id", "name"]),
        ("tipo_producto", ["id", "nombre", "usuario", "fecha", "cantidad", "direccion"]),
        ("producto_nombre", ["id", "nombre"]),
        ("pedidos", ["id", "nombre", "estado"]),
        ("communities", ["id", "name"]),
        ("categories", ["id", "name", "user_id"]),
        ("roles", ["id", "role_name", "text", "likes", "reply_to"]),
        ("payment_methods", ["id", "name", "user_id"]),
        ("plans", ["id", "name", "destination", "starts_on", "ends_on", "text"]),
        ("plans", ["id", "name", "price", "max_users", "max_reports", "support", "company_id"]),
        ("timezones", ["id", "name"]),
        ("shop_levels", ["id", "level_id", "player", "score", "seconds"]),
        ("photos", ["id", "image", "title"]),
        ("disciplines", ["id", "name", "employee_id"]),
        ("disciplinary", ["id", "name"]),
        ("user_roles", ["user_id", "role_id"]),
        ("product_categories", ["product_id", "category_id"]),
        ("grades", ["id", "student_id", "value"]),
        ("settings", ["user_id", "theme", "language", "font"]),
        ("settings", ["guild", "prefix", "language", "font"]),
        ("user_settings", ["minute", "page", "webhook", "argument"]),
        ("options", ["question", "text", "votes"]),
        ("core_sitesettings", ["id", "user_id", "theme"]),
        ("users_profilesettings", ["id", "theme", "font", "page"]),
        ("meals_mealplan", ["id", "name", "code"]),
        ("units", ["id", "name", "owner_id"]),
        ("units", ["id", "name", "manager_id", "teacher_id"]),
        ("product_options", ["sku", "stock", "supplier"]),
        ("statuses", ["id", "text", "likes", "reply_to", "posted"]),
        ("", []),
        ("roles(", ["id", "a+b", "(x", "[", "text", "more"]),
        ("types[*", ["id", "types[*_name", "likes", "posted", "text"]),
    ],
)
def test_what_grows(name: str, columns: list[str]) -> None:
    assert not reads_like_a_list(name, columns)


_APP = """
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
app = Flask(__name__)
db = SQLAlchemy(app)
class %s(db.Model):
    __tablename__ = "%s"
    id = db.Column(db.Integer, primary_key=True)
    title = db.Column(db.String)
@app.post("/things")
def add(title):
    db.session.add(%s(title=title))
@app.get("/things/<title>")
def one(title):
    return %s.query.filter_by(title=title).first()
"""


@pytest.mark.parametrize(
    ("name", "table", "fit"), [("Genre", "genres", Fit.UNKNOWN), ("Book", "books", Fit.MISSING)]
)
def test_a_list_that_searches_for_an_entry_is_unknown(
    build: Build, name: str, table: str, fit: Fit
) -> None:
    (found,) = build({"app.py": _APP % (name, table, name, name)}).facts(CollectionFit)
    told = {match.fit: match.why for query, match in found.fits if query.equality == ("title",)}
    assert told.keys() == {fit}
    assert ("short list" in told[fit]) == (fit is Fit.UNKNOWN)
