"""What is wrong with a declared flow is said with its line, before anything runs."""

from pathlib import Path

import pytest

from infracheck.config import load
from infracheck.errors import UsageError
from tests.checks.flow_app import HEAD, one_step

# -- what is wrong with a declaration


MISTAKES = [
    (one_step(request="'GET /x'", sql="'select 1'"), "infracheck.toml:9: a step has a request or sql, one of both"),
    (one_step(request="'FETCH /x'"), "infracheck.toml:10: there is no method FETCH"),
    (one_step(request="'/x'"), "infracheck.toml:10: a request is a method and a path"),
    (one_step(request="'GET /x'", expect="{ json = { '$.[' = 1 } }"), "infracheck.toml:11: `$.[` is no JSONPath"),
    (one_step(request="'GET /{note}'"), "infracheck.toml:10: {note} has no value here"),
    (one_step(request="'GET /x'", expect="{ rows = [] }"), "infracheck.toml:11: `rows` is for sql steps"),
    (one_step(sql="'selct 1'"), "infracheck.toml:10: this is no SQL: syntax error"),
    (one_step(sql="'select 1; select 2'"), "infracheck.toml:10: an sql step is one statement"),
    (one_step(sql="'select 1'", headers="{ a = 'b' }"), "infracheck.toml:11: `headers` is for request steps"),
    (one_step(request="'GET /x'", as_="'admin'"), "infracheck.toml:11: there is no setting `flow.0.step.0.as_`"),
    (one_step(request="'GET /x'", **{"as": "'admin'"}), "infracheck.toml:11: `flow.0.step.0.as`: input should be"),
    (one_step(reqest="'GET /x'"), "infracheck.toml:10: there is no setting `flow.0.step.0.reqest`; did you mean `req"),
    (one_step(request="'GET /x'", expect="{ json = { '$' = { exist = 1 } } }"), "infracheck.toml:11: there is no test"),
    ("[[flow]]\nname = 'Core Flow'\ncommand = 'x'\n", "infracheck.toml:7: a name is made of lower-case letters"),
    ("[[flow]]\nname = 'core'\n", "infracheck.toml:7: a flow has steps ([[flow.step]]) or a command"),
    (2 * "[[flow]]\nname = 'a'\ncommand = 'x'\n", "infracheck.toml:10: two flows are named a"),
]


@pytest.mark.parametrize(("flow", "message"), MISTAKES)
def test_a_mistake_is_named_with_its_line(app: Path, flow: str, message: str) -> None:
    (app / "infracheck.toml").write_text(HEAD + flow, encoding="utf-8")
    with pytest.raises(UsageError) as raised:
        load(app)
    assert str(raised.value).startswith(message)


def test_flows_may_stand_in_a_file_of_their_own(app: Path) -> None:
    (app / "flow.toml").write_text(one_step(request="'GET /x'"), encoding="utf-8")
    loaded = load(app)
    assert [flow.name for flow in loaded.settings.flow] == ["core"]
    assert loaded.flows["core"].step == ("flow.toml:4",)
    (app / "infracheck.toml").write_text(one_step(request="'GET /x'"), encoding="utf-8")
    with pytest.raises(UsageError, match="both declare the flow core"):
        load(app)
    (app / "flow.toml").write_text("[[flow]]\nname = 'x'\n[[flow.stp]]\n", encoding="utf-8")
    (app / "infracheck.toml").unlink()
    with pytest.raises(UsageError, match=r"flow\.toml:3: there is no setting `flow\.0\.stp`; did you mean `step`\?"):
        load(app)
