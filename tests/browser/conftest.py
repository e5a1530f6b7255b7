"""A real browser on the built site: Chromium through Playwright, never in CI."""

import os
import re
import shutil
import socket
import subprocess
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


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
