"""What a distillation recipe declares: `training/*.yaml` with `kind: distillation`.

One section a stage. The defaults are the paper's (section 3.1 and 3.2) where it says
something; what it leaves open is said at the option.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from unibench.schema.model_card import Checkpoint, Decoding, PromptTurn

Count = Annotated[int, msgspec.Meta(ge=1)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Strategy = Literal["none", "uniform", "frequency"]
CutPolicy = Literal["reject", "repeating", "keep"]


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base: unknown keys are errors."""


class CorpusSource(_Strict, frozen=True, kw_only=True):
    """A part of the corpus: files, or a dataset of the Hub that is streamed.

    `files` are paths or patterns, beside the recipe unless absolute; JSON lines,
    parquet or text, plain or as .zst or .gz. `source_field` is the dotted path of a
    field that names a document's own source (`meta.pile_set_name` in the Pile), else
    all documents are of `name`. `documents` says what one document of a text file is.
    """

    name: str
    files: tuple[str, ...] = ()
    hub: str = ""
    revision: str = ""
    config: str = ""
    split: str = "train"
    format: Literal["auto", "jsonl", "parquet", "text"] = "auto"
    text_field: str = "text"
    source_field: str = ""
    documents: Literal["paragraph", "line", "file"] = "paragraph"

    def __post_init__(self) -> None:
        """Refuse a source without a place, with two, or that is not pinned."""
        if bool(self.files) == bool(self.hub):
            raise ValueError(f"corpus {self.name!r} needs either `files` or `hub`")
        if self.hub and not self.revision:
            raise ValueError(f"corpus {self.name!r}: {self.hub} needs a `revision`")


class Duplicates(_Strict, frozen=True, kw_only=True):
    """Which repeated passages are left out.

    `exact` compares without case and white space. `near` is the Jaccard similarity
    of word 5-grams from which two passages are the same; null compares none.
    """

    exact: bool = True
    near: Annotated[float, msgspec.Meta(gt=0, le=1)] | None = 0.8


class OverlapRecipe(_Strict, frozen=True, kw_only=True):
    """Leave out passages that share `words` words in a row with a test passage.

    `subsets` are subsets, datasets or suites; without them, all that are prepared on
    this machine. Those that are not are named in the manifest.
    """

    words: Count = 13
    subsets: tuple[str, ...] = ()


class PassageRecipe(_Strict, frozen=True, kw_only=True):
    """Stage `passages`: what is sampled from which corpus.

    `tokenizer` is a checkpoint with a tokenizer.json, or `words` (words and single
    punctuation marks). `sample` passages are drawn uniformly over all that pass the
    filters; `reserve` more are kept to replace duplicates. `stratify` gives every
    source the same number, or the given shares. `skip_unsampled` leaves documents
    unread that cannot enter the sample any more: the sample stays the same, but the
    passages of the whole corpus are not counted. More than `max_bad_share` unreadable
    rows in a file are an error.
    """

    corpus: tuple[CorpusSource, ...]
    tokenizer: Checkpoint | Literal["words"]
    max_tokens: Count = 256
    min_tokens: Count = 1
    sample: Count = 50_000
    reserve: Share = 0.2
    stratify: Literal["none", "equal"] | dict[str, float] = "none"
    languages: tuple[str, ...] = ()
    duplicates: Duplicates = Duplicates()
    test_overlap: OverlapRecipe | None = OverlapRecipe()
    skip_unsampled: bool = True
    max_bad_share: Share = 0.05

    def __post_init__(self) -> None:
        """Refuse a corpus that cannot be sampled."""
        names = [source.name for source in self.corpus]
        if not names or len({*names}) < len(names):
            raise ValueError("`corpus` must list sources, each with its own name")
        if self.min_tokens > self.max_tokens:
            raise ValueError("`min_tokens` is larger than `max_tokens`")
        if isinstance(self.stratify, dict) and (
            not self.stratify or min(self.stratify.values()) <= 0
        ):
            raise ValueError("the shares of `stratify` must be larger than 0")


class TeacherRecipe(_Strict, frozen=True, kw_only=True):
    """Stage `label`: which model is asked, and how.

    `model` is a model card; its adapter does not matter here. `prompt` is `types`
    (the paper's Figure 1), `definitions` (its variant in section 3.1) or turns of our
    own with `$passage`. `answer_tokens` is the expected length of an answer, for the
    price before the run.
    """

    model: str
    prompt: Literal["types", "definitions"] | tuple[PromptTurn, ...] = "types"
    decoding: Decoding | None = None
    answer_tokens: Count = 150


