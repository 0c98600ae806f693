"""What a sentence of the log says of a variable: what exempts, what requires, and the traps between."""

import re

import pytest

from infracheck.project.statement import LONGEST, TOO_LONG, statements
from infracheck.project.vocabulary import Vocabulary

DSN, ORG, PROJECT, TOKEN = "NEXT_PUBLIC_SENTRY_DSN", "SENTRY_ORG", "SENTRY_PROJECT", "SENTRY_AUTH_TOKEN"
SENTRY = (DSN, ORG, PROJECT, TOKEN)
DATABASE, MAIL, STRIPE = "DATABASE_URL", "RESEND_API_KEY", "STRIPE_SECRET_KEY"
VOCABULARY = Vocabulary.of((DATABASE, *SENTRY, MAIL, STRIPE, "PORT"))
VAGUE = "vague"


def said(text: str, heading: str = "") -> dict[str, object]:
    """Return variable -> the last clear thing that is said of it; VAGUE -> what a phrase without a name may mean."""
    clear: dict[str, object] = {}
    unclear: dict[str, object] = {}
    for one in statements(text, VOCABULARY, heading):
        part = unclear if one.sense == "unclear" else clear
        part |= dict.fromkeys(one.names, one.sense) if one.names else {VAGUE: one.means}
    return {**unclear, **clear}


