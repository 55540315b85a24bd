"""bandit in process says what bandit's own command says."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

from auditor.extract.weaknesses import weaknesses

SAMPLE = '''
import os, pickle, subprocess, hashlib, random, tempfile, telnetlib, xml.etree.ElementTree as ET
from subprocess import Popen as P
import requests, yaml, ssl, tarfile
from jinja2 import Environment
"""A docstring that says password = 'x'"""
PASSWORD = "hunter22"

class A:
    token = "abcdef123"

    def run(self, command, password="secret99"):
        assert command
        subprocess.call(command, shell=True)
        P("ls *", shell=True)
        os.system("ls")
        try:
            eval(command)
        except Exception:
            pass
        for x in range(3):
            try:
                exec("x")
            except:
                continue
        return pickle.loads(command), hashlib.md5(b"x"), random.random()

def query(cursor, name):
    cursor.execute("SELECT * FROM users WHERE name = '%s'" % name)
    cursor.execute(f"DELETE FROM users WHERE name = {name}")
    requests.get("https://example.org", verify=False)
    yaml.load(name)
    open("/tmp/x")
    os.chmod("/etc/x", 0o777)
    ssl.wrap_socket(ssl_version=ssl.PROTOCOL_SSLv3)
    Environment(autoescape=False)
    tarfile.open("x").extractall()
    subprocess.call("ls", shell=True)  # nosec
    subprocess.call("ls", shell=True)  # nosec B602
    subprocess.call("ls", shell=True)  # nosec B101
    return ET.parse(name)
'''


def test_same_findings_as_the_command(tmp_path: Path) -> None:
    path = tmp_path / "sample.py"
    path.write_text(SAMPLE)
    command = [sys.executable, "-W", "ignore", "-m", "bandit", "-q", "-f", "json", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    expected = sorted(
        (
            found["test_id"],
            found["line_number"],
            found["col_offset"] + 1,
            found["line_range"][-1],
            found["issue_severity"].lower(),
            found["issue_confidence"].lower(),
            found["issue_cwe"].get("id", 0),
            found["issue_text"].partition(": '")[0],
        )
        for found in json.loads(done.stdout)["results"]
    )
    ours = sorted(
        (w.test_id, w.line, w.column, w.end_line, w.severity, w.confidence, w.cwe, w.message)
        for w in weaknesses(SAMPLE.encode(), ast.parse(SAMPLE))
    )
    assert len(ours) > 20
    assert ours == expected
