"""Looks at HTML pages in a real browser, as a person would: light and dark, on a desk and on a phone; says what scripts complain of.

    python -m tools.look report.html demo/report.html --out pictures --browser /usr/bin/chromium

Needs `pip install playwright` and a Chromium. Nothing else needs either. Exit code 1: a script failed, something was to be loaded
from outside, or the page is wider than the phone.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any, Final

WIDTHS: Final = {"desk": (1280, 900), "phone": (390, 844)}
SCHEMES: Final = ("light", "dark")


def look(browser: Any, page_file: Path, out: Path) -> list[str]:
    """Take a picture of each kind, and say what is wrong."""
    troubles: list[str] = []
    for scheme in SCHEMES:
        for name, (width, height) in WIDTHS.items():
            page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
            where = f"{page_file}, {scheme}, {name}"
            page.on("pageerror", lambda error, where=where: troubles.append(f"{where}: {error}"))
            page.on("console", lambda said, where=where: troubles.append(f"{where}: {said.text}") if said.type == "error" else None)
            page.on("request", lambda asked, where=where: _local(asked.url, where, troubles))
            page.goto(page_file.resolve().as_uri())
            wide = page.evaluate("document.documentElement.scrollWidth")
            if wide > width:
                troubles.append(f"{where}: the page is {wide} wide, the screen {width}")
            for box in page.query_selector_all("input[type=checkbox]"):
                box.click()
            page.screenshot(path=out / f"{page_file.parent.name}-{page_file.stem}-{scheme}-{name}.png", full_page=True)
            page.close()
    return troubles


def _local(url: str, where: str, troubles: list[str]) -> None:
    if not url.startswith(("file:", "data:")):
        troubles.append(f"{where}: asks for {url}")


def main() -> int:
    """Look at all pages."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("pages", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, default=Path("pictures"))
    parser.add_argument("--browser", default="/usr/bin/chromium", help="the program")
    arguments = parser.parse_args()
    from playwright.sync_api import sync_playwright

    arguments.out.mkdir(parents=True, exist_ok=True)
    troubles = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=arguments.browser, args=["--no-sandbox"])
        for page_file in arguments.pages:
            troubles += look(browser, page_file, arguments.out)
        browser.close()
    print("\n".join(troubles) or f"{len(arguments.pages)} pages, {len(WIDTHS) * len(SCHEMES)} pictures each, nothing to complain of")
    return int(bool(troubles))


if __name__ == "__main__":
    sys.exit(main())
