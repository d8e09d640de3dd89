"""A stage's training as another rank than the first does it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from grice_core.dpo.budget import TokenBudget
from grice_core.dpo.distributed.process_group import process_group
from grice_core.dpo.examples import Compute, ReferenceLogps, StageExamples
from grice_core.dpo.head import prepacked_head
from grice_core.dpo.policy import add_adapter
from grice_core.dpo.reference import weights_hash
from grice_core.dpo.train import StageTrainer
from grice_core.errors import ModelError
from grice_core.kernels.precision import WeightFormat
from grice_core.kernels.stored import weights_format
from grice_core.pipeline.carried import CarriedStages
from grice_core.pipeline.preparing import PreparedStage
from grice_core.pipeline.published import StageModels
from grice_core.pipeline.rank_server import ServedRank
from grice_core.pipeline.stage_job import StageJob
from grice_core.recipes.config import ParallelSettings, StageConfig


@dataclass(frozen=True, eq=False)
class TrainingWork:
    """One stage, as rank 0 has prepared it."""

    settings: ParallelSettings
    base: str
    """Hub id or folder; each rank loads it on its own host."""
    earlier: CarriedStages
    after: str | None
    """Stage whose published model this one starts from; None: the plain base."""
    base_sha256: str
    """Of the weights that the stage starts from."""
    base_dtype: WeightFormat
    """In which they are held."""
    config: StageConfig
    examples: StageExamples
    ref_logps: ReferenceLogps
    compute: Compute
    """Of rank 0."""
    num_steps: int
    seed: int

    @classmethod
    def of(cls, prepared: PreparedStage, job: StageJob) -> "TrainingWork":
        """The work that rank 0 is about to begin."""
        trainer = prepared.trainer
        after = job.earlier[-1].config.name if job.earlier else None
        budget = trainer.compute.budget
        if job.parallel.fsdp:
            tokens = job.parallel.fsdp.tokens_per_pass
            budget = TokenBudget(tokens, may_shrink=False, say=budget.say)
        return cls(
            settings=job.parallel,
            base=prepared.base,
            earlier=CarriedStages.of(job.output, (after,) if after else ()),
            after=after,
            base_sha256=prepared.reference_sha256,
            base_dtype=weights_format(trainer.policy),
            config=trainer.config,
            examples=trainer.examples,
            ref_logps=trainer.ref_logps,
            compute=replace(trainer.compute, budget=budget, head=None),
            num_steps=prepared.encoded.planned.num_steps,
            seed=job.seed,
        )

    def for_others(self) -> "TrainingWork":
        """As it travels: without what only rank 0 talks to."""
        own = self.compute.budget
        budget = TokenBudget(own.tokens, may_shrink=own.may_shrink)
        return replace(self, compute=replace(self.compute, budget=budget))

    @contextmanager
    def trainer(self, compute: Compute) -> Iterator[StageTrainer]:
        """The same trainer as rank 0's, on this rank's device.

        Raises: ModelError.
        """
        with self.earlier.folder() as output:
            models = StageModels(self.base, compute.device, output, self.base_dtype)
            base = models.after(self.after)
            if weights_hash(base.model) != self.base_sha256:
                raise ModelError(
                    f"the weights of {self.base} are not those that this run began with: all hosts need the "
                    "same files, and no one may change them while a run uses them"
                )
            whole = self.settings.fsdp is None
            policy = add_adapter(base, self.config.lora, self.seed, fuses=whole)
            compute = replace(compute, head=prepacked_head(policy) if whole else None)
            yield StageTrainer(policy, self.config, self.examples, self.ref_logps, compute)

    def do(self, rank: ServedRank) -> None:
        """Train with the others, and measure with them what rank 0 writes down.

        Raises: ModelError, LostRankError, InterruptedRunError.
        """
        device = rank.device(self.compute.device.type)
        with self.trainer(replace(self.compute, device=device)) as trainer:
            rank.say_ready()
            with process_group(rank.info(device), trainer.policy, self.settings) as ranks:
                trainer.share_with(ranks)
                trainer.run(self.num_steps, self.seed)
                for preferences in (trainer.preferences(), *trainer.examples.earlier.values()):
                    trainer.reward_margins(preferences)