class FilterRecipe(_Strict, frozen=True, kw_only=True):
    """Stage `filter`: which answers and entities are kept.

    `repair` reads answers that are not quite a list of tuples. A list that was `cut`
    is rejected, because what it lacks would be learnt as absent; `repeating` keeps one
    that had begun to repeat itself, `keep` keeps any. `keep_absent` keeps
    mentions that do not occur in the passage; `match_case: false` takes one that
    differs in case or white space as the passage has it. `case` and `plural` are
    what is done to the names of types; `latin_types` drops names without any Latin
    letter. `keep_empty` keeps passages that are left without entities.
    """

    repair: bool = True
    cut: CutPolicy = "reject"
    keep_absent: bool = False
    match_case: bool = False
    case: Literal["lower", "keep"] = "lower"
    plural: Literal["keep", "singular"] = "keep"
    latin_types: bool = True
    max_entities: Count = 256
    max_type_characters: Count = 80
    keep_empty: bool = True


class Negatives(_Strict, frozen=True, kw_only=True):
    """Types that are asked although they do not occur in the passage (Table 4).

    `count` types a passage, drawn without repetition; the paper does not say how
    many it draws. `all` asks every type of the subset, for supervised data.
    """

    strategy: Strategy = "frequency"
    count: Annotated[int, msgspec.Meta(ge=0)] | Literal["all"] = 10


class Component(_Strict, frozen=True, kw_only=True):
    """One part of the training mixture.

    Exactly one of `distilled` (this recipe's own filtered pairs), `subset` (a prepared
    subset's `split`, its types worded by `labels`: natural, raw or paraphrase:K; its
    passages without any mention are kept or dropped by `empty`) and `file`
    (conversations made elsewhere, such as Pile-NER-type). At most `limit` are drawn;
    `weight` says how often each is taken an epoch, 0.5 is a random half, 2 is twice.
    `dataset_name` adds the dataset field of the paper's Figure 3. `negatives` replaces
    the recipe's.
    """

    distilled: bool = False
    subset: str = ""
    split: Literal["train", "dev"] = "train"
    labels: str = "natural"
    empty: Literal["keep", "drop"] = "keep"
    file: str = ""
    weight: Annotated[float, msgspec.Meta(gt=0)] = 1.0
    limit: Count | None = None
    dataset_name: str = ""
    negatives: Negatives | None = None

    def __post_init__(self) -> None:
        """Refuse a part that is nothing, or two things."""
        if bool(self.subset) + bool(self.file) + self.distilled != 1:
            raise ValueError("a part is one of `distilled: true`, `subset` and `file`")
        if self.file and (self.dataset_name or self.negatives):
            raise ValueError(f"{self.file}: conversations are taken as they are")


class ConversationRecipe(_Strict, frozen=True, kw_only=True):
    """Stage `conversations`: how pairs become training data.

    `query` asks one type a turn, or all in one. `ask_by` asks supervised types by
    name or by the label map's definition (distilled types are what the teacher
    wrote). A conversation asks at most `max_queries` types. Each of `epochs` is a
    file with its own order of queries; `fresh_negatives` draws others for each.
    """

    query: Literal["one_type", "all_types"] = "one_type"
    ask_by: Literal["type", "definition"] = "type"
    negatives: Negatives = Negatives()
    max_queries: Count | None = None
    epochs: Count = 1
    fresh_negatives: bool = False
    mixture: tuple[Component, ...] = (Component(distilled=True),)


class DistillationRecipe(_Strict, frozen=True, kw_only=True):
    """A recipe: from a corpus and a teacher to conversations.

    Without `passages` and `teacher` only the stage `conversations` can be run, on a
    mixture without distilled data. `license` and `languages` go into the dataset card.
    """

    kind: Literal["distillation"]
    title: str
    license: str = "other"
    languages: tuple[str, ...] = ("en",)
    seed: int = 0
    passages: PassageRecipe | None = None
    teacher: TeacherRecipe | None = None
    filter: FilterRecipe = FilterRecipe()
    conversations: ConversationRecipe = ConversationRecipe()
    notes: tuple[str, ...] = ()
