"""The names that things can have: authors, owners, kinds, urgencies, reasons, states."""

from __future__ import annotations

from enum import IntEnum, StrEnum


class Author(StrEnum):
    VISITOR = "visitor"
    BOT = "bot"
    CLINICIAN = "clinician"
    SYSTEM = "system"


class Owner(StrEnum):
    """Who has the conversation."""

    BOT = "bot"
    QUEUE = "queue"
    CLINICIAN = "clinician"


class Kind(StrEnum):
    """What a message is. The bot's kinds first; a clinician's or the system's are message, notice and crisis."""

    DISCLOSURE = "disclosure"
    ANSWER = "answer"
    NO_ANSWER = "no_answer"
    SUPPORT = "support"
    CRISIS = "crisis"
    BOOKING = "booking"
    HANDOFF = "handoff"
    BOUNDARY = "boundary"
    IDENTITY = "identity"
    SMALLTALK = "smalltalk"
    MESSAGE = "message"
    NOTICE = "notice"


class Urgency(IntEnum):
    """How soon a person must look, from the words used. It predicts nothing about a person."""

    NONE = 0
    CONCERN = 1
    CHECK_IN = 2  # from here on a risk flag is open, until a clinician lowers it
    CRISIS = 3
    EMERGENCY = 4


class Route(StrEnum):
    BOT = "bot"
    HUMAN = "human"


class Reason(StrEnum):
    SUICIDE = "suicide"
    SELF_HARM = "self_harm"
    HARM_TO_OTHERS = "harm_to_others"
    ABUSE = "abuse"
    PSYCHOSIS = "psychosis"
    OVERDOSE = "overdose"
    MEDICAL = "medical"
    EATING = "eating"
    PERINATAL = "perinatal"
    MINOR = "minor"
    SOMEONE_ELSE = "someone_else"
    BEREAVEMENT = "bereavement"
    SUBSTANCE = "substance"
    MEDICATION = "medication"
    DIAGNOSIS = "diagnosis"
    BOOKING = "booking"
    ASKED = "asked"
    UNSURE = "unsure"
    FAULT = "fault"
    NONE = "none"


class HandoffState(StrEnum):
    WAITING = "waiting"
    CLAIMED = "claimed"
    CLOSED = "closed"


class Outcome(StrEnum):
    """How a handoff ended, in the clinician's word."""

    RESOLVED = "resolved"
    RETURNED_TO_BOT = "returned_to_bot"
    REFERRED = "referred"
    NO_CONTACT = "no_contact"
    DUPLICATE = "duplicate"
