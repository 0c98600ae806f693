"""A login to Supabase Auth by one-time password, against a stand-in held to the service's shapes."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from infracheck.checks.auth_login import auth_otp_login
from infracheck.clients.otpcauses import NoLogin
from infracheck.clients.otpstore import new_address
from infracheck.context import Context
from infracheck.errors import Unclear
from infracheck.model import Blocked, Failed, Outcome, Passed, Skipped, Undecided
from infracheck.settings import AppSettings, AuthSettings, Settings
from tests.components.supabase_ssr import session_in
from tests.helpers import judge, make_context, states, write
from tests.hostile import HTML, Canned, listening, silent
from tests.standins.mailpit import mailpit
from tests.standins.supabase_auth import SupabaseAuth, supabase_auth

URL = "NEXT_PUBLIC_SUPABASE_URL"
KEY = "NEXT_PUBLIC_SUPABASE_PUBLISHABLE_KEY"
SECRET = "SUPABASE_SECRET_KEY"
WHOLE = {
    "/verify": "SIGNED IN",
    "/user": "SIGNED IN",
    "token": "VERIFIED",
    "/logout": "SIGNED OUT",
    "user": "REMOVED",
}
QUICK = Settings(auth=AuthSettings(timeout=5))


def context_of(app: Path, values: dict[str, str], settings: Settings = QUICK) -> Context:
    lines = "".join(f"{name}={value}\n" for name, value in values.items())
    write(app, package__json='{"dependencies": {"@supabase/ssr": "1"}}', __env__local=lines)
    return make_context(app, settings=settings)


def outcome_of(app: Path, values: dict[str, str], settings: Settings = QUICK) -> Outcome:
    with context_of(app, values, settings) as ctx:
        return judge(auth_otp_login, ctx)


def judged(app: Path, standin: SupabaseAuth, settings: Settings = QUICK, *, secret: str = "") -> Outcome:
    return outcome_of(app, {**values_of(standin), **({SECRET: secret} if secret else {})}, settings)


def values_of(standin: SupabaseAuth) -> dict[str, str]:
    return {URL: standin.url, KEY: standin.key, SECRET: standin.secret}


def test_it_logs_in_and_out_and_leaves_nobody(app: Path) -> None:
    with supabase_auth("email") as standin:
        standin.add("somebody@example.com")
        outcome = judged(app, standin)
        assert [one["email"] for one in standin.users.values()] == ["somebody@example.com"]
        assert standin.sessions == {}
    assert isinstance(outcome, Passed)
    assert outcome.summary == "a one-time password logs in, and logging out ends the session"
    assert states(outcome.findings) == WHOLE


def test_a_token_of_a_shared_secret_is_not_verified_and_fails_nothing(app: Path) -> None:
    with supabase_auth("email") as standin:
        standin.signing = None
        outcome = judged(app, standin)
    assert isinstance(outcome, Passed)
    assert states(outcome.findings) == {**WHOLE, "token": "NOT VERIFIED"}


def test_with_mailpit_the_code_comes_by_mail(app: Path) -> None:
    with supabase_auth("email") as standin, mailpit() as box:
        standin.box = box
        outcome = judged(app, standin, Settings(auth=AuthSettings(mailpit=box.url)))
        assert (standin.users, box.received, box.mails) == ({}, 1, {})
    assert isinstance(outcome, Passed)
    assert outcome.summary == "a one-time password logs in, mail arrives, and logging out ends the session"
    assert states(outcome.findings) == WHOLE


def test_a_mail_that_is_refused_fails(app: Path) -> None:
    with supabase_auth("email") as standin, mailpit() as box:
        standin.fail("/auth/v1/otp", refusal(500, "unexpected_failure", "Error sending magic link email"))
        outcome = judged(app, standin, Settings(auth=AuthSettings(mailpit=box.url)))
        assert standin.users == {}
    assert isinstance(outcome, Failed)
    assert states(outcome.findings) == {"login": "NOT SENT"}
    assert "Error sending magic link email" in outcome.summary


# -- what is not as it should be


def off(path: str, answer: Canned | int, message: str = "") -> Callable[[SupabaseAuth], None]:
    return lambda standin: standin.fail(f"/auth/v1{path}", answer, message=message)


def switched(**changes: object) -> Callable[[SupabaseAuth], None]:
    return lambda standin: vars(standin).update(changes)


def refusal(status: int, code: str, message: str) -> Canned:
    return Canned(status, {"code": status, "error_code": code, "msg": message})


BROKEN = {
    "the list": (off("/admin/users", 500), "NO USERS", "does not list the users"),
    "the code": (off("/admin/generate_link", 500), "NO CODE", "no one-time password can be made"),
    "the code, 200": (off("/admin/generate_link", Canned(200, {})), "NO CODE", "no one-time password can be made"),
    "the sign-in": (
        off("/verify", refusal(403, "otp_expired", "Token has expired or is invalid")),
        "NO SIGN-IN",
        "a one-time password of the service itself does not log in: ",
    ),
    "the key": (off("/verify", 401, "Invalid API key"), "KEY REFUSED", "refuses the publishable key (401"),
    "the page": (off("/verify", HTML), "WEB PAGE", "a web page answers at"),
    "the session": (off("/user", refusal(403, "bad_jwt", "invalid JWT")), "NO SESSION", "the session does not hold: "),
    "the user": (switched(other=True), "OTHER USER", "names another user"),
    "the signing key": (switched(published=False), "BAD TOKEN", "its key is not among the published ones"),
    "the sign-out": (off("/logout", 500), "NO SIGN-OUT", "logging out fails: "),
    "the end": (switched(ends=False), "STILL SIGNED IN", "the session is still good after logging out"),
    "the redirect": (off("/verify", Canned(302, "", {"Location": "/login"})), "REDIRECTS", "redirects to"),
}


@pytest.mark.parametrize(("breaking", "state", "said"), BROKEN.values(), ids=BROKEN)
def test_each_step_that_breaks_is_told_and_the_user_is_gone(
    app: Path, breaking: Callable[[SupabaseAuth], None], state: str, said: str
) -> None:
    with supabase_auth("email") as standin:
        breaking(standin)
        outcome = judged(app, standin)
        assert standin.users == {}
    assert isinstance(outcome, Failed)
    assert said in outcome.summary
    assert states(outcome.findings)["login"] == state
    assert outcome.remedy


def test_a_trigger_that_breaks_sign_ups_is_named(app: Path) -> None:
    with supabase_auth("email") as standin:
        # The list answers, and only making the user fails.
        standin.fail("/auth/v1/admin/users", Canned(200, {"users": [], "aud": "authenticated"}), times=1)
        standin.fail("/auth/v1/admin/users", refusal(500, "unexpected_failure", "Database error creating new user"))
        outcome = judged(app, standin)
    assert isinstance(outcome, Failed)
    assert states(outcome.findings) == {"login": "NO USER"}
    assert "Database error creating new user" in outcome.summary
    assert "a trigger on auth.users" in outcome.remedy


def test_a_limit_leaves_it_open(app: Path) -> None:
    with supabase_auth("email") as standin:
        standin.fail("/auth/v1/verify", Canned(429, {"msg": "slow down"}, {"Retry-After": "7"}))
        outcome = judged(app, standin)
        assert standin.users == {}
    assert isinstance(outcome, Undecided)
    assert outcome.remedy == "wait 7 seconds, then run again"


def test_a_wrong_secret_key_is_named_and_does_not_show(app: Path) -> None:
    wrong = "sb_secret_of_another_project"
    with supabase_auth("email") as standin:
        outcome = judged(app, standin, secret=wrong)
    assert isinstance(outcome, Failed)
    assert states(outcome.findings) == {"login": "SECRET REFUSED"}
    assert f"refuses the key of {SECRET} (401" in outcome.summary
    assert wrong not in repr(outcome)


def test_a_user_that_stays_is_told(app: Path) -> None:
    with supabase_auth("email") as standin:
        standin.keeps = True
        outcome = judged(app, standin)
    assert isinstance(outcome, Failed)
    assert states(outcome.findings)["login"] == "NOT REMOVED"


def test_only_what_a_killed_run_left_is_removed(app: Path) -> None:
    with supabase_auth("email") as standin:
        old = datetime.now(UTC) - timedelta(minutes=20)
        standin.add(new_address(), created=old)
        kept = [standin.add(new_address()), standin.add("infracheck+me@example.com", created=old)]
        outcome = judged(app, standin)
        assert list(standin.users.values()) == kept
    assert isinstance(outcome, Passed)
    assert states(outcome.findings) == {"earlier runs": "REMOVED", **WHOLE}


def test_a_silent_service_leaves_it_open(app: Path) -> None:
    with listening(silent) as port:
        values = {URL: f"http://127.0.0.1:{port}", KEY: "sb_publishable_x1", SECRET: "sb_secret_x1"}
        outcome = outcome_of(app, values, Settings(auth=AuthSettings(timeout=0.3)))
    assert isinstance(outcome, Undecided)
    assert "gave no complete answer within 0.3 s" in outcome.reason


@contextmanager
def slow(standin: SupabaseAuth, wanted: str) -> Iterator[Event]:
    """Let what is asked of this path hang until the test has ended; the event tells that it was asked for."""
    asked, ended = Event(), Event()
    own = standin.answer

    def answer(path: str, *args: Any, **kwargs: Any) -> Canned:
        if path.startswith(wanted):
            standin.requests.append(path)
            asked.set()
            ended.wait(20)
        return own(path, *args, **kwargs)

    standin.answer = answer  # type: ignore[method-assign]
    try:
        yield asked
    finally:
        ended.set()


# -- sessions for the checks that come later


def test_two_users_stay_signed_in_until_the_end_of_the_run(app: Path) -> None:
    with supabase_auth("email") as standin:
        standin.add("somebody@example.com")
        with context_of(app, values_of(standin)) as ctx:
            assert isinstance(judge(auth_otp_login, ctx), Passed)
            assert len(standin.users) == 1
            user, other = ctx.login.user, ctx.login.other
            assert (ctx.login.user, ctx.login.other) == (user, other)
            assert user.email != other.email
            assert {user.user_id, other.user_id} < set(standin.users)
            assert [standin.sessions[one.bearer] for one in (user, other)] == [user.user_id, other.user_id]
            found = [session_in(one.cookie, standin.url) for one in (user, other)]
            assert [one["session"]["access_token"] for one in found] == [user.bearer, other.bearer]
            assert [one["written"] for one in found] == [[], []]
            shown = ctx.scrub(f"{user.cookie} {user.bearer} {found[0]['session']['refresh_token']}")
            assert user.bearer not in shown
            assert user.cookie.partition("=")[2] not in shown
            assert found[0]["session"]["refresh_token"] not in shown
        assert [one["email"] for one in standin.users.values()] == ["somebody@example.com"]


def test_a_long_profile_makes_several_cookies_that_a_page_reads(app: Path) -> None:
    with supabase_auth("email") as standin:
        standin.profile = {"about": "ü" * 3000}
        with context_of(app, values_of(standin)) as ctx:
            user = ctx.login.user
            assert len(user.cookie.split("; ")) > 1
            assert session_in(user.headers["Cookie"], standin.url)["session"]["access_token"] == user.bearer
        assert standin.users == {}


def test_sessions_need_no_mail(app: Path) -> None:
    with supabase_auth("email") as standin, mailpit() as box:
        standin.box = box
        with context_of(app, values_of(standin), Settings(auth=AuthSettings(mailpit=box.url))) as ctx:
            assert ctx.login.user.bearer
        assert (standin.users, box.received) == ({}, 0)


def test_the_first_session_removes_what_a_killed_run_left(app: Path) -> None:
    with supabase_auth("email") as standin:
        standin.add(new_address(), created=datetime.now(UTC) - timedelta(minutes=20))
        going_on = standin.add(new_address())
        with context_of(app, values_of(standin)) as ctx:
            ours = [ctx.login.user.user_id, ctx.login.other.user_id]
            assert list(standin.users) == [going_on["id"], *ours]
            outcome = judge(auth_otp_login, ctx)
            assert isinstance(outcome, Passed)
            assert states(outcome.findings)["earlier runs"] == "REMOVED"
        assert list(standin.users) == [going_on["id"]]


def test_a_session_that_does_not_come_about_leaves_no_user(app: Path) -> None:
    with supabase_auth("email") as standin:
        standin.fail("/auth/v1/verify", refusal(500, "unexpected_failure", "hook"), times=1)
        with context_of(app, values_of(standin)) as ctx:
            with pytest.raises(NoLogin, match="does not log in"):
                _ = ctx.login.user
            assert standin.users == {}
            assert ctx.login.user.bearer  # the service has come to its senses
        assert standin.users == {}


def test_a_user_that_cannot_be_removed_at_the_end_does_not_hold_up_the_other(app: Path) -> None:
    with supabase_auth("email") as standin:
        with context_of(app, values_of(standin)) as ctx:
            user, other = ctx.login.user, ctx.login.other
            standin.fail(f"/auth/v1/admin/users/{user.user_id}", 500)
        assert list(standin.users) == [user.user_id]
        assert other.user_id not in standin.users


def test_the_end_of_the_run_does_not_wait_for_each_user_of_a_service_that_is_gone(app: Path) -> None:
    quick = Settings(auth=AuthSettings(timeout=1))
    with supabase_auth("email") as standin, context_of(app, values_of(standin), quick) as ctx:
        assert ctx.login.user != ctx.login.other
        before = len(standin.requests)
        with slow(standin, "/auth/v1/admin/users/"):
            ctx.close()
            assert len(standin.requests) == before + 1


def test_no_session_where_nothing_may_be_written(app: Path) -> None:
    with context_of(app, {URL: "https://abc.invalid", KEY: "sb_publishable_x1", SECRET: "sb_secret_x1"}) as ctx:
        with pytest.raises(Unclear, match="nothing was written"):
            _ = ctx.login
        assert ctx.opened("http") is None


def test_no_session_without_a_secret_key(app: Path) -> None:
    ctx = context_of(app, {URL: "http://localhost:1", KEY: "sb_publishable_x1"})
    with ctx, pytest.raises(Unclear, match="nobody can be logged in: no SUPABASE_SECRET_KEY") as caught:
        _ = ctx.login
    assert caught.value.remedy.startswith("add SUPABASE_SECRET_KEY to the env file")


def test_no_session_in_an_app_without_auth(app: Path) -> None:
    with make_context(write(app, package__json="{}")) as ctx, pytest.raises(Unclear, match="the app has no auth"):
        _ = ctx.login


def test_the_end_of_the_run_removes_the_user_of_a_login_under_way(app: Path) -> None:
    with supabase_auth("email") as standin, slow(standin, "/auth/v1/verify") as asked, ThreadPoolExecutor() as pool:
        with context_of(app, values_of(standin)) as ctx:
            outcome = pool.submit(judge, auth_otp_login, ctx)
            assert asked.wait(20)
            assert len(standin.users) == 1
        assert standin.users == {}
        assert isinstance(outcome.result(20), Blocked | Undecided | Failed)


# -- whether it is asked at all


def test_without_a_secret_key_it_is_skipped(app: Path) -> None:
    outcome = outcome_of(app, {URL: "https://abc.supabase.co", KEY: "sb_publishable_x1"})
    assert isinstance(outcome, Skipped)
    assert outcome.reason.startswith("no SUPABASE_SECRET_KEY: ")


def test_an_empty_secret_key_is_of_the_env_family(app: Path) -> None:
    outcome = outcome_of(app, {URL: "http://localhost:1", KEY: "sb_publishable_x1", SECRET: ""})
    assert isinstance(outcome, Blocked)


def test_a_project_of_elsewhere_is_not_written_to_unless_that_is_declared(app: Path) -> None:
    values = {URL: "https://abc.invalid", KEY: "sb_publishable_x1", SECRET: "sb_secret_x1"}
    outcome = outcome_of(app, values)
    assert isinstance(outcome, Undecided)
    assert (
        outcome.reason == "the Supabase project at https://abc.invalid may hold users that matter: nothing was written"
    )
    assert "`[app] disposable = true`" in str(outcome.remedy)
    declared = outcome_of(app, values, Settings(app=AppSettings(disposable=True), auth=AuthSettings(timeout=5)))
    assert isinstance(declared, Undecided | Failed)
    assert "nothing was written" not in repr(declared)
