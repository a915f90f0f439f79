"""Rows of a list of tokens and a list of tags, from JSON lines or parquet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from unibench.data.formats.base import Format
from unibench.data.formats.tags import Scheme, Tag, TagReader, passage_of
from unibench.schema.text import Passage


class TagRowOptions(
    Format.Options, frozen=True, forbid_unknown_fields=True, kw_only=True
):
    """Options of formats that have a row of tokens and tags per passage.

    `tokens` and `tags` are the keys of the two lists, `document` that of the
    document's name, if any. Tags that are numbers are places in `names`. Only rows
    with these values of `where` are read. `scheme` and `suffix` are those of
    `tags.TagReader`.
    """

    tokens: str = "tokens"
    tags: str = "tags"
    document: str = ""
    names: tuple[str, ...] = ()
    scheme: Scheme = "IOB2"
    suffix: bool = False
    where: Mapping[str, str] = {}


class TagRows:
    """Makes passages of rows, with the options of `TagRowOptions`."""

    def __init__(self, options: TagRowOptions) -> None:
        """Take the options."""
        self.options = options
        self.reader = TagReader(options.scheme, suffix=options.suffix)

    def passage(
        self,
        passage_id: str,
        tokens: list[str],
        tags: Sequence[str | int],
        document: str = "",
    ) -> Passage:
        """Return the passage of one row.

        Raises:
            ValueError: the lists differ in length, a token is empty, or a tag is
                none of the scheme.
        """
        if len(tokens) != len(tags):
            raise ValueError(f"{len(tokens)} tokens, but {len(tags)} tags")
        if "" in tokens:
            raise ValueError(f"token {tokens.index('')} is empty")
        layer = [self._tag(tag) for tag in tags]
        return passage_of(passage_id, tokens, (layer,), document)

    def _tag(self, tag: str | int) -> Tag:
        if isinstance(tag, int):
            if not 0 <= tag < len(self.options.names):
                known = len(self.options.names)
                raise ValueError(
                    f"the tag {tag} is no place in the {known} `names` of the format"
                )
            tag = self.options.names[tag]
        return self.reader.read(tag)