EXEMPTING = [
    ("SENTRY_ORG is no longer required.", (ORG,)),
    ("SENTRY_ORG and SENTRY_PROJECT may stay empty", (ORG, PROJECT)),
    ("Optional: SENTRY_ORG, SENTRY_PROJECT", (ORG, PROJECT)),
    ("`RESEND_API_KEY` deferred to v2", (MAIL,)),
    ("RESEND_API_KEY deferred until launch", (MAIL,)),
    ("Deferred until launch: RESEND_API_KEY", (MAIL,)),
    ("No RESEND_API_KEY needed for v1", (MAIL,)),
    ("No value for RESEND_API_KEY is needed", (MAIL,)),
    ("This release does not need RESEND_API_KEY.", (MAIL,)),
    ("DATABASE_URL is set, SENTRY_ORG is optional", (ORG,)),
    ("Filled DATABASE_URL; SENTRY_ORG deferred", (ORG,)),
    ("DATABASE_URL filled and SENTRY_ORG deferred", (ORG,)),
    ("DATABASE_URL is filled, optional: SENTRY_ORG", (ORG,)),
    ("Filled DATABASE_URL, optional: SENTRY_ORG", (ORG,)),
    ("PM grants an exemption for SENTRY_ORG and SENTRY_PROJECT", (ORG, PROJECT)),
    ("| SENTRY_ORG | EMPTY | exempt (PM) |", (ORG,)),
    ("~~SENTRY_ORG is exempt~~ SENTRY_PROJECT is exempt", (PROJECT,)),
    ("Sentry keys (NEXT_PUBLIC_SENTRY_DSN, SENTRY_ORG) are exempt", (DSN, ORG)),
    ("SENTRY_ORG, SENTRY_PROJECT (both optional)", (ORG, PROJECT)),
    ("PM waives SENTRY_ORG", (ORG,)),
    ("PORT is optional", ("PORT",)),
    ("SENTRY_ORG is exempt, we will add it next cycle", (ORG,)),
    ("SENTRY_ORG is exempt until 2026-06-01", (ORG,)),
    ("PM keeps SENTRY_ORG, SENTRY_PROJECT empty for v1", (ORG, PROJECT)),
    ("Leave SENTRY_ORG empty for now", (ORG,)),
    ("SENTRY_ORG was exempted by PM", (ORG,)),
    ("SENTRY_ORG is not a blocker", (ORG,)),
    ("Verdict PASS; no blockers. SENTRY_ORG is exempt.", (ORG,)),
    ("PM decided that SENTRY_ORG and SENTRY_PROJECT are optional", (ORG, PROJECT)),
    ("SENTRY_ORG — optional", (ORG,)),
    ("SENTRY_ORG skipped (PM)", (ORG,)),
    ("Skipped: SENTRY_ORG", (ORG,)),
    ("PM skip SENTRY_ORG", (ORG,)),
    ("SENTRY_ORG intentionally left empty", (ORG,)),
    ("process.env.SENTRY_ORG is optional", (ORG,)),
    ("`SENTRY_ORG` and `SENTRY_PROJECT` are **exempt** from the env check (PM).", (ORG, PROJECT)),
    ("PM: exempt SENTRY_ORG and SENTRY_PROJECT", (ORG, PROJECT)),
    ("The following variables are exempt: SENTRY_ORG, SENTRY_PROJECT.", (ORG, PROJECT)),
    ("We don't require SENTRY_ORG", (ORG,)),
    ("SENTRY_ORG doesn't have to be filled", (ORG,)),
    ("Not required: SENTRY_ORG", (ORG,)),
    ("PM excludes SENTRY_ORG only", (ORG,)),
    (
        "PM approved: `SENTRY_ORG` + `SENTRY_PROJECT` out of scope for this cycle (no Sentry account yet).",
        (ORG, PROJECT),
    ),
    ("PM approves exemption of SENTRY_ORG from the env check", (ORG,)),
    ("Exception granted: SENTRY_ORG, SENTRY_PROJECT may remain empty until launch.", (ORG, PROJECT)),
    ("Explicit exception (PM): `RESEND_API_KEY` may stay empty", (MAIL,)),
    ("SENTRY_ORG is deferred to issue-014; until then it may stay empty.", (ORG,)),
    ("SENTRY_ORG isn't required, but SENTRY_AUTH_TOKEN is", (ORG,)),
    ("SENTRY_ORG isn't required, SENTRY_AUTH_TOKEN is", (ORG,)),
    ("RESEND_API_KEY deferred; STRIPE_SECRET_KEY too", (MAIL,)),
    ("SENTRY_ORG stays out of scope", (ORG,)),
    ("SENTRY_ORG=optional", (ORG,)),
    ("Vars: SENTRY_ORG (exempt, PM 2026-04-05), SENTRY_PROJECT (exempt, PM 2026-04-05)", (ORG, PROJECT)),
    ("SENTRY_ORG: EMPTY — exempt per PM", (ORG,)),
    ("Env: 12 FILLED, 2 EMPTY (SENTRY_ORG, SENTRY_PROJECT — both exempt per PM)", (ORG, PROJECT)),
    ("unblock: PM excludes SENTRY_ORG from blocking env check", (ORG,)),
    ("Verdict: APPROVE. PM excludes SENTRY_ORG from blocking env check.", (ORG,)),
    ("Verdict changed from BLOCK to APPROVE; PM excludes SENTRY_ORG from blocking env check.", (ORG,)),
    ("blocked on SENTRY_ORG; RESEND_API_KEY deferred", (MAIL,)),
    ("RESEND_API_KEY not required until we send mail", (MAIL,)),
    ("STRIPE_SECRET_KEY: waived by PM till 2026-12-31", (STRIPE,)),
    ("PM exempts NEXT_PUBLIC_SENTRY_DSN/SENTRY_ORG/SENTRY_PROJECT", (DSN, ORG, PROJECT)),
    ("exempted SENTRY_ORG and filled SENTRY_AUTH_TOKEN", (ORG,)),
]


@pytest.mark.parametrize(("text", "names"), EXEMPTING)
def test_each_wording_that_exempts_is_understood(text: str, names: tuple[str, ...]) -> None:
    assert said(text) == dict.fromkeys(names, "exempt")


