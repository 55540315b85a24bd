"""Queries of Supabase's client, and of PostgREST's own."""

from __future__ import annotations

import pytest

from auditor.model.data import Bound, CollectionFit, Fit, Query
from tests.conftest import Build

_SCHEMA = """
CREATE TABLE IF NOT EXISTS public.jobs (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name text NOT NULL, owner uuid NOT NULL, kind text, score int,
  tags text[], data jsonb, done boolean DEFAULT false, deleted_at timestamptz, at timestamptz DEFAULT now()
);
CREATE INDEX jobs_owner ON public.jobs (owner, at DESC);
"""
_APP = """
import os
from supabase import Client, create_client
supabase: Client = create_client(os.environ["SUPABASE_URL"], os.environ["SUPABASE_KEY"])
def ask(given, other):
    {ask}
"""


def _asked(ask: str, build: Build, app: str = _APP, schema: str = _SCHEMA) -> list[Query]:
    files = {"app.py": app.format(ask=ask), "supabase/migrations/1_init.sql": schema}
    return [q for q in build(files).facts(Query) if q.operation != "insert"]


@pytest.mark.parametrize(
    ("steps", "equality", "spans", "scanned"),
    [
        (".eq('name', given)", ("name",), (), ()),
        (".in_('name', [given, other])", ("name",), (), ()),
        (".match({'name': given, 'owner': other})", ("name", "owner"), (), ()),
        (".filter('name', 'eq', given)", ("name",), (), ()),
        (".filter('name', 'ilike', '%a%')", (), (), ("name",)),
        (".neq('name', given)", (), ("name",), ()),
        (".gte('score', given).lt('score', other)", (), ("score",), ()),
        (".like('name', 'a%')", (), ("name",), ()),
        (".like('name', f'{given}%')", (), ("name",), ()),
        (".like('name', f'%{given}%')", (), (), ("name",)),
        (".ilike('name', f'{given}%')", (), (), ("name",)),
        (".contains('tags', [given])", (), (), ("tags",)),
        (".eq('data->>kind', given)", (), (), ("data",)),
        (".is_('deleted_at', 'null')", ("deleted_at",), (), ()),
        (".not_.is_('deleted_at', 'null')", (), ("deleted_at",), ()),
        (".not_.in_('name', given)", (), ("name",), ()),
        (".eq('owner', given).limit(5)", ("owner",), (), ()),
        (".or_('name.eq.a,name.like.b*')", (), ("name",), ()),
        (".or_('and(name.eq.a,score.gt.3),name.is.null')", ("name",), ("score",), ()),
    ],
)  # fmt: skip
def test_filters(
    steps: str, equality: tuple[str, ...], spans: tuple[str, ...], scanned: tuple[str, ...], build: Build
) -> None:  # fmt: skip
    found = _asked(f"return supabase.table('jobs').select('*'){steps}.execute().data", build)
    assert found
    assert {(q.collection, q.unresolved) for q in found} == {("jobs", "")}
    assert (equality, spans, scanned) in {(q.equality, q.range, q.scanned) for q in found}


def test_alternatives_are_searches_of_their_own(build: Build) -> None:
    ask = "return supabase.table('jobs').select('*').or_(f'name.eq.{given},owner.eq.{other}').execute()"
    assert [q.equality for q in _asked(ask, build)] == [("name",), ("owner",)]


@pytest.mark.parametrize(
    ("ask", "why"),
    [
        ("supabase.table('jobs').select('*').eq(given, other).execute()", "which column is compared is decided at run time"),
        ("supabase.table('jobs').select('*').or_(given).execute()", "its alternatives are put together at run time"),
        ("supabase.table(given).select('*').eq('name', other).execute()", "the table is named at run time"),
        ("supabase.table('jobs').select('*').eq('lacks', other).execute()", "lacks is no column that the code declares"),
        ("supabase.table('others').select('*').eq('name', other).execute()", "what its table holds is told nowhere in this tree"),
        ("supabase.rpc('free_jobs', {'a': given}).execute()", "free_jobs, which the database keeps, asks it"),
        ("supabase.table('jobs').select('*, tags!inner(*)').eq('tags.name', given).execute()", "it compares columns of what is embedded, of which the code does not tell how it is joined"),
    ],
)  # fmt: skip
def test_what_cannot_be_told(ask: str, why: str, build: Build) -> None:
    assert [q.unresolved for q in _asked(f"return {ask}", build)] == [why]


