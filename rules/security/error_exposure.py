from __future__ import annotations

from auditor.assess.rule import Rule, asvs, cwe, owasp_api
from auditor.assess.verdict import (
    Evidence,
    Severity,
    State,
    Verdict,
    count,
    judge,
    not_applicable,
    present,
)
from auditor.link.application import Application
from auditor.model.web import ErrorHandler, Exposure, WebApp


class ErrorExposure(Rule):
    """Responses keep internals to themselves.

    The text of an unexpected exception, or a traceback, in a response, on the next page (flashed
    messages) or from a handler for every exception is medium: it names hosts, paths, queries and
    libraries. Under a client error (4xx) it is low. Not reported are exceptions whose text was
    written for the caller: the application's own classes, validation errors, ValueError and the
    like with a 4xx or raised by what is tried; their codes and types; what only debug mode sends.
    """

    id = "error-exposure"
    title = "Error exposure"
    section = "security"
    severity = Severity.MEDIUM
    risk = "Error messages tell an attacker about hosts, libraries and data behind the API."
    fix = (
        "Log the exception and answer with a fixed text; one handler for all exceptions does both."
    )
    references = (cwe(209), owasp_api(8), asvs("16.5.1"))
    effort = "small"

    def assess(self, application: Application) -> Verdict:
        apps = application.facts(WebApp)
        if not apps:
            return not_applicable("no web application was found")
        found = [self._evidence(exposure) for exposure in application.facts(Exposure)]
        handlers = application.facts(ErrorHandler)
        found += [
            present(h.place, "one handler answers for every exception nothing else caught")
            for h in handlers
        ]
        wrong = sum(1 for e in found if e.state is not State.PRESENT)
        if not found:
            found = [present(app.place, "no response carries an exception's text") for app in apps]
        summary = (
            f"An exception's text goes to the caller in {count(wrong, 'place')}."
            if wrong
            else "No response carries internals."
        )
        return judge(summary, found)

    @staticmethod
    def _evidence(exposure: Exposure) -> Evidence:
        severity = Severity.LOW if 400 <= exposure.status < 500 else Severity.MEDIUM
        message = f"sends {exposure.what} to the caller (status {exposure.status})"
        return Evidence(exposure.place, State.ABSENT, severity, message, exposure.place.symbol)

    good = (
        {
            "app.py": """
import logging
from fastapi import FastAPI, HTTPException
app = FastAPI()

@app.get("/leads")
def leads():
    try:
        return load()
    except ValueError as error:
        raise HTTPException(400, detail=str(error))
    except Exception as error:
        logging.error("failed: %s", error)
        raise HTTPException(500, detail="Internal error")
"""
        },
        {
            "app.py": """
import logging
from flask import Flask, current_app, jsonify
from marshmallow import ValidationError
app = Flask(__name__)

class OutOfStock(Exception): ...

def parse(text):
    if not text:
        raise ValueError("give a text")

@app.get("/cars")
def cars():
    try:
        return jsonify(load(parse("")))
    except (OutOfStock, ValidationError) as error:
        return jsonify(error=str(error)), 500
    except Exception as error:
        logging.exception("failed: %s", error)
        if current_app.debug:
            return jsonify(error=str(error)), 500
        return jsonify(error="failed", kind=type(error).__name__), 500

@app.get("/words")
def words():
    try:
        return parse("")
    except ValueError as error:
        return {"error": str(error)}

@app.errorhandler(404)
def missing(error):
    return jsonify(error=str(error)), 404
"""
        },
    )
    bad = (
        {
            "app.py": """
import traceback
from fastapi import FastAPI, HTTPException
app = FastAPI()

@app.get("/leads")
def leads():
    try:
        return load()
    except Exception as error:
        raise HTTPException(status_code=500, detail=f"Failed: {error}")  # expect: medium

@app.get("/cars")
def cars():
    try:
        return load()
    except Exception:
        return {"error": traceback.format_exc()}  # expect: medium

@app.post("/cars")
def add():
    try:
        return load()
    except Exception as e:
        raise HTTPException(400, str(e))  # expect: low
"""
        },
        {
            "app.py": """
from flask import Flask, abort, flash, jsonify, redirect
app = Flask(__name__)

@app.get("/leads")
def leads():
    try:
        return load()
    except Exception as e:
        return jsonify({"error": str(e)}), 500  # expect: medium

@app.post("/leads")
def add():
    result = {}
    try:
        load()
    except Exception as e:
        result["error"] = f"failed: {e}"  # expect: medium
    return jsonify(result)

@app.post("/cars")
def cars():
    try:
        load()
    except Exception as e:
        flash(str(e))  # expect: medium
        abort(500, description=repr(e))  # expect: medium
    return redirect("/")

@app.errorhandler(Exception)
def failed(error):
    return {"error": str(error)}, 500  # expect: medium
"""
        },
        {
            "manage.py": "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\n",
            "shop/settings.py": "SECRET_KEY = ''\nROOT_URLCONF = 'shop.urls'\nINSTALLED_APPS = []\n",
            "shop/urls.py": """
from django.urls import path
from shop import views
urlpatterns = [path("cars", views.cars), path("leads", views.Leads.as_view())]
""",
            "shop/views.py": """
import traceback
from django.http import HttpResponse
from rest_framework.response import Response
from rest_framework.views import APIView

def cars(request):
    try:
        return HttpResponse(load())
    except Exception:
        return HttpResponse(traceback.format_exc(), status=500)  # expect: medium

class Leads(APIView):
    def post(self, request):
        try:
            return Response(load())
        except Exception as error:
            return Response({"error": str(error)}, status=400)  # expect: low
""",
        },
    )