REQUIRING = [
    ("PM did not agree that SENTRY_ORG is optional", (ORG,)),
    ("PM did not agree to exempt SENTRY_ORG", (ORG,)),
    ("Agent suggested that SENTRY_ORG is optional; PM said no", (ORG,)),
    (
        (
            "Verdict BLOCK. Sentry wiring checks passed. Blockers: empty Sentry-related values "
            "(NEXT_PUBLIC_SENTRY_DSN, SENTRY_ORG); postmortem deferred until deploy-check passes"
        ),
        (DSN, ORG),
    ),
    ("BLOCK: Sentry wiring checks passed, SENTRY_ORG empty without explicit optional marker", (ORG,)),
    ("SENTRY_ORG is not exempt", (ORG,)),
    ("SENTRY_AUTH_TOKEN stays required", (TOKEN,)),
    ("SENTRY_ORG required again", (ORG,)),
    ("SENTRY_ORG is no longer exempt", (ORG,)),
    ("SENTRY_ORG exempt — revoked 2026-04-09", (ORG,)),
    ("Neither SENTRY_ORG nor SENTRY_PROJECT is exempt", (ORG, PROJECT)),
    ("PM does not exempt SENTRY_ORG", (ORG,)),
    ("PM declined to exempt SENTRY_ORG", (ORG,)),
    ("no exemption for SENTRY_ORG", (ORG,)),
    ("SENTRY_ORG must be filled", (ORG,)),
    ("SENTRY_ORG must not stay empty", (ORG,)),
    ("SENTRY_ORG cannot stay empty", (ORG,)),
    ("SENTRY_ORG exempt. Revoked 2026-04-09.", (ORG,)),
    ("do not leave SENTRY_ORG empty", (ORG,)),
    ("SENTRY_ORG isn't optional", (ORG,)),
    ("SENTRY_ORG not optional anymore", (ORG,)),
    ("exempt: none; SENTRY_ORG required", (ORG,)),
    ("SENTRY_ORG: exempt -> required", (ORG,)),
    ("PM: no, SENTRY_ORG is not optional", (ORG,)),
    ("SENTRY_ORG is not yet exempt", (ORG,)),
    ("Not exempt: SENTRY_ORG", (ORG,)),
    ("SENTRY_ORG is exempt. It is required again from 2026-05-01.", (ORG,)),
    ("PM never exempted SENTRY_ORG", (ORG,)),
    ("PM has not waived SENTRY_ORG", (ORG,)),
    ("cannot exempt SENTRY_ORG", (ORG,)),
    ("PM refuses that SENTRY_ORG is optional", (ORG,)),
    ("contrary to the report SENTRY_ORG is not exempt", (ORG,)),
    ("Verdict: Block Deployment. Blockers: SENTRY_ORG empty", (ORG,)),
]


@pytest.mark.parametrize(("text", "names"), REQUIRING)
def test_each_wording_that_requires_is_understood(text: str, names: tuple[str, ...]) -> None:
    assert said(text) == dict.fromkeys(names, "required")


FRAMES = [  # each turns any exemption into none
    *("Request: {}", "Proposal: {}", "TODO: {}", "- [ ] {}", "Example: {}", "Draft: {}", "Claim: {}", "Old rule: {}"),
    *("If PM agrees, {}", "{} if PM agrees", "{} unless PM objects", "{} (pending PM approval)", "{}?", "Whether {}"),
    *(
        "PM rejected: {}",
        "PM said no: {}",
        "PM denied that {}",
        "Not agreed: {}",
        "Never: {}",
        "It is not true that {}",
    ),
    *("{} — revoked", "{} (revoked 2026-05-01)", "{} — rejected by PM", "{}; PM said no", "{} no longer holds"),
    *("Previously: {}", "Formerly {}", "Until now {}", "{} — not any more", "Verdict BLOCK. {}", "~~{}~~"),
]
PLAIN = [text for text, _ in EXEMPTING if not re.search(r"[,;:|(.]", text.rstrip("."))]


@pytest.mark.parametrize("frame", FRAMES)
def test_what_is_asked_refused_or_over_exempts_nothing(frame: str) -> None:
    assert len(PLAIN) > 25
    for text in PLAIN:
        assert "exempt" not in said(frame.format(text.rstrip("."))).values(), text


