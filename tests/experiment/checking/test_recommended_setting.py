"""Which backend and precision `kser check` recommends, on made-up machines."""

import pytest

from kser.experiment.checking.recommended_setting import (
    Gpu,
    Machine,
    cpu_features,
    gpus_listed,
    recommended_setting,
    this_machine,
)

AVX2 = frozenset({"sse2", "avx2"})
H100 = Gpu("NVIDIA H100 80GB HBM3", 9.0)


@pytest.mark.parametrize(
    ("machine", "backends", "precision", "reason"),
    [
        (Machine(AVX2 | {"avx512_bf16", "amx_bf16"}), ("torch",), "mixed_bfloat16", "amx_bf16"),
        (Machine(AVX2 | {"avx512_bf16"}), ("torch",), "mixed_bfloat16", "avx512_bf16"),
        (Machine(AVX2), ("jax", "torch"), "float32", "14 times"),
        (Machine(), ("jax", "torch"), "float32", "about as fast"),
        (Machine(AVX2, (H100,)), ("jax",), "mixed_bfloat16", "H100"),
        (Machine(AVX2 | {"amx_bf16"}, (Gpu("Tesla V100", 7.0),)), ("jax",), "float32", "V100"),
    ],
)
def test_recommended_setting(machine, backends, precision, reason):
    setting = recommended_setting(machine)
    assert (setting.backends, setting.precision) == (backends, precision)
    assert reason in setting.reason
    assert "\n" not in str(setting)
    assert f"KERAS_BACKEND={backends[0]}" in str(setting) and f'"precision": "{precision}"' in str(setting)


def test_cpu_features_are_those_of_the_first_processor():
    text = "processor\t: 0\nflags\t\t: fpu avx2\nvmx flags\t: ept\n\nprocessor\t: 1\nflags\t\t: fpu\n"
    assert cpu_features(text) == {"fpu", "avx2"}


def test_no_features_are_known_without_flags():
    assert cpu_features("") == frozenset()


def test_gpus_are_read_line_by_line():
    assert gpus_listed("NVIDIA H100 80GB HBM3, 9.0\nTesla K80, [N/A]\n") == (H100,)
    assert gpus_listed("No devices were found\n") == ()


def test_hidden_gpus_are_not_of_the_machine(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert this_machine().gpus == ()


def test_nvidia_smi_is_asked(monkeypatch, tmp_path):
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 'NVIDIA H100 80GB HBM3, 9.0'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert this_machine().gpus == (H100,)


def test_a_machine_without_nvidia_smi_has_no_gpu(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert this_machine().gpus == ()
