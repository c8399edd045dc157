"""Train nano-coder within a time budget, on a GPU when there is one, else on the CPU.

    python -m tools.nano_coder.train --shards SHARDS --tokenizer TOKENIZER --state STATE --out MODEL --minutes 100

The learning rate follows the share of the budget that is spent (warm-up, flat, linear to its floor over the last part),
so the run ends when the time ends, however fast the machine is. STATE holds what `--resume` continues from. MODEL is
written after --first-export minutes and at the end; interim exports go to STATE/model.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import torch
from torch.nn.functional import cross_entropy
from transformers import AutoTokenizer, Qwen2ForCausalLM

from tools.nano_coder.model import MUON_SCALE, configuration, export, optimizers, rate
from tools.nano_coder.rows import Rows
from tools.nano_coder.tokenizer import VOCABULARY

CLIP = 1.0
IGNORED = -100  # the target that cross_entropy leaves out


class Run:
    """One training run: model, optimizer, place in the data and time spent, as they are saved and resumed."""

    def __init__(self, args: argparse.Namespace, rank: int) -> None:
        self.args, self.rank = args, rank
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.tokenizer = AutoTokenizer.from_pretrained(args.tokenizer, local_files_only=True)
        torch.manual_seed(0)
        self.model = Qwen2ForCausalLM(configuration(self.tokenizer)).to(self.device)
        self.optimizers = optimizers(self.model, args.rate)
        self.rows = Rows(args.shards)
        self.seconds, self.steps, self.tokens = 0.0, 0, 0
        self.checkpoint = args.state / "run.pt"
        if args.resume:
            self.load()
        self.clock = time.monotonic()
        self.loss = torch.compile(self._loss, disable=args.eager)

    def _loss(self, ids: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        with torch.autocast(self.device, dtype=torch.bfloat16):
            hidden = self.model.model(input_ids=ids, use_cache=False).last_hidden_state
            scores = self.model.lm_head(hidden)
        return cross_entropy(scores.reshape(-1, VOCABULARY).float(), targets.reshape(-1))

    def step(self, ids: torch.Tensor, factor: float) -> float:
        """One update; the mean loss in nats per token."""
        for optimizer, scale in zip(self.optimizers, (MUON_SCALE, 1.0), strict=True):
            for group in optimizer.param_groups:
                group["lr"] = self.args.rate * factor * scale
        total = 0.0
        ids = ids[self.rank :: self.args.processes].contiguous()
        targets = ids.roll(-1, 1)
        targets[:, -1] = IGNORED
        ids, targets = ids.to(self.device), targets.to(self.device)
        parts = list(zip(ids.split(self.args.part), targets.split(self.args.part), strict=True))
        for part in parts:
            loss = self.loss(*part) / len(parts)
            loss.backward()
            total += loss.item()
        total = self.shared(total)
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), CLIP)
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad()
        self.steps += 1
        self.tokens += ids.numel() * self.args.processes
        return total

    def shared(self, loss: float) -> float:
        """Average gradients and loss over the processes, which also take over the first one's clock."""
        now = time.monotonic()
        self.seconds, self.clock = self.seconds + now - self.clock, now
        if self.args.processes == 1:
            return loss
        gradients = [p.grad for p in self.model.parameters()]
        facts = torch.tensor([loss, self.seconds if self.rank == 0 else 0.0])
        flat = torch.cat([*(g.flatten() for g in gradients), facts])
        torch.distributed.all_reduce(flat)
        loss, self.seconds = flat[-2].item() / self.args.processes, flat[-1].item()
        for gradient, total in zip(gradients, flat[:-2].split([g.numel() for g in gradients]), strict=True):
            gradient.copy_(total.view_as(gradient) / self.args.processes)
        return loss

    def save(self) -> None:
        """Keep everything that `load` needs; a torn write leaves the former one."""
        state = {
            "model": self.model.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "facts": (self.seconds, self.steps, self.tokens, self.rows.position),
        }
        part = self.checkpoint.with_suffix(".part")
        torch.save(state, part)
        part.replace(self.checkpoint)

    def load(self) -> None:
        """Continue where `save` was last called."""
        state = torch.load(self.checkpoint, map_location=self.device, weights_only=True)
        self.model.load_state_dict(state["model"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self.seconds, self.steps, self.tokens, self.rows.position = state["facts"]

    def facts(self) -> dict[str, Any]:
        """What the model card tells about the training."""
        return {
            "tokens": self.tokens,
            "steps": self.steps,
            "minutes": round(self.seconds / 60, 1),
            "device": self.device,
            "processes": self.args.processes,
            "threads": torch.get_num_threads() * self.args.processes,
            "batch_rows": self.args.batch,
            "peak_rate": self.args.rate,
            "parameters": self.model.num_parameters(),
        }


def train(run: Run) -> None:
    """Steps until the budget is spent, with a log line, a saved state and exports now and then."""
    args, budget = run.args, run.args.minutes * 60
    next_save, exported = run.seconds + args.save_every * 60, run.seconds > 0
    recent: list[float] = []
    started, first = time.monotonic(), run.tokens
    for ids in run.rows.batches(args.batch):
        recent.append(run.step(ids, rate(run.seconds / budget)))
        if run.steps % args.log_every == 0 and run.rank == 0:
            now = time.monotonic()
            speed = (run.tokens - first) / (now - started)
            print(
                f"step {run.steps} minutes {run.seconds / 60:.1f} tokens {run.tokens:,} "
                f"loss {sum(recent) / len(recent):.4f} rate {rate(run.seconds / budget):.3f} tokens/s {speed:.0f}",
                flush=True,
            )
            recent, started, first = [], now, run.tokens
        if run.rank == 0 and not exported and run.seconds >= args.first_export * 60:
            export(run.model, run.tokenizer, args.out)
            exported = True
        if run.rank == 0 and run.seconds >= next_save:
            next_save += args.save_every * 60
            run.save()
            export(run.model, run.tokenizer, args.state / "model")
        if run.seconds >= budget:
            break
    if run.rank > 0:
        return
    run.save()
    export(run.model, run.tokenizer, args.out)
    (args.state / "training.json").write_text(json.dumps(run.facts(), indent=1) + "\n", encoding="utf-8")


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shards", type=Path, required=True, help="folder written by tools.nano_coder.shards")
    parser.add_argument("--tokenizer", type=Path, required=True, help="folder written by tools.nano_coder.tokenizer")
    parser.add_argument(
        "--state", type=Path, required=True, help="folder of the resumable state, outside the repository"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of the finished model")
    parser.add_argument(
        "--minutes", type=float, required=True, help="time budget of the training, compilation included"
    )
    parser.add_argument("--resume", action="store_true", help="continue from --state; its minutes count")
    parser.add_argument("--rate", type=float, default=3e-3, help="peak learning rate")
    parser.add_argument("--batch", type=int, default=16, help="rows of 1,024 tokens a step")
    parser.add_argument(
        "--processes",
        type=int,
        default=1,
        help="one thread each; on a busy CPU faster than one process of as many threads",
    )
    parser.add_argument("--part", type=int, default=4, help="rows computed at once")
    parser.add_argument("--first-export", type=float, default=5, help="minutes until MODEL is written first")
    parser.add_argument("--save-every", type=float, default=10, help="minutes between saved states")
    parser.add_argument("--log-every", type=int, default=20, help="steps between log lines")
    parser.add_argument("--eager", action="store_true", help="without torch.compile")
    args = parser.parse_args()
    if args.processes > 1 and torch.cuda.is_available():
        parser.error("--processes shares the work of a CPU; on a GPU leave it at 1")
    if args.batch % (args.processes * args.part):
        parser.error(f"--batch {args.batch} must be a multiple of --processes times --part")
    return args


def work(rank: int, args: argparse.Namespace) -> None:
    """One of several processes, which meet once a step. Threads meet in every kernel, so that each waits for the other
    whenever anything else runs on the machine."""
    torch.set_num_threads(1)
    meeting = f"file://{(args.state / 'meeting').resolve()}"
    torch.distributed.init_process_group("gloo", init_method=meeting, rank=rank, world_size=args.processes)
    train(Run(args, rank))
    torch.distributed.destroy_process_group()


def main() -> None:
    """Command line: see the module's docstring."""
    args = arguments()
    args.state.mkdir(parents=True, exist_ok=True)
    (args.state / "meeting").unlink(missing_ok=True)
    if args.processes == 1:
        train(Run(args, 0))
    else:
        torch.multiprocessing.spawn(work, (args,), args.processes)


if __name__ == "__main__":
    main()
