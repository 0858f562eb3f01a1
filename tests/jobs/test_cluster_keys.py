"""The embedded cluster takes no orders without its keys, and a foreign one is spoken to with those that are named."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from distributed import Client, Security, SpecCluster

from explorer.errors import InputError
from explorer.jobs.cluster import start_cluster
from explorer.jobs.cluster_keys import foreign_keys, is_open_to_all, make_keys
from explorer.settings import Settings
from tests.jobs.waiting import wait_for


@pytest.fixture(scope="module")
def cluster() -> Iterator[SpecCluster]:
    started = start_cluster(Settings())
    try:
        yield started
    finally:
        started.close()


def ports(cluster: SpecCluster) -> list[int]:
    """At which the processes of the cluster listen."""
    found = {cluster.scheduler.process.pid, *(worker.process.pid for worker in cluster.workers.values())}
    processes = [each for pid in found for each in (psutil.Process(pid), *psutil.Process(pid).children(recursive=True))]
    return [
        connection.laddr.port
        for process in processes
        for connection in process.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    ]


@pytest.mark.parametrize(
    ("keys", "said"),
    [(Security.temporary(), "certificate does not match"), (Security(), "reset by peer|Timed out")],
    ids=["keys of another cluster", "no keys"],
)
def test_a_client_without_the_keys_is_refused(cluster: SpecCluster, keys: Security, said: str) -> None:
    address = cluster.scheduler_address
    if keys.tls_client_cert is None:
        address = address.replace("tls://", "tcp://")
    with pytest.raises(OSError, match=said):
        Client(address, security=keys, timeout=2, set_as_default=False)


def test_a_client_with_the_keys_is_served(cluster: SpecCluster) -> None:
    with Client(cluster, timeout=8, set_as_default=False) as client:
        assert client.submit(sum, [1, 2], resources={"train": 1}).result(timeout=60) == 3


def test_no_process_answers_without_tls(cluster: SpecCluster) -> None:
    wait_for(lambda: len(cluster.scheduler_info["workers"]) == 5)
    listening = ports(cluster)
    assert len(listening) == 11, "the scheduler, and five workers with their nannies: no pages"
    for port in listening:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(b"GET /health HTTP/1.0\r\n\r\n")
            try:
                answer = connection.recv(64)
            except ConnectionResetError:
                answer = b""
        assert b"HTTP" not in answer


def test_its_files_are_open_to_this_user_alone_and_go_with_it() -> None:
    started = start_cluster(Settings())
    folder = Path(str(started.security.tls_client_key)).parent
    try:
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert stat.S_IMODE((folder / "key.pem").stat().st_mode) == 0o600
        assert (folder / "scheduler.json").is_file(), "the scheduler's address is in the same folder"
        named = [name for name, value in os.environ.items() if str(folder) in value]
        assert not named, "other processes of this server, and later clusters, have nothing to do with it"
    finally:
        started.close()
    del started
    wait_for(lambda: not folder.exists(), 10)


def of_files(folder: Path, **changed: Path | None) -> Settings:
    names = {"tls_ca_file": "certificate.pem", "tls_cert_file": "certificate.pem", "tls_key_file": "key.pem"}
    files = {name: folder / file for name, file in names.items()} | changed
    return Settings(scheduler="tls://127.0.0.1:9", **files)  # type: ignore[arg-type]


def test_keys_for_a_foreign_cluster_are_those_of_the_settings(tmp_path: Path) -> None:
    made = make_keys(tmp_path)
    found = foreign_keys(of_files(tmp_path))
    assert (found.require_encryption, found.tls_client_key) == (True, made["tls_client_key"])


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"tls_key_file": None}, "EXPLORER_TLS_KEY_FILE: it is not set"),
        ({"tls_key_file": Path("nowhere")}, "cannot be used .*No such file"),
        ({"tls_key_file": Path(__file__)}, "cannot be used"),
        (dict.fromkeys(("tls_ca_file", "tls_cert_file", "tls_key_file")), "no keys are named.*EXPLORER_TLS_CA_FILE"),
    ],
)
def test_keys_that_cannot_be_used_are_named(tmp_path: Path, changed: dict[str, Path | None], said: str) -> None:
    make_keys(tmp_path)
    with pytest.raises(InputError, match=said):
        foreign_keys(of_files(tmp_path, **changed))


def test_a_foreign_cluster_without_tls_is_open_to_all() -> None:
    addresses = {None: False, "tls://10.0.0.1:8786": False, "tcp://10.0.0.1:8786": True}
    assert {address: is_open_to_all(Settings(scheduler=address)) for address in addresses} == addresses
