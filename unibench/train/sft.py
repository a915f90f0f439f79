"""The trainer: TRL's, with our rows and a loss on few positions.

Imported only where a training runs: it needs torch, TRL and PEFT.
"""

from __future__ import annotations

from typing import Any

import torch
from accelerate import PartialState
from accelerate.utils import DistributedType, FullyShardedDataParallelPlugin
from torch.nn.functional import cross_entropy
from trl.trainer.sft_trainer import SFTTrainer

from unibench.train.tokens import IGNORED


class RowTrainer(SFTTrainer):
    """TRL's SFT trainer on packed rows.

    On a GPU the loss is TRL's own. Elsewhere TRL projects every position onto the
    vocabulary, answers or not; we ask `transformers` for the logits of the few
    positions that are learnt.
    """

    def create_accelerator_and_postprocess(self) -> None:
        """Create the accelerator; shard on a CPU too.

        accelerate shards on GPUs only; elsewhere it takes a wish for FSDP and copies
        the model to every process. Its FSDP itself runs on a CPU, so it is told to.
        """
        super().create_accelerator_and_postprocess()
        wanted = self.args.fsdp_plugin_args
        if wanted is None or getattr(self, "is_fsdp_enabled", False):
            return
        state = self.accelerator.state
        state.distributed_type = PartialState().distributed_type = DistributedType.FSDP
        state.fsdp_plugin = FullyShardedDataParallelPlugin(**wanted)
        if state.mixed_precision != "no":
            state.fsdp_plugin.set_mixed_precision(state.mixed_precision)
        self.is_fsdp_enabled = True

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,  # noqa: FBT001, FBT002  (the trainer's signature)
        num_items_in_batch: Any = None,
    ) -> Any:
        """Return the mean loss of the learnt tokens of a step."""
        labels = inputs["labels"]
        if labels.device.type == "cuda" or return_outputs:
            return super().compute_loss(  # type: ignore[no-untyped-call]
                model, inputs, return_outputs, num_items_in_batch
            )
        follows = labels[:, 1:]
        positions = (follows != IGNORED).any(dim=0).nonzero().flatten()
        known = {k: v for k, v in inputs.items() if k != "labels"}
        logits = model(**known, use_cache=False, logits_to_keep=positions).logits
        wanted = follows[:, positions]
        learnt = wanted != IGNORED
        scores = logits[learnt].float()
        total = cross_entropy(scores, wanted[learnt], reduction="sum")
        mode = "train" if self.model.training else "eval"
        right = (scores.argmax(-1) == wanted[learnt]).float().mean()
        self._metrics[mode]["mean_token_accuracy"].append(right.item())
        count = learnt.sum() if num_items_in_batch is None else num_items_in_batch
        loss = total / torch.as_tensor(count).clamp(min=1)
        if self.args.average_tokens_across_devices and num_items_in_batch is not None:
            loss = loss * self.accelerator.num_processes
        return loss
