"""What the pages point at is there: other pages, their headings, and modules."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGES = sorted(
    path for path in ROOT.rglob("*.md") if not any(part.startswith(".") for part in path.relative_to(ROOT).parts)
)
_LINK = re.compile(r"\]\((?!https?://)([^)#\s]*)(?:#([^)\s]+))?\)")
_MODULE = re.compile(r"`((?:[a-z_]+/)*[a-z_]+\.py)`")
MODULES = ["/" + path.relative_to(ROOT).as_posix() for path in (ROOT / "kafkalert").rglob("*.py")]


def _anchors(page: Path) -> set[str]:
    """A page's headings, as they are linked to."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target, anchor in _LINK.findall(page.read_text(encoding="utf-8")):
        linked = (page.parent / target).resolve() if target else page
        assert linked.exists(), target
        if anchor and linked.suffix == ".md":
            assert anchor in _anchors(linked), f"{target}#{anchor}"


@pytest.mark.parametrize("page", [ROOT / "docs" / "architecture.md", *sorted((ROOT / "docs").glob("life-of-*.md"))])
def test_modules_that_are_named_are_there(page: Path) -> None:
    named = _MODULE.findall(page.read_text(encoding="utf-8"))
    assert named
    assert not [one for one in named if not any(module.endswith("/" + one) for module in MODULES)]


def test_each_decision_is_listed() -> None:
    """By its own title."""
    folder = ROOT / "docs" / "adr"
    listed = dict(re.findall(r"^- \[(.+)\]\((.+)\)$", (folder / "index.md").read_text(encoding="utf-8"), re.MULTILINE))
    titles = {
        page.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# "): page.name
        for page in folder.glob("*.md")
        if page.name != "index.md"
    }
    assert listed == titles
