"""One frozen Settings from the environment; wrong ones fail at start, in one line each."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict


class SettingsFault(ValueError):
    """A setting is wrong. One line: its name, what is wrong, what to write instead."""


def shipped(name: str) -> Path:
    """corpus/ or web/ as shipped: beside the packages in a checkout, inside bot/ in an installed wheel."""
    inside = Path(__file__).parent / "_data" / name
    return inside if inside.is_dir() else Path(__file__).parent.parent / name


class _FileSource(PydanticBaseSettingsSource):
    """HANDRAIL_<NAME>_FILE: the value is the file's content, without the last line break."""

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        path = os.environ.get(f"HANDRAIL_{field_name.upper()}_FILE")
        if not path:
            return None, field_name, False
        try:
            return Path(path).read_text(encoding="utf-8").rstrip("\r\n"), field_name, False
        except OSError as error:
            raise SettingsFault(f"HANDRAIL_{field_name.upper()}_FILE={path}: {error.strerror}") from None

    def __call__(self) -> dict[str, Any]:
        found = {name: self.get_field_value(f, name)[0] for name, f in self.settings_cls.model_fields.items()}
        return {name: value for name, value in found.items() if value is not None}


class Settings(BaseSettings):
    """Every setting, its default and what it means. `handrail settings` prints them from here."""

    model_config = SettingsConfigDict(env_prefix="HANDRAIL_", frozen=True, extra="ignore")

    data: Path = Field(Path("data"), description="the data folder: SQLite file, index, secret key, control socket")
    database_url: str = Field("", description="postgresql://… for PostgreSQL; empty: SQLite in the data folder")
    articles: Path | None = Field(None, description="a folder of the practice's own articles; empty: the shipped ones")
    practice: Path | None = Field(None, description="the practice file; empty: the demo practice")
    corpus: Path = Field(default_factory=lambda: shipped("corpus"), description="rules, replies and crisis lines")
    extra_corpus: Path | None = Field(
        None, description="a practice's own rules, lines and replies, laid over the shipped ones"
    )
    secret_key: str = Field("", description="wraps every conversation's key; empty: made once in the data folder")
    previous_secret_keys: str = Field(
        "", description="older secret keys, comma-separated, still read while keys are rotated"
    )
    allowed_origins: str = Field(
        "", description="pages that may embed the widget, comma-separated: https://practice.example"
    )
    public_url: str = Field("", description="the address visitors reach this server at; empty: http://HOST:PORT")
    proxies: int = Field(
        0, ge=0, le=5, description="how many trusted proxies stand in front (whose X-Forwarded-For is read)"
    )
    model: Path | None = Field(None, description="a sentence-transformers model folder; empty: the packaged MiniLM")
    index: str = Field("auto", description="the vector index: auto, flat, sq8, hnsw, pgvector")
    writer: str = Field("quote", description="how an answer is worded")
    notify: str = Field("", description="how staff are told, comma-separated: mailto:duty@… , webhook:https://…")
    smtp_url: str = Field("", description="smtp://user:password@host:587 for mailto notices")
    smtp_from: str = Field("", description="the address that mailto notices come from; empty: the practice's e-mail")
    notify_secret: str = Field("", description="whsec_…: signs what goes to a webhook: address of HANDRAIL_NOTIFY")
    rules_only: bool = Field(False, description="switch the filter's second stage off")
    strict_profile: bool = Field(
        False, description="education and logistics only, with consent first (Illinois, Nevada, Maine)"
    )
    shadow_rules: Path | None = Field(None, description="a rule pack that runs silently and is only counted")
    conversations_per_minute: int = Field(60, ge=1, description="conversations one address may open a minute")
    messages_per_minute: int = Field(1200, ge=1, description="messages one conversation may send a minute")
    key_calls_per_minute: int = Field(6000, ge=1, description="calls that one API key may make a minute")
    turns_at_once: int = Field(
        256, ge=1, description="turns under way in one process; above it plain ones get 503, words of risk never"
    )
    thinkers: int = Field(
        0, ge=0, le=64, description="processes that think beside the server (0: it thinks itself); one a core serves most"
    )
    token_days: int = Field(30, ge=1, description="how long a visitor's token opens its conversation")
    lease_seconds: int = Field(
        120, ge=5, description="a claim without a sign of life goes back to the queue after this"
    )
    session_idle_minutes: int = Field(15, ge=1, le=720)
    session_hours: int = Field(12, ge=1, le=24)
    keep_chats_days: int = Field(
        0, ge=0, description="erase conversations without a handoff so many days after the last word; 0: never"
    )
    keep_care_days: int = Field(
        0, ge=0, description="erase conversations whose handoffs are closed so many days after the last word; 0: never"
    )
    keep_traces_days: int = Field(
        365, ge=0, description="forget ended deliveries, events, sessions and links after so many days; 0: never"
    )
    log_level: str = Field("warning", description="debug, info, warning or error")
    log_json: bool = Field(False, description="logs as one JSON object a line")
    metrics_key: str = Field("", description="a bearer key for /metrics from elsewhere than loopback")
    traces_url: str = Field("", description="an OTLP/HTTP collector for traces: http://host:4318/v1/traces")
    webhook_allow_private: bool = Field(
        False, description="let webhooks reach private addresses (tests, a closed network)"
    )
    chatwoot: str = Field("", description="a Chatwoot inbox to answer: https://host|account|token (docs/integration.md)")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, _FileSource(settings_cls), env_settings

    @field_validator("articles", "practice", "extra_corpus", "model", "shadow_rules", mode="before")
    @classmethod
    def _empty_is_unset(cls, value: Any) -> Any:
        return None if value == "" else value

    @field_validator("log_level")
    @classmethod
    def _level(cls, value: str) -> str:
        if value.lower() not in {"debug", "info", "warning", "error"}:
            raise ValueError("write debug, info, warning or error")
        return value.lower()

    @field_validator("allowed_origins")
    @classmethod
    def _origins(cls, value: str) -> str:
        for origin in filter(None, (o.strip() for o in value.split(","))):
            scheme, _, rest = origin.partition("://")
            if scheme not in {"http", "https"} or not rest or "/" in rest or "*" in rest:
                raise ValueError(f"{origin!r} is no origin: write https://practice.example, without a path or *")
        return value

    @field_validator("database_url")
    @classmethod
    def _database(cls, value: str) -> str:
        if value and value.partition(":")[0] not in {"postgresql", "postgres", "sqlite"}:
            raise ValueError("write postgresql://user:password@host/database, or leave it empty for SQLite")
        return value

    @property
    def origins(self) -> tuple[str, ...]:
        return tuple(filter(None, (o.strip() for o in self.allowed_origins.split(","))))


def read(**changes: Any) -> Settings:
    """The settings from the environment, with `changes` (from the command line) before them. Raises SettingsFault."""
    try:
        return Settings(**{name: value for name, value in changes.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        name = "HANDRAIL_" + str(first["loc"][0] if first["loc"] else "").upper()
        raise SettingsFault(f"{name}: {first['msg'].removeprefix('Value error, ')}") from None


def model_cache(settings: Settings) -> Path:
    """Where the exported model is kept: the data folder, else (a folder that cannot be written) the user's cache."""
    if os.access(settings.data if settings.data.exists() else settings.data.absolute().parent, os.W_OK):
        return settings.data / "models"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "handrail" / "models"
