from __future__ import annotations

from contextlib import chdir
from pathlib import Path

import pytest

from penstock.config.settings import Settings, load_settings
from penstock.errors import ConfigError
from penstock.model.campaign import Controller, Stream


def written(folder: Path, text: str) -> Path:
    path = folder / "config.toml"
    path.write_text(text)
    return path


def refused(folder: Path, text: str, environ: dict[str, str] | None = None) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load_settings(written(folder, text), environ or {})
    return caught.value


CONTROLLER = """
[controllers.nordlicht]
legal_name = "Nordlicht Software AB"
address = "Storgatan 1, 111 22 Stockholm, Sweden"
country = "SE"
storage_locations = ["EU"]
"""


def test_without_a_file_the_built_in_defaults_hold(tmp_path: Path) -> None:
    with chdir(tmp_path):
        settings = load_settings(None, {})
        url = settings.store_url()
    assert url == f"sqlite:///{tmp_path}/penstock.db"
    assert settings.adapters["main"].url == "file:outbox"
    assert settings.routes == {"default": "main"}
    assert settings.base == Path()


def test_the_config_in_the_current_folder_is_found(tmp_path: Path) -> None:
    written(tmp_path, '[web]\nlisten = "127.0.0.1:1"\n')
    with chdir(tmp_path):
        assert load_settings(None, {}).web.listen == "127.0.0.1:1"


def test_the_argument_wins_over_the_variable_and_the_variable_over_the_current_folder(
    tmp_path: Path,
) -> None:
    named = tmp_path / "named.toml"
    named.write_text('[web]\nlisten = "127.0.0.1:2"\n')
    here = written(tmp_path, '[web]\nlisten = "127.0.0.1:1"\n')
    environ = {"PENSTOCK_CONFIG": str(named)}
    with chdir(tmp_path):
        assert load_settings(None, environ).web.listen == "127.0.0.1:2"
        assert load_settings(here, environ).web.listen == "127.0.0.1:1"


