"""What makes records of a stored class or table: its constructor, its manager, forms, and whatever it is handed to."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Set

from auditor.extract.python import tree as t
from auditor.link.application import Application
from auditor.link.mentions import Mentions
from auditor.link.names import Code
from auditor.link.scopes import CallSite, Located, Scope
from auditor.stores.sql.entities import Entities, Entity
from auditor.stores.waiting.once import runs_once

MADE = {
    "create", "get_or_create", "update_or_create", "insert", "insert_many", "bulk_create", "replace", "create_user",
    "create_superuser", "acreate", "aget_or_create", "aupdate_or_create", "abulk_create", "create_or_get", "insert_from", "replace_many",
    "aio_create", "aio_get_or_create", "model_validate", "from_orm", "parse_obj",
}  # fmt: skip
FINDS_OR_MAKES = {"get_or_create", "aget_or_create", "update_or_create", "aupdate_or_create"}
_READS = {
    "select", "query", "get", "scalar", "scalars", "join", "outerjoin", "isinstance", "aliased", "exists", "joinedload", "selectinload",
    "get_object_or_404", "get_list_or_404", "relationship", "options", "delete", "update", "with_entities", "select_from", "Prefetch", "count",
    "ForeignKey", "OneToOneField", "ManyToManyField", "ForeignKeyField", "contains_eager", "subqueryload", "print",
}  # fmt: skip
_MAKES_TABLES = {"create_tables", "drop_tables", "bind"}
"""What Peewee's databases are handed models for."""


def creations(application: Application, entity: Entity) -> Iterator[CallSite]:
    """`Role(…)`, `Role.create(…)`, `Role.objects.create(…)`, what a listener puts into the table that is made: `table.insert().values(…)`."""
    if entity.found is None:
        return
    code, own = application.code, application.code.own_name(entity.found)
    yield from _constructed(code, own)
    yield from _asked_to_make(code, own)
    for site in code.method_calls("values"):
        for arg, around in _listened(site.scope) if at_creation(site.scope) else ():
            if isinstance(arg, t.Attr) and arg.name == "__table__":
                if code.name(arg.value, around) == own:
                    yield site


def _constructed(code: Code, own: str) -> Iterator[CallSite]:
    """`Role(…)`, also by the name that an import gives it: `from models import Role as RoleModel`, `RoleModel(…)`."""
    yield from code.calls(own)


def _asked_to_make(code: Code, own: str) -> Iterator[CallSite]:
    """`Role.create(…)`, `Role.objects.create(…)`."""
    for site in code.method_calls(*MADE):
        words = t.walk_own(site.node.func.value) if isinstance(site.node.func, t.Attr) else ()
        if any(_means(code, n, site.scope, own) for n in words):
            yield site


def _means(code: Code, node: t.Node | None, scope: Scope, own: str) -> bool:
    """Whether a class is spoken of, by its own name or by that of an import."""
    if not isinstance(node, t.Name | t.Attr):
        return False
    named = t.last_word(node) == _class_name(own)
    return named or (isinstance(node, t.Name) and code.name(node, scope) == own)


def _class_name(own: str) -> str:
    return own.rpartition(":")[2].rpartition(".")[2]


def _listened(scope: Scope) -> Iterator[tuple[t.Expr, Scope]]:
    """What a listener listens to: `@event.listens_for(Role.__table__, "after_create")`."""
    assert isinstance(scope.owner, t.Function)
    for decorator in scope.owner.decorators:
        for arg in decorator.args[:1] if isinstance(decorator, t.Call) else ():
            if scope.parent is not None:
                yield arg, scope.parent


def at_creation(scope: Scope) -> bool:
    """Whether a function runs once, when a table is made.

    Source: https://docs.sqlalchemy.org/en/20/core/events.html#sqlalchemy.events.DDLEvents.after_create.
    """
    return isinstance(scope.owner, t.Function) and any(
        isinstance(d, t.Call) and t.last_word(d.func) == "listens_for" and _is_after_create(d)
        for d in scope.owner.decorators
    )


def _is_after_create(call: t.Call) -> bool:
    return any(isinstance(arg, t.Const) and arg.value == "after_create" for arg in call.args)