TRAPS = [  # (sentence, names that are shown as not counting)
    ("Verdict BLOCK — Blockers: empty Sentry-related values; postmortem deferred until deploy-check passes", ()),
    ("Verdict BLOCK: server 500. SENTRY_ORG is exempt.", (ORG,)),
    ("SENTRY_ORG may be optional in the future", (ORG,)),
    ("RESEND_API_KEY rotation deferred", (MAIL,)),
    ("rotation of RESEND_API_KEY is deferred", (MAIL,)),
    ("The client bundle excludes STRIPE_SECRET_KEY", (STRIPE,)),
    ("STRIPE_SECRET_KEY is excluded from the client bundle", (STRIPE,)),
    ("STRIPE_SECRET_KEY tests skipped", (STRIPE,)),
    ("RESEND_API_KEY is optional in development, required in production", (MAIL,)),
    ("RESEND_API_KEY is optional in development", (MAIL,)),
    ("Filled: DATABASE_URL, SENTRY_ORG deferred", (DATABASE, ORG)),
    ("All variables are required except SENTRY_ORG", (ORG,)),
    ("Should SENTRY_ORG be exempt?", (ORG,)),
    ("Requested: SENTRY_ORG exempt; pending PM approval", (ORG,)),
    ("SENTRY_ORG exempt (pending PM approval)", (ORG,)),
    ("| SENTRY_AUTH_TOKEN | FILLED | required |", ()),
    ("- [ ] exempt SENTRY_ORG", (ORG,)),
    ("SENTRY_ORG is optional and required", (ORG,)),
    ("SENTRY_ORG will be exempt", (ORG,)),
    ("SENTRY_ORG was exempt in issue-009", (ORG,)),
    ("SENTRY_ORG, SENTRY_PROJECT. These are exempt.", (ORG, PROJECT)),
    ("empty SENTRY_ORG does not block the gate", (ORG,)),
    ("Tests with STRIPE_SECRET_KEY are skipped", (STRIPE,)),
    ("RESEND_API_KEY enables optional mail", (MAIL,)),
    ("either SENTRY_ORG or SENTRY_PROJECT may stay empty", (ORG, PROJECT)),
    ("if PM agrees, SENTRY_ORG is exempt", (ORG,)),
    ("SENTRY_ORG-related values deferred", ()),
    ("see docs/SENTRY_ORG.md, which is optional", ()),
    ("SENTRY_ORG, per PM decision, is exempt", (ORG,)),
    ("SENTRY_ORG deferred pending legal review", (ORG,)),
    ("SENTRY_ORG decision deferred", (ORG,)),
    ("`SENTRY_ORG` marked `# Optional` in .env.local.example", (ORG,)),
    ("Removed SENTRY_ORG from the optional list", (ORG,)),
    ("SENTRY_ORG moved from optional to required", (ORG,)),
    ("SENTRY_ORG changed from exempt to required", (ORG,)),
    ("Question to PM: is SENTRY_ORG optional?", (ORG,)),
    ("SENTRY_ORG exempt only after PM sign-off", (ORG,)),
    ("SENTRY_ORG exempt after launch", (ORG,)),
    ("SENTRY_ORG is exempt from being rotated", (ORG,)),
    ("skip SENTRY_ORG validation", (ORG,)),
    ("deploy-check skipped SENTRY_ORG", (ORG,)),
    ("The build skipped SENTRY_ORG because it was empty", (ORG,)),
    ("playwright skips the STRIPE_SECRET_KEY flow", (STRIPE,)),
    ("Excludes STRIPE_SECRET_KEY from logs", (STRIPE,)),
    ("SENTRY_ORG is exempt unless releases are uploaded", (ORG,)),
    ("No one exempted SENTRY_ORG", (ORG,)),
    ("Nobody waived SENTRY_ORG", (ORG,)),
    ("It is false that SENTRY_ORG is optional", (ORG,)),
    ("SENTRY_ORG is hardly optional", (ORG,)),
    ("SENTRY_ORG is anything but optional", ()),
    ("SENTRY_ORG non-optional", (ORG,)),
    ("`SENTRY_ORG` non-required", ()),
    ("After yesterday's BLOCK, PM excludes SENTRY_ORG from blocking env check", (ORG,)),
    ("RESEND_API_KEY not needed in CI", (MAIL,)),
    ("RESEND_API_KEY needn't be filled", ()),
    ("All Sentry keys, e.g. SENTRY_ORG, are exempt", (ORG,)),
    ("Sentry keys such as SENTRY_ORG are optional", (ORG,)),
    ("PM exempt NEXT_PUBLIC_SENTRY_DSN/ORG/PROJECT", (DSN,)),
    ("set SENTRY_ORG as optional in code", (ORG,)),
    ("The code treats SENTRY_ORG as optional", (ORG,)),
    ("zod schema: SENTRY_ORG optional", (ORG,)),
    ("z.string().optional() for SENTRY_ORG", (ORG,)),
    ("added SENTRY_ORG to zod as optional", (ORG,)),
    ("Docs say SENTRY_ORG is optional", (ORG,)),
    ("SENTRY_ORG is optional according to the Sentry docs", (ORG,)),
]