def test_a_file_that_is_named_must_exist(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        load_settings(tmp_path / "none.toml", {})
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load_settings(None, {"PENSTOCK_CONFIG": str(tmp_path)})


def test_a_file_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(b"# caf\xe9\n")
    with pytest.raises(ConfigError, match="octet 5 is not UTF-8"):
        load_settings(path, {})


def test_relative_paths_start_at_the_folder_of_the_file(tmp_path: Path) -> None:
    settings = load_settings(written(tmp_path, '[keys]\nfolder = "secret"\n'), {})
    assert settings.keys_folder == tmp_path / "secret"
    assert settings.store_url() == f"sqlite:///{tmp_path}/penstock.db"
    assert settings.path("/etc/x") == Path("/etc/x")
    assert load_settings(written(tmp_path, '[store]\nurl = "sqlite://:memory:"'), {}).store_url() == "sqlite://:memory:"


def test_both_ways_to_write_a_store_in_memory_mean_the_same() -> None:
    for url in ("sqlite://:memory:", "sqlite:///:memory:"):
        assert load_settings({"store": {"url": url}}, {}).store_url() == "sqlite://:memory:"
    assert load_settings({"store": {"url": "sqlite:////var/p.db"}}, {}).store_url() == "sqlite:////var/p.db"


def test_tables_may_be_given_instead_of_a_file() -> None:
    settings = load_settings({"web": {"listen": "127.0.0.1:5"}}, {"PENSTOCK__CLOCK__STRICT": "true"})
    assert (settings.web.listen, settings.clock.strict, settings.base) == ("127.0.0.1:5", True, Path())
    with pytest.raises(ConfigError) as caught:
        load_settings({"web": {"listn": "127.0.0.1:5"}}, {})
    assert caught.value.where == "settings web.listn"


def test_a_controller_is_known_by_the_name_of_its_table(tmp_path: Path) -> None:
    found = load_settings(written(tmp_path, CONTROLLER), {}).controller_objects()
    assert found == {
        "nordlicht": Controller(
            id="nordlicht",
            legal_name="Nordlicht Software AB",
            address="Storgatan 1, 111 22 Stockholm, Sweden",
            country="SE",
            storage_locations=("EU",),
        )
    }


def test_a_stage_keeps_its_own_options(tmp_path: Path) -> None:
    text = '[[stage]]\nuse = "suppression"\n[[stage]]\nuse = "frequency_cap"\nperson = ["1/7d"]\n'
    settings = load_settings(written(tmp_path, text), {})
    assert [(each.use, each.options()) for each in settings.stage] == [
        ("suppression", {}),
        ("frequency_cap", {"person": ["1/7d"]}),
    ]
    assert settings.where("stage", 1, "person") == f"{tmp_path}/config.toml:5 stage[1].person"


def test_environment_wins_over_the_file_key_by_key(tmp_path: Path) -> None:
    text = '[adapters.main]\nurl = "file:a"\nrate = ["1/s"]\n[registers.ECG]\nfile = "ecg.csv"\n'
    environ = {
        "PENSTOCK__ADAPTERS__MAIN__URL": "file:b",
        "penstock__registers__ecg__file": "other.csv",
        "Penstock__Policy__Minor_Under": "21",
        "PENSTOCK__CLOCK__STRICT": "true",
        "PENSTOCK__ADAPTERS__MAIN__PASSWORD": "env:PW",
        "PW": "hunter2",
        "PENSTOCK__RELAY__NETWORKS": '["10.0.0.0/8"]',
        "PENSTOCK_NOW": "2026-11-21T00:00:00Z",
        "HOME": "/root",
    }
    settings = load_settings(written(tmp_path, text), environ)
    assert (settings.adapters["main"].url, settings.adapters["main"].rate) == ("file:b", ("1/s",))
    assert settings.adapters["main"].password.reveal() == "hunter2"
    assert settings.registers["ECG"].file == "other.csv"
    assert (settings.policy.minor_under, settings.clock.strict) == (21, True)
    assert settings.relay.networks == ("10.0.0.0/8",)
    assert settings.where("adapters", "main", "url") == "PENSTOCK__ADAPTERS__MAIN__URL"


def test_lists_and_tables_come_as_toml_or_json(tmp_path: Path) -> None:
    environ = {
        "PENSTOCK__STAGE": '[{"use": "suppression", "x": null}]',
        "PENSTOCK__WEB": '{listen = "127.0.0.1:9"}',
    }
    settings = load_settings(written(tmp_path, ""), environ)
    assert settings.stage[0].use == "suppression"
    assert settings.web.listen == "127.0.0.1:9"


@pytest.mark.parametrize(
    ("name", "value", "what"),
    [
        ("PENSTOCK__WEB__LISTN", "x", "no such key (did you mean PENSTOCK__WEB__LISTEN?)"),
        ("PENSTOCK__ROUTES__PROSPECTIN", "x", "no such key (did you mean PENSTOCK__ROUTES__PROSPECTING?)"),
        ("PENSTOCK__", "x", "no such key"),
        ("PENSTOCK__ADAPTERS____URL", "x", "no such key"),
        ("PENSTOCK__WEB__LISTEN__X", "x", "no such key"),
        ("PENSTOCK__POLICY__MINOR_UNDER", "young", "expected a whole number"),
        ("PENSTOCK__RELAY__NETWORKS", "10.0.0.0/8", "expected a list or table as TOML or JSON"),
        ("PENSTOCK__RELAY__NETWORKS", "[]\nx = 1", "expected a list or table as TOML or JSON"),
        ("PENSTOCK__SAFETY__REDIRECT_ALL_TO", "me", "no e-mail address"),
        ("PENSTOCK__SAFETY__ALLOW_RECIPIENTS", '["a@", "firm.example"]', "neither an address nor a domain"),
    ],
)
def test_a_variable_that_cannot_be_used_is_named(tmp_path: Path, name: str, value: str, what: str) -> None:
    error = refused(tmp_path, "", {name: value})
    assert error.where == name
    assert what in str(error)


def test_a_key_set_twice_by_variables_is_refused(tmp_path: Path) -> None:
    error = refused(tmp_path, "", {"PENSTOCK__WEB__LISTEN": "a:1", "penstock__web__listen": "a:2"})
    assert "the same key as" in error.what


def test_a_variable_for_a_key_refines_the_one_for_its_section(tmp_path: Path) -> None:
    environ = {
        "penstock__web": '{listen = "127.0.0.1:2"}',
        "PENSTOCK__WEB__BASE_URL": "https://mail.nordlicht.example/",
    }
    web = load_settings(written(tmp_path, ""), environ).web
    assert (web.listen, web.base_url) == ("127.0.0.1:2", "https://mail.nordlicht.example")
    assert refused(tmp_path, "", {"PENSTOCK__WEB": "[]", "PENSTOCK__WEB__LISTEN": "127.0.0.1:2"}).what


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ("[web]\n\nbase_ur = 'x'\n", ":3 web.base_ur", "unknown key 'base_ur' (did you mean 'base_url'?)"),
        ("[[stage]]\nuse='a'\n[[stage]]\nus='b'\n", ":3 stage[1].use", "the key 'use' is missing"),
        ("stor = 1\n", ":1 stor", "did you mean 'store'?"),
        ("[routes]\nprospectin = 'main'\n", ":2 routes.prospectin", "did you mean 'prospecting'?"),
        ("[controllers.a]\nlegal_nam = 'x'\n", ":2 controllers.a.legal_nam", "did you mean 'legal_name'?"),
        (
            "[suppliers.a]\nstatus = 'aproved'\n",
            ":2 suppliers.a.status",
            "expected one of approved, probation, banned",
        ),
        ("[adapters.main]\nurl = 1\n", ":2 adapters.main.url", "expected text in quotes"),
        ("[adapters.main]\nurl='file:a'\nrate=['5/x']\n", ":3 adapters.main.rate[0]", "such as 5/30d"),
        ("[adapters.'a/b']\nurl='file:a'\n", ":1 adapters.a/b", "expected a name"),
        ("[policy]\nminor_under = 0\n", ":2 policy.minor_under", "must be at least 1"),
        ("[web]\nbase_url = 'http://mail.nordlicht.example'\n", ":2 web.base_url", "https"),
        ("[web]\nlisten = 'here'\n", ":2 web.listen", "HOST:PORT"),
        ("[registers.x]\nfile='a'\nfetched_at=20261115\n", ":3 registers.x.fetched_at", "expected a date"),
        ("[inbound]\nreply_domain = 'not a domain'\n", ":2 inbound.reply_domain", "expected a domain name"),
        ("web = 3\n", ":1 web", "expected a table"),
        ("[web\n", ":1", "not TOML"),
        ("a = 1\na = 2\n", ":2", "not TOML"),
        ("[routes]\ndefault = 'mian'\n", ":2 routes.default", "names no adapter (did you mean 'main'?)"),
        ("[adapters.second]\nurl='file:a'\n", " routes.default", "names no adapter"),
        (
            "[[sender]]\ndomain='nordlicht.example'\ncontrollers=['x']\n",
            ":3 sender[0].controllers",
            "no controller",
        ),
        ("[queue]\nurl='store'\n", ":2 queue.url", "no queue address"),
        ("[store]\nurl='penstock.db'\n", ":2 store.url", "no store address"),
        ("[adapters.main]\nurl='outbox'\n", ":2 adapters.main.url", "no adapter address"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, text: str, where: str, what: str) -> None:
    error = refused(tmp_path, text)
    assert error.where == f"{tmp_path}/config.toml{where}"
    assert what in str(error)


@pytest.mark.parametrize(
    "text",
    [
        "[queue]\nurl = 'nats://127.0.0.1:4222'\n",
        "[store]\nurl = 'postgresql://user@127.0.0.1/db'\n",
    ],
)
def test_what_this_version_does_not_do_is_refused_not_ignored(tmp_path: Path, text: str) -> None:
    error = refused(tmp_path, text)
    assert "not in this version" in error.what


def test_two_controllers_cannot_share_a_legal_name(tmp_path: Path) -> None:
    error = refused(tmp_path, CONTROLLER + CONTROLLER.replace(".nordlicht]", ".second]").replace("AB", "ab"))
    assert "the controller 'nordlicht' has the same legal name" in error.what


def test_a_wrong_secret_is_not_shown(tmp_path: Path) -> None:
    error = refused(tmp_path, "[adapters.main]\nurl = 'file:a'\npassword = 12345\n")
    assert "12345" not in str(error)


def test_every_supplier_may_have_a_file_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "suppliers").mkdir()
    (tmp_path / "suppliers" / "atlas.toml").write_text('name = "Atlas"\nstatus = "probation"\n')
    settings = load_settings(written(tmp_path, '[suppliers.atlas]\nstatus = "approved"\n'), {})
    assert (settings.suppliers["atlas"].name, settings.suppliers["atlas"].status) == ("Atlas", "approved")
    (tmp_path / "suppliers" / "atlas.toml").write_text('name = "Atlas"\nstat = "probation"\n')
    error = refused(tmp_path, "")
    assert error.where == f"{tmp_path}/suppliers/atlas.toml:2 stat"