def made_unnamed(application: Application, entity: Entity) -> Iterator[CallSite]:
    """What makes records of a class without its name: `cls(…)` in it, `user.notes.create(…)` by the relation of another."""
    code, (entities,) = application.code, application.facts(Entities)
    own = code.ancestry(entity.found) if entity.found is not None else []
    names = {
        relation.attribute
        for other in entities
        for relation in other.relations.values()
        if relation.target == entity.name
    }
    for site in code.method_calls(*MADE, "cls", "__class__"):
        func, around = site.node.func, site.scope.of_class
        receiver = func.value if isinstance(func, t.Attr) and func.name in MADE else func
        if receiver is not func and t.last_word(receiver) in names:
            yield site
        elif around is not None and around.owner is not None and around.parent is not None:
            words = {t.last_word(node) for node in t.walk_own(receiver)}  # type: ignore[arg-type]
            if not words.isdisjoint(("cls", "__class__")):
                if code.own_name(Located(around.owner, around.parent)) in own:
                    yield site


def is_handed_over(application: Application, entity: Entity) -> bool:
    """Whether records of a class come from elsewhere: accounts of Django, what FastAPI makes of a request for a class of SQLModel."""
    code, found = application.code, entity.found
    kinds = code.ancestry(found) if found is not None else []
    if any(_ACCOUNTS.search(kind) for kind in kinds):
        return True
    taken = (
        t.last_word(node)
        for function in (code.functions() if any(k.startswith("sqlmodel.") for k in kinds) else ())
        for param in function.node.params  # type: ignore[attr-defined]
        for node in (t.walk(param.annotation) if param.annotation is not None else ())
        if isinstance(node, t.Name | t.Attr)
    )
    return found is not None and found.node.name in taken  # type: ignore[attr-defined]


_ACCOUNTS = re.compile(r"^django\.contrib\.auth\.(?:\w+\.)*Abstract(?:Base)?User$")


def makings(application: Application, entity: Entity) -> Iterator[CallSite | None]:
    """What makes records of a model of Django: its constructor, its manager, a form or a serializer (None)."""
    code, own = application.code, application.code.own_name(entity.found)  # type: ignore[arg-type]
    yield from _constructed(code, own)
    yield from (s for s in _asked_to_make(code, own) if not runs_once(s.scope.module))
    for assign, scope in code.of_kind(t.Assign):
        named = any(isinstance(x, t.Name) and x.id == "model" for x in assign.targets)
        if named and isinstance(scope.owner, t.Class) and _means(code, assign.value, scope, own):
            if not _makes_none(application, scope):
                yield None


def _makes_none(application: Application, scope: Scope) -> bool:
    """Whether a class, or the one whose `Meta` it is, makes no record of its model: a list of objects, what
    narrows one, files that the administration reads, and a form or serializer of which nothing speaks."""
    around = scope.parent if scope.parent is not None and scope.parent.owner else scope
    (mentions,) = application.facts(Mentions)
    for each in dict.fromkeys((scope, around)):
        if isinstance(each.owner, t.Class) and each.parent is not None:
            found = Located(each.owner, each.parent)
            if any(map(_SHOWING.search, application.code.ancestry(found))):
                return True
            if (
                each is around
                and not each.owner.decorators
                and all(_only_shows(application, found, site) for site in mentions.of(found))
            ):
                return True
    return False


def _only_shows(application: Application, found: Located, site: Located) -> bool:
    """Whether a form or serializer is given nothing to make a record of where something speaks of it: by a view that
    shows and changes what is there, in a serializer around it, or with an object alone, `DishSerializer(dishes, many=True)`."""
    code = application.code
    (mentions,) = application.facts(Mentions)
    inside = site.scope.of_class
    owner, around = (inside.owner, inside.parent) if inside is not None else (None, None)
    kinds = code.ancestry(Located(owner, around)) if isinstance(owner, t.Class) and around else []
    call = mentions.call(site)
    if call is None:
        views = [kind for kind in kinds if code.definition(kind) is None]
        asks = any(
            isinstance(n, t.Call) and t.last_word(n.func) in _FILLED
            for kind in kinds
            if (above := code.definition(kind)) is not None
            for n in t.walk(*above.node.body)  # type: ignore[attr-defined]
        )
        showing = any(map(_CHANGING.search, views)) and not any(map(_ADDING.search, views))
        return showing and not asks
    rest = any(kind.startswith("rest_framework.") for kind in code.ancestry(found))
    if rest and site.scope.owner is owner and any(map(_NESTING.search, kinds)):
        # a field: what is written by it, the serializer around makes by itself
        return not any("Nested" in kind for kind in kinds)
    spread = any(isinstance(x, t.Star) for x in call.node.args) or any(
        k.name is None for k in call.node.keywords
    )
    return not spread and call.arg(1 if rest else 0, "data") is None


