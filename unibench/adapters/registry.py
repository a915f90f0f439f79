"""The adapters by name; plugins add theirs under the group `unibench.adapters`."""

from __future__ import annotations

from unibench.registry import Registry

ADAPTERS = Registry(
    "adapter",
    "unibench.adapters",
    {
        "b2ner": "unibench.adapters.type_pairs:B2NER",
        "callable": "unibench.adapters.function:FunctionModel",
        "gliner": "unibench.adapters.gliner:GlinerModel",
        "gner": "unibench.adapters.gner:GNER",
        "gollie": "unibench.adapters.code_classes:GoLLIE",
        "instructuie": "unibench.adapters.type_pairs:InstructUIE",
        "json_types": "unibench.adapters.json_types:JsonTypes",
        "knowcoder": "unibench.adapters.code_classes:KnowCoder",
        "slimer": "unibench.adapters.slimer:Slimer",
        "spacy": "unibench.adapters.spacy:SpacyPipeline",
        "token_classifier": "unibench.adapters.token_classifier:TokenClassifier",
        "type_bar": "unibench.adapters.type_bar:TypeBar",
        "uniner": "unibench.adapters.uniner:UniNER",
    },
)
