"""A question without what could say who asked it: the identifiers that rules can find, each replaced by its kind."""

from __future__ import annotations

import re
from collections.abc import Iterator

import phonenumbers

# Given names common in the United States, in English and Spanish: found without any cue before them.
_NAMES = frozenset(
    re.split(r"\s+", """james john robert michael william david richard joseph thomas charles christopher daniel matthew anthony donald
    steven paul andrew joshua kenneth kevin brian george edward ronald timothy jason jeffrey ryan jacob gary nicholas eric
    jonathan stephen larry justin scott brandon benjamin samuel gregory alexander patrick jack dennis jerry tyler aaron jose
    adam nathan henry douglas zachary peter kyle walter ethan jeremy harold keith roger noah gerald terry carl sean austin
    arthur lawrence jesse dylan bryan jordan billy joe bruce albert willie gabriel logan alan juan wayne ralph roy eugene
    randy vincent russell louis philip bobby johnny bradley mike dave tom bob jim steve dan matt chris tony liam lucas mason
    oliver elijah carlos luis miguel pedro jorge diego javier manuel antonio francisco alejandro fernando ricardo eduardo
    mary patricia jennifer linda elizabeth barbara susan jessica sarah karen lisa nancy betty margaret sandra ashley kimberly
    emily donna michelle carol amanda melissa deborah stephanie dorothy rebecca sharon laura cynthia amy kathleen angela
    shirley brenda emma anna pamela nicole samantha katherine christine helen debra rachel carolyn janet maria catherine
    heather diane olivia julie joyce victoria ruth virginia lauren kelly christina joan evelyn judith andrea hannah megan
    cheryl jacqueline martha madison teresa gloria sara janice ann kathryn abigail sophia frances jean alice judy isabella
    julia denise amber danielle marilyn beverly charlotte natalie theresa diana brittany kayla alexis lori jane kate katie
    susie liz beth jenny sophie chloe mia ava zoe lucia sofia carmen rosa ana elena isabel valeria camila mariana daniela""")
)
_MONTH = r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?|enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre|noviembre|diciembre)"
_STREET = r"(?:street|st|avenue|ave|road|rd|boulevard|blvd|lane|ln|drive|dr|court|ct|way|place|pl|square|sq|terrace|parkway|pkwy|highway|hwy|calle|avenida)"
_WORD = r"[^\W\d_][\w'’-]*"
_KIN = r"(?:husband|wife|partner|boyfriend|girlfriend|fianc[eé]e?|son|daughter|brother|sister|mother|father|mom|mum|dad|aunt|uncle|cousin|friend|boss|coworker|colleague|neighbou?r|roommate|ex|teacher|therapist|doctor|baby|dog|cat|esposo|esposa|marido|novio|novia|hijo|hija|hermano|hermana|madre|padre|amigo|amiga|jefe|jefa)"