_CHANGING = re.compile(
    r"^rest_framework\.(?:generics\.(?!Create|ListCreate|Generic)\w+APIView|viewsets\.ReadOnlyModelViewSet)$"
    r"|^django\.views\.generic\.(?:\w+\.)*UpdateView$"
)
"""Views that make no records by themselves of what their forms and serializers say."""
_ADDING = re.compile(r"(?:Create|Edit|Form)\w*$|(?<!ReadOnly)ModelViewSet$|GenericViewSet$")
_FILLED = {"get_serializer", "get_serializer_class", "serializer_class", "get_form", "get_form_class", "form_class"}  # fmt: skip
_NESTING = re.compile(r"^rest_framework\.serializers\.")
_SHOWING = re.compile(
    r"^django\.views\.generic\.(?:\w+\.)*(?:List|Detail|Update|Delete)View$|^django_filters\.(?:\w+\.)*FilterSet$"
    r"|^import_export\.resources\.ModelResource$"
)


def handed_on(
    application: Application,
    nodes: Iterable[tuple[t.Node, Scope]],
    names: set[str],
    known: Set[int] = frozenset(),
) -> set[str]:
    """Which of these classes are spoken of otherwise than to read their records, or in the calls that are known to
    make some (by `id`)."""
    fine: set[int] = set()
    spoken: list[tuple[str, int]] = []
    nodes = [*nodes]
    called = {name: name for name in names}
    for node, _ in nodes:
        if isinstance(node, t.Import):
            called |= {alias: name for name, alias in node.names if alias and name in names}
    for node, scope in nodes:
        match node:
            case t.Call(func=func, args=args):
                if id(node) in known:
                    fine.add(id(func))
                    fine.add(id(func.value) if isinstance(func, t.Attr) else 0)
                given = {id(arg) for arg in args}
                if t.last_word(func) in _READS:
                    fine |= given
                elif t.last_word(func) in _MAKES_TABLES:
                    fine |= {id(n) for arg in args for n in t.walk_own(arg)}
                elif any(isinstance(arg, t.Name) and arg.id in called for arg in args):
                    found = application.code.defined(func, scope)
                    if found is not None and _adds_no_other(application, found, known):
                        fine |= given
            case t.Class(bases=bases):
                typed = [base.index for base in bases if isinstance(base, t.Item)]
                if typed and _adds_no_other(application, Located(node, scope), known):
                    fine |= {id(n) for index in typed for n in t.walk(index)}
            case t.Attr(value=t.Name() as owner, name=name) if name not in MADE:
                fine.add(id(owner))
            case t.Assign(targets=[t.Name(id="model")], value=value) if _is_of_schema(
                application.code, scope
            ):
                fine |= {id(value)}
            case t.Param(annotation=annotation) | t.Assign(annotation=annotation):
                fine |= {id(n) for n in t.walk(annotation)} if annotation is not None else set()
                fine |= {id(n) for n in node.targets} if isinstance(node, t.Assign) else set()
            case t.Function(returns=returns):
                fine |= {id(n) for n in t.walk(returns)} if returns is not None else set()
            case t.Name(id=name) if name in called:
                spoken.append((called[name], id(node)))
    return {name for name, key in spoken if key not in fine}


def _is_of_schema(code: Code, scope: Scope) -> bool:
    """Whether a class is the `Meta` of a schema of marshmallow that makes no records of what it reads.

    Source: https://marshmallow-sqlalchemy.readthedocs.io/en/latest/api_reference.html (`load_instance`).
    """
    around = scope.parent
    if not isinstance(scope.owner, t.Class) or scope.owner.name != "Meta" or "load_instance" in scope.bindings:  # fmt: skip
        return False
    if around is None or around.parent is None or not isinstance(around.owner, t.Class):
        return False
    kinds = code.ancestry(Located(around.owner, around.parent))
    return any(re.search(r"SQLAlchemy(?:Auto)?Schema$", kind) for kind in kinds)


