"""`from package import *` imports the modules below a package that its `__all__` names.

Which ones it imports was taken from what Python does.
"""

from __future__ import annotations

import pytest

from auditor.model.data import CollectionFit, Fit
from tests.conftest import Build

_SHOP = {
    "main.py": "from shop import create_app\napp = create_app()\n",
    "shop/__init__.py": "from flask import Flask\nfrom .parts import parts\n\ndef create_app():\n    app = Flask(__name__)\n    app.register_blueprint(parts)\n    return app\n",
    "shop/parts/__init__.py": "from flask import Blueprint\nparts = Blueprint('parts', __name__)\nfrom .routes import *\n",
    "shop/parts/routes/history.py": "from .. import parts\nfrom ...asking import ask\n@parts.route('/<int:client>')\ndef history(client):\n    return str(ask(client))\n",
    "shop/asking.py": "import sqlite3\ncon = sqlite3.connect('x.db')\ncon.execute('CREATE TABLE IF NOT EXISTS visits (id INTEGER PRIMARY KEY, client INTEGER)')\ndef ask(client):\n    return con.execute('SELECT * FROM visits WHERE client = ?', (client,)).fetchall()\n",
}
_FILES = "from glob import glob\nfrom os.path import basename, dirname, join\n"


@pytest.mark.parametrize(
    ("package", "fit"),
    [
        ("__all__ = ['history']\n", Fit.MISSING),
        ("__all__ = ['other'] + ['history']\n", Fit.MISSING),
        (_FILES + "__all__ = [basename(f)[:-3] for f in glob(join(dirname(__file__), '*.py'))]\n", Fit.MISSING),
        ("from . import history\n", Fit.MISSING),
        ("__all__ = ['other']\n", Fit.COVERED),
        ("__all__ = ['history']\nhistory = 1\n", Fit.COVERED),
        ("", Fit.COVERED),
    ],
)  # fmt: skip
def test_modules_that_all_of_a_package_brings(package: str, fit: Fit, build: Build) -> None:
    found = build({**_SHOP, "shop/parts/routes/__init__.py": package}).facts(CollectionFit)
    assert [m.fit for f in found for _, m in f.fits] == [fit]
