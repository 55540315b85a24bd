"""Calls that hold the event loop: what waits without giving way, and what computes for long.

https://docs.python.org/3/library/asyncio-dev.html#running-blocking-code: one coroutine that waits in
a blocking call stops all others. What is handed to a thread (`to_thread(requests.get, url)`) is not
called here, and so does not count.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from auditor.extract.python import tree as t
from auditor.link.application import Application, provides
from auditor.link.names import Code
from auditor.link.scopes import Located, Scope, place_of
from auditor.model.concurrency import BlockingCall, LoopFunction
from auditor.model.web import Route

_VERB = r"(?:get|post|put|patch|delete|head|options|request|send|stream)"
_SQL = r"(?:execute|executemany|executescript|callproc)"
_ROWS = (
    r"(?:all|first|one|one_or_none|scalar|scalar_one|scalar_one_or_none|count|get|delete|update)"
)
_SESSION = r"(?:sqlalchemy\.orm\.(?:session\.)?(?:Session|sessionmaker\(\)|scoped_session)\(\)|sqlmodel\.(?:orm\.session\.)?Session\(\))"
_MONGO = (
    r"(?:find|find_one|aggregate|distinct|(?:count|estimated)_\w+|insert_\w+|update_\w+|delete_\w+"
    r"|replace_one|find_one_and_\w+|bulk_write|create_index\w*|command|server_info|list_\w+)"
)
_STEP = r"(?:\[\]|\(\)|\.\w+)*"

_WAIT, _WORK = "wait", "work"
_UPLOADED = "writing an uploaded file"
"""Counts on the way of routes that take files; small files of the application's own are harmless."""
_BLOCKING = tuple(
    (what, kind, re.compile(pattern + "$"))
    for what, kind, pattern in (
        ("an HTTP request", _WAIT, rf"requests\.(?:api\.)?{_VERB}"),
        ("an HTTP request", _WAIT, rf"requests\.(?:sessions\.)?[sS]ession\(\)\.{_VERB}"),
        ("an HTTP request", _WAIT, r"urllib\.request\.(?:urlopen|urlretrieve|build_opener\(\)\.open)"),
        ("an HTTP request", _WAIT, rf"httpx\.(?:Client\(\)\.)?{_VERB}"),
        ("an HTTP request", _WAIT, r"urllib3\.PoolManager\(\)\.(?:request|urlopen)"),
        ("an HTTP request", _WAIT, r"http\.client\.HTTPS?Connection\(\)\.(?:request|getresponse)"),
        ("time.sleep", _WAIT, r"time\.sleep"),
        ("the database (pymongo)", _WAIT, rf"pymongo\.(?:mongo_client\.)?MongoClient\(\){_STEP}\.{_MONGO}"),
        ("the database (psycopg)", _WAIT, rf"psycopg2?\.(?:connect|pool\.\w+\(\)\.getconn)(?:\(\){_STEP}\.{_SQL})?"),
        ("the database (sqlite3)", _WAIT, rf"sqlite3\.(?:dbapi2\.)?connect\(\){_STEP}\.{_SQL}"),
        ("the database (MySQL)", _WAIT, rf"(?:pymysql|MySQLdb|mysql\.connector)\.connect(?:\(\){_STEP}\.{_SQL})?"),
        ("the database (ODBC)", _WAIT, rf"pyodbc\.connect(?:\(\){_STEP}\.{_SQL})?"),
        ("the database (SQLAlchemy)", _WAIT, rf"{_SESSION}\.(?:execute|exec|scalars?|commit|flush|refresh|get|get_one|merge|bulk_\w+)"),
        ("the database (SQLAlchemy)", _WAIT, rf"{_SESSION}\.query\(\){_STEP}\.{_ROWS}"),
        ("the database (SQLAlchemy)", _WAIT, r"sqlalchemy\.(?:engine\.)?create_engine\(\)(?:\.(?:connect|begin|raw_connection)\(\))?\.(?:execute|scalars?)"),
        ("the database (Elasticsearch)", _WAIT, r"elasticsearch\.Elasticsearch\(\)\.(?:indices\.)?\w+"),
        ("the database (Supabase)", _WAIT, rf"supabase\.(?:create_client|Client)\(\){_STEP}\.execute"),
        ("Redis", _WAIT, r"redis\.(?:client\.)?(?:(?:Strict)?Redis(?:\.from_url)?|from_url)\(\)\."
         r"(?:ping|[hms]?get|[hms]?set|setex|setnx|hgetall|h?incr\w*|h?decr\w*|h?del\w*|h?exists|expire|keys|scan\w*|[lrzs]\w+|publish|eval|pipeline\(\)\.execute)"),
        ("AWS", _WAIT, rf"boto3\.(?:session\.)?(?:Session\(\)\.)?(?:client|resource)\(\){_STEP}\."
         r"(?:(?:get|put|list|head|delete|copy|create|update|describe|send|invoke|start|upload|download|batch|transact|publish|receive|detect|initiate|complete)_\w+|invoke|publish|query|scan|converse\w*)"),
        ("Google Cloud", _WAIT, rf"google\.cloud\.\w+\.\w*Client\(\){_STEP}\.(?:upload_\w+|download_\w+|exists|reload|query|result|publish|get|set|stream|delete)"),
        ("a subprocess", _WAIT, r"subprocess\.(?:run|call|check_call|check_output|getoutput|getstatusoutput)"),
        ("a subprocess", _WAIT, r"subprocess\.Popen\(\)\.(?:wait|communicate)"),
        ("a subprocess", _WAIT, r"os\.(?:system|popen)"),
        ("a language model", _WAIT, rf"openai\.(?:Azure)?OpenAI\(\){_STEP}\.(?:create|generate|parse|edit|retrieve|list|delete|upload|poll|create_and_poll|stream)"),
        ("a language model", _WAIT, r"openai\.(?:ChatCompletion|Completion|Embedding|Image|Audio|Moderation)\.(?:create|edit|transcribe)"),
        ("a language model", _WAIT, rf"(?:anthropic\.Anthropic\w*|groq\.Groq|together\.Together|cohere\.Client(?:V2)?|mistralai\.\w+)\(\){_STEP}\.(?:create|stream|complete|chat|embed|generate|rerank|parse)"),
        ("a language model", _WAIT, rf"google\.(?:generativeai|genai)\.(?:GenerativeModel|Client)\(\){_STEP}\.(?:generate_content\w*|send_message|embed_content)"),
        ("a language model", _WAIT, r"litellm\.(?:completion|embedding|image_generation)|replicate\.run"),
        ("a language model", _WAIT, r"langchain\w*\.(?:\w+\.)*\w+\(\)\.(?:invoke|predict|run)"),
        ("Stripe", _WAIT, r"stripe\.(?:\w+\.)*(?!Webhook\.)[A-Z]\w+\.(?:create|retrieve|modify|list|delete|cancel|confirm|capture|search|update|pay)"),
        ("Twilio", _WAIT, rf"twilio\.rest\.Client\(\){_STEP}\.(?:create|fetch|list|update|delete)"),
        ("e-mail", _WAIT, r"smtplib\.SMTP(?:_SSL)?(?:\(\)\.(?:sendmail|send_message|login|starttls|connect))?"),
        ("e-mail", _WAIT, rf"sendgrid\.SendGridAPIClient\(\){_STEP}\.(?:send|post)|resend\.Emails\.send|django\.core\.mail\.(?:send_mail|send_mass_mail|EmailMessage\(\)\.send|EmailMultiAlternatives\(\)\.send)"),
        (_UPLOADED, _WORK, r"builtins\.open"),
        ("reading a table", _WORK, r"pandas\.read_\w+"),
        ("copying a file", _WORK, r"shutil\.(?:copyfileobj|copytree|make_archive|unpack_archive)"),
        ("an image", _WORK, r"PIL\.Image\.open"),
        ("hashing a password", _WORK, r"bcrypt\.(?:hashpw|checkpw)"),
        ("hashing a password", _WORK, r"passlib\.(?:context\.CryptContext\(\)|hash\.\w+(?:\.using\(\))?)\.(?:hash|verify|encrypt|verify_and_update)"),
        ("hashing a password", _WORK, r"(?:argon2\.PasswordHasher\(\)|pwdlib\.PasswordHash\(\)|pwdlib\.PasswordHash\.recommended\(\))\.(?:hash|verify|verify_and_update)"),
        ("hashing a password", _WORK, r"hashlib\.(?:pbkdf2_hmac|scrypt)|werkzeug\.security\.(?:generate|check)_password_hash|django\.contrib\.auth\.hashers\.(?:make|check)_password"),
    )
)  # fmt: skip
_LIBRARIES = re.compile(
    r"(?:requests|urllib3?|http\.client|httpx|time|pymongo|psycopg2?|sqlite3|pymysql|MySQLdb|mysql|pyodbc"
    r"|sqlalchemy|sqlmodel|elasticsearch|supabase|redis|boto3|google|subprocess|os|openai|anthropic|groq"
    r"|together|cohere|mistralai|litellm|replicate|langchain\w*|stripe|twilio|smtplib|sendgrid|resend|django"
    r"|pandas|shutil|PIL|bcrypt|passlib|argon2|pwdlib|hashlib|werkzeug)\.|builtins\.open$"
)
"""The packages above; spares most calls all patterns."""
_AWAITING = re.compile(r"(?:asyncio|anyio|trio)\.")
_ASIDE = re.compile(
    r"thread|executor|sync_to_async|asyncify|run_async|background|task|(?:^|\.)(?:lru_)?cache$",
    re.I,
)
"""Decorators that take a function off the loop, or let it run only once."""


