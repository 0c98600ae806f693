"""Examples written in the ways that real projects write theirs, and what each of their variables is.

Expected: the rule that makes a variable optional; "-" where nothing marks it, so that it is required; "!" and a rule
where a comment says that it is required.
"""

from dataclasses import dataclass
from textwrap import dedent


@dataclass(frozen=True)
class Example:
    name: str
    text: str
    wide: dict[str, str]
    adjacent: frozenset[str] = frozenset()  # what is optional by the narrow rule

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()


def _example(name: str, text: str, adjacent: str = "", **wide: str) -> Example:
    return Example(name, dedent(text).strip("\n"), wide, frozenset(adjacent.split()))


EXAMPLES = (
    _example(
        "the team's rule: Optional right above or beside",
        """
        # Database
        DATABASE_URL=

        # Optional
        RESEND_API_KEY=
        NEON_AUTH_BASE_URL=
        CRON_SECRET= # Optional
        NEXT_PUBLIC_APP_URL=http://localhost:3000   # the app's own address
        # Optional: without it, nothing is recorded
        # (see the dashboard)
        NEXT_PUBLIC_POSTHOG_KEY=""
        # Optional

        SENTRY_AUTH_TOKEN=
        """,
        adjacent="RESEND_API_KEY CRON_SECRET NEXT_PUBLIC_POSTHOG_KEY",
        DATABASE_URL="-",
        RESEND_API_KEY="above",
        NEON_AUTH_BASE_URL="-",
        CRON_SECRET="inline",
        NEXT_PUBLIC_APP_URL="-",
        NEXT_PUBLIC_POSTHOG_KEY="above",
        SENTRY_AUTH_TOKEN="-",
    ),
    _example(
        "boxed banners, prose inside of the required part",
        """
        ######################################
        #                                    #
        #        REQUIRED ENV VARS           #
        #                                    #
        ######################################

        NEXTAUTH_SECRET=
        # Signs the invitations (optional, falls back to NEXTAUTH_SECRET)
        INVITE_SECRET=
        DATABASE_URL="mysql://root@localhost:3306/app"

        ######################################
        #        OPTIONAL ENV VARS           #
        ######################################

        # Mail
        RESEND_API_KEY=

        # ---- Payments ----
        STRIPE_SECRET_KEY=
        # REQUIRED as soon as you take payments
        STRIPE_WEBHOOK_SECRET=

        UPLOADS_TOKEN=
        """,
        NEXTAUTH_SECRET="!banner",
        INVITE_SECRET="above",
        DATABASE_URL="!banner",
        RESEND_API_KEY="banner",
        STRIPE_SECRET_KEY="banner",
        STRIPE_WEBHOOK_SECRET="!above",
        UPLOADS_TOKEN="banner",
    ),
    _example(
        "one-line banners",
        """
        ###### REQUIRED ENV VARS ######
        DATABASE_URL=
        AUTH_SECRET=

        ###### OPTIONAL ENV VARS ######
        REDIS_URL=

        # --- Mail ---
        SMTP_HOST=

        ###### BUILD ######
        SENTRY_AUTH_TOKEN=
        """,
        DATABASE_URL="!banner",
        AUTH_SECRET="!banner",
        REDIS_URL="banner",
        SMTP_HOST="banner",
        SENTRY_AUTH_TOKEN="-",
    ),
    _example(
        "banners of dashes, most of the optional ones commented out",
        """
        # ------- MANDATORY (CHANGE ACCORDING TO YOUR SETUP) -------
        WEBAPP_URL=http://localhost:3000
        ENCRYPTION_KEY=

        # ------- Optional Keys -------

        # Enables sign-up by mail
        MAIL_FROM=
        SMTP_HOST=

        # ------- Telemetry -------

        # Optional. Enables the error tracking
        SENTRY_DSN=
        # Optional. Enables the dashboards
        # POSTHOG_KEY=<project-key>
        # LEGACY_TOKEN=<random-strong-secret>
        CRON_SECRET=
        """,
        adjacent="SENTRY_DSN",
        WEBAPP_URL="!banner",
        ENCRYPTION_KEY="!banner",
        MAIL_FROM="banner",
        SMTP_HOST="banner",
        SENTRY_DSN="above",
        POSTHOG_KEY="above",
        LEGACY_TOKEN="commented-out",
        CRON_SECRET="-",
    ),
    _example(
        "section tags, a prefix per key",
        """
        # [[AUTH]]
        # REQUIRED: signs the sessions, at least 32 characters
        NEXTAUTH_SECRET="secret"
        # Where the app is reached
        NEXTAUTH_URL="http://localhost:3000"

        # [[AUTH OPTIONAL]]
        GOOGLE_CLIENT_ID=""
        GOOGLE_CLIENT_SECRET=""

        # [[ENCRYPTION]]
        ENCRYPTION_KEY="CAFEBABE"
        # OPTIONAL: only while keys are being rotated
        ENCRYPTION_OLD_KEY="DEADBEEF"
        ENCRYPTION_ALGORITHM=""
        """,
        adjacent="ENCRYPTION_OLD_KEY",
        NEXTAUTH_SECRET="!above",
        NEXTAUTH_URL="-",
        GOOGLE_CLIENT_ID="banner",
        GOOGLE_CLIENT_SECRET="banner",
        ENCRYPTION_KEY="-",
        ENCRYPTION_OLD_KEY="above",
        ENCRYPTION_ALGORITHM="-",
    ),
    _example(
        "the last word of the comment above, examples commented out",
        """
        # Logging, optional
        # LOG_LEVEL=info
        # LOG_FORMAT=text # `text` or `json`
        # Salt of the API keys
        SALT="salt" # change it
        # Storage - optional
        S3_BUCKET=
        S3_REGION=auto

        # NOTE=this is prose
        # use HOST=0.0.0.0 in a container
        # lower=case is prose too
        TELEMETRY_ENABLED=${TELEMETRY_ENABLED:-true}
        """,
        LOG_LEVEL="above",
        LOG_FORMAT="commented-out",
        SALT="-",
        S3_BUCKET="above",
        S3_REGION="group heading",
        TELEMETRY_ENABLED="-",
    ),
    _example(
        "titles underlined by dashes, a sentence per group, empty keys that are not commented out",
        """
        # Required self-hosting vars
        # --------------------------
        SECRET_KEY_BASE=
        POSTGRES_PASSWORD=

        # Optional self-hosting vars
        # --------------------------

        # Optional: Market data of the Twelve provider
        TWELVE_DATA_KEY=

        # Base address
        APP_DOMAIN=
        SMTP_ADDRESS=
        """,
        adjacent="TWELVE_DATA_KEY",
        SECRET_KEY_BASE="!banner",
        POSTGRES_PASSWORD="!banner",
        TWELVE_DATA_KEY="above",
        APP_DOMAIN="banner",
        SMTP_ADDRESS="banner",
    ),
    _example(
        "groups with a title each",
        """
        # Neon Postgres (required for API routes and the seed)
        DATABASE_URL=
        DATABASE_URL_UNPOOLED=

        # OpenRouter
        OPENROUTER_API_KEY=
        # Optional: OpenRouter attribution
        OPENROUTER_SITE_URL=
        OPENROUTER_APP_NAME=

        # PostHog - browser (optional)
        NEXT_PUBLIC_POSTHOG_KEY=
        NEXT_PUBLIC_POSTHOG_HOST=

        # PostHog - server (optional; falls back to the browser's)
        POSTHOG_KEY=
        POSTHOG_HOST=

        # Future phases (documented; not required for the first screens)
        CLERK_SECRET_KEY=
        R2_BUCKET=
        """,
        adjacent="OPENROUTER_SITE_URL",
        DATABASE_URL="-",
        DATABASE_URL_UNPOOLED="-",
        OPENROUTER_API_KEY="-",
        OPENROUTER_SITE_URL="above",
        OPENROUTER_APP_NAME="group heading",
        NEXT_PUBLIC_POSTHOG_KEY="above",
        NEXT_PUBLIC_POSTHOG_HOST="group heading",
        POSTHOG_KEY="above",
        POSTHOG_HOST="group heading",
        CLERK_SECRET_KEY="above",
        R2_BUCKET="group heading",
    ),
    _example(
        "no mark at all",
        """
        DATABASE_URL=
        # (32 bytes hex - run: openssl rand -hex 32)
        AUTH_SECRET=
        # Generate with: npx auth secret
        CRON_SECRET=
        """,
        DATABASE_URL="-",
        AUTH_SECRET="-",
        CRON_SECRET="-",
    ),
    _example(
        "a heading that goes on in prose",
        """
        # Supabase Public
        NEXT_PUBLIC_SUPABASE_URL=http://127.0.0.1:54321
        # API Keys (Optional: Entering an API key here overrides the user's own)
        OPENAI_API_KEY=
        ANTHROPIC_API_KEY=
        # General Configuration (Optional)
        EMAIL_DOMAIN_WHITELIST=
        EMAIL_WHITELIST=
        # Storage
        BUCKET=
        """,
        NEXT_PUBLIC_SUPABASE_URL="-",
        OPENAI_API_KEY="above",
        ANTHROPIC_API_KEY="group heading",
        EMAIL_DOMAIN_WHITELIST="above",
        EMAIL_WHITELIST="group heading",
        BUCKET="-",
    ),
    _example(
        "a word before the dash, and comments behind empty values",
        """
        # Required - Supabase
        NEXT_PUBLIC_SUPABASE_URL=   # Settings > API
        SUPABASE_SERVICE_ROLE_KEY=   # server only: never in the browser

        # Optional - Monitoring (Sprint 3)
        NEXT_PUBLIC_SENTRY_DSN=   # the project's DSN
        SENTRY_AUTH_TOKEN=

        OPENAI_API_KEY=sk-...   # optional, for summaries
        CHAOS_API_KEY=your_chaos_api_key_here  # Optional - for subdomains
        SHODAN_API_KEY=#optional
        NOTIFY_CHANNEL=#optional-reading
        """,
        adjacent="NEXT_PUBLIC_SENTRY_DSN OPENAI_API_KEY CHAOS_API_KEY SHODAN_API_KEY",
        NEXT_PUBLIC_SUPABASE_URL="!above",
        SUPABASE_SERVICE_ROLE_KEY="!group heading",
        NEXT_PUBLIC_SENTRY_DSN="above",
        SENTRY_AUTH_TOKEN="group heading",
        OPENAI_API_KEY="inline",
        CHAOS_API_KEY="inline",
        SHODAN_API_KEY="inline",
        NOTIFY_CHANNEL="-",
    ),
    _example(
        "the Sentry group",
        """
        # Sentry (optional)
        NEXT_PUBLIC_SENTRY_DSN=
        # Required for source-map uploads during builds (do NOT commit)
        SENTRY_AUTH_TOKEN=
        # the organization's slug
        SENTRY_ORG=

        SENTRY_PROJECT=
        # Optional server-side DSN override
        # SENTRY_DSN=
        """,
        NEXT_PUBLIC_SENTRY_DSN="above",
        SENTRY_AUTH_TOKEN="group heading",
        SENTRY_ORG="group heading",
        SENTRY_PROJECT="-",
        SENTRY_DSN="above",
    ),
    _example(
        "a legend that turns the rule round",
        """
        # Copy this file to .env.local.
        # All values have sensible defaults unless marked REQUIRED.
        #
        # Optional values are commented out.

        # REQUIRED: the database
        DATABASE_URL=
        # Port of the server
        PORT=
        AUTH_SECRET=   # REQUIRED
        # Required for the worker
        QUEUE_URL=
        LOG_LEVEL=
        """,
        DATABASE_URL="!above",
        PORT="legend",
        AUTH_SECRET="!inline",
        QUEUE_URL="!above",
        LOG_LEVEL="legend",
    ),
    _example(
        "a legend that states the rule",
        """
        # Every variable is required unless it is marked optional.
        DATABASE_URL=
        # optional
        REDIS_URL=
        """,
        adjacent="REDIS_URL",
        DATABASE_URL="!legend",
        REDIS_URL="above",
    ),
    _example(
        "decorators",
        """
        # @required @sensitive
        DATABASE_URL=
        # Where the mail goes out
        # @optional
        # @type=url
        SMTP_URL=
        # @required=forEnv(production)
        SENTRY_DSN=
        # @required=false
        REDIS_URL=
        # @optional=false
        AUTH_SECRET=
        PLAIN= # @optional
        """,
        adjacent="SMTP_URL PLAIN",
        DATABASE_URL="!decorator",
        SMTP_URL="decorator",
        SENTRY_DSN="!decorator",
        REDIS_URL="decorator",
        AUTH_SECRET="!decorator",
        PLAIN="decorator",
    ),
    _example(
        "a decorator for the whole file",
        """
        # @defaultRequired=false
        # ---

        DATABASE_URL=
        # @required
        AUTH_SECRET=
        """,
        DATABASE_URL="legend",
        AUTH_SECRET="!decorator",
    ),
    _example(
        "negations, the future, and others than the one below",
        """
        # This is not optional.
        A_KEY=

        # Required unless you run SQLite
        B_KEY=

        # Other providers are optional below
        C_KEY=
        C_SECRET=

        # May be optional in the future
        D_KEY=

        # (optional in dev, required in production)
        E_KEY=

        # Optional in development, required in production
        F_KEY=

        # Optional
        # but must be set in production
        G_KEY=

        # Optionally signed
        H_KEY=

        # Non-optional
        I_KEY=

        # Optional in development
        J_KEY=

        # The mail key. Other settings of the mailer are
        # optional below.
        K_KEY=

        # Optional unless you deploy to production
        L_KEY=

        # Do not leave empty
        M_KEY=

        # Can become optional once the migration is over
        N_KEY=

        # Optional: the mailer
        # Required: the address it sends from
        O_KEY=

        # Optional
        # P_OTHER=1
        P_KEY=
        Q_KEY="x # optional"
        R_KEY=x#optional
        S_KEY='# optional'
        """,
        A_KEY="!above",
        B_KEY="!above",
        C_KEY="-",
        C_SECRET="-",
        D_KEY="-",
        E_KEY="!above",
        F_KEY="!above",
        G_KEY="!above",
        H_KEY="-",
        I_KEY="!above",
        J_KEY="-",
        K_KEY="-",
        L_KEY="!above",
        M_KEY="!above",
        N_KEY="-",
        O_KEY="!above",
        P_OTHER="above",
        P_KEY="-",
        Q_KEY="-",
        R_KEY="-",
        S_KEY="-",
    ),
    _example(
        "words that speak of a part, not of the variable",
        """
        # The port is optional in the URL
        DATABASE_URL=

        # Trailing slash not needed
        NEXT_PUBLIC_APP_URL=

        # If you use Neon, copy the pooled connection string
        POSTGRES_URL=

        # Only used on the server
        API_TOKEN=

        # The seed script falls back to this
        SEED_URL=

        # The path may be omitted
        SCHEMA_URL=

        # Only for server-side code
        SERVICE_TOKEN=

        # Change this if you use another port
        AUTH_URL=

        # Never falls back to anything
        FALLBACK_URL=

        # Only needed for local development
        TUNNEL_TOKEN=

        # Optional values are marked so.
        FIRST_KEY=
        """,
        DATABASE_URL="-",
        NEXT_PUBLIC_APP_URL="-",
        POSTGRES_URL="-",
        API_TOKEN="-",
        SEED_URL="-",
        SCHEMA_URL="-",
        SERVICE_TOKEN="-",
        AUTH_URL="-",
        FALLBACK_URL="-",
        TUNNEL_TOKEN="-",
        FIRST_KEY="-",
    ),
    _example(
        "other words for optional",
        """
        # Leave empty to disable the mailer
        RESEND_API_KEY=

        # leave blank for the provider's own address
        SMTP_FROM=

        # Not required.
        ANALYTICS_ID=

        # Only needed if you use Stripe
        STRIPE_SECRET_KEY=

        # Falls back to DATABASE_URL
        DIRECT_URL=

        # If unset, it defaults to info
        LOG_LEVEL=

        # Defaults to 3000
        PORT=

        # Stripe (if you use billing)
        STRIPE_PRICE=
        STRIPE_PRODUCT=

        # If you want to sign in with GitHub, set these:
        GITHUB_ID=

        # Sentry is optional; the app works without it
        SENTRY_DSN=

        # These are all optional
        A_KEY=
        B_KEY=

        # This can be left blank
        C_KEY=

        # Redis [optional]
        REDIS_URL=

        # Cache [url, optional]
        CACHE_URL=
        QUEUE= # not mandatory
        TTL=60 # (default: 60)
        """,
        RESEND_API_KEY="above",
        SMTP_FROM="above",
        ANALYTICS_ID="above",
        STRIPE_SECRET_KEY="above",
        DIRECT_URL="above",
        LOG_LEVEL="above",
        PORT="above",
        STRIPE_PRICE="above",
        STRIPE_PRODUCT="group heading",
        GITHUB_ID="above",
        SENTRY_DSN="above",
        A_KEY="above",
        B_KEY="group heading",
        C_KEY="above",
        REDIS_URL="above",
        CACHE_URL="above",
        QUEUE="inline",
        TTL="inline",
    ),
    _example(
        "the most specific mark wins",
        """
        # ===== OPTIONAL =====

        # Mail (required)
        MAIL_KEY=
        MAIL_FROM= # Optional
        # Optional: a second address
        MAIL_REPLY= # Required
        MAIL_HOST=

        CHAT_KEY=
        """,
        adjacent="MAIL_FROM",
        MAIL_KEY="!above",
        MAIL_FROM="inline",
        MAIL_REPLY="!inline",
        MAIL_HOST="!group heading",
        CHAT_KEY="banner",
    ),
    _example(
        "rules between the variables, values over several lines, a key that is set twice",
        """
        # ---------------------
        # Optional: the mailer
        RESEND_API_KEY=
        # ---------------------
        DATABASE_URL=
        PRIVATE_KEY="-----BEGIN
        # Optional
        END-----" # optional
        AFTER=
        # Optional
        TWICE=
        TWICE=2
        # Optional
        BOTH=
        # (optional)
        BOTH=2
        # ASSIGNED=an-example
        ASSIGNED=
        """,
        adjacent="PRIVATE_KEY BOTH",
        RESEND_API_KEY="banner",
        DATABASE_URL="-",
        PRIVATE_KEY="inline",
        AFTER="-",
        TWICE="-",
        BOTH="above",
        ASSIGNED="-",
    ),
    _example(
        "Windows and Markdown manners",
        """
        ## Required

        DATABASE_URL=

        ## Observability (optional)

        SENTRY_DSN=

        POSTHOG_KEY=

        ## Optional
        LONELY_KEY=
        NEXT_KEY=
        export EXPORTED_KEY= # Optional
          INDENTED_KEY = # optional
        """,
        adjacent="LONELY_KEY EXPORTED_KEY INDENTED_KEY",
        DATABASE_URL="!banner",
        SENTRY_DSN="banner",
        POSTHOG_KEY="banner",
        LONELY_KEY="above",
        NEXT_KEY="banner",
        EXPORTED_KEY="inline",
        INDENTED_KEY="inline",
    ),
)
