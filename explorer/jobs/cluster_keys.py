"""Who may talk to a cluster: those who hold its keys.

Whoever reaches a Dask scheduler has code run by its workers, and every user of a machine reaches its loopback address.
So the embedded cluster speaks TLS in which both sides show a certificate. It is made when the cluster starts, and lies
with its key in a folder that this user alone can open. A foreign cluster is spoken to with the certificates that
``EXPLORER_TLS_CA_FILE``, ``…_CERT_FILE`` and ``…_KEY_FILE`` name, or those of Dask's own settings.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.errors import InputError
from explorer.settings import Settings

if TYPE_CHECKING:
    from distributed import Security


def make_keys(folder: Path) -> dict[str, Any]:
    """Makes a certificate and its key for all roles of one cluster.

    Args:
        folder: that exists and that no other user can open; both are written into it.

    Returns:
        The arguments of ``distributed.Security``: nobody without the keys is accepted. They name files and can be
        written as JSON.
    """
    from distributed import Security  # here: Home asks ``is_open_to_all``, and must not wait for it

    made = Security.temporary()
    files = {"certificate.pem": made.tls_client_cert, "key.pem": made.tls_client_key}
    for name, content in files.items():
        path = folder / name
        path.touch(mode=0o600)
        path.write_text(content, encoding="ascii")
    certificate, key = (str(folder / name) for name in files)
    return {
        "require_encryption": True,
        "tls_ca_file": certificate,
        **{f"tls_{role}_cert": certificate for role in ("client", "scheduler", "worker")},
        **{f"tls_{role}_key": key for role in ("client", "scheduler", "worker")},
    }


def foreign_keys(settings: Settings) -> Security:
    """The keys for a foreign cluster: those that the settings name, else what Dask's own settings say.

    Raises:
        InputError: some of the three files are not named, one cannot be used, or the cluster wants keys and there are
            none.
    """
    from distributed import Security

    given = {name: getattr(settings, name) for name in ("tls_ca_file", "tls_cert_file", "tls_key_file")}
    missing = [f"EXPLORER_{name.upper()}" for name, path in given.items() if path is None]
    if len(missing) == len(given):
        of_dask, address = Security(), settings.scheduler or ""
        if address.startswith("tls://") and of_dask.tls_client_cert is None:
            raise InputError("the cluster speaks TLS, and no keys are named", address, f"set {_all(missing)}")
        return of_dask
    if missing:
        raise InputError("it is not set, while other files for TLS are", missing[0], "set all three of them, or none")
    try:
        context = ssl.create_default_context(cafile=str(settings.tls_ca_file))
        context.load_cert_chain(str(settings.tls_cert_file), str(settings.tls_key_file))
    except (OSError, ssl.SSLError) as error:
        raise InputError(
            f"the files for TLS cannot be used ({error})",
            _all([str(path) for path in given.values()]),
            "name the cluster's CA, and a certificate and its key that the CA has signed, all in PEM format",
        ) from None
    return Security(
        require_encryption=True,
        tls_ca_file=str(settings.tls_ca_file),
        tls_client_cert=str(settings.tls_cert_file),
        tls_client_key=str(settings.tls_key_file),
    )


def is_open_to_all(settings: Settings) -> bool:
    """Whether a cluster is named that asks for no keys: whoever reaches its address has code run by its workers."""
    return settings.scheduler is not None and not settings.scheduler.startswith("tls://")


def _all(names: list[str]) -> str:
    return ", ".join(names[:-1]) + f" and {names[-1]}"
