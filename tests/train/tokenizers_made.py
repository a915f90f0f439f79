"""Tokenizers of three families, trained on the spot."""

from __future__ import annotations

from typing import Any

TEXT = [
    "A virtual assistant answers questions from a user based on the provided text.",
    "USER: Text: Ada Lovelace met Charles Babbage in London. ASSISTANT: I've read this",
    'What describes person in the text? ["Ada Lovelace", "Charles Babbage"] [] "]',
]
CHAT = (
    "{% for m in messages %}<|{{ m['role'] }}|>\n{{ m['content'] }}</s>\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)


def byte_bpe() -> Any:
    """As GPT-2's: blanks belong to the word that follows."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    made.train_from_iterator(
        TEXT,
        trainers.BpeTrainer(
            vocab_size=420,
            special_tokens=["<pad>", "</s>"],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    return wrapped(made)


def metaspace() -> Any:
    """As LLaMA's: a mark for blanks, one before the first word, and `<s>`."""
    from tokenizers import (
        Tokenizer,
        decoders,
        models,
        pre_tokenizers,
        processors,
        trainers,
    )

    made = Tokenizer(models.Unigram())
    made.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
    made.decoder = decoders.Metaspace(prepend_scheme="first")
    made.train_from_iterator(
        [*TEXT, "".join(chr(n) for n in range(33, 127))],
        trainers.UnigramTrainer(
            vocab_size=260,
            special_tokens=["<pad>", "</s>", "<s>", "<unk>"],
            unk_token="<unk>",  # noqa: S106
            show_progress=False,
        ),
    )
    made.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", 2)]
    )
    return wrapped(made, bos_token="<s>")  # noqa: S106


def whitespace() -> Any:
    """Words and punctuation marks; an end token is put after every text."""
    from tokenizers import (
        Tokenizer,
        models,
        normalizers,
        pre_tokenizers,
        processors,
        trainers,
    )

    made = Tokenizer(models.WordPiece(unk_token="<unk>"))  # noqa: S106
    made.normalizer = normalizers.NFC()
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.train_from_iterator(
        TEXT,
        trainers.WordPieceTrainer(
            vocab_size=300,
            special_tokens=["<pad>", "</s>", "<unk>"],
            show_progress=False,
        ),
    )
    made.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", 1)]
    )
    return wrapped(made)


def wrapped(made: Any, **more: Any) -> Any:
    """The transformers class around a tokenizer, with a chat template."""
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast(
        tokenizer_object=made,
        pad_token="<pad>",  # noqa: S106
        eos_token="</s>",  # noqa: S106
        chat_template=CHAT,
        **more,
    )


ALL = {"byte_bpe": byte_bpe, "metaspace": metaspace, "whitespace": whitespace}