@provides(BlockingCall)
def blocking_calls(application: Application) -> Iterator[BlockingCall]:
    functions = application.facts(LoopFunction)
    if not functions:
        return
    graph = _Graph(application.code)
    reached: dict[int, list[Route]] = defaultdict(list)
    first: dict[int, tuple[tuple[str, ...], str]] = {}
    for each in functions:
        assert each.function is not None
        for node, chain in graph.below(each.function).items():
            if each.route is not None:
                reached[node].append(each.route)
            first.setdefault(node, (chain, each.role))
    for node, (chain, role) in first.items():
        uploads = len(chain) <= 2 and reached[node] and all(map(_takes_files, reached[node]))
        told: set[str] = set()
        for found in graph.functions[node].blocking:
            if found.what == _UPLOADED and not uploads:
                continue
            if found.what in told:  # a connection is opened, asked and closed
                continue
            told.add(found.what)
            place = place_of(found.call)
            yield BlockingCall(place, found.what, found.kind, chain, role, tuple(reached[node]))


def _takes_files(route: Route) -> bool:
    return any(parameter.source == "file" for parameter in route.parameters)


@dataclass
class _Blocking:
    what: str
    kind: str
    call: Located


@dataclass
class _Function:
    """What a function does by itself: its blocking calls, and the functions that it runs."""

    name: str
    blocking: list[_Blocking] = field(default_factory=list)
    callees: list[Located] = field(default_factory=list)


