"""GoLLIE and KnowCoder: types as Python classes, mentions as their instances."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import ClassVar

import msgspec

from unibench.adapters.formats import asked_mentions, forbid, python_literal
from unibench.adapters.instructed import InstructedAdapter, only_types, plain
from unibench.adapters.parsing.python_calls import python_calls
from unibench.adapters.parsing.reading import Answer
from unibench.errors import AdapterError, CardError
from unibench.schema.query import Parsed, Prompt, Query, Response

_FORM = "class Type(Entity)"


def class_name(entity_type: str) -> str:
    """Return the class of a type: camel case; `Type...` where that is no identifier."""
    words = re.findall(r"\w+", entity_type.replace("_", " "))
    name = "".join(word[:1].upper() + word[1:] for word in words)
    return name if name.isidentifier() else f"Type{name}"


def class_names(query: Query) -> dict[str, str]:
    """Return class -> type for the asked types.

    Raises:
        AdapterError: two types give one class.
    """
    forbid(query, "", _FORM)
    classes: dict[str, str] = {}
    for name in only_types(query):
        made = class_name(name)
        if made in classes:
            raise AdapterError(
                f"the entity types {classes[made]!r} and {name!r} both become the"
                f" class {made}; give one another name in the label map"
            )
        classes[made] = name
    return classes


class CodeClasses(InstructedAdapter):
    """What GoLLIE and KnowCoder share: class names in, calls back."""

    parser: ClassVar[Callable[[Answer], Parsed]] = staticmethod(python_calls)

    def parse(self, response: Response, query: Query) -> Parsed:
        """Read the calls and give the classes their types back."""
        classes = class_names(query)
        parsed = python_calls(self.answer(response, query, types=tuple(classes)))
        mentions = tuple(
            msgspec.structs.replace(m, entity_type=classes[m.entity_type])
            for m in parsed.mentions
        )
        return msgspec.structs.replace(parsed, mentions=mentions)

    def calls(self, query: Query, argument: str) -> list[str]:
        """Return the constructor call of each mention."""
        names = {entity_type: name for name, entity_type in class_names(query).items()}
        return [
            f"{names[m.entity_type]}({argument}{python_literal(m.text)})"
            for m in asked_mentions(query)
        ]


class GoLLIE(CodeClasses):
    """Dataclasses with guidelines, the text, and `result =` (prompts.md 8).

    Guidelines are the label map's definitions; a type without one says its name.
    Classes stand in the order of the query.
    """

    parts = {  # noqa: RUF012  (a ClassVar of the base)
        "template": "# Below are the classes that define the task\n"
        "# Here is the text\n"
        "# And here are the instances found in the text\n"
    }

    def render(self, query: Query) -> Prompt:
        """Return the Python file up to the result."""
        comments = [
            line for line in self.part("template").splitlines() if line.startswith("#")
        ]
        if len(comments) != 3:
            raise CardError(
                f"wordings of {self.name}: the template needs three comment lines, it"
                f" has {len(comments)}"
            )
        classes = "\n\n\n".join(
            f"@dataclass\nclass {name}(Entity):\n"
            f"    {_docstring(entity_type, query)}\n\n    span: str"
            for name, entity_type in class_names(query).items()
        )
        return plain(
            f"{comments[0]}\n{classes}\n\n\n{comments[1]}\n"
            f"text = {python_literal(query.passage.text)}\n\n{comments[2]}\nresult ="
        )

    def perfect(self, query: Query) -> str:
        """Write `[Person(span="Ann Lee"), ...]`, one a line."""
        calls = self.calls(query, "span=")
        return " [\n" + "".join(f"    {call},\n" for call in calls) + "]"


class KnowCoder(CodeClasses):
    """Classes with a name, a task in a docstring, and the sentence (prompts.md 8).

    The layout of one class is not in the published template, so it is ours.
    """

    parts = {  # noqa: RUF012  (a ClassVar of the base)
        "task": "The classes above stand for kinds of entities. Create an object for"
        " every entity of these kinds in the sentence below."
    }

    def render(self, query: Query) -> Prompt:
        """Return the Python text up to the answer."""
        classes = "".join(
            f"\nclass {name}(Entity):\n\t{_docstring(entity_type, query)}\n"
            for name, entity_type in class_names(query).items()
        )
        return plain(
            "class Entity:\n\tdef __init__(self, name: str):\n\t\tself.name = name\n"
            f'{classes}\n"""\n{self.part("task")}\n"""\n'
            f"sentence = {python_literal(query.passage.text)}\n"
        )

    def perfect(self, query: Query) -> str:
        """Write `results = [Person("Ann Lee"), ...]`, one a line."""
        calls = self.calls(query, "")
        return "results = [\n" + "".join(f"\t{call},\n" for call in calls) + "]"

    def prompt_identity(self) -> tuple[str, str]:
        """Return the hash; the classes are worded by us."""
        return super().prompt_identity()[0], "paraphrase"


def _docstring(entity_type: str, query: Query) -> str:
    guideline = query.definitions.get(entity_type) or f"A mention of a {entity_type}."
    escaped = guideline.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    if escaped.endswith('"'):
        escaped = escaped[:-1] + '\\"'
    return f'"""{escaped}"""'
