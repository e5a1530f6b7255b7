"""A real browser on the built site: Chromium through Playwright, never in CI."""

import hashlib
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from hw4site import runtime

# Where it is imported it replaces libraries by stand-ins: for the browser alone.
collect_ignore = ["absent.py"]

ROOT = Path(__file__).parents[2]
NUMPY = next(name for name in runtime.FILES if name.startswith("numpy"))
STAND_IN = "125230b4c3ecd08803e5c43f1162e017c0718d9f253146225a705a952b9c16c2"
SLOW = 120_000  # milliseconds, for a machine that does other things too


@pytest.fixture(scope="session")
def chromium():
    """The browser, or the reason why there is none."""
    if os.environ.get("CI"):
        pytest.skip("a browser is not for continuous integration")
    playwright = pytest.importorskip("playwright.sync_api", exc_type=ImportError)
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("there is no Chromium")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def site(chromium, tmp_path_factory):  # noqa: ARG001
    """The folder of the built site, or of one that HW4LIB_SITE says is there."""
    if folder := os.environ.get("HW4LIB_SITE"):
        return Path(folder)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tmp_path_factory.mktemp("site")
    # Instant navigation works only at the address that the site is built for.
    environment = {**os.environ, "SITE_URL": f"http://127.0.0.1:{port}/"}
    build = [sys.executable, "-m", "mkdocs", "build", "--strict", "-d", folder]
    subprocess.run(build, cwd=ROOT, env=environment, check=True, capture_output=True)
    return folder


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        """Say nothing."""


@pytest.fixture(scope="session")
def address(site):
    """The address of the site, served by this process."""
    home = (site / "index.html").read_text(encoding="utf-8")
    port = int(re.search(r'rel="canonical" href="http://127.0.0.1:(\d+)/', home)[1])
    handler = partial(_Quiet, directory=str(site))
    with ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{port}/"
        server.shutdown()


@pytest.fixture
def context(chromium):
    """A fresh profile of the browser."""
    context = chromium.new_context()
    context.set_default_timeout(20_000)
    yield context
    context.close()


# --- Python in the browser: Pyodide from npm, except for NumPy. No registry has the
# wheel that Pyodide has, so one of the same version and interface stands in for it. It
# is fetched for the tests alone and has no part in the site.


@pytest.fixture(scope="session")
def python():
    """The folder of the runtime's files, kept from one time to the next."""
    folder = Path(tempfile.gettempdir()) / "hw4lib-browser-python"
    pins = {name: file.sha256 for name, file in runtime.FILES.items()}
    pins[NUMPY] = STAND_IN
    if not all((folder / name).is_file() for name in pins):
        if shutil.which("npm") is None:
            pytest.skip("there is no npm, which has Python for the browser")
        folder.mkdir(exist_ok=True)
        for package in ("pyodide@0.28.3", "@bentopdf/pymupdf-wasm@0.11.16"):
            pack = ["npm", "pack", "--silent", package]
            done = subprocess.run(
                pack, cwd=folder, capture_output=True, text=True, check=False
            )
            if done.returncode:
                pytest.skip(f"npm has no {package}: {done.stderr.strip()}")
            archive = folder / done.stdout.split()[-1]
            shutil.unpack_archive(archive, folder / "unpacked", filter="data")
            archive.unlink()
            for path in (folder / "unpacked").rglob("*"):
                if path.name in pins and not (folder / path.name).exists():
                    path.rename(folder / path.name)
            shutil.rmtree(folder / "unpacked")
    for name, pin in pins.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == pin, name
    return folder


@pytest.fixture
def stand_in():
    """What puts the hash of the NumPy that is here for that of Pyodide's own."""
    return lambda text: text.replace(runtime.FILES[NUMPY].sha256, STAND_IN)


@pytest.fixture
def elsewhere(context, python, address, stand_in):
    """The addresses asked for outside the site, answered as the distribution would."""
    asked = []

    def answer(route):
        asked.append(route.request.url)
        headers = {"Access-Control-Allow-Origin": "*"}
        path = python / route.request.url.split("/")[-1]
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
