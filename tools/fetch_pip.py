"""Fetch the locked pip from the package index without pip, for a Python that comes without ensurepip."""

from __future__ import annotations

import hashlib
import os
import re
import urllib.error
import urllib.request
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin, urlsplit

PUBLIC_INDEX = "https://pypi.org/simple"
SECONDS = 60


class FetchError(Exception):
    """The file can't be fetched, or isn't the one that is locked."""


class _Links(HTMLParser):
    """Collects the targets of all links of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.targets: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the target of a link."""
        self.targets += [value for name, value in attrs if tag == "a" and name == "href" and value]


def fetch_pip(entry: str, folder: Path) -> Path:
    """Return the path of the locked pip wheel, fetched into a folder.

    Args:
        entry: pip's line of the lock file, with its hashes.
        folder: where the file goes.

    Raises:
        FetchError: where the index can't be reached, lacks the file, or gives one with another hash.
    """
    version = entry.removeprefix("pip==").split()[0]
    name = f"pip-{version}-py3-none-any.whl"
    page = f"{os.environ.get('PIP_INDEX_URL', PUBLIC_INDEX).rstrip('/')}/pip/"
    links = _Links()
    links.feed(_read(page).decode("utf-8", errors="replace"))
    matching = [target for target in links.targets if Path(urlsplit(target).path).name == name]
    if not matching:
        raise FetchError(f"{page} has no {name}")
    content = _read(urljoin(page, matching[0]))
    if hashlib.sha256(content).hexdigest() not in re.findall(r"--hash=sha256:([0-9a-f]{64})", entry):
        raise FetchError(f"{name} from {page} isn't the file that is locked (its hash differs)")
    wheel = folder / name
    wheel.write_bytes(content)
    return wheel


def _read(url: str) -> bytes:
    if url.startswith("file:") and url.endswith("/"):
        url += "index.html"
    request = urllib.request.Request(url, headers={"Accept": "text/html"})
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:
            content: bytes = answer.read()
    except (urllib.error.URLError, TimeoutError) as error:
        raise FetchError(f"can't fetch {url}: {error}") from error
    return content