_RULES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("e-mail", re.compile(r"[\w.+-]+\s?@\s?[\w-]+(?:\s?\.\s?[\w-]+)+", re.I)),
    ("link", re.compile(r"\b(?:https?://|www\.)\S+|\b[\w-]+\.(?:com|org|net|edu|gov|io|co|me|info)\b(?:/\S*)?", re.I)),
    ("account", re.compile(r"(?<![\w@])@\w[\w.]{2,}|\bu/\w+", re.I)),
    ("number", re.compile(r"\b\d{3}-\d{2}-\d{4}\b|\b\d{1,3}(?:\.\d{1,3}){3}\b")),
    ("date", re.compile(
        rf"\b\d{{1,4}}[/.-]\d{{1,2}}[/.-]\d{{1,4}}\b|\b{_MONTH}\.? \d{{1,2}}(?:st|nd|rd|th)?(?:,? \d{{4}})?\b"
        rf"|\b\d{{1,2}}(?:st|nd|rd|th)?(?: of| de)? {_MONTH}\b(?:,?(?: de)? \d{{4}})?|\b(?:in|since|born|en|desde) (?:19|20)\d\d\b"
        rf"|\b{_MONTH} (?:19|20)\d\d\b", re.I)),
    ("address", re.compile(
        rf"\b\d{{1,6}}[a-z]? (?:[nsew]\.? )?(?:{_WORD} ){{1,3}}{_STREET}\b\.?(?:,? (?:apt|apartment|suite|unit|#)\.? ?\w+)?"
        r"|\bp\.? ?o\.? box \d+|\b(?:apt|apartment|suite|unit)\.? #?\d+\w?", re.I)),
    ("place", re.compile(r"\b[A-Z]{2} \d{5}(?:-\d{4})?\b|\b(?:zip|postcode|postal code)(?: code)?(?: is)? \w+", re.I)),
    ("place", re.compile(r"\b(?:live|lives|living|based|vivo|vive) (?:in|near|at|en) (?:[A-Z][\w'’-]+)(?:,? [A-Z][\w'’-]+)*")),
    ("name", re.compile(rf"(?<=\bmy name is )(?:{_WORD})(?: [A-Z][\w'’-]*)*|(?<=\bmy names )(?:{_WORD})|(?<=\bname['’]s )(?:{_WORD})", re.I)),
    ("name", re.compile(rf"(?<=\bme llamo )(?:{_WORD})|(?<=\bcall me )(?:{_WORD})|(?<=\bnamed )(?:{_WORD})|(?<=\bis called )(?:{_WORD})", re.I)),
    ("name", re.compile(r"\b(?:[Mm]r|[Mm]rs|[Mm]s|[Mm]iss|[Dd]r|[Pp]rof|[Ss]r|[Ss]ra)\.? [A-Za-z][\w'’-]+(?: [A-Z][\w'’-]+)?")),
    ("name", re.compile(r"(?<=\b[Ii]['’]m )[A-Z][\w'’-]+(?: [A-Z][\w'’-]+)*|(?<=\bI am )[A-Z][\w'’-]+(?: [A-Z][\w'’-]+)*|(?<=\b[Tt]his is )[A-Z][\w'’-]+(?: [A-Z][\w'’-]+)*")),
    ("age", re.compile(r"\b(?:9\d|1[0-2]\d)[- ]?(?:years?|yrs?)[- ]?old\b|\baged? (?:9\d|1[0-2]\d)\b", re.I)),
    ("number", re.compile(r"#\s?\d{3,}|\b(?=\w*\d{4})[A-Za-z]{0,4}-?\d[\d-]{4,}\w*\b|\b\d{5,}\b")),
)  # fmt: skip
_AFTER_KIN = re.compile(rf"\b(my|our|his|her|mi|mis) ({_KIN}),? ([A-Z][\w'’-]+(?: [A-Z][\w'’-]+)*)")
_CAPITAL = re.compile(r"(?<![.!?…\"“:]\s)(?<!^)(?<!\n)\b([A-Z][a-z'’]+(?:-[A-Z][a-z]+)*)\b")
# Words that are written with a capital and name nobody.
_PLAIN = frozenset(
    re.split(r"\s+", """i im ive id ill english spanish french german american british christian muslim jewish catholic buddhist monday tuesday
    wednesday thursday friday saturday sunday january february march april may june july august september october november
    december christmas easter thanksgiving internet google covid prozac zoloft lexapro xanax ritalin adderall wellbutrin
    medicare medicaid zoom freud jung rorschach cozolino god""")
)
_WORDS = re.compile(rf"\b{_WORD}\b")


def redact(text: str) -> str:
    """The text with names, numbers of every kind, addresses, dates, accounts and links replaced: "[name]", "[phone]",
    "[date]" … Rules find what has a form or a cue; a name without either, in small letters, may stay."""
    for match in reversed(list(_phones(text))):
        text = f"{text[: match[0]]}[phone]{text[match[1] :]}"
    for label, pattern in _RULES:
        text = pattern.sub(f"[{label}]", text)
    text = _AFTER_KIN.sub(lambda m: f"{m[1]} {m[2]} [name]", text)
    text = _CAPITAL.sub(lambda m: m[0] if _names_nobody(m[1]) else "[name]", text)
    text = _WORDS.sub(lambda m: "[name]" if m[0].casefold() in _NAMES and not _is_word(m[0]) else m[0], text)
    return re.sub(r"\[name\](?:\s+\[name\])+", "[name]", text).strip()


def _phones(text: str) -> Iterator[tuple[int, int]]:
    for match in phonenumbers.PhoneNumberMatcher(text, "US", leniency=phonenumbers.Leniency.POSSIBLE):
        if sum(c.isdigit() for c in match.raw_string) >= 7:
            yield match.start, match.end


def _names_nobody(word: str) -> bool:
    plain = re.sub(r"['’]s?$", "", word).replace("'", "").replace("’", "").casefold()
    return plain in _PLAIN or len(plain) < 2


def _is_word(word: str) -> bool:
    """Given names that are everyday words count only when written as names."""
    return word.islower() and word in {"may", "mark", "will", "grace", "hope", "faith", "joy", "rose", "art", "bill", "frank",
                                       "jack", "bob", "mike", "jean", "dawn", "drew", "scott", "mason", "austin", "jordan",
                                       "virginia", "madison", "victoria", "amber", "gloria", "dan", "dave"}  # fmt: skip
