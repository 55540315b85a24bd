"""Settings that a build writes into pages, by their names and by what the page does with them."""

from __future__ import annotations

import pytest

from auditor.model.deployment import PublicCredential
from tests.conftest import Build

USES = {
    "if (typed === process.env.NEXT_PUBLIC_ADMIN_PASSWORD) open();": "compared",
    "return process.env.NEXT_PUBLIC_ADMIN_PASSWORD === typed": "compared",
    "const wanted: string = process.env['NEXT_PUBLIC_ADMIN_PASSWORD'];\nif (typed !== wanted) return;": "compared",
    "signIn({ email, password: import.meta.env.VITE_API_PASSWORD })": "sent",
    "const key = import.meta.env.VITE_API_SECRET;\nfetch(url, { headers: { Authorization: `Bearer ${key}` } })": "sent",
    "const own = import.meta.env.VITE_INTERNAL_SECRET || 'x'\nfetch(url, { headers: { 'X-Internal-Auth': own } })": "sent",
    "const db = createClient(url, process.env.NEXT_PUBLIC_SUPABASE_SERVICE_ROLE_KEY!)": "read",
    "new OpenAI({ apiKey: process.env.REACT_APP_OPENAI_API_KEY, dangerouslyAllowBrowser: true })": "read",
    "console.log(process.env.EXPO_PUBLIC_CLIENT_SECRET)": "read",
}


@pytest.mark.parametrize("source, use", USES.items(), ids=USES)
def test_uses(build: Build, source: str, use: str) -> None:
    (found,) = build({"src/login.tsx": f"\n{source}\n"}).facts(PublicCredential)
    assert (found.use, found.place.line) == (use, 2)


@pytest.mark.parametrize(
    "name, source",
    [
        ("src/pay.ts", "loadStripe(process.env.NEXT_PUBLIC_STRIPE_PUBLISHABLE_KEY)"),
        ("src/db.ts", "createClient(u, import.meta.env.VITE_SUPABASE_ANON_KEY)"),
        ("src/map.ts", "key: import.meta.env.VITE_GOOGLE_MAPS_API_KEY"),
        ("src/fb.ts", "apiKey: process.env.REACT_APP_FIREBASE_API_KEY"),
        ("src/human.ts", "siteKey={process.env.NEXT_PUBLIC_RECAPTCHA_SITE_KEY}"),
        ("src/errors.ts", "dsn: process.env.NEXT_PUBLIC_SENTRY_DSN"),
        ("src/form.ts", "min={import.meta.env.VITE_PASSWORD_MIN_LENGTH}"),
        ("src/form.ts", "if (process.env.NEXT_PUBLIC_ENABLE_PASSWORD) show()"),
        ("src/form.ts", "login(process.env.NEXT_PUBLIC_DEMO_PASSWORD)"),
        ("src/form.ts", "// process.env.NEXT_PUBLIC_ADMIN_PASSWORD"),
        ("src/a.test.ts", "login(process.env.NEXT_PUBLIC_ADMIN_PASSWORD)"),
        ("pages/api/login.ts", "if (typed === process.env.NEXT_PUBLIC_ADMIN_PASSWORD) ok()"),
        ("app/login/route.ts", "if (typed === process.env.NEXT_PUBLIC_ADMIN_PASSWORD) ok()"),
        ("src/act.ts", "'use server'\nif (typed === process.env.NEXT_PUBLIC_ADMIN_PASSWORD) ok()"),
        ("src/node.js", "connect(process.env.VITE_ADMIN_PASSWORD)"),
        ("src/setup.js", "process.env.REACT_APP_ADMIN_PASSWORD = 'x'"),
        ("Dockerfile", "FROM node:22\nARG NEXT_PUBLIC_SITE_KEY\nARG ADMIN_PASSWORD\n"),
    ],
)
def test_what_is_none(build: Build, name: str, source: str) -> None:
    assert not build({name: f"{source}\n"}).facts(PublicCredential)


GIVEN = {
    ".github/workflows/ship.yml": "on: push\njobs:\n  a:\n    env:\n      VITE_DB_PASSWORD: ${{ secrets.X }}\n",
    "docker-compose.yml": "services:\n  a:\n    build:\n      args:\n        - VITE_DB_PASSWORD=$ADMIN\n",
    "compose.yaml": "services:\n  a:\n    image: a\n    environment:\n      - VITE_DB_PASSWORD\n",
    "web/Dockerfile": "FROM node:22\n\n\n\nARG VITE_DB_PASSWORD\nRUN npm run build\n",
    "render.yaml": "services:\n- type: web\n  envVars:\n\n  - key: VITE_DB_PASSWORD\n    sync: false\n",
}


@pytest.mark.parametrize("name, text", GIVEN.items(), ids=GIVEN)
def test_where_they_are_given(build: Build, name: str, text: str) -> None:
    (found,) = build({name: text}).facts(PublicCredential)
    assert (found.use, found.given, found.place.line) == ("", (name,), 5)
    page = "export const secret = import.meta.env.VITE_DB_PASSWORD\n"
    (read,) = build({name: text, "src/page.vue": page}).facts(PublicCredential)
    assert (read.use, read.given, read.place.path) == ("read", (name,), "src/page.vue")
