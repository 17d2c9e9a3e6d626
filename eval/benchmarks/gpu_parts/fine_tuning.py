"""A trained encoder fine-tuned by kser's own experiment, and whether its steps waited for batches."""

from gpu_parts.part import Findings, Goal, Setting

LEAST_READY = 0.95


def fine_tune(setting: Setting, findings: Findings) -> None:
    """Train on the corpus, evaluate on its test part."""
    if setting.metadata is None or setting.encoder is None:
        findings.missing.append("left out: needs --metadata and --encoder")
        findings.keep()
        return
    from waits import recorded_waits, share_ready

    import kser

    folder = setting.folder / "fine_tuning"
    precision = "float32" if setting.device == "cpu" else "mixed_bfloat16"
    experiment = kser.Experiment(
        {
            "experiment_name": "gpu_suite",
            "output_path": str(folder / "runs"),
            "experiment_results_output_path": str(folder / "results"),
            "audio_cache": str(folder / "audio"),
            "training_dataset": {"name": "corpus", "data_csv": str(setting.metadata.absolute())},
        },
        models=[
            {
                "name": "encoder",
                "model_path_or_name": str(setting.encoder.absolute()),
                "precision": precision,
                "backbone_arguments": {"pad_to_maximum": False},
                "number_of_training_epochs": 1 if setting.small else 6,
                "per_device_batch_size": 16,
                "gradient_accumulation_steps": 1,
                "eval_steps": 20,
                "learning_rate": 2e-4,
                "warmup_ratio": 0.1,
                "use_relu": False,
                "use_standardization": True,
                "best_metric": "uar",
            }
        ],
    )
    with recorded_waits() as waits:
        result = experiment.run(seeds=[0])
    assert result.evaluation is not None, "nothing was evaluated"
    run = result.runs.iloc[0]
    summary = result.evaluation.summary.iloc[0]
    ready = share_ready(waits)
    findings.figures |= {
        "precision": precision,
        "updates": int(run["updates"]),
        "seconds of training": float(run["seconds"]),
        "UAR on the test part": float(summary["uar_mean"]),
        "steps": len(waits),
        "steps that found their batch ready": ready,
    }
    text = f"at least {LEAST_READY:.0%} of steps find their batch ready"
    findings.goals.append(Goal(text, f"{ready:.1%}", ready >= LEAST_READY))
    findings.keep()
