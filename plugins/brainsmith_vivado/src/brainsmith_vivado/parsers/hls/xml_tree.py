"""HLS reports as XML: a tree of elements, of which only those count that the file ends."""

from __future__ import annotations

from xml.parsers import expat

import attrs

from brainsmith_core.metrics.report import ReportError

__all__ = ["Element", "read_xml"]

#: HLS nests loops and instances, but not like this.
_DEEPEST = 200


@attrs.define
class Element:
    """An element.

    Args:
        tag: its name.
        attributes: its attributes.
        children: the elements in it that are whole.
        content: its text without blanks around it.
    """

    tag: str
    attributes: dict[str, str] = attrs.field(factory=dict)
    children: list[Element] = attrs.field(factory=list)
    content: str = ""

    def child(self, tag: str) -> Element | None:
        """Return the first child of a name, or None."""
        return next((each for each in self.children if each.tag == tag), None)

    def path(self, *tags: str) -> Element | None:
        """Return the first element at a path of names, or None."""
        found: Element | None = self
        for tag in tags:
            found = found.child(tag) if found else None
        return found

    def text(self, *tags: str) -> str:
        """Return the text at a path of names, or ""."""
        found = self.path(*tags)
        return found.content if found else ""

    def texts(self) -> dict[str, str]:
        """Return the texts of the children that hold nothing else, by name."""
        return {each.tag: each.content for each in self.children if not each.children}


def read_xml(data: bytes) -> tuple[Element, str]:
    """Return the root element, and why the rest couldn't be read, or "".

    Args:
        data: the file.

    Raises:
        ReportError: if it isn't XML, or declares entities.
    """
    handler = _Handler()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = handler.start
    parser.EndElementHandler = handler.end
    parser.CharacterDataHandler = handler.characters
    parser.EntityDeclHandler = _refuse
    broken = ""
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        broken = f"the XML is damaged: {error}"
    if handler.root is None:
        raise ReportError(broken or "the file holds no XML")
    handler.close()
    return handler.root, broken


def _refuse(*_: object) -> None:
    """Reports declare no entities; a file that does could unfold to any size."""
    raise ReportError("the file declares XML entities, which no report does")


class _Handler:
    def __init__(self) -> None:
        self.root: Element | None = None
        self.open: list[Element] = []
        self.text: list[str] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Take the beginning of an element."""
        if len(self.open) >= _DEEPEST:
            raise ReportError("the XML is nested too deeply")
        element = Element(tag, attributes)
        if self.root is None:
            self.root = element
        self.open.append(element)
        self.text.clear()

    def characters(self, text: str) -> None:
        """Take a piece of text."""
        self.text.append(text)

    def end(self, _: str) -> None:
        """Take the end of an element."""
        element = self.open.pop()
        if not element.children:
            element.content = "".join(self.text).strip()
        self.text.clear()
        if self.open:
            self.open[-1].children.append(element)

    def close(self) -> None:
        """Put what has no end into what is around it; its own text may be cut and doesn't count."""
        while len(self.open) > 1:
            element = self.open.pop()
            if element.children:
                self.open[-1].children.append(element)
