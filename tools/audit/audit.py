"""What validators and Lighthouse say of the built site, as `make audit` prints it.

html-validate reads every page, and so does the Nu validator where there is Java.

Each page is measured several times, on a desktop and on a phone, each time beside the
same page without its formulas; the medians count, since scores vary with the machine.
What does not vary, as accessibility, is looked at once.
The server compresses, as a host would.
"""

import argparse
import gzip
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from functools import cache, partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from bs4 import BeautifulSoup

HERE = Path(__file__).parent
PORT = 8790
ADDRESS = f"http://127.0.0.1:{PORT}/"
LEAST = {"mobile": 0.95, "desktop": 1.0}
SHIFT, BYTES = 0.02, 200 * 1024
SPEED = ("performance",)
ALL = ("performance", "accessibility", "best-practices", "seo")
CHROME = (
    *("--headless=new", "--no-sandbox", "--disable-gpu"),
    "--disable-background-networking",
)
# Both validators refuse what Material puts into each page: two boxes that are told to
# complete nothing.
MATERIALS = ("autocomplete",)
COMPRESSED = {".html", ".css", ".js", ".json", ".svg", ".xml", ".txt"}


@dataclass(frozen=True)
class Figures:
    """What one run, or the median of several, found; NaN where it did not look."""

    performance: float
    accessibility: float
    best_practices: float
    seo: float
    shift: float
    bytes: float
    failed: frozenset[str] = frozenset()


def without_formulas(page: bytes) -> bytes:
    """Return a page with each formula replaced by a letter."""
    soup = BeautifulSoup(page, "html.parser")
    for formula in soup.select(".math"):
        formula.string = "x"
    return str(soup).encode()


@cache
def body(path: Path, plain: bool) -> bytes:
    """Return what the server sends, compressed."""
    content = path.read_bytes()
    return gzip.compress(without_formulas(content) if plain else content)


class Handler(SimpleHTTPRequestHandler):
    """Serves a folder as a host does, and any page without formulas for `?plain`."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Send a file, compressed if it is text."""
        path = Path(self.translate_path(self.path))
        if path.suffix not in COMPRESSED or not path.is_file():
            super().do_GET()
            return
        content = body(path, self.path.endswith("?plain"))
        self.send_response(200)
        self.send_header("Content-Type", f"{self.guess_type(path)}; charset=utf-8")
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "max-age=600")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def pages(site: Path) -> list[str]:
    """Return the stems of all pages of a built site."""
    stems = (page.relative_to(site).with_suffix("") for page in site.rglob("*.html"))
    return sorted(stem.as_posix() for stem in stems if stem.name != "404")


def build(folder: Path) -> None:
    """Build the site for the address at which it is measured."""
    environment = {**os.environ, "SITE_URL": ADDRESS}
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-d", folder]
    subprocess.run(command, cwd=HERE.parents[1], env=environment, check=True)


def validators(site: Path) -> Iterator[str]:
    """Yield a line for each validator, then what is an error and not Material's."""
    paths = [str(path) for path in sorted(site.rglob("*.html"))]
    tools = HERE / "node_modules"
    commands = {
        "html-validate": [
            *(tools / ".bin" / "html-validate", "--config", HERE / "htmlvalidate.json"),
            *("--formatter", "json=/dev/stdout", *paths),  # a pipe would lose some
        ],
        "Nu": [
            *("java", "-Xss4m", "-jar", tools / "vnu-jar" / "build/dist/vnu.jar"),
            *("--format", "json", "--stdout", "--exit-zero-always", *paths),
        ],
    }
    for name, command in commands.items():
        if shutil.which(command[0]) is None:
            print(f"{name}: not here, {command[0]} is missing")
            continue
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        found = list(_errors(json.loads(done.stdout)))
        ours = [error for error in found if not any(m in error for m in MATERIALS)]
        others = len(found) - len(ours)
        print(
            f"{name}: {len(paths)} pages, errors: {others} Material's, {len(ours)} ours"
        )
        yield from (f"{name}: {error}" for error in ours)


def _errors(report: Any) -> Iterator[str]:
    """Yield place and message of each error, from either validator's report."""
    if isinstance(report, dict):
        for message in report["messages"]:
            if message["type"] == "error":
                line = message.get("lastLine", "")
                yield f"{message['url']}:{line}: {message['message']}"
    else:
        for page in report:
            for message in page["messages"]:
                yield f"{page['filePath']}:{message['line']}: {message['message']}"


