"""`tablao tls`: what it writes, and what it says to people."""

import contextlib
import socket
import ssl
import threading
from pathlib import Path

import pytest
import yaml

from manager_api.settings.model import read_settings
from manager_api.tls.authority import AuthorityFiles, certificates_in, fingerprint_of, names_in
from tests.manager.certificates import authority_in, pin_of
from tests.manager.cli.fake_manager import Run


def test_init_makes_all_that_a_start_needs_and_says_how_to_join(run: Run, tmp_path: Path) -> None:
    data_dir = tmp_path / "farm"
    data_dir.mkdir()
    (data_dir / "tablao-manager.yaml").write_text("manager_name: Peña\nlisten: ':8443'\n")

    outcome = run("tls", "init", "--name", "Farm.studio", "--data-dir", str(data_dir))

    files = AuthorityFiles(data_dir / "tls")
    assert outcome.exit_code == 0, outcome.err
    pin = pin_of(files.authority)
    join = f"tablao-worker --manager https://farm.studio:8443 --pin {pin}"
    assert join in outcome.out
    assert pin == fingerprint_of(certificates_in(files.certificate)[1])
    assert {"farm.studio", "localhost", "127.0.0.1"} <= set(
        names_in(certificates_in(files.certificate)[0])
    )
    content = yaml.safe_load((data_dir / "tablao-manager.yaml").read_text())
    assert (content["manager_name"], content["listen"]) == ("Peña", ":8443")
    assert read_settings(data_dir=data_dir).tls_files == (files.certificate, files.key)
    assert sorted(each.name for each in data_dir.iterdir()) == ["tablao-manager.yaml", "tls"]
    assert len(list(files.folder.iterdir())) == 4


def test_renew_and_show_say_the_same_line(run: Run, tmp_path: Path) -> None:
    options = ("--data-dir", str(tmp_path))
    first = run("tls", "init", *options)
    serial = certificates_in(tmp_path / "tls/manager.pem")[0].serial_number

    renewed = run("tls", "renew", "--name", "new.studio", *options)
    shown = run("tls", "show", *options)

    assert certificates_in(tmp_path / "tls/manager.pem")[0].serial_number != serial
    assert renewed.out == shown.out
    assert "new.studio" in shown.out
    assert shown.out.split("--pin")[1] == first.out.split("--pin")[1]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("init", "--name", "*"), "neither the name of a host nor an IP address"),
        (("renew",), "No such file"),
        (("show",), "`tablao tls init` makes one"),
    ],
)
def test_a_refusal_is_a_sentence(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    outcome = run("tls", *arguments, "--data-dir", str(tmp_path / "farm"))

    assert outcome.exit_code == 1
    assert sentence in outcome.err


def test_a_second_init_changes_nothing(run: Run, tmp_path: Path) -> None:
    options = ("--data-dir", str(tmp_path))
    run("tls", "init", *options)
    before = {each: each.read_bytes() for each in (tmp_path / "tls").iterdir()}

    outcome = run("tls", "init", *options)

    assert outcome.exit_code == 1
    assert "tablao tls renew" in outcome.err
    assert {each: each.read_bytes() for each in (tmp_path / "tls").iterdir()} == before


def test_an_address_without_tls_of_a_manager_with_tls_is_a_sentence(
    run: Run, tmp_path: Path
) -> None:
    files = authority_in(tmp_path, "127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            plain, _ = listening.accept()
            with plain, contextlib.suppress(OSError):
                context.wrap_socket(plain, server_side=True)

        server = threading.Thread(target=serve, daemon=True)
        server.start()
        address = f"127.0.0.1:{listening.getsockname()[1]}"
        outcome = run("workers", manager=f"http://{address}")
        server.join(60)

    assert outcome.exit_code == 1
    assert f"If the manager speaks TLS, its address is https://{address}." in outcome.err
