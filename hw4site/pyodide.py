"""Python for the reader's browser: what "Edit and run" needs beside a page.

A build of the site calls `write`: it puts the wheel of the very library that computed
the pages into `run/`, and tells `assets/editor.js` which blocks a page runs and where
Python comes from. That is the site itself if `python -m hw4site.pyodide fetch` has
put Pyodide's files into `runtime/` before, else Pyodide's public distribution; either
way each file's SHA-256 must be the one below, here and in the browser.
For a builder without hooks, `python -m hw4site.pyodide write docs SITE` does it.
"""

import argparse
import hashlib
import json
import shutil
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from hatchling.builders.wheel import WheelBuilder

from hw4site.pages import Page, read_pages

ROOT = Path(__file__).parents[1]
RUNTIME = ROOT / "runtime"
"""Where `fetch` puts what the site is to serve itself."""

SESSION = Path(__file__).parent / "browser_session.py"
"""What runs a page's blocks there, a file of its own beside the library."""

_PYODIDE = "https://cdn.jsdelivr.net/npm/pyodide@0.28.3/"
_PACKAGES = "https://cdn.jsdelivr.net/pyodide/v0.28.3/full/"
_NUMPY = "numpy-2.2.5-cp313-cp313-pyodide_2025_0_wasm32.whl"


class File(NamedTuple):
    """A file of the runtime: where the public has it, about how large, its SHA-256."""

    folder: str
    size: int
    sha256: str


FILES = {
    "pyodide.mjs": File(
        _PYODIDE,
        16_347,
        "635a6da3218fe4e5668da595acfe8b5ce77453d597d602f19a423dd250653441",
    ),
    "pyodide.asm.js": File(
        _PYODIDE,
        1_073_033,
        "b22e5831eade9ff10e6fe2c811c68688cd91f10154377b4f80debcf5bafa1e56",
    ),
    "pyodide.asm.wasm": File(
        _PYODIDE,
        8_645_967,
        "5effb6a1a6cc4a1a85bec4622701aa797c031e1de923cbbaf2ad47abdc4ab325",
    ),
    "python_stdlib.zip": File(
        _PYODIDE,
        2_416_866,
        "71fee17f88a6260ec8c9c7c063533ee59c021fdc88a1ce76247378d3c4a35f4c",
    ),
    _NUMPY: File(
        _PACKAGES,
        3_000_000,
        "3db3c4f3e0448f4d62a85c262692f1260ccd8a91335442bd2442f21ffeddb558",
    ),
}
"""Pyodide 0.28.3 with NumPy 2.2.5, the pins of its own lock file."""

LOCK = {
    "info": {
        "abi_version": "2025_0",
        "arch": "wasm32",
        "platform": "emscripten_4_0_9",
        "python": "3.13.2",
        "version": "0.28.3",
    },
    "packages": {
        "numpy": {
            "depends": [],
            "file_name": _NUMPY,
            "imports": ["numpy"],
            "install_dir": "site",
            "name": "numpy",
            "package_type": "package",
            "sha256": FILES[_NUMPY].sha256,
            "unvendored_tests": False,
            "version": "2.2.5",
        }
    },
}
"""As much of Pyodide's lock file as NumPy needs."""


def plan(page: Page) -> list[int | str]:
    """Return what a page runs in order.

    A number stands for a block that the page shows, counted over all that it shows in
    Python; a text is the code of one that it does not show. What draws is left out.
    """
    found: list[int | str] = []
    shown = 0
    for fence in page.fences:
        if fence.executed and fence.visible:
            found.append(shown)
        elif fence.executed and not fence.figure:
            found.append(fence.code)
        shown += fence.language == "python" and fence.visible
    while found and isinstance(found[-1], str):
        found.pop()  # no block that the page shows comes after it
    return found


def wheel(folder: Path) -> Path:
    """Build the library as it is into a folder, the same bytes for the same library."""
    builder = WheelBuilder(str(ROOT))
    (built,) = builder.build(directory=str(folder), versions=["standard"])
    return Path(built)


