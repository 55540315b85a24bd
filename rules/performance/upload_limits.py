from __future__ import annotations

from collections.abc import Iterator

from auditor.assess.rule import Rule, asvs, cwe
from auditor.assess.verdict import (
    Coverage,
    Evidence,
    Severity,
    State,
    Verdict,
    judge,
    not_applicable,
    present,
)
from auditor.link.application import Application
from auditor.model.places import Place
from auditor.model.web import Upload


class UploadLimits(Rule):
    """Uploads are bounded and checked.

    A route that takes a file whose size nothing limits is low, and so is one where nothing looks at
    the type: the handler and what it calls, the validators of a form or serializer, Flask's
    MAX_CONTENT_LENGTH, a middleware that reads Content-Length, nginx. A path built from the client's
    own file name is high: `../` leaves the folder. A view behind several routes is named once.
    """

    id = "upload-limits"
    title = "File upload handling"
    section = "performance"
    severity = Severity.LOW
    risk = (
        "One large file can exhaust memory or disk; one with a chosen name can overwrite another."
    )
    fix = "Read the file in pieces up to a greatest size, check its type, and name it yourself."
    references = (cwe(400), cwe(434), asvs("5.2.1"))
    effort = "small"

    def assess(self, application: Application) -> Verdict:
        uploads = application.facts(Upload)
        if not uploads:
            return not_applicable("no route takes files")
        evidence: dict[tuple[Place, str], Evidence] = {}
        for upload in uploads:
            for e in self._upload(upload):
                evidence.setdefault((e.place, e.subject.rpartition(" ")[2]), e)
        met = sum(1 for u in uploads if u.limits_size and u.checks_type and not u.trusts_name)
        summary = f"{met} of {len(uploads)} upload routes check size and type."
        return judge(summary, list(evidence.values()), Coverage(met, len(uploads)))

    def _upload(self, upload: Upload) -> Iterator[Evidence]:
        name = upload.route.name
        subject = f"{upload.route.application} {name}"
        if not upload.limits_size:
            told = f"{name} takes files of any size"
            yield Evidence(upload.route.place, State.ABSENT, Severity.LOW, told, subject + " size")
        if not upload.checks_type:
            told = f"{name} takes files of any type"
            yield Evidence(upload.route.place, State.ABSENT, Severity.LOW, told, subject + " type")
        if upload.trusts_name:
            told = f"{name} builds a path from the client's file name"
            yield Evidence(upload.trusts_name, State.ABSENT, Severity.HIGH, told, subject + " name")
        if upload.limits_size and upload.checks_type:
            yield present(upload.route.place, f"{name} checks size and type", subject)

    good = (
        {
            "app.py": """
from fastapi import FastAPI, HTTPException, UploadFile
app = FastAPI()
LIMIT = 5_000_000

@app.post("/photo")
async def photo(file: UploadFile):
    if file.content_type not in ("image/png", "image/jpeg"):
        raise HTTPException(415)
    data = await file.read(LIMIT + 1)
    if len(data) > LIMIT:
        raise HTTPException(413)
    return {"size": len(data)}
"""
        },
        {
            "app.py": """
import os
from flask import Flask, request
from werkzeug.utils import secure_filename
app = Flask(__name__)
app.config["MAX_CONTENT_LENGTH"] = 5_000_000
ALLOWED = {"png", "jpg"}

def allowed_file(filename):
    return filename.rsplit(".", 1)[-1].lower() in ALLOWED

@app.post("/photo")
def photo():
    photo = request.files["photo"]
    if photo.filename == "" or not allowed_file(photo.filename):
        return "no", 400
    photo.save(os.path.join("uploads", secure_filename(photo.filename)))
    return "ok"
"""
        },
        {
            "manage.py": "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\n",
            "shop/settings.py": "ROOT_URLCONF = 'shop.urls'\nINSTALLED_APPS = []\nDATA_UPLOAD_MAX_MEMORY_SIZE = 5\n",
            "shop/urls.py": """
from django.urls import path
from shop import views
urlpatterns = [path("photo", views.photo), path("scan", views.Scan.as_view())]
""",
            "shop/views.py": """
from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import FileExtensionValidator
from django.http import HttpResponse
from rest_framework import generics, serializers

class PhotoForm(forms.Form):
    photo = forms.FileField(validators=[FileExtensionValidator(["png"])])

    def clean_photo(self):
        photo = self.cleaned_data["photo"]
        if photo.size > 5_000_000:
            raise ValidationError("too large")
        return photo

def photo(request):
    form = PhotoForm(request.POST, request.FILES)
    if not form.is_valid():
        return HttpResponse(status=400)
    with open("uploads/" + form.cleaned_data["photo"].name, "wb") as out:
        out.write(form.cleaned_data["photo"].read())
    return HttpResponse("ok")

def no_larger(image):
    if image.size > 5_000_000:
        raise serializers.ValidationError("too large")

class ScanSerializer(serializers.Serializer):
    scan = serializers.ImageField(validators=[no_larger])

class Scan(generics.CreateAPIView):
    serializer_class = ScanSerializer
""",
        },
        {
            "nginx.conf": """
http {
  client_max_body_size 10m;
  server {
    location / { proxy_pass http://app:8000; }
  }
}
""",
            "app.py": """
from fastapi import FastAPI, HTTPException, UploadFile
app = FastAPI()

@app.post("/photo")
async def photo(file: UploadFile):
    if file.content_type != "image/png":
        raise HTTPException(415)
    return len(await file.read())
""",
        },
    )
    bad = (
        {
            "app.py": """
import os
from fastapi import FastAPI, File, UploadFile
app = FastAPI()

@app.post("/photo")
async def photo(file: UploadFile = File(...)):  # expect: low
    with open(os.path.join("uploads", file.filename), "wb") as out:  # expect: high
        out.write(await file.read())
"""
        },
        {
            "app.py": """
import os
from flask import Flask, request
app = Flask(__name__)

@app.post("/photo")
def photo():  # expect: low
    photo = request.files["photo"]
    if photo.filename == "" or len(request.files) > 3:
        return "no", 400
    photo.save(os.path.join("uploads", photo.filename))  # expect: high
    return "ok"
"""
        },
        {
            "manage.py": "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\n",
            "shop/settings.py": "ROOT_URLCONF = 'shop.urls'\nINSTALLED_APPS = []\nDATA_UPLOAD_MAX_MEMORY_SIZE = 5\n",
            "shop/urls.py": """
from django.urls import path
from shop import views
urlpatterns = [path("photo", views.photo), path("scan", views.Scan.as_view())]
""",
            "shop/views.py": """
from django.http import HttpResponse
from rest_framework import generics, serializers

def photo(request):  # expect: low
    with open("uploads/photo", "wb") as out:
        out.write(request.FILES["photo"].read())
    return HttpResponse("ok")

class ScanSerializer(serializers.Serializer):
    scan = serializers.FileField()

class Scan(generics.CreateAPIView):  # expect: low
    serializer_class = ScanSerializer
""",
        },
        {
            "nginx.conf": """
server {
  client_max_body_size 0;
  location / { proxy_pass http://app:8000; }
}
""",
            "app.py": """
from fastapi import FastAPI, HTTPException, UploadFile
app = FastAPI()

@app.post("/photo")
async def photo(file: UploadFile):  # expect: low
    if file.content_type != "image/png":
        raise HTTPException(415)
    return len(await file.read())
""",
        },
    )
