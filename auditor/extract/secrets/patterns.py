"""The formats in which providers give out keys.

Sources: each vendor's documentation of its key format, and the prefixes that it registered for
secret scanning (https://docs.github.com/en/code-security/secret-scanning/introduction/supported-secret-scanning-patterns);
where a vendor documents no format, that which several open scanners agree on.
`public` is the constant prefix that may be shown; nothing else of a value ever is. All expressions
are RE2: they cannot backtrack.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec

from auditor.extract.secrets import structure

Check = Callable[[str, str], str]


class Pattern(msgspec.Struct, frozen=True):
    """A format: where `starts` stands in a text, `regex` is tried, up to `lead` bytes before it.

    The group `v` is the secret. `check` takes it and the text around it, and gives the confidence
    that it is real: high, medium, low, or nothing where it is none.
    """

    kind: str
    title: str
    starts: tuple[str, ...]
    regex: str
    confidence: str = "high"
    check: Check | None = None
    lead: int = 0
    longest: int = 300

    @property
    def public(self) -> str:
        return self.starts[0] if len(self.starts) == 1 and not self.lead else ""


def _p(
    kind: str,
    title: str,
    starts: str,
    body: str,
    confidence: str = "high",
    check: Check | None = None,
    *,
    longest: int = 300,
) -> Pattern:
    """A format that begins with one of the words of `starts`, not inside of another word."""
    words = tuple(starts.split())
    prefix = "|".join(word.replace(".", r"\.") for word in words)
    return Pattern(
        kind, title, words, rf"\b(?P<v>(?:{prefix}){body})", confidence, check, longest=longest
    )


_END = r"(?:[^A-Za-z0-9_\-]|$)"

PATTERNS = (
    # --- clouds and hosts
    _p("aws-access-key-id", "AWS access key id", "AKIA", r"[A-Z2-7]{16}\b", check=structure.aws_pair),
    _p("aws-access-key-id", "temporary AWS access key id", "ASIA", r"[A-Z2-7]{16}\b", "low"),
    _p("aws-bedrock-key", "AWS Bedrock API key", "ABSKQmVkcm9ja0FQSUtleS", r"[A-Za-z0-9+/=]{100,}"),
    _p("google-api-key", "Google API key", "AIza", r"[A-Za-z0-9_\-]{35})(?:[^A-Za-z0-9_\-]|$", check=structure.google),
    _p("google-oauth-secret", "Google OAuth client secret", "GOCSPX-", r"[A-Za-z0-9_\-]{28}"),
    _p("google-oauth-token", "Google OAuth access token", "ya29.", r"[A-Za-z0-9_\-]{60,}", "low"),
    Pattern("azure-storage-key", "Azure account key", ("AccountKey=",), r"AccountKey=(?P<v>[A-Za-z0-9+/]{86}==)"),
    Pattern("azure-bus-key", "Azure shared access key", ("SharedAccessKey=",), r"SharedAccessKey=(?P<v>[A-Za-z0-9+/]{43}=)"),
    Pattern("azure-client-secret", "Azure client secret", ("8Q~", "7Q~", "6Q~", "9Q~"),
            r"(?:^|[^A-Za-z0-9_~.\-])(?P<v>[A-Za-z0-9_~.\-]{3}[0-9]Q~[A-Za-z0-9_~.\-]{31,34})(?:[^A-Za-z0-9_~.\-]|$)", lead=4),
    _p("digitalocean-token", "DigitalOcean token", "dop_v1_ doo_v1_ dor_v1_", r"[0-9a-f]{64}\b"),
    _p("heroku-key", "Heroku API key", "HRKU-", r"[A-Za-z0-9_\-]{36,64}"),
    _p("fly-token", "Fly.io token", "fm2_ fo1_", r"[A-Za-z0-9+/=_\-]{40,}"),
    _p("netlify-token", "Netlify token", "nfp_", r"[A-Za-z0-9]{36}\b"),
    _p("render-key", "Render API key", "rnd_", r"[A-Za-z0-9]{28,36}\b"),
    _p("cloudflare-key", "Cloudflare CA key", "v1.0-", r"[0-9a-f]{24}-[0-9a-f]{146}"),
    _p("vault-token", "Vault token", "hvs. hvb.", r"[A-Za-z0-9_\-]{24,300}"),
    _p("terraform-token", "Terraform Cloud token", "atlasv1.", r"[A-Za-z0-9_\-=]{60,}"),
    _p("doppler-token", "Doppler token", "dp.pt. dp.st. dp.sa. dp.ct.", r"(?:[a-z0-9_\-]{1,35}\.)?[A-Za-z0-9]{40,44}\b"),
    _p("databricks-token", "Databricks token", "dapi", r"[0-9a-f]{32}(?:-\d)?\b"),
    _p("planetscale-password", "PlanetScale credential", "pscale_pw_ pscale_tkn_ pscale_oauth_", r"[A-Za-z0-9_.\-=]{32,64}"),
    _p("neon-key", "Neon API key", "napi_", r"[a-z0-9]{64}\b"),
    _p("atlas-secret", "MongoDB Atlas client secret", "mdb_sa_sk_", r"[A-Za-z0-9_\-]{40}"),
    _p("supabase-key", "Supabase secret key", "sb_secret_", r"[A-Za-z0-9_\-]{20,}"),
    _p("supabase-token", "Supabase access token", "sbp_", r"[0-9a-f]{40}\b"),
    _p("upstash-token", "Upstash token", "upstash_", r"[A-Za-z0-9]{40,}", "medium"),
    _p("alibaba-key", "Alibaba access key id", "LTAI", r"[A-Za-z0-9]{12,20}\b", "medium", structure.alibaba_pair),
    _p("openshift-token", "OpenShift token", "sha256~", r"[A-Za-z0-9_\-]{43}"),
    _p("pulumi-token", "Pulumi token", "pul-", r"[0-9a-f]{40}\b"),
    _p("infracost-key", "Infracost API key", "ico-", r"[A-Za-z0-9]{32}\b"),
    _p("prefect-key", "Prefect API key", "pnu_", r"[A-Za-z0-9]{36}\b"),
    _p("tailscale-key", "Tailscale key", "tskey-auth- tskey-api- tskey-client- tskey-scim- tskey-webhook-", r"[A-Za-z0-9]{8,24}-[A-Za-z0-9]{20,40}\b"),
    _p("pagarme-key", "Pagar.me secret key", "ak_live_", r"[A-Za-z0-9]{30}\b"),
    # --- code and packages
    Pattern("azure-devops-token", "Azure DevOps token", ("AZDO",), r"\b(?P<v>[A-Za-z0-9]{76}AZDO[A-Za-z0-9]{4})\b", lead=77),
    _p("buildkite-token", "Buildkite API token", "bkua_", r"[0-9a-f]{40}\b"),
    _p("nuget-key", "NuGet API key", "oy2", r"[a-z0-9]{43}\b"),
    _p("sourcegraph-token", "Sourcegraph key", "slk_", r"[0-9a-f]{64}\b"),
    _p("dependency-track-key", "Dependency-Track API key", "odt_", r"[A-Za-z0-9]{32}\b"),
    _p("github-token", "GitHub token", "ghp_ gho_ ghu_ ghs_ ghr_", r"[A-Za-z0-9]{36}\b", check=structure.checksummed),
    _p("github-token", "GitHub token", "github_pat_", r"[A-Za-z0-9]{22}_[A-Za-z0-9]{59}\b"),
    _p("gitlab-token", "GitLab token", "glpat- gldt- glrt- glptt- gloas- glcbt- glagent- glimt- glsoat- glffct- glft-", r"[A-Za-z0-9_\-.]{20,}"),
    _p("atlassian-token", "Atlassian token", "ATATT3 ATCTT3", r"[A-Za-z0-9_\-=]{60,}", longest=400),
    _p("bitbucket-password", "Bitbucket app password", "ATBB", r"[A-Za-z0-9_=.\-]{32}\b"),
    _p("gitlab-token", "GitLab runner registration token", "GR1348941", r"[A-Za-z0-9_\-]{20}"),
    _p("artifactory-key", "Artifactory API key", "AKCp", r"[A-Za-z0-9]{69}\b"),
    _p("clojars-token", "Clojars token", "CLOJARS_", r"[a-z0-9]{60}\b"),
    _p("sourcegraph-token", "Sourcegraph token", "sgp_", r"(?:(?:[0-9a-f]{16}|local)_)?[0-9a-f]{40}\b"),
    _p("npm-token", "npm token", "npm_", r"[A-Za-z0-9]{36}\b", check=structure.checksummed),
    _p("pypi-token", "PyPI token", "pypi-AgEIcHlwaS5vcmc pypi-AgENdGVzdC5weXBpLm9yZw", r"[A-Za-z0-9_\-]{50,}", longest=400),
    _p("rubygems-key", "RubyGems API key", "rubygems_", r"[0-9a-f]{48}\b"),
    _p("docker-token", "Docker token", "dckr_pat_ dckr_oat_", r"[A-Za-z0-9_\-]{27,}"),
    _p("postman-key", "Postman API key", "PMAK-", r"[0-9a-f]{24}-[0-9a-f]{34}\b"),
    _p("linear-key", "Linear API key", "lin_api_", r"[A-Za-z0-9]{40}\b"),
    _p("sonar-token", "SonarQube token", "sqp_ squ_ sqa_", r"[0-9a-f]{40}\b"),
    # --- models
    _p("openai-key", "OpenAI API key", "sk-", r"(?:[A-Za-z0-9_\-]{8,110})?T3BlbkFJ[A-Za-z0-9_\-]{20,110}"),
    _p("openai-key", "OpenAI API key", "sk-proj- sk-svcacct- sk-admin-", r"[A-Za-z0-9_\-]{40,180}"),
    _p("anthropic-key", "Anthropic API key", "sk-ant-", r"[A-Za-z0-9_\-]{24,140}"),
    _p("openrouter-key", "OpenRouter API key", "sk-or-v1-", r"[0-9a-f]{64}\b"),
    _p("emergent-key", "Emergent LLM key", "sk-emergent-", r"[A-Za-z0-9]{12,}\b"),
    _p("langfuse-key", "Langfuse secret key", "sk-lf-", r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"),
    _p("model-key", "API key", "sk-", r"(?:[0-9a-f]{32}|[A-Za-z0-9]{48})\b", "medium"),
    _p("elevenlabs-key", "ElevenLabs API key", "sk_", r"[0-9a-f]{48}\b"),
    _p("groq-key", "Groq API key", "gsk_", r"[A-Za-z0-9]{52}\b"),
    _p("huggingface-token", "Hugging Face token", "hf_ api_org_", r"[A-Za-z]{34}\b"),
    _p("replicate-token", "Replicate token", "r8_", r"[A-Za-z0-9]{37}\b"),
    _p("perplexity-key", "Perplexity API key", "pplx-", r"[A-Za-z0-9]{48}\b"),
    _p("xai-key", "xAI API key", "xai-", r"[A-Za-z0-9]{80}\b"),
    _p("nvidia-key", "NVIDIA API key", "nvapi-", r"[A-Za-z0-9_\-]{60,70}"),
    _p("pinecone-key", "Pinecone API key", "pcsk_", r"[A-Za-z0-9]{5,6}_[A-Za-z0-9]{50,64}\b"),
    _p("langsmith-key", "LangSmith API key", "lsv2_pt_ lsv2_sk_", r"[0-9a-f]{32}_[0-9a-f]{10}\b"),
    _p("tavily-key", "Tavily API key", "tvly-", r"(?:dev-|prod-)?[A-Za-z0-9\-]{32,44}"),
    _p("firecrawl-key", "Firecrawl API key", "fc-", r"[0-9a-f]{32}\b"),
    # --- money
    _p("stripe-secret-key", "Stripe secret key", "sk_live_ rk_live_", r"[A-Za-z0-9]{16,110}\b"),
    _p("stripe-test-key", "Stripe test key", "sk_test_ rk_test_", r"[A-Za-z0-9]{16,110}\b", "low"),
    _p("stripe-webhook-secret", "Stripe webhook secret", "whsec_", r"[A-Za-z0-9+/]{24,}={0,2}"),
    _p("razorpay-key", "Razorpay key id", "rzp_live_", r"[A-Za-z0-9]{14}\b", "low"),
    _p("flutterwave-key", "Flutterwave secret key", "FLWSECK-", r"[0-9a-f]{32,60}-X\b"),
    _p("square-token", "Square token", "sq0atp- sq0csp-", r"[A-Za-z0-9_\-]{22,43}"),
    _p("square-token", "Square access token", "EAAA", r"[A-Za-z0-9_\-]{60})(?:[^A-Za-z0-9_\-]|$", check=structure.alone),
    _p("shopify-token", "Shopify token", "shpat_ shpca_ shppa_ shpss_", r"[0-9a-fA-F]{32}\b"),
    _p("duffel-token", "Duffel token", "duffel_live_", r"[A-Za-z0-9_\-=]{43}"),
    _p("easypost-key", "EasyPost API key", "EZAK", r"[A-Za-z0-9]{54}\b"),
    _p("shippo-token", "Shippo token", "shippo_live_", r"[0-9a-fA-F]{40}\b"),
    _p("braintree-token", "Braintree access token", "access_token$production$", r"[a-z0-9]{16}\$[0-9a-f]{32}\b"),
    _p("plaid-token", "Plaid access token", "access-production- access-sandbox-", r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"),
    # --- messages
    _p("slack-token", "Slack token", "xoxb- xoxp- xoxa- xoxo- xoxs- xoxr- xoxe-", r"(?:[0-9]{9,13}-){1,3}[A-Za-z0-9\-]{20,70}"),
    _p("slack-token", "Slack app token", "xapp-", r"[0-9]-[A-Z0-9]{9,12}-[0-9]{9,14}-[0-9a-f]{60,70}"),
    _p("slack-webhook", "Slack webhook", "https://hooks.slack.com/services/", r"T[A-Z0-9]{8,}/B[A-Z0-9]{8,}/[A-Za-z0-9]{20,}"),
    _p("teams-webhook", "Teams webhook", "webhook.office.com/webhookb2/", r"[0-9a-f\-]{36}@[0-9a-f\-]{36}/IncomingWebhook/[0-9a-f]{32}/[0-9a-f\-]{36}"),
    Pattern("discord-webhook", "Discord webhook", ("/api/webhooks/",),
            r"(?P<v>https://(?:canary\.|ptb\.)?discord(?:app)?\.com/api/webhooks/[0-9]{17,20}/[A-Za-z0-9_\-]{60,})", lead=30),
    Pattern("discord-token", "Discord bot token", structure.NUMBERS,
            r"\b(?P<v>[MNO][A-Za-z0-9]{23,27}\.[A-Za-z0-9_\-]{6}\.[A-Za-z0-9_\-]{27,38})(?:[^A-Za-z0-9_\-]|$)", check=structure.discord),
    Pattern("telegram-bot-token", "Telegram bot token", (":AA",), rf"\b(?P<v>[0-9]{{8,10}}:AA[A-Za-z0-9_\-]{{33}}){_END}", lead=11),
    _p("sendgrid-key", "SendGrid API key", "SG.", r"[A-Za-z0-9_\-]{22}\.[A-Za-z0-9_\-]{43}"),
    _p("mailgun-key", "Mailgun API key", "key-", r"[0-9a-f]{32}\b"),
    Pattern("mailchimp-key", "Mailchimp API key", ("-us",), r"\b(?P<v>[0-9a-f]{32}-us[0-9]{1,2})\b", lead=33),
    _p("brevo-key", "Brevo API key", "xkeysib- xsmtpsib-", r"[0-9a-f]{64}-[A-Za-z0-9]{16}\b"),
    _p("onesignal-key", "OneSignal API key", "os_v2_app_ os_v2_org_", r"[a-z2-7]{40,120}\b"),
    _p("resend-key", "Resend API key", "re_", r"[A-Za-z0-9]{8}_[A-Za-z0-9]{24}\b"),
    _p("twilio-api-key", "Twilio API key id", "SK", r"[0-9a-f]{32}\b", "medium"),
    _p("facebook-token", "Facebook access token", "EAA", r"[A-Za-z0-9]{80,250}\b", check=structure.alone),
    _p("twitter-token", "Twitter bearer token", "AAAAAAAAAAAAAAAAAAAAA", r"[A-Za-z0-9]{8,60}(?:%[23][0-9A-F][A-Za-z0-9]*)+\b"),
    _p("typeform-token", "Typeform token", "tfp_", r"[A-Za-z0-9_\-.=]{44,59}"),
    _p("notion-token", "Notion token", "ntn_", r"[A-Za-z0-9]{40,}\b"),
    _p("notion-token", "Notion token", "secret_", r"[A-Za-z0-9]{43}\b"),
    _p("hubspot-token", "HubSpot private app token", "pat-na1- pat-na2- pat-eu1- pat-ap1-", r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"),
    _p("clickup-token", "ClickUp personal token", "pk_", r"[0-9]{6,9}_[A-Z0-9]{32}\b"),
    _p("klaviyo-key", "Klaviyo private key", "pk_", r"[0-9a-f]{34}\b"),
    _p("twitch-key", "Twitch stream key", "live_", r"[0-9]{6,10}_[A-Za-z0-9]{30}\b"),
    _p("teams-webhook", "Teams webhook", "outlook.office.com/webhook/",
       r"[0-9a-f\-]{36}@[0-9a-f\-]{36}/IncomingWebhook/[0-9a-f]{32}/[0-9a-f\-]{36}"),
    # --- data and monitoring
    _p("mapbox-token", "Mapbox secret token", "sk.eyJ", r"[A-Za-z0-9_\-]{40,200}\.[A-Za-z0-9_\-]{20,30}"),
    _p("posthog-key", "PostHog personal API key", "phx_", r"[A-Za-z0-9_\-]{40,60}"),
    _p("segment-token", "Segment public API token", "sgp_", r"[A-Za-z0-9]{64}\b"),
    _p("launchdarkly-key", "LaunchDarkly key", "sdk- api-", r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\b", "medium"),
    _p("adafruit-key", "Adafruit IO key", "aio_", r"[A-Za-z0-9]{28}\b"),
    _p("scrapfly-key", "Scrapfly API key", "scp-live-", r"[0-9a-f]{32}\b"),
    _p("airtable-token", "Airtable token", "pat", r"[A-Za-z0-9]{14}\.[0-9a-f]{64}\b"),
    _p("grafana-token", "Grafana token", "glsa_ glc_", r"[A-Za-z0-9+/=]{32,}(?:_[0-9a-f]{8})?"),
    _p("new-relic-key", "New Relic key", "NRAK-", r"[A-Z0-9]{27}\b"),
    _p("new-relic-key", "New Relic admin key", "NRAA-", r"[0-9a-f]{27}\b"),
    _p("new-relic-key", "New Relic insert key", "NRII- NRIQ-", r"[A-Za-z0-9_\-]{32}"),
    _p("dynatrace-token", "Dynatrace token", "dt0c01.", r"[A-Z2-7]{24}\.[A-Z2-7]{64}\b"),
    _p("readme-key", "ReadMe API key", "rdme_", r"[a-z0-9]{70}\b"),
    Pattern("maxmind-key", "MaxMind licence key", ("_mmk",), r"\b(?P<v>[A-Za-z0-9]{6}_[A-Za-z0-9]{29}_mmk)\b", lead=37),
    _p("frameio-token", "Frame.io token", "fio-u-", r"[A-Za-z0-9_\-]{64}"),
    _p("adobe-secret", "Adobe client secret", "p8e-", r"[A-Za-z0-9]{32}\b"),
    _p("sentry-token", "Sentry auth token", "sntrys_ sntryu_", r"[A-Za-z0-9+/=_\-]{40,}"),
    _p("figma-token", "Figma token", "figd_", r"[A-Za-z0-9_\-]{40,}"),
    _p("contentful-token", "Contentful token", "CFPAT-", r"[A-Za-z0-9_\-]{43}"),
    _p("onepassword-token", "1Password service account token", "ops_eyJ", r"[A-Za-z0-9+/=]{100,}", longest=1200),
    _p("age-key", "age secret key", "AGE-SECRET-KEY-1", r"[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}\b"),
    # --- formats of many
    _p("json-web-token", "signed JSON web token", "eyJ",
       r"[A-Za-z0-9_\-]{10,}\.eyJ[A-Za-z0-9_\-]{10,}\.[A-Za-z0-9_\-]{20,}", check=structure.jwt, longest=4400),
    Pattern("signing-secret", "Django's signing secret", ("django-insecure-",),
            r"(?P<v>django-insecure-[a-z0-9!@#$%^&*(\-_=+)]{20,50})", check=structure.django),
    Pattern("registry-login", "login of a container registry", ('"auth"',),
            r'"auth"\s*:\s*"(?P<v>[A-Za-z0-9+/]{12,600}={0,2})"', "medium", structure.basic, longest=700),
    Pattern("private-key", "PuTTY's private key", ("Private-Lines: ",),
            r"Private-Lines: [0-9]{1,3}\s+(?P<v>[A-Za-z0-9+/=\s]{60,})", "high", structure.pem, longest=6000),
    Pattern("command-login", "password that a database's client is given", ("mysql ", "mysqldump ", "mysqladmin ", "mariadb ", "mariadb-dump "),
            r"[a-z\-]+ (?:[^\n|;]{0,300}\s)?-p[\"']?(?P<v>[^\s:\"'`$<>{}%()|;\\,]{3,80})", "medium", structure.option),
    Pattern("command-login", "password that a program is given", ("sshpass ", "redis-cli ", "mongosh ", "mongo ", "mongodump ", "mongorestore "),
            r"[a-z\-]+ (?:[^\n|;]{0,300}\s)?(?:-[pa] ?|--pass(?:word)?[ =])[\"']?(?P<v>[^\s:\"'`$<>{}%()|;\\,\-][^\s:\"'`$<>{}%()|;\\,]{2,80})", "medium", structure.option),
    Pattern("curl-login", "login that curl sends", ("curl ",),
            r"curl (?:[^\n]{0,200}\s)?(?:-u|--user)[ =]?[\"']?(?P<v>[^\s:\"'$<>{}]{1,40}:[^\s\"'`]{4,80})", "medium", structure.login),
    Pattern("basic-credentials", "login in a Basic header", ("Basic ", "basic "),
            r"\b[Bb]asic (?P<v>[A-Za-z0-9+/]{8,200}={0,2})", "medium", structure.basic),
    Pattern("private-key", "private key without its frame", ("BADANBgkqhkiG9w0BAQEFAASC",),
            r"(?:^|[^A-Za-z0-9+/])(?P<v>MII[A-Za-z0-9+/]{1,8}BADANBgkqhkiG9w0BAQEFAASC[A-Za-z0-9+/=\s\\\"']{100,})", "high", structure.pem,
            lead=14, longest=6000),
    Pattern("private-key", "private key", ("-----BEGIN ",),
            r"-----BEGIN (?:RSA |EC |DSA |OPENSSH |ENCRYPTED |PGP )?PRIVATE KEY(?: BLOCK)?-----"
            r"(?P<v>(?:(?:\s|\\[nrt\\]+)*(?:Proc-Type|DEK-Info|Version|Comment|Charset): ?[^\n\\]{0,120})*"
            r"[\sA-Za-z0-9+/=\\\"',]{60,})-----END", "high", structure.pem, longest=14000),
)  # fmt: skip
"""Formats that identify themselves; of two that fit, the first counts."""

SCHEME = re.compile(rb"\b[a-zA-Z][a-zA-Z0-9+.\-]{1,24}\Z")
SCHEME_BYTES = 25
URL_LOGIN = re.compile(
    rb"://(?P<user>[^\s:@/\"'`<>\\()]{0,64}):(?P<v>[^\s@/\"'`<>\\]{1,128}(?:@[^\s@/\"'`<>\\,:]{1,64})?)@(?P<host>[A-Za-z0-9_.\-\[\]$\{\}]{1,255})"
)
"""A URL from its `://` on; the scheme stands before. Somebody may have left one `@` in the password as it is."""
CONNECTION_PASSWORD = re.compile(rb"[;?&](?i:password|pwd)=(?P<v>[^;&\s\"'`<>\\]{4,128})")
"""`Server=…;Password=…;`, `jdbc:…?user=…&password=…`."""
