"""Where the article stands on a page, as trafilatura sees it: a second opinion beside the page's own structure."""

from __future__ import annotations

from lxml.html import HtmlElement

from retrieval.importing.clean import same
from retrieval.importing.elements import BLOCKS


def read_as_article(text: str) -> set[str]:
    """The paragraphs, as letters and digits alone, that trafilatura takes for the article."""
    import trafilatura  # only here: a folder without web pages need not wait for it

    extracted = trafilatura.extract(
        text, output_format="txt", include_comments=False, include_tables=True, favor_recall=True
    )
    return {same(line.lstrip("-|# ")) for line in (extracted or "").splitlines() if len(line.split()) >= 12}


def beside_the_article(root: HtmlElement, body: HtmlElement, seen: set[str]) -> set[HtmlElement]:
    """What stands outside the smallest element that holds every paragraph read as the article. A lead under the main
    heading and marked question-and-answer blocks are not beside it, wherever they stand."""
    holders = [
        e for e in body.iter("p", "div", "li", "td", "blockquote", "section", "dd") if same(e.text_content()) in seen
    ]
    if not holders:
        return set()
    shared: list[HtmlElement] | None = None
    for holder in holders:
        chain = [holder, *holder.iterancestors()][::-1]
        if shared is None:
            shared = chain
        else:
            shared = [one for one, other in zip(shared, chain, strict=False) if one is other]
    if not shared:
        return set()
    home = shared[-1]
    if len(holders) == 1 and home.getparent() is not None and home is not body:
        home = home.getparent()
    within = set(home.iterancestors())
    beside = {
        e for a in within if a is not root and isinstance(a.tag, str) for e in a if e is not home and e not in within
    }
    lead = _between_heading_and(home, body)
    return {e for e in beside if isinstance(e.tag, str) and e.tag in BLOCKS and e not in lead and not _belongs(e)}


def _between_heading_and(home: HtmlElement, body: HtmlElement) -> set[HtmlElement]:
    """What stands after the main heading and before the article's element: a lead that pages set apart."""
    found: set[HtmlElement] = set()
    after = False
    for element in body.iter(*BLOCKS):
        if element is home:
            return found
        after = after or element.tag == "h1"
        if after:
            found.add(element)
    return set()


def _belongs(element: HtmlElement) -> bool:
    """What may stand beside the article's element and yet be part of it: the main heading, questions with answers."""
    if element.tag == "h1" or element.find(".//h1") is not None:
        return True
    names = f"{element.get('class') or ''} {element.get('id') or ''} {element.get('itemtype') or ''}".lower()
    if "faq" in names or any(True for _ in element.iter("details", "dt")):
        return True
    return any((h.text_content() or "").strip().endswith("?") for h in element.iter("h2", "h3", "h4"))
