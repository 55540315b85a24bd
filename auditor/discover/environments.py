"""The environments that files and parts of an application are for, by their names."""

from __future__ import annotations

import functools
import re

_ENVIRONMENTS = (
    ("example", r"example|sample|template|dist|defaults?"),
    ("development", r"(?:not|non)[-_]?prod(?:uction)?"),
    ("production", r"prod(?:uction)?|live"),
    ("staging", r"stag(?:e|ing)|preview|uat"),
    ("development", r"dev(?:elopment|container)?|local"),
    ("test", r"(?:unit-?)?tests?|testing|ci|codebuild|selenium|e2e|playwright"),
)


@functools.lru_cache(4096)
def environment_of(name: str) -> str:
    """The environment that a file's name speaks of; empty for a plain `.env`."""
    for environment, words in _ENVIRONMENTS:
        if re.search(rf"(?:^|[._\-])(?:{words})(?:[._\-]|$)", name, re.I):
            return environment
    return ""


_HOSTS = re.compile(
    r"(?:^|[._\-])(?:heroku|aws|azure|gcp|gae|render|railway|fly|dokku|pythonanywhere|docker|server|deploy(?:ed|ment)?)(?:[._\-]|$)"
)


def environment_of_settings(name: str) -> str:
    """The environment that a module of settings is for; one called after where it serves is for production."""
    served = name == "pro" or _HOSTS.search(name)
    return environment_of(name) or ("production" if served else "")


def environment_of_file(path: str) -> str:
    """The environment that a deployment file is for, by its name or the directories it lies in.

    docker-compose.override.yml is read on a developer's machine without being named
    (https://docs.docker.com/compose/how-tos/multiple-compose-files/merge/).
    """
    *folders, name = path.split("/")
    if re.fullmatch(r"(?:docker-)?compose\.override\.ya?ml", name, re.I) or any(
        folder == ".devcontainer" for folder in folders
    ):
        return "development"
    told = (environment_of(part) for part in (name, *reversed(folders)))
    return next((each for each in told if each), "")
