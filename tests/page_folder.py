"""A folder in which the commands of pages run word for word: what they name is there, small.

Corpora have the names and folders of the real ones and synthetic sounds of less than a second; checkpoints
have the architecture of the real ones and a few random weights; shipped models train for one epoch.
"""

import json
import shutil
from pathlib import Path

import numpy as np
import soundfile as sf
from safetensors.numpy import load_file, save_file

from kser.corpora.recipes import RECIPES
from kser.corpora.synthetic import EMOTIONS, SAMPLING_RATE_HZ, SENTENCES, SPEAKERS, synthesise_utterance
from tests.pages import ROOT

CHECKPOINTS = {
    "openai/whisper-tiny.en": "whisper",
    "microsoft/wavlm-base-plus": "wavlm",
    "facebook/wav2vec2-base": "group_norm",
    "superb/hubert-large-superb-er": "with_head",
}
LONGEST_S = 0.9  # the small Whisper hears a second
SMALLER = {"number_of_training_epochs": 1, "cross_validation": 2, "folds": 2}


def write_page_folder(folder: Path) -> None:
    """Write all that pages take to be there."""
    _emodb(folder / "FOLDER_OR_ZIP" / "wav")
    _emovo(folder / "FOLDER_OF_EMOVO")
    for name, golden in CHECKPOINTS.items():
        shutil.copytree(ROOT / "tests" / "golden" / golden, folder / name)
    _deepen(folder / "microsoft" / "wavlm-base-plus", layers=12)
    for shipped in sorted((ROOT / "configs").rglob("*.json")):
        if shipped.parent.name != "schemas":
            write_smaller(folder / shipped.relative_to(ROOT), shipped.read_text(encoding="utf-8"))
    shutil.copy(folder / "FOLDER_OR_ZIP" / "wav" / "03a01Fa.wav", folder / "call.wav")


def write_smaller(path: Path, text: str) -> None:
    """Write a JSON file with fewer epochs, seeds and folds than it asks for."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(_smaller(json.loads(text))), encoding="utf-8")


def _smaller(value):
    if isinstance(value, list):
        return [_smaller(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        name: min(item, SMALLER[name]) if name in SMALLER else _smaller(item) for name, item in value.items()
    }


def _deepen(checkpoint: Path, layers: int) -> None:
    """Repeat the last layer of a checkpoint until it has as many as asked for."""
    config = json.loads((checkpoint / "config.json").read_text(encoding="utf-8"))
    arrays = load_file(checkpoint / "model.safetensors")
    last = f".layers.{config['num_hidden_layers'] - 1}."
    for name in [name for name in arrays if last in name]:
        for layer in range(config["num_hidden_layers"], layers):
            arrays[name.replace(last, f".layers.{layer}.")] = arrays[name]
    save_file(arrays, checkpoint / "model.safetensors")
    (checkpoint / "config.json").write_text(json.dumps(config | {"num_hidden_layers": layers}))


def _emodb(folder: Path) -> None:
    """All ten speakers and seven emotions in one sentence."""
    actors = ("03", "08", "09", "10", "11", "12", "13", "14", "15", "16")
    for number, actor in enumerate(actors):
        for code in RECIPES["emodb"].codes:
            _write(folder / f"{actor}a01{code}a.wav", number, code)


def _emovo(folder: Path) -> None:
    """All six speakers and seven emotions in one sentence."""
    for number, actor in enumerate(("f1", "f2", "f3", "m1", "m2", "m3")):
        for code in RECIPES["emovo"].codes:
            _write(folder / actor / f"{code}-{actor}-b1.wav", number, code)


def _write(path: Path, speaker: int, code: str) -> None:
    """Write the sound of a synthetic speaker, in a manner that depends on the emotion's code."""
    path.parent.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng([speaker, *path.name.encode()])
    manners, sentences = list(EMOTIONS.values()), list(SENTENCES.values())
    manner, sentence = manners[ord(code[0]) % len(manners)], sentences[speaker % len(sentences)]
    samples = synthesise_utterance(SPEAKERS[speaker], manner, sentence, generator)
    sf.write(path, samples[: int(LONGEST_S * SAMPLING_RATE_HZ)], SAMPLING_RATE_HZ, subtype="PCM_16")
