"""What an application depends on to serve: its database, vector store and message broker."""

from __future__ import annotations

from auditor.extract.python import tree as t
from auditor.link.application import Application
from auditor.link.reach import imported_from
from auditor.link.scopes import CallSite
from auditor.model.data import Connection
from auditor.model.settings import FrameworkSetting
from auditor.model.web import WebApp

_OPENS = (
    "sqlalchemy.create_engine", "sqlalchemy.ext.asyncio.create_async_engine", "sqlmodel.create_engine",
    "flask_sqlalchemy.SQLAlchemy", "databases.Database", "asyncpg.create_pool", "asyncpg.connect",
    "psycopg2.connect", "psycopg.connect", "pymysql.connect", "aiomysql.create_pool", "tortoise.Tortoise.init",
    "peewee.PostgresqlDatabase", "peewee.MySQLDatabase", "redis.Redis", "redis.from_url",
    "supabase.create_client", "supabase.acreate_client", "supabase.create_async_client", "firebase_admin.firestore.client",
    "google.cloud.firestore.Client", "google.cloud.firestore.AsyncClient",
)  # fmt: skip
_OPENS_VECTORS = (
    "qdrant_client.QdrantClient", "qdrant_client.AsyncQdrantClient", "chromadb.HttpClient", "chromadb.AsyncHttpClient",
    "weaviate.Client", "weaviate.connect_to_custom", "weaviate.connect_to_local", "weaviate.connect_to_weaviate_cloud",
    "weaviate.WeaviateClient", "weaviate.WeaviateAsyncClient", "pinecone.Pinecone", "pinecone.PineconeAsyncio",
    "pymilvus.MilvusClient", "pymilvus.AsyncMilvusClient", "pymilvus.connections.connect",
)  # fmt: skip
"""Of servers of their own; what is kept in a file (`chromadb.PersistentClient`) is always there."""
_OPENS_BROKERS = (
    "pika.BlockingConnection", "pika.SelectConnection", "aio_pika.connect", "aio_pika.connect_robust", "kombu.Connection",
    "aiokafka.AIOKafkaProducer", "aiokafka.AIOKafkaConsumer", "kafka.KafkaProducer", "kafka.KafkaConsumer",
    "confluent_kafka.Producer", "confluent_kafka.Consumer", "nats.connect", "faststream.rabbit.RabbitBroker",
    "faststream.kafka.KafkaBroker", "faststream.nats.NatsBroker", "stomp.Connection",
)  # fmt: skip


class Needs:
    """What each application depends on to serve, as far as its code and settings tell."""

    def __init__(self, application: Application) -> None:
        code = application.code
        self.application = application
        self.only = len({app.name for app in application.facts(WebApp)}) == 1
        self.places = {
            "database": [c.place.path for c in application.facts(Connection)]
            + [site.path for site in code.calls(*_OPENS)],
            "vector store": [s.path for s in code.calls(*_OPENS_VECTORS) if not _in_process(s)],
            "queue": [site.path for site in code.calls(*_OPENS_BROKERS)],
        }
        self.configured = {
            s.application
            for s in application.facts(FrameworkSetting)
            if s.name in ("DATABASES", "SQLALCHEMY_DATABASE_URI", "SQLALCHEMY_BINDS")
        }
        self.known: dict[str, tuple[str, ...]] = {}
        self._imported: dict[str, set[str]] = {}

    def of(self, unit: str) -> tuple[str, ...]:
        if unit not in self.known:
            found = [
                what
                for what, paths in self.places.items()
                if any(self._its(p, unit) for p in paths)
            ]
            if unit in self.configured and "database" not in found:
                found.insert(0, "database")
            self.known[unit] = tuple(found)
        return self.known[unit]

    def _its(self, path: str, unit: str) -> bool:
        """In a folder of its own, or in one that applications share and that it imports from."""
        if self.only or unit == "." or path.startswith(unit + "/"):
            return True
        return path in self._imports(unit)

    def _imports(self, unit: str) -> set[str]:
        if unit not in self._imported:
            code = self.application.code
            entries = {a.place.path for a in self.application.facts(WebApp) if a.name == unit}
            self._imported[unit] = imported_from(code, entries)
        return self._imported[unit]


def _in_process(site: CallSite) -> bool:
    """`QdrantClient(":memory:")` and `QdrantClient(path=…)` keep their data in the process itself."""
    first = site.arg(0, "location")
    memory = isinstance(first, t.Const) and first.value == ":memory:"
    return memory or site.arg(None, "path") is not None
