"""The file formats by name, and how a card's `format:` becomes a parser."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from unibench.data.formats.base import Format
from unibench.errors import CardError
from unibench.registry import Registry
from unibench.schema.strict_yaml import convert

FORMATS = Registry(
    "format",
    "unibench.formats",
    {
        "abstract_tables": "unibench.data.formats.abstract_tables:AbstractTables",
        "ace": "unibench.data.formats.ace:Ace",
        "arrow_tokens": "unibench.data.formats.arrow_tokens:ArrowTokens",
        "bioc_json": "unibench.data.formats.bioc:BiocJson",
        "bioc_xml": "unibench.data.formats.bioc:BiocXml",
        "brat": "unibench.data.formats.brat:Brat",
        "columns": "unibench.data.formats.columns:Columns",
        "conll2012": "unibench.data.formats.conll2012:Conll2012",
        "conversations": "unibench.data.formats.conversations:Conversations",
        "csv_json": "unibench.data.formats.csv_json:CsvJson",
        "dense_offsets": "unibench.data.formats.dense_offsets:DenseOffsets",
        "document_spans": "unibench.data.formats.document_spans:DocumentSpans",
        "iepile": "unibench.data.formats.iepile:IePile",
        "inline_xml": "unibench.data.formats.inline_xml:InlineXml",
        "instructuie": "unibench.data.formats.json_mentions:InstructUie",
        "json_mentions": "unibench.data.formats.json_mentions:JsonMentions",
        "jsonl": "unibench.data.formats.jsonl:JsonLines",
        "knowtator_xml": "unibench.data.formats.knowtator:Knowtator",
        "line_concepts": "unibench.data.formats.line_concepts:LineConcepts",
        "mrc_json": "unibench.data.formats.mrc_json:MrcJson",
        "offset_xml": "unibench.data.formats.offset_xml:OffsetXml",
        "parquet_tokens": "unibench.data.formats.parquet_tokens:ParquetTokens",
        "pipe_spans": "unibench.data.formats.pipe_spans:PipeSpans",
        "pubtator": "unibench.data.formats.pubtator:PubTator",
        "sentence_tables": "unibench.data.formats.sentence_tables:SentenceTables",
        "token_flags": "unibench.data.formats.token_flags:TokenFlags",
        "token_rows": "unibench.data.formats.token_rows:TokenRows",
    },
)


def make_format(spec: str | Mapping[str, Any], where: str) -> Format:
    """Return the parser that `spec` names, with its options; `where` is for errors.

    Raises:
        UnknownNameError: there is no such format.
        CardError: the format has no such option, or not of that type.
    """
    named = {"name": spec} if isinstance(spec, str) else dict(spec)
    name = named.pop("name", None)
    if not isinstance(name, str):
        raise CardError(f"{where}: format: a name is missing")
    kind = FORMATS.load(name)
    options = convert(named, kind.Options, f"{where}: format {name}")
    made: Format = kind(options)
    return made
