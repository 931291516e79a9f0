"""PDFs and Word documents made for the tests."""

from __future__ import annotations

import io

import docx
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Pt, RGBColor
from PIL import Image
from pypdf import PdfReader, PdfWriter
from reportlab.lib.pagesizes import LETTER
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen import canvas
from reportlab.platypus import ListFlowable, ListItem, PageBreak, Paragraph, SimpleDocTemplate

STYLES = getSampleStyleSheet()


def pdf(story: list[tuple[str, str]], *, title: str = "", head: str = "", foot: bool = False) -> bytes:
    """`story` holds (style, text): Title, Heading2, BodyText, item, white, tiny, break."""
    out = io.BytesIO()
    document = SimpleDocTemplate(out, pagesize=LETTER, title=title or None, invariant=1)
    flow = []
    for style, text in story:
        if style == "break":
            flow.append(PageBreak())
        elif style == "item":
            flow.append(ListFlowable([ListItem(Paragraph(text, STYLES["BodyText"]))], bulletType="bullet"))
        elif style == "white":
            flow.append(Paragraph(f'<font color="white">{text}</font>', STYLES["BodyText"]))
        elif style == "tiny":
            flow.append(Paragraph(f'<font size="1">{text}</font>', STYLES["BodyText"]))
        else:
            flow.append(Paragraph(text, STYLES[style]))

    def around(paper: canvas.Canvas, _: object) -> None:
        paper.setFont("Helvetica", 8)
        if head:
            paper.drawString(72, 760, head)
        if foot:
            paper.drawString(300, 30, f"Page {paper.getPageNumber()}")

    document.build(flow, onFirstPage=around, onLaterPages=around)
    return out.getvalue()


def scanned_pdf(pages: int = 2) -> bytes:
    """Pictures of pages, without text."""
    out = io.BytesIO()
    paper = canvas.Canvas(out, pagesize=LETTER, invariant=1)
    picture = ImageReader(Image.new("L", (200, 260), 230))
    for _ in range(pages):
        paper.drawImage(picture, 0, 0, 612, 792)
        paper.showPage()
    paper.save()
    return out.getvalue()


def locked(data: bytes, password: str) -> bytes:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(data)))
    writer.encrypt(user_password=password, owner_password="owner", algorithm="AES-256")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def word(parts: list[tuple[str, str]], *, title: str = "") -> bytes:
    """`parts` holds (style, text): Title, Heading 2, Normal, List Bullet, bold, hidden, white, tiny, deleted …, row."""
    document = docx.Document()
    document.core_properties.title = title
    for style, text in parts:
        if style == "row":
            cells = text.split("|")
            table = document.add_table(rows=1, cols=len(cells))
            for cell, words in zip(table.rows[0].cells, cells, strict=True):
                cell.text = words
            continue
        named = style if style in ("Title", "Heading 1", "Heading 2", "List Bullet") else "Normal"
        paragraph = document.add_paragraph(style=named)
        if style in ("deleted", "inserted"):
            paragraph.add_run("This sentence stays. ")
            change = OxmlElement("w:del" if style == "deleted" else "w:ins")
            run = OxmlElement("w:r")
            words = OxmlElement("w:delText" if style == "deleted" else "w:t")
            words.text = text
            words.set(qn("xml:space"), "preserve")
            run.append(words)
            change.append(run)
            paragraph._p.append(change)
            continue
        run = paragraph.add_run(text)
        run.font.hidden = True if style == "hidden" else None
        run.bold = True if style == "bold" else None
        if style == "white":
            run.font.color.rgb = RGBColor(255, 255, 255)
        if style == "tiny":
            run.font.size = Pt(1)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()