_BASES = {"Generic", "Protocol", "ABC", "object"}


def made_through(application: Application) -> dict[str, list[CallSite]]:
    """What makes records through a class that is handed their model, by the model's name: `rates = Repository(Rate)`,
    `rates.create(…)`; of a base that is of no model in particular whatever is called on its heirs."""
    code, holders = application.code, defaultdict[str, dict[str, Located]](dict)
    (entities,) = application.facts(Entities)
    models = {code.own_name(e.found) for e in entities if e.found is not None}
    for site in code.all_calls():
        named = {code.name(x, site.scope) for x in site.node.args if isinstance(x, t.Name)} & models
        found = code.defined(site.node.func, site.scope) if named else None
        if found is not None and isinstance(found.node, t.Class):
            for name in named:
                holders[name][code.own_name(found)] = found
    made: dict[str, list[CallSite]] = {}
    for model, kinds in holders.items():
        adding = (site for kind in kinds.values() for site in _adding(application, kind) or ())
        made[model] = list({id(site.node): site for site in adding}.values())
    return made


def _adds_no_other(application: Application, found: Located, known: Set[int]) -> bool:
    """Whether a class that is handed a model makes no record of it but in calls that are known (by `id`)."""
    sites = _adding(application, found)
    return sites is not None and all(id(site.node) in known for site in sites)


def _adding(application: Application, found: Located) -> list[CallSite] | None:
    """The calls of methods of a class that may make a record of the model which it is handed; None where it is told by
    code outside of the tree, or is no class."""
    code = application.code
    if not isinstance(found.node, t.Class):
        return None
    own = code.ancestry(found)
    kinds = [code.definition(name) for name in own]
    if any(
        k is None and n.rpartition(".")[2] not in _BASES for n, k in zip(own, kinds, strict=True)
    ):
        return None
    methods = [
        Located(stmt, code.inside(kind))
        for kind in kinds
        if kind is not None
        for stmt in kind.node.body  # type: ignore[attr-defined]
        if isinstance(stmt, t.Function)
    ]
    names = {method.node.name for method in methods}  # type: ignore[attr-defined]
    return [
        site
        for method in methods
        if any(_may_make(node, names) for node in t.walk(*method.node.body))  # type: ignore[attr-defined]
        for site in code.method_calls(method.node.name)  # type: ignore[attr-defined]
        if _may_mean(code, site, method.node, own)  # type: ignore[arg-type]
    ]


def _may_make(node: t.Node, methods: set[str]) -> bool:
    """`self.model(…)`, `model.create(…)`, and a model that is handed on: `insert(self.model)`."""
    match node:
        case t.Call(func=t.Attr(value=t.Name(id="self" | "cls"), name=name)):
            return name not in methods
        case t.Call(func=func, args=args):
            handed = any(
                isinstance(a, t.Attr) and t.dotted(a.value) in ("self", "cls") for a in args
            )
            return t.last_word(func) in MADE or (handed and t.last_word(func) not in _READS)
    return False


def _may_mean(code: Code, site: CallSite, method: t.Function, own: list[str]) -> bool:
    """Whether a call may run a method of a class, whose own name and whose bases' these are."""
    func = site.node.func
    if not isinstance(func, t.Attr):
        return False
    passed = {keyword.name for keyword in site.node.keywords}
    needed = {p.name for p in method.params if p.kind == "keyword" and p.default is None}
    if None not in passed and not needed <= passed:
        return False
    around = site.scope.of_class
    itself = (
        t.last_word(func.value) in ("self", "cls") or t.last_word(t.callee(func.value)) == "super"
    )
    kind = code.definition(code.name(func.value, site.scope).removesuffix("()"))
    if itself and around is not None and around.parent is not None and around.owner is not None:
        kind = Located(around.owner, around.parent)
    if kind is None or not isinstance(kind.node, t.Class):
        return True
    kinds = code.ancestry(kind)
    return kinds[0] in own or own[0] in kinds
