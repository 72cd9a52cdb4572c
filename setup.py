"""Build: what depends on the address of the repository. Everything else is in setup.cfg.

The package index shows README.md without the files beside it, so the long description names its
pictures and pages by absolute address. In the repository the README keeps relative paths, which
work in every clone and fork.
"""

import re
from pathlib import Path

from setuptools import setup

REPOSITORY = "https://github.com/runstates/runstates"  # stands here, and nowhere else
BRANCH = "main"


def absolute(text: str) -> str:
    """Replace the relative targets of Markdown links and images, and of `src` and `srcset`."""
    pages, files = f"{REPOSITORY}/blob/{BRANCH}/", f"{REPOSITORY}/raw/{BRANCH}/"
    local = r"(?!https?:|mailto:|#)"
    text = re.sub(rf"(!\[[^\]]*\]\(){local}", rf"\1{files}", text)
    text = re.sub(rf'(\bsrc(?:set)?="){local}', rf"\1{files}", text)
    return re.sub(rf"((?<!!)\[[^\]!]*\]\(){local}", rf"\1{pages}", text)


setup(
    long_description=absolute(Path(__file__).with_name("README.md").read_text("utf-8")),
    long_description_content_type="text/markdown",
    url=REPOSITORY,
    project_urls={
        "Documentation": f"{REPOSITORY}/tree/{BRANCH}/docs",
        "Source": REPOSITORY,
        "Issues": f"{REPOSITORY}/issues",
        "Changelog": f"{REPOSITORY}/blob/{BRANCH}/CHANGELOG.md",
    },
)
