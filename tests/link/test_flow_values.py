"""How values travel: through text, containers, instances, closures; and tests that take something off them."""

from __future__ import annotations

import pytest

from auditor.model.web import Intake, Sink
from tests.conftest import Build
from tests.link.test_flow import handler, sinks

CLASSES = """
from collections import deque
from dataclasses import dataclass
@dataclass
class Pair:
    first: str
    second: str = ""
class Holder:
    def __init__(self, value=None):
        self.value = value
    def keep(self, value):
        self.value = value
    @property
    def shout(self):
        return self.value.upper()
    def __enter__(self):
        return self.value
    def __exit__(self, *args):
        pass
    def __getitem__(self, key):
        return self.value
class Runner:
    def launch(self, command):
        os.system(command)
def fill(holder, value):
    holder.value = value
def launch(runner, command):
    runner.launch(command)
def pick(*values):
    return values[1]
"""


@pytest.mark.parametrize(
    "statements",
    [
        "h = Holder()\nh.keep(q)\nos.system(h.value)",
        "h = Holder()\nfill(h, q)\nos.system(h.value)",
        "os.system(Holder(q).shout)",
        "h = Holder(q)\nos.system(h.shout)",
        "with Holder(q) as command:\n    os.system(command)",
        "h = Holder(q)\nos.system(h['x'])",
        "os.system(Pair(q).first)",
        "h = Holder()\nsetattr(h, 'value', q)\nos.system(getattr(h, 'value'))",
        "launch(Runner(), q)",
        "os.system(pick('ls', q))",
        "later = lambda: q\nos.system(later())",
        "def later():\n    return q\nos.system(later())",
        "found = deque()\nfound.append('x')\nfound.append(q)\nos.system(found.popleft())",
        "d = {}\nd.update({'a': q})\nd.update({'b': 'x'})\nos.system(d['a'])",
        "found = [*ALLOWED, q]\nos.system(found[3])",
        "os.system(next(iter({q})))",
        "match q:\n    case None:\n        q = ''\nos.system(q)",
        "os.system('echo ' + q.replace(';', '').replace('&', ''))",
        "if q[0] in 'abc':\n    os.system(q)",
    ],
)
def test_what_is_followed(build: Build, statements: str) -> None:
    assert sinks(build, CLASSES + handler(statements)) == [Sink.SHELL]


@pytest.mark.parametrize(
    "statements",
    [
        "os.system(Pair(q, 'ls').second)",
        "os.system(pick(q, 'ls'))",
        "os.system(q and 'ls')",
        "if not q:\n    os.system(q)",
        "match q:\n    case 'a':\n        q = 'ls'\n    case _:\n        q = 'date'\nos.system(q)",
        "found = [q]\nfound.clear()\nos.system(found[0])",
        "fine = q.isalnum()\nif fine:\n    os.system(q)",
        "for bad in [';', '&', '|', '$', '`']:\n    q = q.replace(bad, '')\nos.system(q)",
        "if any(c in q for c in [';', '&', '|', '`']):\n    return\nos.system(q)",
        "os.system('kill %d' % q)",
    ],
)
def test_what_ends(build: Build, statements: str) -> None:
    assert sinks(build, CLASSES + handler(statements)) == []


@pytest.mark.parametrize(
    ("url", "led"),
    [
        ("'https://%s/%s' % (BASE, q)", True),
        ("'https://%s/%s' % (q, BASE)", False),
        ("'https://{1}/{0}'.format(q, BASE)", True),
        ("'https://{host}/{}'.format(BASE, host=q)", False),
        ("TEMPLATE % q", False),
        ("TEMPLATE.format(q)", True),
        ("SCHEME + q", False),
        ("f'{SCHEME}{q}'", False),
        ("BASE + q", True),
    ],
)
def test_what_stands_before_it(build: Build, url: str, led: bool) -> None:
    constants = "SCHEME = 'https://'\nTEMPLATE = 'https://%s/x'\n"
    found = sinks(build, constants + handler(f"requests.get({url})"))
    assert found == ([] if led else [Sink.URL])


@pytest.mark.parametrize(
    "test",
    ["not urlparse(q).netloc", "urlparse(q).netloc == ''", "not any(c in q for c in ['//', ':'])"],
)
def test_a_url_without_a_host_leads_nowhere_else(build: Build, test: str) -> None:
    guarded = f"if {test}:\n    return RedirectResponse(q)"
    assert sinks(build, handler(guarded)) == []
    assert sinks(build, handler(guarded.replace("RedirectResponse", "FileResponse"))) == [Sink.PATH]
    assert sinks(build, handler("return RedirectResponse(q)")) == [Sink.REDIRECT]


