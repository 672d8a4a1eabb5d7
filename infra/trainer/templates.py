"""Chat templates, rendered by transformers, with the run's date instead of the machine's clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import jinja2
from transformers.utils import chat_template_utils

from contract import Unusable


@dataclass(frozen=True)
class Today:
    """The time for a template that asks. A run has one instant, the one in its description. By the clock, the same input would have other
    tokens tomorrow, and a job that is delivered again would write another adapter."""

    instant: datetime | None = None

    @classmethod
    def at(cls, instant: str | None) -> Today:
        """An instant in RFC 3339. A description without one has no date."""
        return cls(datetime.fromisoformat(instant).astimezone(UTC).replace(tzinfo=None) if instant else None)

    def strftime(self, form: str) -> str:
        if self.instant is None:
            raise Unusable("strftime_now: run.json has no prepared_at, and the chat template asks for a date")
        return self.instant.strftime(form)


def render(tokenizer: Any, messages: list[dict[str, Any]], today: Today) -> str:
    """A prompt's text, up to the beginning of the answer."""
    template = tokenizer.get_chat_template()
    try:
        # An argument does not work: transformers passes only its own functions to a template.
        chat_template_utils._compile_jinja_template(template).environment.globals["strftime_now"] = today.strftime
        return tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    except jinja2.TemplateError as error:
        # A message may quote the prompt, as that of `raise_exception` may. It is repeated only if the template has it word for word.
        message = error.message or ""
        raise Unusable(f"the chat template refuses a prompt: {message if message in template else type(error).__name__}") from None