@pytest.mark.parametrize(("text", "names"), TRAPS)
def test_a_trap_exempts_nothing(text: str, names: tuple[str, ...]) -> None:
    assert said(text) == dict.fromkeys(names, "unclear")


MIXED = [
    (
        (
            "2026-04-02: **Env check** — 4 EMPTY (`NEXT_PUBLIC_SENTRY_DSN`, "
            "`SENTRY_ORG`, `SENTRY_PROJECT`, `SENTRY_AUTH_TOKEN`); "
            "PM decision: first three exempt, `SENTRY_AUTH_TOKEN` stays required"
        ),
        {**dict.fromkeys((DSN, ORG, PROJECT), "unclear"), TOKEN: "required"},
    ),
    (
        (
            "2026-04-05 (revised): **`/deploy-check` issue-010** — PM excludes NEXT_PUBLIC_SENTRY_DSN, SENTRY_ORG, "
            "SENTRY_PROJECT from blocking env check (`SENTRY_AUTH_TOKEN` stays required)."
        ),
        {DSN: "exempt", ORG: "exempt", PROJECT: "exempt", TOKEN: "required"},
    ),
    (
        (
            "PM excludes `NEXT_PUBLIC_SENTRY_DSN`, `SENTRY_ORG` and **SENTRY_PROJECT** "
            "from blocking env check; SENTRY_AUTH_TOKEN stays required"
        ),
        {DSN: "exempt", ORG: "exempt", PROJECT: "exempt", TOKEN: "required"},
    ),
    (
        "PM excludes A_B, SENTRY_ORG from blocking env check, SENTRY_AUTH_TOKEN stays required",
        {"A_B": "exempt", ORG: "exempt", TOKEN: "required"},
    ),
    ("PM Sentry DSN/org/project exempt", {VAGUE: (DSN, ORG, PROJECT)}),
    ("monitoring keys are optional", {VAGUE: SENTRY}),
    ("Sentry is out of scope for this cycle", {VAGUE: SENTRY}),
    ("PM revoked the exemption for SENTRY_ORG; SENTRY_PROJECT stays exempt", {ORG: "required", PROJECT: "exempt"}),
    ("RESEND_API_KEY: not required (mail is out of scope)", {MAIL: "exempt", VAGUE: (MAIL,)}),
    ("PM excludes all Sentry vars except SENTRY_AUTH_TOKEN", {VAGUE: SENTRY, TOKEN: "required"}),
    (
        "SENTRY_ORG, SENTRY_PROJECT are exempt but not SENTRY_AUTH_TOKEN",
        {ORG: "exempt", PROJECT: "exempt", TOKEN: "required"},
    ),
    ("SENTRY_ORG is exempt but SENTRY_AUTH_TOKEN is not", {ORG: "exempt", TOKEN: "required"}),
    ("SENTRY_* exempt", {VAGUE: (ORG, PROJECT, TOKEN)}),
    (
        (
            "PM exempts the following:\n  - SENTRY_ORG\n  - SENTRY_PROJECT (no account)\n"
            "  - SENTRY_AUTH_TOKEN stays required"
        ),
        {ORG: "exempt", PROJECT: "exempt", TOKEN: "required"},
    ),
    ("SENTRY_ORG is optional and SENTRY_AUTH_TOKEN is required", {ORG: "exempt", TOKEN: "required"}),
    ("SENTRY_ORG (optional), SENTRY_AUTH_TOKEN (required)", {ORG: "exempt", TOKEN: "required"}),
    ("RESEND_API_KEY is deferred and STRIPE_SECRET_KEY too", {MAIL: "exempt", STRIPE: "unclear"}),
    ("SENTRY_ORG, not SENTRY_PROJECT, is exempt", {ORG: "unclear", PROJECT: "required"}),
    ("PM excludes SENTRY_ORG, not SENTRY_PROJECT", {ORG: "exempt", PROJECT: "required"}),
    ("Block Deployment: empty SENTRY_ORG. PM exempts SENTRY_PROJECT", {ORG: "required", PROJECT: "unclear"}),
    ("SENTRY_AUTH_TOKEN blocks the gate; SENTRY_ORG is exempt", {TOKEN: "required", ORG: "exempt"}),
    ("DATABASE_URL required. RESEND_API_KEY not required.", {DATABASE: "required", MAIL: "exempt"}),
    ("SENTRY_ORG and the three other Sentry keys are exempt", {VAGUE: SENTRY}),
    ("Sentry-related env vars excluded from blocking env check", {VAGUE: SENTRY}),
    (
        "NEXT_PUBLIC_SENTRY_DSN, `SENTRY_ORG`, `SENTRY_PROJECT`: **exempt** — `SENTRY_AUTH_TOKEN`: **required**",
        {DSN: "exempt", ORG: "exempt", PROJECT: "exempt", TOKEN: "required"},
    ),
    ("SENTRY_ORG exempt, SENTRY_AUTH_TOKEN required", {ORG: "exempt", TOKEN: "required"}),
    (
        "SENTRY_ORG optional, SENTRY_AUTH_TOKEN required, RESEND_API_KEY deferred",
        {ORG: "exempt", TOKEN: "required", MAIL: "exempt"},
    ),
    ("PM excludes SENTRY_ORG and requires SENTRY_AUTH_TOKEN", {ORG: "exempt", TOKEN: "required"}),
    ("PM requires SENTRY_AUTH_TOKEN and excludes SENTRY_ORG", {ORG: "exempt", TOKEN: "required"}),
    ("SENTRY_ORG: org slug\nis exempt", {ORG: "unclear"}),
]