def test_the_part_that_is_not_escaped_counts(build: Build) -> None:
    page = "return HTMLResponse(f'{html.escape(a)} {b}')"
    assert sinks(build, handler(page, "a: str, b: str")) == [Sink.MARKUP]
    assert sinks(build, handler(page.replace("{b}", ""), "a: str, b: str")) == []


FLASK = """
import importlib, os, plugins
from flask import Flask, request, send_from_directory
app = Flask(__name__)
@app.get("/")
def index():
    return "x"
"""


def flask_sinks(build: Build, body: str) -> list[Sink]:
    application = build({"app.py": FLASK + body})
    return [i.sink for i in application.facts(Intake) if i.sink]


@pytest.mark.parametrize(
    ("statements", "sink"),
    [
        ("os.system(request.args['q'])", Sink.SHELL),
        ("getattr(plugins, request.args['q'])()", Sink.CODE),
        ("run = globals().get(request.args['q'])\n    run()", Sink.CODE),
        ("return send_from_directory(request.args['q'], 'x.txt')", Sink.PATH),
        ("return send_from_directory('files', request.args['q'])", None),
        ("getattr(plugins, 'run_' + request.args['q'])()", None),
        (
            "found = Model.objects.filter(name=request.args['q'])\n    os.system(found.command)",
            None,
        ),
    ],
)
def test_what_no_known_route_leads_to(build: Build, statements: str, sink: Sink | None) -> None:
    found = flask_sinks(build, f"def other():\n    {statements}\n")
    assert found == ([sink] if sink else [])


def test_two_commands_of_one_value_are_two_places_and_one_file_is_one(build: Build) -> None:
    two = "q = request.args['q']\n    os.system(q)\n    os.popen(q)\n"
    assert flask_sinks(build, f"@app.get('/x')\ndef view():\n    {two}") == [Sink.SHELL] * 2
    file = "q = request.args['q']\n    os.makedirs(q)\n    open(q)\n"
    assert flask_sinks(build, f"@app.get('/x')\ndef view():\n    {file}") == [Sink.PATH]


NOTES = """
from flask import Flask, render_template, request
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import FlaskForm
from wtforms import IntegerField, StringField
import bleach, os
app = Flask(__name__)
db = SQLAlchemy(app)
class Note(db.Model):
    body = db.Column(db.Text)
class NoteForm(FlaskForm):
    body = StringField()
    number = IntegerField()
@app.get("/")
def notes():
    return render_template("notes.html", notes=Note.query.all())
"""


@pytest.mark.parametrize(
    ("keeping", "shown", "told"),
    [
        ("Note(body=request.form['body'])", "{{ n.body|safe }}", True),
        ("note = Note()\n    note.body = request.form['body']", "{{ n.body | safe }}", True),
        ("form = NoteForm()\n    Note(body=form.body.data)", "{{ n.body|safe }}", True),
        ("Note(body=request.json['body'])", "{% autoescape false %}{{ n.body }}{% endautoescape %}", True),
        ("Note(body=request.form['body'])", "{{ n.body }}", False),
        ("Note(body=bleach.clean(request.form['body']))", "{{ n.body|safe }}", False),
        ("Note(title=request.form['body'])", "{{ n.body|safe }}", False),
        ("Note(body=request.form['body'])", "plain", False),
    ],
)  # fmt: skip
def test_stored_markup(build: Build, keeping: str, shown: str, told: bool) -> None:
    view = f"@app.post('/new')\ndef new():\n    {keeping}\n    return 'kept'\n"
    template = "{% for n in notes %}\n<p>" + shown + "</p>\n{% endfor %}\n"
    if shown == "plain":
        template = "{% for n in notes %}\n- {{ n.body|safe }}\n{% endfor %}\n"
    application = build({"app.py": NOTES + view, "templates/notes.html": template})
    found = [(i.sink, i.place.path, i.place.line) for i in application.facts(Intake) if i.sink]
    assert found == ([(Sink.MARKUP, "templates/notes.html", 2)] if told else [])


@pytest.mark.parametrize(("field", "told"), [("body", True), ("number", False)])
def test_fields_of_a_form(build: Build, field: str, told: bool) -> None:
    view = f"@app.post('/x')\ndef x():\n    form = NoteForm()\n    os.system(f'echo {{form.{field}.data}}')\n    return ''\n"
    application = build({"app.py": NOTES + view})
    found = [i.sink for i in application.facts(Intake) if i.sink]
    assert found == ([Sink.SHELL] if told else [])


@pytest.mark.parametrize(("converter", "told"), [("path:", True), ("", True), ("uuid_str:", False)])
def test_a_converter_of_the_application_takes_its_own_pattern(
    build: Build, converter: str, told: bool
) -> None:
    view = f"@app.get('/x/<{converter}q>')\ndef x(q):\n    os.system(q)\n    return ''\n"
    assert flask_sinks(build, view) == ([Sink.SHELL] if told else [])
