"""Asks Flask which routes it serves and who is turned away; run as `probe_flask.py MODULE [STATUS …]`.

Prints [method, path, closed] for each route but those that extensions add by themselves. A route is
closed when it answers 401, 403 or 422 (a token that is none) or the statuses given, or sends to a login, both without a
credential and with a forged one.
"""

import base64
import importlib
import json
import re
import sys


def part(content: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


FORGED = f"{part({'alg': 'HS256', 'typ': 'JWT'})}.{part({'sub': '1', 'exp': 9999999999})}.AAAA"
JUNK = {"X-Key": "junk", "Authorization": f"Bearer {FORGED}"}


def main() -> None:
    sys.path[0] = "."
    away = {int(status) for status in sys.argv[2:]} or {401, 403, 422}
    app = served = importlib.import_module(sys.argv[1]).app
    if hasattr(served, "add_api"):  # connexion, whose middleware stands before its Flask
        app = served.app
    app.config["WTF_CSRF_ENABLED"] = False
    # connexion's own layers answer what its Flask propagates, `abort(401)` included
    app.config["PROPAGATE_EXCEPTIONS"] = served is not app
    if "sqlalchemy" in app.extensions:
        with app.app_context():
            app.extensions["sqlalchemy"].create_all()
    client = served.test_client()
    if served is not app:
        client.request("GET", "/")  # the routes are made with the first request
    rows = []
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith("openapi"):
            continue
        for method in sorted(rule.methods - {"HEAD", "OPTIONS"}):
            url = re.sub("<uuid:[^>]*>", "00000000-0000-0000-0000-000000000000", rule.rule)
            url = re.sub("<[^>]*>", "1", url)
            closed = []
            for headers in ({}, JUNK):
                if served is app:
                    answer = client.open(url, method=method, headers=headers)
                else:
                    answer = client.request(method, url, headers=headers)
                moved = re.search("log-?in|sign-?in", answer.headers.get("Location", ""))
                closed.append(answer.status_code in away or bool(moved))
            rows.append([method, rule.rule, all(closed)])
    sys.stdout.write("\n" + json.dumps(rows))


if __name__ == "__main__":
    main()