class Lighthouse:
    """A process that measures one page after the other."""

    def __init__(self) -> None:
        """Start the process; it ends with this one."""
        self.process = subprocess.Popen(
            ["node", HERE / "measure.mjs"],
            env={"CHROME_PATH": shutil.which("chromium") or "", **os.environ},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def measure(
        self, address: str, device: str, categories: Sequence[str] = SPEED
    ) -> Figures:
        """Return what Lighthouse finds in one run."""
        request = {
            "address": address,
            "device": device,
            "categories": categories,
            "chromeFlags": CHROME,
        }
        print(json.dumps(request), file=self.process.stdin, flush=True)
        report = json.loads(self.process.stdout.readline())
        audits = report["audits"]
        scores = {name: c["score"] or 0.0 for name, c in report["categories"].items()}
        return Figures(
            *(scores.get(name, math.nan) for name in ALL),
            audits["cumulative-layout-shift"]["numericValue"],
            audits["total-byte-weight"]["numericValue"],
            frozenset(
                part["id"]
                for name, category in report["categories"].items()
                for part in category["auditRefs"]
                if name != "performance" and audits[part["id"]]["score"] == 0
            ),
        )


def median(runs: Sequence[Figures]) -> Figures:
    """Return the medians, each by itself, and all that failed in any run."""
    names = [field.name for field in fields(Figures) if field.name != "failed"]
    columns = ([getattr(run, name) for run in runs] for name in names)
    medians = (
        statistics.median(
            [value for value in column if not math.isnan(value)] or column
        )
        for column in columns
    )
    return Figures(*medians, failed=frozenset().union(*(run.failed for run in runs)))


def missed(device: str, found: Figures) -> Iterator[str]:
    """Yield what a page does not reach."""
    if found.performance < LEAST[device]:
        yield f"performance {found.performance:.2f}, expected {LEAST[device]}"
    for name in ("accessibility", "best_practices", "seo"):
        if getattr(found, name) < 1:
            yield f"{name.replace('_', ' ')} {getattr(found, name):.2f}, expected 1"
    if found.failed:
        yield f"failed: {', '.join(sorted(found.failed))}"
    if found.shift >= SHIFT:
        yield f"layout shift {found.shift:.3f}, expected < {SHIFT}"
    if found.bytes >= BYTES:
        yield f"first visit {found.bytes / 1024:.0f} KiB, expected < {BYTES // 1024}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a line for each page and device, then what is missed."""
    parser = argparse.ArgumentParser(description="Measure the pages with Lighthouse.")
    parser.add_argument("pages", nargs="*", help="stems, all if none")
    parser.add_argument(
        "--runs", type=int, default=5, help="of which the median counts"
    )
    parser.add_argument("--site", type=Path, help=f"a site built for {ADDRESS}")
    options = parser.parse_args(arguments)
    misses = []
    with tempfile.TemporaryDirectory() as folder:
        site = options.site or Path(folder)
        if not options.site:
            build(site)
        misses += validators(site)
        handler = partial(Handler, directory=str(site))
        server = ThreadingHTTPServer(("127.0.0.1", PORT), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        measure = Lighthouse().measure
        print(
            "page                                 device   speed (plain)  access  "
            "practice  seo  shift  KiB"
        )
        for page in options.pages or pages(site):
            for device in LEAST:
                address = f"{ADDRESS}{page}.html"
                pairs = [
                    (
                        measure(address, device, SPEED if run else ALL),
                        measure(f"{address}?plain", device),
                    )
                    for run in range(options.runs)
                ]
                found, plain = (median(runs) for runs in zip(*pairs, strict=True))
                print(
                    f"{page:36} {device:8} {found.performance:5.2f} "
                    f"({plain.performance:5.2f})  {found.accessibility:6.2f}  "
                    f"{found.best_practices:8.2f} {found.seo:4.2f}  "
                    f"{found.shift:5.3f}  {found.bytes / 1024:3.0f}",
                    flush=True,
                )
                misses += [f"{page}, {device}: {m}" for m in missed(device, found)]
        server.shutdown()
    print("\n".join(misses) if misses else "Every page reaches every threshold.")
    return 1 if misses else 0


if __name__ == "__main__":
    sys.exit(main())
