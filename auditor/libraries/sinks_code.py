"""What runs: commands, code, pickles, templates, patterns."""

from __future__ import annotations

import re

from auditor.extract.python import tree as t
from auditor.libraries.sinks import Found, any_part, receiver_of, text_of
from auditor.link.flow import Form, Reached, drains
from auditor.link.scopes import argument

# --- commands and code (CWE-78, CWE-94, CWE-502)

_SHELLS = {"sh", "bash", "/bin/sh", "/bin/bash", "cmd", "cmd.exe", "powershell", "zsh"}


@drains(
    "system", "popen", "getoutput", "getstatusoutput", "create_subprocess_shell", "popen2", "spawn"
)
def shell_text(reached: Reached) -> Found:
    if reached.name.startswith(("os.", "subprocess.", "asyncio.", "commands.", "pexpect.")):
        yield "shell", any_part(reached.arg(0, "command", "cmd"))


@drains("run", "call", "check_call", "check_output", "Popen", "create_subprocess_exec")
def shell_or_program(reached: Reached) -> Found:
    if not reached.name.startswith(("subprocess.", "asyncio.create_")):
        return
    given = reached.arg(0, "args", "program")
    if given is None:
        node = reached.site.node
        if reached.name.startswith("asyncio.") and _runs_shell(node.args):
            yield "shell", reached.arg(2)
        return
    shell = argument(reached.site.node, None, "shell")
    if isinstance(shell, t.Const) and shell.value:
        yield "shell", any_part(given)
    elif isinstance(shell, t.Name | t.Attr) and given.form is Form.TEXT:
        yield "shell", given  # a switch that somebody turns
    elif given.form is Form.RECORD:
        parts = given.parts()
        yield "shell", parts.get("0")
        whole = parts.get("*")
        if whole is not None and not whole.led and _splits(reached):
            yield "shell", whole
        display = reached.site.node.args[0] if reached.site.node.args else None
        if isinstance(display, t.Seq) and _runs_shell(display.items):
            yield "shell", parts.get("2")
        elif isinstance(display, t.Name) and _gathers_shell(reached, display.id):
            yield "shell", parts.get("2") or parts.get("*")
    elif not given.led:
        yield "shell", text_of(given)


def _splits(reached: Reached) -> bool:
    """`run(text.split())`: the caller names the program where the text begins with theirs."""
    made = reached.flow.values.sources(reached.site.arg(0, "args"), reached.site.scope)
    return any(isinstance(x.node, t.Call) and t.last_word(x.node.func) == "split" for x in made)


def _runs_shell(items: list[t.Expr]) -> bool:
    match items:
        case [t.Const(value=str(program)), t.Const(value=str(flag)), _, *_]:
            return program in _SHELLS and flag.startswith(("-c", "-lc", "/c"))
    return False


def _gathers_shell(reached: Reached, name: str) -> bool:
    """`args = ["sh", "-c"]`, `args.append("-c")`: a list that starts a shell."""
    owner = reached.site.scope.owner
    words: set[object] = set()
    for node in t.walk_own(*owner.body) if isinstance(owner, t.Function) else ():
        match node:
            case t.Call(func=t.Attr(value=t.Name(id=own), name="append" | "extend"), args=[given]):
                parts = given.items if isinstance(given, t.Seq) else [given]
            case t.Assign(targets=[t.Name(id=own)], value=t.Seq(items=parts)):
                pass
            case _:
                continue
        if own == name:
            words.update(x.value for x in parts if isinstance(x, t.Const))
    return bool(words & _SHELLS) and bool(words & {"-c", "-lc", "/c"})


@drains("exec_command")
def remote_shell(reached: Reached) -> Found:
    yield "shell", any_part(reached.arg(0, "command"))


_EVALUATORS = re.compile(
    r"PIL\.ImageMath\.(?:eval|unsafe_eval)|numexpr\.evaluate|pandas\.eval|code\.\w+|js2py\.eval_js"
)


@drains("eval", "exec", "compile", "__import__", "import_module", "runsource", "run_path",
        "unsafe_eval", "evaluate", "eval_js")  # fmt: skip
def code_text(reached: Reached) -> Found:
    if reached.name in (
        "builtins.eval", "builtins.exec", "builtins.compile", "builtins.__import__",
        "importlib.import_module", "runpy.run_path",
    ):  # fmt: skip
        given = text_of(reached.arg(0))
        if given is not None and not (given.led and "import" in reached.name):
            yield "code", given
    elif _EVALUATORS.match(reached.name):
        yield "code", text_of(reached.arg(0))


@drains("loads", "load", "unsafe_load", "full_load", "load_all", "unsafe_load_all", "decode",
        "Unpickler", "read_pickle")  # fmt: skip
def deserialised(reached: Reached) -> Found:
    name = reached.name
    if _PICKLES.match(name):
        yield "deserialisation", any_part(reached.arg(0))
    elif name in ("yaml.load", "yaml.load_all"):
        loader = argument(reached.site.node, 1, "Loader")
        if loader is None or _UNSAFE_LOADERS.search(t.dotted(loader)):
            yield "deserialisation", any_part(reached.arg(0))
    elif name == "numpy.load":
        allowed = argument(reached.site.node, None, "allow_pickle")
        if isinstance(allowed, t.Const) and allowed.value:
            yield "deserialisation", any_part(reached.arg(0))
    elif name == "torch.load":
        weights = argument(reached.site.node, None, "weights_only")
        if isinstance(weights, t.Const) and not weights.value:
            yield "deserialisation", any_part(reached.arg(0))


_PICKLES = re.compile(
    r"(?:c?[pP]ickle|_pickle|dill|cloudpickle|marshal|jsonpickle|joblib|shelve)\."
    r"|pandas\.read_pickle|yaml\.unsafe_load"
)
_UNSAFE_LOADERS = re.compile(r"Unsafe|(?:^|\.)C?Loader$")
"""Without a loader PyYAML made any object up to 5.0, and refuses to be called from 6.0."""


# --- templates and markup (CWE-1336, CWE-79)


@drains("render_template_string", "Template", "from_string")
def template_text(reached: Reached) -> Found:
    name = reached.name
    if name.startswith(("flask.", "quart.")) or re.match(r"(?:jinja2|mako)\b", name):
        yield "template", text_of(reached.arg(0, "source", "text"))
    elif name.startswith("django.template"):
        yield "markup", text_of(reached.arg(0))
    elif name == "tornado.template.Template":
        yield "template", text_of(reached.arg(0, "template_string"))
    elif name.endswith(".from_string") and re.search(r"env|jinja", receiver_of(reached), re.I):
        yield "template", text_of(reached.arg(0, "source"))


# --- patterns (CWE-1333)


@drains("compile", "match", "search", "fullmatch", "findall", "sub", "finditer", "split")
def pattern(reached: Reached) -> Found:
    if re.match(r"(?:re|regex)\.\w+$", reached.name):
        yield "regex", text_of(reached.arg(0, "pattern"))