@pytest.mark.parametrize(("text", "expected"), MIXED)
def test_a_sentence_may_say_several_things(text: str, expected: dict[str, object]) -> None:
    assert said(text) == expected


@pytest.mark.parametrize(
    "heading", ["Exemptions", "Exempted variables", "PM exceptions", "**Optional env vars**", "Waivers:"]
)
def test_a_name_below_a_heading_that_grants_is_exempt(heading: str) -> None:
    assert said("`SENTRY_ORG` (no account)", heading) == {ORG: "exempt"}
    assert said("PM will name them", heading) == {}


@pytest.mark.parametrize("heading", ["Requested exemptions", "Required variables", "Optional features", "Blockers"])
def test_a_name_below_another_heading_is_not(heading: str) -> None:
    assert "exempt" not in said("`SENTRY_ORG`", heading).values()


def test_a_sentence_of_many_pages_exempts_nothing_and_says_so() -> None:
    filler = "and so on, " * (LONGEST // 5)
    found = list(statements(f"SENTRY_ORG is exempt, {filler} SENTRY_AUTH_TOKEN stays required", VOCABULARY))
    assert [(one.names, one.sense) for one in found] == [((ORG,), "unclear"), ((TOKEN,), "required")]
    assert found[0].why == TOO_LONG


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "piece", ["SENTRY_ORG, ", "(a ", "not ", "sentry keys, ", "- ", "*", "_", "~~", "exempt: for of ", "no value for "]
)
def test_no_text_takes_long(piece: str) -> None:
    list(statements(piece * (20_000 // len(piece)), VOCABULARY))
