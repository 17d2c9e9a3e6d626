"""How fast kser's backbones are beside `transformers` on PyTorch: same weights, audio and machine.

    KERAS_BACKEND=jax python eval/benchmarks/backbone_speed.py base large --output eval/results/speed.md

Each name is `base`, `large` or `tiny` (Wav2Vec 2.0 with random weights) or a `config.json` of a speech
transformer (not Whisper or Moonshine). `transformers` writes the checkpoint; kser and `transformers` read it.
They run in processes of their own that are asked in turn, with a pause in between in which both rest,
`--rounds` times; the medians count. Measured:

- inference, the last hidden states of 1 × 4 s, 8 × 4 s and 8 × 10 s of noise;
- a training step of a classifier (mean over time, one dense layer, cross-entropy), AdamW, the convolutions
  over the waveform frozen, all dropouts and SpecAugment as in training, but no layer drop, so that every step
  is the same work: 4 × 4 s on a CPU, 16 × 4 s on a GPU;
- in kser the same step from kept features, what `feature_cache` has on disk of the frozen convolutions
  (PyTorch: its step as before);
- with `--tasks parts`, where inference spends its time: parts of the model by themselves on 8 × 4 s.

PyTorch runs eagerly (`sdpa` attention, fused AdamW); `--compile` adds `torch.compile`. `--allocator-setting`
runs all sides with freed memory kept in the process and huge pages (glibc). The memory is the peak while a
case ran, of the process (CPU) or of the framework's allocator (GPU; on JAX since the process began). On a GPU
the share of `--peak-tflops` that the model's arithmetic makes is printed too.
"""

import argparse
import json
import os
import platform
import re
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

SAMPLING_RATE = 16_000
LARGE = {
    "hidden_size": 1024,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "intermediate_size": 4096,
    "do_stable_layer_norm": True,
    "feat_extract_norm": "layer",
    "conv_bias": True,
}
TINY = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "conv_dim": [16] * 7,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
}
CONFIGS: dict[str, dict] = {"base": {}, "large": LARGE, "tiny": TINY}
KEEP_MEMORY = (
    "glibc.malloc.hugetlb=1:glibc.malloc.mmap_max=0:glibc.malloc.trim_threshold=1000000000000"
    ":glibc.malloc.arena_max=1"
)
REST_S = 0.4  # threads of a finished call still spin for up to 0.2 s


@dataclass(frozen=True)
class Case:
    """What is measured: a task on a batch."""

    task: str
    batch: int
    seconds: float

    def __str__(self) -> str:
        task = "training from kept features" if self.task == "features" else self.task
        return f"{task} {self.batch}×{self.seconds:g} s"


TASKS = ("inference", "training", "features")
PARTS = ("feature encoder", "position convolution", "transformer layer", "its first dense layer")
INFERENCE = (Case("inference", 1, 4), Case("inference", 8, 4), Case("inference", 8, 10))


def main() -> None:
    """Measure every model named on the command line and print a Markdown table for each."""
    arguments = parsed_arguments()
    if arguments.worker:
        serve(arguments)
        return
    report = [f"    {command_line()}\n", machine(arguments)]
    print("\n".join(report), flush=True)
    for name in arguments.models:
        table = measured(name, arguments)
        print(table, flush=True)
        report.append(table)
    if arguments.output:
        from kser.files import write_text

        write_text(arguments.output, "# Speed of the backbones\n\n" + "\n".join(report))


def parsed_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", default=["base"], help="base, large, tiny or a config.json")
    parser.add_argument("--tasks", nargs="+", default=[*TASKS], choices=[*TASKS, "parts"])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--dtype", default="float32", choices=["float32", "bfloat16"])
    parser.add_argument("--device", default="cpu", choices=["cpu", "gpu"])
    parser.add_argument("--seconds", type=float, nargs="+", help="other lengths than 4 and 10 s")
    parser.add_argument("--compile", action="store_true", help="also against torch.compile")
    parser.add_argument("--allocator-setting", action="store_true", help="freed memory stays, huge pages")
    parser.add_argument("--peak-tflops", type=float, default=989.0, help="of the GPU (bfloat16, H100, H200)")
    parser.add_argument("--output", type=Path, help="write the tables there as well")
    parser.add_argument(
        "--worker", choices=["kser", "pytorch", "pytorch compiled", "write"], help=argparse.SUPPRESS
    )
    return parser.parse_args()