def placed(folder: Path) -> bool:
    """Whether a folder has every file of the runtime, as pinned."""
    return all(
        (folder / name).is_file() and _sha256(folder / name) == file.sha256
        for name, file in FILES.items()
    )


def origins(address: str = "") -> set[str]:
    """Return where browsers may have to load Python from, apart from the site itself.

    Args:
        address: The address that the site names, if it names one.
    """
    folders = [address] if address else [file.folder for file in FILES.values()]
    parts = (urlsplit(folder) for folder in folders)
    return {f"{part.scheme}://{part.netloc}" for part in parts if part.netloc}


def write(docs: Path, site: Path, address: str = "", runtime: Path = RUNTIME) -> None:
    """Put beside a built site what its pages need to run.

    Args:
        docs: The folder of the pages.
        site: The folder of the built site, with `assets/editor.js`.
        address: Where browsers load Python from; if empty, the site itself where
            `runtime` has all files, else the public distribution.
        runtime: The folder of the runtime's files.
    """
    script = site / "assets" / "editor.js"
    if not script.is_file():  # a site without the button
        return
    folder = site / "run"
    folder.mkdir(exist_ok=True)
    built = wheel(folder)
    own = not address and placed(runtime)
    files = {}
    for name, file in FILES.items():
        if own:
            shutil.copyfile(runtime / name, folder / name)
        base = "run/" if own else f"{address.rstrip('/')}/" if address else file.folder
        files[name] = {"url": base + name, "size": file.size, "sha256": file.sha256}
    session = shutil.copyfile(SESSION, folder / SESSION.name)
    for name, path in {"hw4lib": built, "session": session}.items():
        files[name] = {
            "url": f"run/{path.name}",
            "size": path.stat().st_size,
            "sha256": _sha256(path),
        }
    hosts = {urlsplit(str(file["url"])).hostname for file in files.values()} - {None}
    pages = {
        page.path.relative_to(docs).with_suffix("").as_posix(): plan(page)
        for page in read_pages(docs)
        if any(fence.visible for fence in page.executed)
    }
    facts = {
        "from": " and ".join(sorted(map(str, hosts))) or "this site",
        "files": files,
        "lock": LOCK,
        "pages": pages,
    }
    text = script.read_text(encoding="utf-8")
    head, mark, tail = text.partition(PLACE)
    if not mark:
        raise ValueError(f"`{script}` has no line `{PLACE}`, expected one")
    text = f"{head}const RUNTIME = {json.dumps(facts, ensure_ascii=False)};{tail}"
    script.write_text(text, encoding="utf-8")


PLACE = "const RUNTIME = null;"
"""What `write` replaces in `assets/editor.js`."""


def fetch(folder: Path) -> None:
    """Download the files of the runtime into a folder, and hold them to their pins."""
    folder.mkdir(exist_ok=True)
    for name, file in FILES.items():
        path = folder / name
        if not path.is_file() or _sha256(path) != file.sha256:
            with urllib.request.urlopen(file.folder + name) as response:
                content = response.read()
            found = hashlib.sha256(content).hexdigest()
            if found != file.sha256:
                raise ValueError(f"`{name}` has hash {found}, expected {file.sha256}")
            path.write_bytes(content)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main(arguments: Sequence[str] | None = None) -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description="Let readers' browsers run a page.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("fetch", help="let the site serve Python itself")
    writer = commands.add_parser("write", help="after a build without hooks")
    writer.add_argument("docs", type=Path, help="folder of the pages")
    writer.add_argument("site", type=Path, help="folder of the built site")
    writer.add_argument("--address", default="", help="where to load Python from")
    options = parser.parse_args(arguments)
    if options.command == "fetch":
        fetch(RUNTIME)
    else:
        write(options.docs, options.site, options.address)


if __name__ == "__main__":
    main()
