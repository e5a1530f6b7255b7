"""A real browser on the built site: Chromium through Playwright."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from hw4site import pyodide

# Where it is imported it replaces libraries by stand-ins: for the browser alone.
collect_ignore = ["absent.py"]

NUMPY = next(name for name in pyodide.FILES if name.startswith("numpy"))
STAND_IN = "125230b4c3ecd08803e5c43f1162e017c0718d9f253146225a705a952b9c16c2"
SLOW = 120_000  # milliseconds, for a machine that does other things too


def absent(reason):
    """Skip at home; fail where nobody would notice that a test is skipped."""
    (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)


@pytest.fixture(scope="session")
def chromium():
    """The browser, or the reason why there is none."""
    try:
        from playwright import sync_api  # noqa: PLC0415
    except ImportError:
        absent("there is no Playwright")
    names = ("chromium", "google-chrome", "chromium-browser")
    path = next(filter(None, map(shutil.which, names)), None)
    if path is None:
        absent("there is no Chromium")
    with sync_api.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def built(chromium, request):  # noqa: ARG001
    """The folder of the built site, or of one that HW4_SITE says is there."""
    folder = os.environ.get("HW4_SITE")
    return Path(folder) if folder else request.getfixturevalue("site")


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        """Say nothing."""


@pytest.fixture(scope="session")
def address(built):
    """The address of the site, served by this process."""
    handler = partial(_Quiet, directory=str(built))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture
def context(chromium):
    """A fresh profile of the browser."""
    context = chromium.new_context()
    context.set_default_timeout(20_000)
    yield context
    context.close()


@pytest.fixture(scope="session")
def from_npm():
    """Unpacks packages of npm into a folder, kept from one time to the next."""

    def unpacked(folder, *packages):
        folder.mkdir(exist_ok=True)
        with (folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if (folder / "done").exists():
                return folder
            if shutil.which("npm") is None:
                absent(f"there is no npm, which has {packages[0]}")
            for package in packages:
                pack = ["npm", "pack", "--silent", package]
                done = subprocess.run(
                    pack, cwd=folder, capture_output=True, text=True, check=False
                )
                if done.returncode:
                    absent(f"npm has no {package}: {done.stderr.strip()}")
                archive = folder / done.stdout.split()[-1]
                shutil.unpack_archive(archive, folder, filter="data")
                archive.unlink()
            (folder / "done").touch()
        return folder

    return unpacked


# --- Python in the browser: Pyodide from npm, except for NumPy. No registry has the
# wheel that Pyodide has, so one of the same version and interface stands in for it. It
# is fetched for the tests alone and has no part in the site.


@pytest.fixture(scope="session")
def python(from_npm):
    """The paths of the runtime's files by name."""
    kept = Path(tempfile.gettempdir()) / "hw4-browser-python"
    folder = from_npm(kept, "pyodide@0.28.3", "@bentopdf/pymupdf-wasm@0.11.16")
    pins = {name: file.sha256 for name, file in pyodide.FILES.items()}
    pins[NUMPY] = STAND_IN
    paths = {}
    for name, pin in pins.items():
        for path in folder.rglob(name):
            if hashlib.sha256(path.read_bytes()).hexdigest() == pin:
                paths[name] = path
    assert paths.keys() == pins.keys()
    return paths


@pytest.fixture
def stand_in():
    """What puts the hash of the NumPy that is here for that of Pyodide's own."""
    return lambda text: text.replace(pyodide.FILES[NUMPY].sha256, STAND_IN)


@pytest.fixture
def elsewhere(context, python, address, stand_in):
    """The addresses asked for outside the site, answered as the distribution would."""
    asked = []

    def answer(route):
        asked.append(route.request.url)
        headers = {"Access-Control-Allow-Origin": "*"}
        path = python[route.request.url.split("/")[-1]]
        route.fulfill(path=path, headers=headers)

    def script(route):
        text = stand_in(route.fetch().text())
        route.fulfill(body=text, content_type="text/javascript")

    context.route(lambda url: not url.startswith(address), answer)
    context.route("**/assets/editor.js", script)
    return asked


@pytest.fixture
def page(context, elsewhere):  # noqa: ARG001
    """A tab that fails the test when a script of the page does."""
    page = context.new_page()
    page.set_default_timeout(SLOW)
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    assert not errors
