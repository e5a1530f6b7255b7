import os
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from hw4lib import _engine

# The same examples each time, so that a test fails for its author and not for the next
# reader; no deadline, since a busy machine is no fault of the code.
settings.register_profile("hw4lib", deadline=None, derandomize=True)
settings.load_profile("hw4lib")


@pytest.fixture
def rng():
    return np.random.default_rng(20241105)


# --- loops that Numba compiles --------------------------------------------------------


@pytest.fixture(params=["python", "numba"])
def numba(request, monkeypatch, forget):
    """Numba if it is there, and one that leaves every function as it is written."""
    if request.param == "numba":
        yield pytest.importorskip("numba")
        return
    module = types.ModuleType("numba")
    module.njit = lambda *signature, **options: lambda function: function  # noqa: ARG005
    module.extending = types.SimpleNamespace(
        register_jitable=module.njit,
        intrinsic=lambda function: np.where,  # noqa: ARG005
    )
    module.get_num_threads = lambda: 1 if sys.platform == "emscripten" else 2
    monkeypatch.setitem(sys.modules, "numba", module)
    forget()
    yield module
    forget()


@pytest.fixture
def forget():
    """Forgets what has been compiled."""

    def run():
        engine = _engine.compiled, _engine.fused, _engine.numpy_of_numbers
        for cached in (*engine, _engine.with_numbers):
            cached.cache_clear()

    return run


# --- the built site: one for all processes of pytest ----------------------------------

ROOT = Path(__file__).parents[1]

# Python looks for a module of this name at its start.
OFFLINE = """\
import socket

def refuse(*arguments, **options):
    raise OSError("the network is cut")

socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refuse
"""


@pytest.fixture(scope="session")
def offline(tmp_path_factory):
    """An environment in which Python has no network, and the site no address."""
    folder = tmp_path_factory.mktemp("offline")
    (folder / "sitecustomize.py").write_text(OFFLINE, encoding="utf-8")
    changed = {"PYTHONPATH": str(folder), "SOURCE_DATE_EPOCH": "1730847600"}
    return {**os.environ, **changed, "SITE_URL": ""}


@pytest.fixture(scope="session")
def build():
    """Builds the site into a folder, and fails with what the builder says."""

    def run(folder, environment, root=ROOT):
        built = subprocess.run(
            [sys.executable, "-m", "mkdocs", "build", "--strict", "-d", folder],
            cwd=root,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert built.returncode == 0, built.stderr

    return run


@pytest.fixture(scope="session")
def site(tmp_path_factory, build, offline):
    """The built site."""
    import fcntl  # noqa: PLC0415  # not on Windows, where the library's tests run too

    own = tmp_path_factory.getbasetemp()
    shared = own.parent if os.environ.get("PYTEST_XDIST_WORKER") else own
    folder = shared / "site"
    with (shared / "site.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (shared / "site.done").exists():
            build(folder, offline)
            (shared / "site.done").touch()
    return folder