@pytest.mark.parametrize(
    ("steps", "operation", "bound"),
    [
        (".select('*').eq('owner', given).execute()", "select", Bound.NONE),
        (".select('*').eq('owner', given).limit(20).execute()", "select", Bound.LIMITED),
        (".select('*').eq('owner', given).range(0, 9).execute()", "select", Bound.LIMITED),
        (".select('*').eq('owner', given).single().execute()", "select", Bound.ONE),
        (".select('*').eq('owner', given).maybe_single().execute()", "select", Bound.ONE),
        (".update({'name': other}).eq('owner', given).execute()", "update", Bound.NONE),
        (".delete().eq('owner', given).execute()", "delete", Bound.NONE),
        (".select('id', count='exact', head=True).eq('owner', given).execute()", "count", Bound.NONE),
    ],
)  # fmt: skip
def test_what_is_done(steps: str, operation: str, bound: Bound, build: Build) -> None:
    (query,) = _asked(f"return supabase.table('jobs'){steps}", build)
    assert (query.operation, query.equality, query.bound) == (operation, ("owner",), bound)


@pytest.mark.parametrize(
    ("steps", "fit", "missing"),
    [
        (".eq('owner', given).order('at', desc=True).limit(5)", Fit.COVERED, ()),
        (".eq('owner', given).order('score').limit(5)", Fit.PARTIAL, ("score",)),
        (".eq('name', given)", Fit.MISSING, ("name",)),
        (".eq('id', given)", Fit.COVERED, ()),
        (".eq('done', False)", Fit.COVERED, ()),
        ("", Fit.COVERED, ()),
    ],
)
def test_indexes(steps: str, fit: Fit, missing: tuple[str, ...], build: Build) -> None:
    ask = f"return supabase.table('jobs').select('*'){steps}.execute()"
    files = {"app.py": _APP.format(ask=ask), "supabase/migrations/1_init.sql": _SCHEMA}
    ((match,),) = [[m for _, m in c.fits] for c in build(files).facts(CollectionFit)]
    assert (match.fit, match.missing) == (fit, missing)


def test_a_filter_of_some_runs(build: Build) -> None:
    ask = (
        "query = supabase.table('jobs').select('*')\n    if given:\n        query = query.eq('name', given)\n"
        "    return query.order('at').execute().data"
    )
    assert sorted(q.equality for q in _asked(ask, build)) == [(), ("name",)]


@pytest.mark.parametrize(
    "app",
    [
        "from postgrest import AsyncPostgrestClient\nasync def ask(given):\n    async with AsyncPostgrestClient('http://db') as client:\n"
        "        return await client.from_('jobs').select('*').eq('name', given).execute()\n",
        "from supabase import acreate_client\nasync def ask(given):\n    client = await acreate_client('', '')\n"
        "    return await client.table('jobs').select('*').eq('name', given).execute()\n",
        "from supabase import create_client\ndef connect():\n    return create_client('', '')\ndef ask(given):\n"
        "    return connect().from_('jobs').select('*').eq('name', given).execute()\n",
        "from supabase import create_client\nclass Store:\n    def __init__(self):\n        self.client = create_client('', '')\n"
        "    def ask(self, given):\n        return self.client.table('jobs').select('*').eq('name', given).execute()\n",
        "from supabase import Client\nclass Store:\n    TABLE = 'jobs'\n    def __init__(self, client: Client):\n        self.client = client\n"
        "    def ask(self, given):\n        return self.client.table(self.TABLE).select('*').eq('name', given).execute()\n",
        "from supabase import create_client\ndb = create_client('', '').schema('public')\n"
        "def ask(given):\n    return db.table('jobs').select('*').eq('name', given).execute()\n",
    ],
)  # fmt: skip
def test_clients(app: str, build: Build) -> None:
    files = {"app.py": app, "supabase/migrations/1_init.sql": _SCHEMA}
    assert [(q.collection, q.equality) for q in build(files).facts(Query)] == [("jobs", ("name",))]


@pytest.mark.parametrize(
    "ask",
    [
        "supabase.storage.from_('jobs').update(given, other)",
        "supabase.auth.sign_in_with_password({'email': given})",
        "supabase.table('jobs')",
        "supabase.functions.invoke('jobs')",
    ],
)
def test_what_asks_no_table(ask: str, build: Build) -> None:
    assert _asked(f"return {ask}", build) == []


def test_tables_of_other_libraries(build: Build) -> None:
    app = "import ibis\ncon = ibis.connect('')\ndef ask(given, other):\n    {ask}\n"
    assert _asked("return con.table('jobs').select('name').execute()", build, app) == []


def test_a_query_in_a_loop_over_records(build: Build) -> None:
    ask = (
        "for row in supabase.table('jobs').select('*').limit(50).execute().data:\n"
        "        supabase.table('jobs').select('*').eq('owner', row['owner']).execute()"
    )
    assert [q.loop is not None for q in _asked(ask, build)] == [False, True]