class _Graph:
    def __init__(self, code: Code) -> None:
        self.code = code
        self.functions: dict[int, _Function] = {}

    def below(self, start: Located) -> dict[int, tuple[str, ...]]:
        """All functions that run when this one does, each with the shortest way to it."""
        found: dict[int, tuple[str, ...]] = {}
        level: list[tuple[Located, tuple[str, ...]]] = [(start, (self._of(start).name,))]
        while level:
            deeper = []
            for function, chain in level:
                if id(function.node) in found:
                    continue
                found[id(function.node)] = chain
                for callee in self._of(function).callees:
                    deeper.append((callee, (*chain, self._of(callee).name)))
            level = deeper
        return found

    def _of(self, function: Located) -> _Function:
        key = id(function.node)
        if key not in self.functions:
            self.functions[key] = _Function(function.node.name)  # type: ignore[attr-defined]
            self._look(function, self.functions[key])
        return self.functions[key]

    def _look(self, function: Located, into: _Function) -> None:
        inner = self.code.inside(function)
        nodes = list(t.walk_own(*function.node.body))  # type: ignore[attr-defined]
        awaited = self._awaited(nodes, inner)
        for node in nodes:
            if not isinstance(node, t.Call):
                continue
            callee = self._callee(node, inner)
            if callee is not None:
                if self._runs(callee, id(node) in awaited):
                    into.callees.append(callee)
            elif id(node) not in awaited:
                if told := blocks(self.code.name(node.func, inner)):
                    into.blocking.append(_Blocking(*told, Located(node, inner)))

    def _callee(self, call: t.Call, scope: Scope) -> Located | None:
        """The function of the tree that a call runs: of a class, its constructor."""
        found = self.code.defined(call.func, scope)
        if found is None or isinstance(found.node, t.Function):
            return found
        for ancestor in self.code.ancestry(found):
            if method := self.code.definition(f"{ancestor}.__init__"):
                return method
        return None

    def _awaited(self, nodes: list[t.Node], scope: Scope) -> set[int]:
        """Calls that are awaited, or handed to something that awaits them: they give way."""
        found: set[int] = set()
        for node in nodes:
            match node:
                case t.Await(value=t.Call() as call):
                    found.add(id(call))
                case t.Call(func=func, args=args) if _AWAITING.match(self.code.name(func, scope)):
                    for arg in args:
                        if isinstance(arg, t.Call):
                            found.add(id(arg))
                        elif isinstance(arg, t.Star):
                            found.update(id(n) for n in t.walk_own(arg) if isinstance(n, t.Call))
        return found

    @staticmethod
    def _runs(callee: Located, awaited: bool) -> bool:
        """Whether calling a function runs it here; a coroutine runs when something awaits it."""
        assert isinstance(callee.node, t.Function)
        decorators = [t.dotted(t.callee(d)) for d in callee.node.decorators]
        if any(_ASIDE.search(name) for name in decorators):
            return False
        if callee.node.is_async:
            return True
        return not (awaited and decorators)  # what makes it awaitable may well be a thread


def blocks(name: str) -> tuple[str, str] | None:
    """(what, kind) of a call that holds its thread; `name` is canonical."""
    if not _LIBRARIES.match(name):
        return None
    for what, kind, pattern in _BLOCKING:
        if pattern.match(name):
            return what, kind
    return None
