"""Resolvers of graphene: those that no field of their class calls ask nothing."""

from __future__ import annotations

import pytest

from auditor.model.data import CollectionFit, Fit
from tests.conftest import Build

_FILES = {
    "manage.py": "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'site.settings')\n",
    "site/settings.py": "INSTALLED_APPS = ['shop']\nROOT_URLCONF = 'site.urls'\n",
    "site/urls.py": "from django.urls import path\nfrom graphene_django.views import GraphQLView\nfrom shop.schema import schema\n"
    "urlpatterns = [path('', GraphQLView.as_view(schema=schema))]\n",
    "shop/__init__.py": "",
    "shop/models.py": "from django.db import models\nclass Claim(models.Model):\n    code = models.CharField(max_length=50)\n",
}
_SCHEMA = """
import graphene
from graphene import ObjectType, relay
from elsewhere import Own
from graphene_django import DjangoObjectType
from shop.models import Claim
class ClaimNode(DjangoObjectType):
    class Meta:
        model = Claim
        interfaces = (relay.Node,)
class Fields({fields}):
    {field}
class Claims({base}):
    def resolve_claim(self, info, code):
        return Claim.objects.filter(code=code).first()
class Query({query}):
    pass
schema = graphene.Schema(query=Query)
"""


@pytest.mark.parametrize(
    ("field", "fields", "base", "query", "fit"),
    [
        ("claim = graphene.Field(ClaimNode)", "object", "Fields, ObjectType", "Claims", Fit.MISSING),
        ("claim = relay.Node.Field(ClaimNode)", "object", "Fields, ObjectType", "Claims", Fit.COVERED),
        ("other = graphene.Field(ClaimNode)", "object", "Fields, ObjectType", "Claims", Fit.COVERED),
        ("claim = graphene.Field(ClaimNode)", "ObjectType", "object", "Claims, Fields", Fit.MISSING),
        ("claim = relay.Node.Field(ClaimNode)", "ObjectType", "object", "Claims, Fields", Fit.COVERED),
        ("other = graphene.Field(ClaimNode)", "Own", "Fields, ObjectType", "Claims", Fit.MISSING),  # nobody knows its fields
        ("other = graphene.Field(ClaimNode)", "DjangoObjectType", "Fields, ObjectType", "Claims", Fit.MISSING),
    ],
)  # fmt: skip
def test_a_resolver_without_a_field_is_never_called(
    field: str, fields: str, base: str, query: str, fit: Fit, build: Build
) -> None:
    schema = _SCHEMA.format(field=field, fields=fields, base=base, query=query)
    found = build({**_FILES, "shop/schema.py": schema}).facts(CollectionFit)
    assert {m.fit for f in found for q, m in f.fits if q.equality == ("code",)} == {fit}
