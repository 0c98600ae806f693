"""The sample app of the demo: a folder that goes away, files that agree, and services that answer as the real ones."""

import os
import re
import secrets
import time
from itertools import pairwise
from pathlib import Path

import pytest

from infracheck.clients.process import Supervised
from infracheck.clients.tempfolder import TemporaryFolder
from infracheck.demo.sample import Sample, local_values
from infracheck.errors import ClientError


def test_without_a_place_for_temporary_files_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Root may write everywhere, so the cleaner is made to fail another way.
    monkeypatch.setattr("infracheck.clients.tempfolder.CLEANER", tmp_path / "none.py")
    with pytest.raises(ClientError, match="no temporary folder") as caught:
        TemporaryFolder("t-")
    assert "TMPDIR" in str(caught.value.remedy)


def test_a_temporary_folder_is_private_and_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with TemporaryFolder("t-") as folder:
        assert folder.path.parent == tmp_path.resolve()
        assert folder.path.stat().st_mode & 0o077 == 0
        (folder.path / "private").mkdir()
        (folder.path / "private" / "file").write_text("x")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def sample(tmp_path: Path) -> Sample:
    """A sample app that needs no database yet."""
    made = Sample(tmp_path / "notes", {"PATH": os.defpath})
    made.fill({**local_values("postgresql://none@127.0.0.1:1/none"), "NOTES_SECRET": secrets.token_hex(8)})
    return made


def test_every_variable_that_is_not_optional_gets_a_value(sample: Sample) -> None:
    lines = (sample.folder / ".env.local.example").read_text().splitlines()
    names = {line.partition("=")[0]: above for above, line in pairwise(lines) if re.match("[A-Z]", line)}
    unfilled = [name for name in names if not sample.value(name)]
    assert unfilled == ["RESEND_API_KEY"]
    assert names["RESEND_API_KEY"].startswith("# Optional")
    assert len(names) == 9


def test_the_auth_service_logs_in_by_one_time_password(sample: Sample) -> None:
    import httpx

    base = sample.value("NEON_AUTH_BASE_URL")
    origin = {"Origin": sample.value("NEXT_PUBLIC_APP_URL")}
    email = "probe@infracheck.example"
    with sample.start("auth_service.py", "NEON_AUTH_BASE_URL") as service, httpx.Client(trust_env=False) as client:
        assert client.get(f"{base}/ok").json() == {"ok": True}
        assert client.get(f"{base}/get-session").json() is None
        assert client.get(f"{base}/.well-known/jwks.json").json()["keys"][0]["kty"] == "OKP"
        send = f"{base}/email-otp/send-verification-otp"
        asked = {"email": email, "type": "sign-in"}
        assert client.post(send, json=asked, headers={"Origin": "http://elsewhere.example"}).status_code == 403
        assert client.post(send, json={**asked, "email": "none"}, headers=origin).json()["code"] == "INVALID_EMAIL"
        assert client.post(send, json=asked, headers=origin).json() == {"success": True}
        code = _mailed_code(service)
        sign_in = f"{base}/sign-in/email-otp"
        wrong = client.post(sign_in, json={"email": email, "otp": "none"}, headers=origin)
        assert (wrong.status_code, wrong.json()["code"]) == (400, "INVALID_OTP")
        right = client.post(sign_in, json={"email": email, "otp": code}, headers=origin)
        assert right.json()["user"]["email"] == email
        client.cookies.update(right.cookies)
        assert client.get(f"{base}/get-session").json()["user"]["emailVerified"] is True
        assert client.post(sign_in, json={"email": email, "otp": code}, headers=origin).status_code == 400


def _mailed_code(service: Supervised) -> str:
    """Return the code that the service printed instead of mailing it."""
    deadline = time.monotonic() + 10
    while not (found := re.search(r"your code is (\d{6})", "\n".join(service.output()))):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return found[1]


def test_the_ingest_endpoint_takes_only_its_own_key(sample: Sample) -> None:
    import httpx
    from sentry_sdk.utils import Dsn

    auth = Dsn(sample.value("NEXT_PUBLIC_SENTRY_DSN")).to_auth("test/1")
    event = secrets.token_hex(16)
    body = f'{{"event_id":"{event}"}}\n{{"type":"event"}}\n{{"message":"hello"}}\n'.encode()
    right, wrong = auth.to_header(), "Sentry sentry_key=" + "0" * 32
    with sample.start("ingest.py", "NEXT_PUBLIC_SENTRY_DSN"), httpx.Client(trust_env=False) as client:
        url = auth.get_api_url()
        taken = client.post(url, content=body, headers={"X-Sentry-Auth": right})
        assert (taken.status_code, taken.json()) == (200, {"id": event})
        assert client.post(url, content=body, headers={"X-Sentry-Auth": wrong}).status_code == 403
        assert client.post(url, content=body).status_code == 401
        assert client.post(url, content=b"no envelope", headers={"X-Sentry-Auth": right}).status_code == 400