def command_line() -> str:
    """The command that repeats this run."""
    setting = f"KERAS_BACKEND={os.environ.get('KERAS_BACKEND', 'jax')} "
    return setting + "python " + shlex.join([os.path.relpath(sys.argv[0]), *sys.argv[1:]])


def machine(arguments: argparse.Namespace) -> str:
    """What the numbers depend on besides the programs."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    setting = "freed memory kept, huge pages" if arguments.allocator_setting else "default allocator"
    processor = names[0] if names else platform.processor()
    return f"{arguments.device}, {arguments.dtype}; {os.cpu_count()} cores of {processor}; {setting}\n"


def measured(name: str, arguments: argparse.Namespace) -> str:
    """Every case of one model as a table."""
    kser = f"kser ({os.environ.get('KERAS_BACKEND', 'jax')})"
    sides = {kser: "kser", "PyTorch": "pytorch"}
    if arguments.compile:
        sides["torch.compile"] = "pytorch compiled"
    opponents = list(sides)[1:]
    header = ["case", *(f"{side}, ms" for side in sides), *(f"ratio to {side}" for side in opponents)]
    header += [*(f"{side}, MB" for side in sides), "largest difference"]
    if arguments.device == "gpu":
        header += [f"{side}, utilisation" for side in sides]
    rows = [header, ["---"] * len(header)]
    with tempfile.TemporaryDirectory() as folder:
        with Worker("write", folder, arguments) as writer:
            config = writer.ask(do="write", model=name)["config"]
        for task in arguments.tasks:
            rows += compared(task, sides, config, folder, arguments)
    return f"## {name}\n\n" + "\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n"


def cases_of(task: str, arguments: argparse.Namespace) -> list[Case]:
    """What is measured of a task."""
    if task == "parts":
        return [Case(part, 8, 4) for part in PARTS]
    if task != "inference":
        batch = 16 if arguments.device == "gpu" else 4
        return [Case(task, batch, seconds) for seconds in arguments.seconds or [4]]
    return [c for c in INFERENCE if not arguments.seconds] or [
        Case(task, 8, seconds) for seconds in arguments.seconds
    ]


def compared(task: str, sides: dict[str, str], config: dict, folder: str, arguments: Any) -> list[list[str]]:
    """A row for each case of a task, each side in a process of its own."""
    with ExitStack() as stack:
        workers = {side: stack.enter_context(Worker(kind, folder, arguments)) for side, kind in sides.items()}
        return [compared_once(case, workers, config, arguments) for case in cases_of(task, arguments)]


def compared_once(case: Case, workers: "dict[str, Worker]", config: dict, arguments: Any) -> list[str]:
    """The row of one case."""
    prepared = {side: worker.ask(do="prepare", **vars(case)) for side, worker in workers.items()}
    measured = timed_rounds(workers, prepared, arguments.rounds)
    kser, *opponents = workers
    row = [str(case), *(f"{1e3 * measured.median_s(side):.0f}" for side in workers)]
    row += [f"{measured.ratio(kser, opponent):.2f}" for opponent in opponents]
    row += [f"{measured.megabytes[side]:.0f}" for side in workers]
    row.append(f"{np.abs(measured.outputs[kser] - measured.outputs[opponents[0]]).max():.1e}")
    if arguments.device == "gpu":
        for side, worker in workers.items():
            flops = arithmetic(config, case, convolved=case.task != "features" or worker.kind != "kser")
            row.append(f"{flops / measured.median_s(side) / arguments.peak_tflops / 1e12:.0%}")
    return row


@dataclass(frozen=True)
class Measured:
    """A case on several sides.

    Attributes:
        seconds: of each round, by side.
        megabytes: peak memory, by side.
        outputs: without what is random, by side.
    """

    seconds: dict[str, list[float]]
    megabytes: dict[str, float]
    outputs: dict[str, np.ndarray]

    def median_s(self, side: str) -> float:
        """Seconds of the median round."""
        return median(self.seconds[side])

    def ratio(self, side: str, opponent: str) -> float:
        """Time of a side by that of another, round by round: what slows the machine slows both."""
        rounds = zip(self.seconds[side], self.seconds[opponent], strict=True)
        return median(a / b for a, b in rounds)


def timed_rounds(workers: "dict[str, Worker]", prepared: dict[str, dict], rounds: int) -> Measured:
    """Measure what the workers have prepared, given their answers."""
    times: dict[str, list[float]] = {side: [] for side in workers}
    for turn in range(rounds):
        order = list(workers) if turn % 2 else list(reversed(workers))
        for side in order:
            time.sleep(REST_S)
            times[side].append(workers[side].ask(do="time")["seconds"])
    memory = {side: worker.ask(do="memory")["megabytes"] for side, worker in workers.items()}
    return Measured(times, memory, {side: np.load(prepared[side]["output"]) for side in workers})


class WorkerEndedError(SystemExit):
    """A worker ended before it answered; it ends the program with that line, unless it is caught."""


class Worker:
    """A process that does one thing when asked and waits without load in between."""

    def __init__(self, kind: str, folder: str, arguments: argparse.Namespace):
        environment = dict(os.environ, PYTHONWARNINGS="ignore", TF_CPP_MIN_LOG_LEVEL="3")
        environment.setdefault("KERAS_BACKEND", "jax")
        if arguments.device == "cpu":
            environment.update(CUDA_VISIBLE_DEVICES="", JAX_PLATFORMS="cpu")
        # Several frameworks share one GPU.
        environment.update(XLA_PYTHON_CLIENT_PREALLOCATE="false", TF_FORCE_GPU_ALLOW_GROWTH="true")
        if arguments.allocator_setting:
            environment["GLIBC_TUNABLES"] = KEEP_MEMORY
        options = ["--worker", kind, "--dtype", arguments.dtype, "--device", arguments.device]
        self.kind = kind
        self.process = subprocess.Popen(
            [sys.executable, __file__, folder, *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            text=True,
        )

    def ask(self, **request: Any) -> dict[str, Any]:
        """Send a request and wait for the answer."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise WorkerEndedError(f"the process of {self.kind} ended with status {self.process.wait()}")
        return json.loads(answer)

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *_: object) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


