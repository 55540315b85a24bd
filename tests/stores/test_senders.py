"""What receivers of Django's signals ask of their sender."""

from __future__ import annotations

import pytest

from auditor.model.data import Query
from tests.conftest import Build

_RECEIVER = """
from django.conf import settings
from django.db import models
from django.db.models.signals import pre_save, post_save
from django.dispatch import receiver
class Order(models.Model):
    code = models.CharField(max_length=30)
class Offer(models.Model):
    code = models.CharField(max_length=30)
{decorators}
def remember(sender, instance, **kwargs):
    instance.twin = sender.objects.filter(code=instance.code).first()
{more}
"""


@pytest.mark.parametrize(
    ("decorators", "more", "asked"),
    [
        ("@receiver(pre_save, sender=Order)", "", {"shop_order"}),
        ("@receiver([pre_save, post_save], sender='shop.Order')", "", {"shop_order"}),
        ("@receiver(pre_save, sender=settings.AUTH_USER_MODEL)", "", {"auth_user"}),
        ("@receiver(pre_save, sender=Order)\n@receiver(post_save, sender=Offer)", "", {"shop_order", "shop_offer"}),
        ("@receiver(pre_save, sender=Order)\n@receiver(post_save)", "", {""}),
        ("@receiver(pre_save, sender=Order)", "pre_save.connect(remember, sender=Offer)", {""}),
        ("@receiver(pre_save)", "", {""}),
        ("@heard.receiver(pre_save, sender=Order)", "", {""}),
    ],
)  # fmt: skip
def test_the_sender_of_a_receiver(
    decorators: str, more: str, asked: set[str], build: Build
) -> None:
    files = {"shop/models.py": _RECEIVER.format(decorators=decorators, more=more)}
    assert {q.collection for q in build(files).facts(Query)} == asked
