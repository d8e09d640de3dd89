"""Whether the base's prompt format takes everything that will be trained on and asked."""

import numpy as np

from grice_core.chat.format import PromptFormat
from grice_core.dpo.encode import encode_prompts, render_pairs
from grice_core.pipeline.inputs import PipelineInputs


def check_format(form: PromptFormat, inputs: PipelineInputs) -> None:
    """Render all pairs of all stages, and the prompts of the evaluation.

    Raises:
        ModelError: The tokenizer or its template can't end an answer.
        DataError: The template refuses a pair or a prompt.
    """
    _ = form.closing
    stages = inputs.stages
    touched = [each for stage in stages for each in (stage.train_indices, stage.heldout_indices)]
    render_pairs(inputs.table.take(np.unique(np.concatenate(touched))), form)
    encode_prompts(form.tokenizer, inputs.selection.asked, form)