# === In a worker ===


def serve(arguments: argparse.Namespace) -> None:
    """Answer requests, one a line, until there are no more."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is no answer
    folder = Path(arguments.models[0])
    prepare = prepare_kser if arguments.worker == "kser" else prepare_pytorch
    run: Callable[[], Any] | None = None
    for line in sys.stdin:
        request = json.loads(line)
        action = request.pop("do")
        answer: dict[str, Any] = {}
        if action == "write":
            answer = {"config": write_checkpoint(folder, request["model"])}
        elif action == "prepare":
            case = Case(**request)
            run, output = prepare(folder, case, arguments)
            path = folder / f"{arguments.worker}.npy"
            np.save(path, output)
            run()
            run()
            answer = {"output": str(path)}
            reset_peak_memory(arguments)
        elif action == "time":
            assert run is not None, "nothing was prepared"
            started = time.perf_counter()
            run()
            answer = {"seconds": time.perf_counter() - started}
        elif action == "memory":
            answer = {"megabytes": peak_memory(arguments)}
        print(json.dumps(answer), file=answers, flush=True)


def write_checkpoint(folder: Path, name: str) -> dict[str, Any]:
    """Let `transformers` write a model with random weights, the same in every run; its configuration."""
    import torch
    from transformers import AutoConfig, AutoModel, Wav2Vec2Config

    torch.manual_seed(0)
    config = Wav2Vec2Config(**CONFIGS[name]) if name in CONFIGS else AutoConfig.from_pretrained(name)
    config.layerdrop = 0.0
    AutoModel.from_config(config).save_pretrained(folder)
    return config.to_dict()


def noise(case: Case) -> np.ndarray:
    """The audio of a case, float32 (batch, samples)."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(case.batch, int(case.seconds * SAMPLING_RATE))).astype(np.float32)


