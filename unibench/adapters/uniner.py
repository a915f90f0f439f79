"""UniNER: one entity type a query, a JSON list back (the paper's Figures 2 and 3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from unibench.adapters.base import GenerativeAdapter
from unibench.adapters.formats import json_list_answer, json_object_answer
from unibench.adapters.parsing.json_list import json_list
from unibench.adapters.parsing.json_object import json_object
from unibench.adapters.parsing.reading import Answer
from unibench.backends.base import Backend
from unibench.errors import AdapterError
from unibench.schema.model_card import ModelCard
from unibench.schema.query import Message, Parsed, Prompt, Query, Response
from unibench.schema.strict_yaml import convert

SYSTEM = "A virtual assistant answers questions from a user based on the provided text."
READ = "I've read this text."
QUESTION = "What describes {entity_type} in the text?"
END = "</s>"
STOPS = (END, "USER:")


class UniNEROptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a card's `options:` may say.

    `query` is what stands in the question: the type's name, its definition
    (UniNER-7B-definition), or the names of all types (UniNER-7B-all-in-one, whose
    form is not published: the question and the JSON object that answers it are
    ours). `dataset_names` switches on the dataset field of Figure 3: subset -> the
    name of the training set; a subset that it does not name is an error, or, with
    `unnamed_datasets: omit`, is asked without the field, as the paper asks in the
    zero-shot setting (section 3.2). `end` is what ends an assistant's turn; it is
    `</s>` in LLaMA's vocabulary, other tokenizers have their own.
    """

    query: Literal["type", "definition", "all_in_one"] = "type"
    dataset_names: Mapping[str, str] = {}
    unnamed_datasets: Literal["error", "omit"] = "error"
    end: str = END


class UniNER(GenerativeAdapter):
    """Ask `What describes <entity type> in the text?`; expect a JSON list back."""

    prompt_origin = "published"

    def __init__(self, card: ModelCard, backend: Backend) -> None:
        """Read the options of the card."""
        super().__init__(card, backend)
        where = f"options of {card.title or card.checkpoint.id}"
        self.options = convert(card.options, UniNEROptions, where)
        if self.options.query == "all_in_one":
            self.types_per_query = None

    def render(self, query: Query) -> Prompt:
        """Return the conversation of Figure 2, also in the released wire format."""
        question = QUESTION.format(entity_type=self._asked(query))
        turns = (
            Message("user", self._first_turn(query)),
            Message("assistant", READ),
            Message("user", question),
        )
        return Prompt(
            (Message("system", SYSTEM), *turns), wire_text(turns, self.options.end)
        )

    def probe(self) -> Query:
        """Return the placeholders, of a subset whose dataset name is declared."""
        subset = next(iter(self.options.dataset_names), "")
        return msgspec.structs.replace(super().probe(), subset=subset)

    def parse(self, response: Response, query: Query) -> Parsed:
        """Read `["mention", ...]`; anything else is mended by name or an error."""
        read = json_object if self.types_per_query is None else json_list
        return read(
            Answer(
                response.text,
                query.entity_types,
                passage=query.passage.text,
                finish_reason=response.finish_reason,
                stops=STOPS,
            )
        )

    def perfect(self, query: Query) -> str:
        """Write the list, or the object where all types are asked at once."""
        if self.types_per_query is None:
            return json_object_answer(query)
        return json_list_answer(query)

    def prompt_identity(self) -> tuple[str, str]:
        """Return the hash; two forms are not published in full.

        They are the all-in-one question, and the blanks around Figure 3's field.
        """
        sha256, origin = super().prompt_identity()
        ours = self.types_per_query is None or self.options.dataset_names
        return sha256, "paraphrase" if ours else origin

    def _first_turn(self, query: Query) -> str:
        text = f"Text: {query.passage.text}"
        if not self.options.dataset_names:
            return text
        if query.subset not in self.options.dataset_names:
            if self.options.unnamed_datasets == "omit":
                return text
            raise AdapterError(
                f"{self.card.title}: the prompt has a dataset field, but the card's"
                f" options.dataset_names does not name {query.subset!r}; add it, or say"
                " 'unnamed_datasets: omit'"
            )
        return f"Dataset: {self.options.dataset_names[query.subset]} \n {text}"

    def _asked(self, query: Query) -> str:
        if not query.entity_types:
            raise AdapterError(f"passage {query.passage.id!r}: no entity type is asked")
        if self.options.query == "all_in_one":
            return ", ".join(query.entity_types)
        if len(query.entity_types) != 1:
            raise AdapterError(f"{self.card.title} is asked one entity type at a time")
        (entity_type,) = query.entity_types
        if self.options.query == "type":
            return entity_type
        if entity_type not in query.definitions:
            raise AdapterError(
                f"{self.card.title} asks by definition, and the label map has none for"
                f" {entity_type!r}; add 'definition:' to it"
            )
        return query.definitions[entity_type]


def wire_text(turns: Sequence[Message], end: str = END) -> str:
    """Return the string that the released code sends (`src/conversation.py`).

    A blank follows the system sentence and user turns, `end` assistant turns; the
    last turn is the bare cue, unless the conversation ends with an answer.
    """
    text = SYSTEM + " "
    for turn in turns:
        after = end if turn.role == "assistant" else " "
        text += f"{turn.role.upper()}: {turn.content}{after}"
    return text if turns[-1].role == "assistant" else text + "ASSISTANT:"
