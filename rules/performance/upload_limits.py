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
from auditor.model.web import Upload


class UploadLimits(Rule):
    """Uploads are bounded and checked.

    A route that takes a file without comparing its size is low, and so is one that never looks at the
    type. A path built from the client's own file name is high: `../` leaves the folder. Limits set at
    a proxy are not seen yet.
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
        evidence = [e for upload in uploads for e in self._upload(upload)]
        met = sum(1 for u in uploads if u.limits_size and u.checks_type and not u.trusts_name)
        summary = f"{met} of {len(uploads)} upload routes check size and type."
        return judge(summary, evidence, Coverage(met, len(uploads)))

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
    )