def prepare_kser(folder: Path, case: Case, arguments: Any) -> tuple[Callable[[], Any], np.ndarray]:
    """What runs a case in kser, and the outputs without what is random."""
    from kser.startup import import_keras

    import_keras()  # as the commands do
    import keras

    from kser.models import EmotionClassifier, SpeechBackbone
    from kser.models.feature_split import split_at_feature_encoder
    from kser.training.optimisation import GroupedAdamW

    dtype = "mixed_bfloat16" if arguments.dtype == "bfloat16" else "float32"
    backbone = kept(lambda: SpeechBackbone.from_preset(str(folder), dtype=dtype))
    audio = noise(case)
    inputs = {"waveform": audio, "padding_mask": np.ones(audio.shape, bool)}
    if case.task == "inference":
        output = backbone.predict_on_batch(inputs)["sequence_output"]
        return lambda: backbone.predict_on_batch(inputs), np.asarray(output, "float32")
    if case.task in PARTS:
        part, inputs = part_of_kser(backbone, case.task, inputs)
        return lambda: part.predict_on_batch(inputs), np.asarray(part.predict_on_batch(inputs), "float32")
    model = kept(lambda: EmotionClassifier(backbone, ["a", "b", "c", "d"], use_relu=False))
    model.get_layer("logits").set_weights(head_weights(backbone.hidden_dim))
    backbone.freeze_feature_encoder()
    if case.task == "features":
        split = split_at_feature_encoder(model)
        inputs = split.lower.predict_on_batch(inputs)
        inputs["features"] = inputs["features"].astype("float16")  # as they are kept
        model = split.upper
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(GroupedAdamW(5e-5, weight_decay=0.01), loss)
    targets = np.arange(case.batch) % 4
    output = np.asarray(model.predict_on_batch(inputs), "float32")
    return lambda: model.train_on_batch(inputs, targets), output


def part_of_kser(backbone: Any, part: str, inputs: dict[str, np.ndarray]) -> tuple[Any, Any]:
    """A model of that part alone, and what it is given."""
    import keras

    if part == "feature encoder":
        return keras.Model(backbone.input, backbone.feature_encoder.output), inputs
    given = frames_for(*backbone.compute_output_spec(inputs)["sequence_output"].shape)
    frames = keras.Input(given.shape[1:])
    layer = backbone.get_layer("transformer_layer_0")
    if part == "transformer layer":
        valid = keras.Input(given.shape[1:2], dtype="bool")
        return keras.Model([frames, valid], layer(frames, valid)), [given, np.ones(given.shape[:2], bool)]
    if part == "position convolution":
        layer = next(layer for layer in backbone.layers if "position_convolution" in layer.name)
        return keras.Model(frames, layer(frames)), given
    return keras.Model(frames, layer.intermediate(frames)), given


def frames_for(batch: int, frames: int, channels: int) -> np.ndarray:
    """What a part after the convolutions is given, float32 (batch, frames, channels)."""
    return np.random.default_rng(2).normal(size=(batch, frames, channels)).astype(np.float32)


def prepare_pytorch(folder: Path, case: Case, arguments: Any) -> tuple[Callable[[], Any], np.ndarray]:
    """What runs a case in `transformers`, and the outputs without what is random."""
    import torch
    from transformers import AutoModel

    device = "cuda" if arguments.device == "gpu" else "cpu"
    model = kept(lambda: AutoModel.from_pretrained(folder, attn_implementation="sdpa").to(device))
    audio = torch.from_numpy(noise(case)).to(device)
    half = torch.autocast(device, torch.bfloat16, enabled=arguments.dtype == "bfloat16")
    forward = kept(lambda: torch.compile(model)) if arguments.worker == "pytorch compiled" else model
    if case.task == "inference":
        model.eval()

        def infer() -> np.ndarray:
            with torch.inference_mode(), half:
                return forward(audio).last_hidden_state.float().cpu().numpy()

        return infer, infer()
    if case.task in PARTS:
        return prepare_part_of_pytorch(model.eval(), case.task, audio, half)
    return prepare_pytorch_training(model, forward, audio, half)


def prepare_part_of_pytorch(
    model: Any, part: str, audio: Any, half: Any
) -> tuple[Callable[[], Any], np.ndarray]:
    """What runs a part of the model in `transformers`, and its outputs."""
    import torch

    layer = model.encoder.layers[0]
    modules = {
        "feature encoder": lambda waveform: model.feature_extractor(waveform).transpose(1, 2),
        "position convolution": model.encoder.pos_conv_embed,
        "transformer layer": layer,
        "its first dense layer": layer.feed_forward.intermediate_dense,
    }
    given = audio
    if part != "feature encoder":
        frames = int(model._get_feat_extract_output_lengths(audio.shape[1]))
        given = torch.from_numpy(frames_for(len(audio), frames, model.config.hidden_size)).to(audio.device)

    def infer() -> np.ndarray:
        with torch.inference_mode(), half:
            output = modules[part](given)
            return (output[0] if isinstance(output, tuple) else output).float().cpu().numpy()

    return infer, infer()