def test_routes_per_stream_keep_the_default(tmp_path: Path) -> None:
    text = '[adapters.main]\nurl="file:a"\n[adapters.second]\nurl="file:b"\n[routes]\nprospecting="second"\n'
    settings = load_settings(written(tmp_path, text), {})
    assert settings.routes == {"default": "main", "prospecting": "second"}
    assert {stream.value for stream in Stream} | {"default"} == set(_route_names())


def _route_names() -> tuple[str, ...]:
    from penstock.config.shape import below, keys_of

    return keys_of(below(Settings, "routes"))


def test_the_brakes_are_as_the_house_obeys_them(tmp_path: Path) -> None:
    allow = "['Anna.Berg@Firm.example', '@Other.example', 'bücher.example', 'bo@bücher.example']"
    brakes = load_settings(written(tmp_path, f"[safety]\nallow_recipients = {allow}\ndaily_ceiling = 7\n"), {}).brakes()
    assert brakes.allow == (
        "anna.berg@firm.example",
        "other.example",
        "xn--bcher-kva.example",
        "bo@xn--bcher-kva.example",
    )
    assert (brakes.redirect_to, brakes.daily_ceiling, brakes.four_eyes) == ("", 7, False)
    assert brakes.allows("x@xn--bcher-kva.example")
    assert not brakes.allows("x@sub.other.example")


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ("redirect_all_to = 'nobody'", ":2 safety.redirect_all_to", "no e-mail address"),
        ("allow_recipients = ['a.example', 'b c']", ":2 safety.allow_recipients[1]", "neither an address nor a domain"),
        ("daily_ceiling = -1", ":2 safety.daily_ceiling", "at least 0"),
        ("four_eye = true", ":2 safety.four_eye", "did you mean 'four_eyes'?"),
    ],
)
def test_a_brake_that_cannot_be_understood_is_refused(tmp_path: Path, text: str, where: str, what: str) -> None:
    error = refused(tmp_path, f"[safety]\n{text}\n")
    assert error.where == f"{tmp_path}/config.toml{where}"
    assert what in str(error)
