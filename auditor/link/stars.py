"""What a name means that only `from package import *` of a package outside of the tree can give.

Of several such packages the one that is known to have the name gives it; the lists hold what
applications take of them in this way.
"""

from __future__ import annotations

from collections.abc import Sequence

_EXPORTS = {
    "flask": "Flask Blueprint request session g current_app abort redirect url_for render_template jsonify flash "
    "make_response Response send_file send_from_directory render_template_string stream_with_context",
    "flask_login": "LoginManager UserMixin AnonymousUserMixin login_required login_user logout_user current_user "
    "fresh_login_required",
    "flask_sqlalchemy": "SQLAlchemy",
    "flask_restful": "Api Resource reqparse fields marshal_with marshal",
    "fastapi": "FastAPI APIRouter Depends HTTPException Request Response Query Path Body Header Cookie Form File "
    "UploadFile BackgroundTasks status WebSocket Security",
    "sqlalchemy": "create_engine select insert update delete text func and_ or_ not_ desc asc Column Table MetaData "
    "ForeignKey Index UniqueConstraint CheckConstraint PrimaryKeyConstraint ForeignKeyConstraint Integer BigInteger "
    "SmallInteger String Text Unicode UnicodeText Boolean Date DateTime Time Float Numeric Enum JSON ARRAY UUID "
    "LargeBinary Interval Sequence exists case cast literal distinct between join outerjoin",
    "sqlalchemy.orm": "DeclarativeBase Mapped mapped_column relationship sessionmaker scoped_session Session backref "
    "declarative_base joinedload selectinload subqueryload aliased registry validates load_only",
    "sqlmodel": "SQLModel Field Relationship Session select create_engine",
    "peewee": "Model SqliteDatabase MySQLDatabase PostgresqlDatabase Proxy DatabaseProxy fn SQL Case AutoField "
    "BigAutoField BigIntegerField BlobField BooleanField CharField CompositeKey DateField DateTimeField DecimalField "
    "DoubleField FixedCharField FloatField ForeignKeyField DeferredForeignKey IntegerField IPField ManyToManyField "
    "PrimaryKeyField SmallIntegerField TextField TimeField TimestampField UUIDField JOIN prefetch",
    "mongoengine": "Document EmbeddedDocument DynamicDocument DynamicEmbeddedDocument connect Q StringField IntField "
    "FloatField BooleanField DateTimeField DateField ListField DictField EmbeddedDocumentField ReferenceField "
    "ObjectIdField EmailField URLField BinaryField FileField ImageField DecimalField SortedListField MapField "
    "EmbeddedDocumentListField GenericReferenceField LazyReferenceField SequenceField UUIDField LongField "
    "GeoPointField PointField DynamicField CASCADE NULLIFY PULL DENY DO_NOTHING",
    "pony.orm": "Database Required Optional Set PrimaryKey db_session select commit",
    "tortoise.models": "Model",
    "tortoise.fields": "IntField BigIntField CharField TextField BooleanField DatetimeField DateField ForeignKeyField "
    "ManyToManyField OneToOneField UUIDField JSONField FloatField DecimalField SmallIntField",
    "django.db.models": "Model Q F Count Sum Avg Max Min CharField TextField IntegerField ForeignKey ManyToManyField "
    "OneToOneField BooleanField DateField DateTimeField DecimalField EmailField FileField ImageField UUIDField "
    "JSONField SlugField URLField CASCADE SET_NULL PROTECT Index UniqueConstraint Prefetch",
    "rest_framework.serializers": "Serializer ModelSerializer CharField IntegerField SerializerMethodField",
    "rest_framework.permissions": "IsAuthenticated IsAdminUser AllowAny IsAuthenticatedOrReadOnly BasePermission",
    "rest_framework.generics": "ListAPIView CreateAPIView RetrieveAPIView UpdateAPIView DestroyAPIView GenericAPIView "
    "ListCreateAPIView RetrieveUpdateAPIView RetrieveDestroyAPIView RetrieveUpdateDestroyAPIView",
    "pydantic": "BaseModel Field EmailStr validator field_validator constr SecretStr HttpUrl",
    "typing": "Any Optional Union List Dict Tuple Set Callable Annotated Literal Generic TypeVar Type Iterable "
    "Iterator Sequence Mapping TYPE_CHECKING cast NamedTuple Protocol",
    "datetime": "datetime date time timedelta timezone",
    "enum": "Enum IntEnum StrEnum Flag auto",
}  # fmt: skip
_KNOWN = {package: frozenset(names.split()) for package, names in _EXPORTS.items()}


def starred(packages: Sequence[str], name: str) -> str:
    """The canonical name, or nothing where several packages may give it."""
    for package in reversed(packages):  # the later import hides the earlier one
        if name in _KNOWN.get(package, ()):
            return f"{package}.{name}"
    untold = [p for p in packages if p not in _KNOWN]
    if len(packages) == 1:
        return f"{packages[0]}.{name}"
    return f"{untold[0]}.{name}" if len(untold) == 1 else ""