def prepare_pytorch_training(
    model: Any, forward: Any, audio: Any, half: Any
) -> tuple[Callable[[], Any], np.ndarray]:
    """A training step, and the logits without what is random."""
    import torch

    head = torch.nn.Linear(model.config.hidden_size, 4).to(audio.device)
    kernel, bias = head_weights(model.config.hidden_size)
    head.weight.data.copy_(torch.from_numpy(kernel.T))
    head.bias.data.copy_(torch.from_numpy(bias))
    model.feature_extractor._freeze_parameters()
    weights = [w for part in (model, head) for w in part.parameters() if w.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=5e-5, weight_decay=0.01, fused=True)
    targets = torch.arange(len(audio), device=audio.device) % 4

    def logits() -> Any:
        return head(forward(audio).last_hidden_state.mean(dim=1))

    def step() -> float:
        optimizer.zero_grad()
        with half:
            loss = torch.nn.functional.cross_entropy(logits(), targets)
        loss.backward()
        optimizer.step()
        return loss.item()

    model.eval()
    with torch.no_grad(), half:
        output = logits().float().cpu().numpy()
    model.train()
    return step, output


def head_weights(hidden_dim: int) -> list[np.ndarray]:
    """Kernel and bias of the classifier, the same on each side."""
    kernel = np.random.default_rng(1).normal(scale=0.05, size=(hidden_dim, 4))
    return [kernel.astype(np.float32), np.zeros(4, np.float32)]


_kept: list[Any] = []


def kept(build: Callable[[], Any]) -> Any:
    """What `build` makes, once in a process for each function of the source."""
    key = build.__code__
    for known, value in _kept:
        if known is key:
            return value
    _kept.append((key, build()))
    return _kept[-1][1]


def arithmetic(config: dict[str, Any], case: Case, convolved: bool) -> float:
    """Floating-point operations of a case by the sizes of its matrix products, two for each multiply-add.

    Training counts the backward pass twice the forward, but for the frozen convolutions; without `convolved`
    these are not computed at all.
    """
    length, channels, convolutions = case.seconds * SAMPLING_RATE, 1, 0.0
    layers = zip(config["conv_dim"], config["conv_kernel"], config["conv_stride"], strict=True)
    for filters, kernel, stride in layers:
        length = (length - kernel) // stride + 1
        convolutions += length * channels * filters * kernel * convolved
        channels = filters
    hidden = config["hidden_size"]
    layer = 4 * hidden**2 + 2 * hidden * config["intermediate_size"] + 2 * length * hidden
    position = config["num_conv_pos_embeddings"] * hidden**2 / config.get("num_conv_pos_embedding_groups", 16)
    rest = length * (config["num_hidden_layers"] * layer + position + channels * hidden)
    return 2 * case.batch * (convolutions + rest * (1 if case.task == "inference" else 3))


def reset_peak_memory(arguments: Any) -> None:
    """Forget the peak so far: reading the checkpoint and compiling are not the case's."""
    if arguments.device == "cpu":
        Path("/proc/self/clear_refs").write_text("5")
        return
    backend = os.environ["KERAS_BACKEND"] if arguments.worker == "kser" else "torch"
    if backend == "torch":
        import torch

        torch.cuda.reset_peak_memory_stats()
    elif backend == "tensorflow":
        import tensorflow

        tensorflow.config.experimental.reset_memory_stats("GPU:0")
    # JAX cannot: there the peak is that of loading and of the cases so far.


def peak_memory(arguments: Any) -> float:
    """Megabytes: of the process on a CPU, of the framework's allocator on a GPU."""
    if arguments.device == "cpu":
        status = Path("/proc/self/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1e3  # type: ignore[index]
    backend = os.environ["KERAS_BACKEND"] if arguments.worker == "kser" else "torch"
    if backend == "jax":
        import jax

        return jax.local_devices()[0].memory_stats()["peak_bytes_in_use"] / 1e6
    if backend == "tensorflow":
        import tensorflow

        return tensorflow.config.experimental.get_memory_info("GPU:0")["peak"] / 1e6
    import torch

    return torch.cuda.max_memory_allocated() / 1e6


if __name__ == "__main__":
    main()
