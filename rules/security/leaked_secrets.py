from __future__ import annotations

from auditor.assess.rule import Rule, asvs, cwe
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
from auditor.model.deployment import Leak, PublicCredential

_BY_USE = {
    "compared": (Severity.CRITICAL, "the page compares it, so that who reads the page knows it"),
    "sent": (Severity.CRITICAL, "the page signs in with it"),
    "read": (Severity.HIGH, "a page reads it"),
    "": (Severity.MEDIUM, "a build writes it into any page that reads it, and none here does"),
}
_PUBLIC = "credential that a build makes public"
_BY_CONFIDENCE = {"high": Severity.CRITICAL, "medium": Severity.HIGH, "low": Severity.LOW}


class LeakedSecrets(Rule):
    """No live-looking secret is in the tree.

    Every text file counts: code, documentation, notebooks, test results, front-end code, and dotenv
    files that git tracks. A key in its provider's own format is critical, wherever it stands. What
    only looks like a secret by its name and value is high, and low in tests; a password that is a
    known default of a local service is low. A default for a signing secret in code is high: the
    application works with it, and anybody can forge tokens. What a build writes into the code that
    browsers get (`VITE_`, `REACT_APP_`, `NEXT_PUBLIC_`, `EXPO_PUBLIC_`) is public at once; keys that
    are made for browsers (Stripe's publishable ones, Firebase's, Supabase's anonymous one) are none.
    A setting of that kind which is named like a credential (`NEXT_PUBLIC_ADMIN_PASSWORD`) is public
    wherever its value is kept: critical where the page compares it or signs in with it, high where a
    page reads it, medium where a pipeline or a deployment only gives it.
    With `--history` every commit is read: a secret that was removed is leaked all the same. Values
    are never shown.
    """

    id = "leaked-secrets"
    title = "Leaked secrets"
    section = "security"
    severity = Severity.CRITICAL
    risk = "Whoever reads the repository, a copy of it or an old clone can use the account behind the key."
    fix = "Revoke the key at its provider first, then remove it, and read it from the environment."
    references = (cwe(798), cwe(540), asvs("13.3.1"))
    effort = "small"
    texts_only = True

    def assess(self, application: Application) -> Verdict:
        files = application.tree.files
        if not files:
            return not_applicable("there are no files to read")
        leaks = application.facts(Leak)
        public = application.facts(PublicCredential)
        found = [*map(self._evidence, leaks), *map(self._public, public)]
        if not found:
            message = f"{len(files)} files hold nothing that looks like a secret"
            where = "tree"
            if application.history:
                where += " and its history"
                message += f", nor did those of {count(application.history.commits, 'commit')}"
            return judge(
                f"No secret was found in the {where}.", [present(application.root_place, message)]
            )
        worst = max(e.severity for e in found)
        titles = {leak.title for leak in leaks if self._severity(leak) is worst}
        titles |= {_PUBLIC for each in public if _BY_USE[each.use][0] is worst}
        kinds = ", ".join(sorted(titles))
        places = len({e.place.path for e in found})
        return judge(
            f"{count(len(found), 'secret')} in {count(places, 'file')}, among them: {kinds}.", found
        )

    def _evidence(self, leak: Leak) -> Evidence:
        name = f" in `{leak.variable}`" if leak.variable else ""
        host = f" for {leak.host}" if leak.host else ""
        where = f" ({leak.role})" if leak.role != "source" else ""
        message = f"{leak.title}{name}{host}: {leak.shape}{where}"
        if leak.shipped:
            message += "; the build writes it into what every visitor's browser gets"
        subject = f"{leak.kind} {leak.variable}"
        if leak.commit:
            message += f"; removed since, but commit {leak.commit[:10]} of {leak.date[:10]} has it"
            subject += f" {leak.commit[:10]}"
        return Evidence(leak.place, State.ABSENT, self._severity(leak), message, subject)

    @staticmethod
    def _public(found: PublicCredential) -> Evidence:
        severity, told = _BY_USE[found.use]
        message = f"{_PUBLIC}, `{found.name}`: {told}"
        if found.use:
            message += "; whatever its value is, the build writes it into what every visitor's browser gets"
        given = [path for path in found.given if path != found.place.path]
        if given:
            message += f" (given in {', '.join(given[:3])})"
        return Evidence(found.place, State.ABSENT, severity, message, f"public {found.name}")

    @staticmethod
    def _severity(leak: Leak) -> Severity:
        proven = leak.confidence == "high" and leak.kind not in ("url-password", "private-key")
        if leak.role in ("test", "example") and not proven:
            return Severity.LOW
        return _BY_CONFIDENCE[leak.confidence]

    good = (
        {
            "app.py": """
import os
API_KEY = os.environ["STRIPE_API_KEY"]
password = input("password: ")
PASSWORD_FIELD = "password"
""",
            ".env.example": "STRIPE_API_KEY=your-key-here\nDB_PASSWORD=changeme\n",
            "web/shop.tsx": "loadStripe(process.env.NEXT_PUBLIC_STRIPE_PUBLISHABLE_KEY!);\n"
            "if (typed.length < Number(import.meta.env.VITE_PASSWORD_MIN_LENGTH)) refuse();\n",
            "README.md": "Set `OPENAI_API_KEY=sk-...` first.",
        },
    )
    bad = (
        {
            "web/login.tsx": "const wanted = process.env.NEXT_PUBLIC_ADMIN_PASSWORD;  // expect: critical\n"
            "if (typed === wanted) setIsAdmin(true);\n",
            "config.py": 'import os\nSECRET_KEY = os.getenv("SECRET_KEY", "dev-secret-key")  # expect: high\n',
            "notes.md": "The key is " + "sk-emergent-" + "4fA9b2C7d1E8f3A6b5 (expect: critical)\n",
            ".env": "DB_PASSWORD=" + "Tr0ub4dor-and-3 # expect: high\n",
        },
    )
