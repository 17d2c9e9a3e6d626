"""How `kser serve` stands a load: batches beside one at a time, and bad uploads among recordings.

    python eval/benchmarks/serve_load.py MODEL --audio FOLDER [--clients 50] [--requests 400] [--rounds 3]

Two servers of the same model run on loopback, one with `--max_batch 8`, one with `--max_batch 1`, and are
loaded in turns. Each client sends recordings of the folder over one connection, the next when the last is
answered. Then the clients of the first server send 200 uploads that are no recordings among recordings.
"""

import argparse
import gzip
import http.client
import io
import json
import random
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import soundfile as sf

PROGRAM = "from kser.cli import main; main()"
BAD_UPLOADS = 200
FORM = {"Content-Type": "multipart/form-data; boundary=x"}
Request = tuple[bytes, dict[str, str]]


class Server:
    """A process of `kser serve`."""

    def __init__(self, process: subprocess.Popen[str], port: int):
        self.process, self.port = process, port

    def connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)

    def metric(self, name: str) -> float:
        connection = self.connection()
        connection.request("GET", "/metrics")
        lines = connection.getresponse().read().decode().splitlines()
        connection.close()
        return sum(float(line.split()[-1]) for line in lines if line.startswith((f"{name} ", f"{name}{{")))


@contextmanager
def serving(model: str, *options: str) -> Iterator[Server]:
    command = [sys.executable, "-c", PROGRAM, "serve", model, "--port", "0", *options]
    started = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            lines = []
            for line in process.stdout:
                lines.append(line)
                if line.startswith("ready"):
                    break
            port = int(lines[-1].split("127.0.0.1:")[1].split(";")[0])
            print(
                f"{' '.join(options)}: ready after {time.perf_counter() - started:.0f} s; {lines[0].strip()}"
            )
            yield Server(process, port)
        finally:
            process.terminate()


def sent(server: Server, requests: list[Request], clients: int) -> list[tuple[int, float, dict]]:
    """Status, seconds and answer of each request, sent by so many clients at once; status 0 if none came."""
    waiting = iter(enumerate(requests))
    answers: list[tuple[int, float, dict]] = [(0, 0.0, {})] * len(requests)

    def client(_: int) -> None:
        connection = server.connection()
        for place, (content, headers) in waiting:
            begun = time.perf_counter()
            try:
                connection.request("POST", "/predict", content, headers)
                answer = connection.getresponse()
                said = json.loads(answer.read())
                answers[place] = answer.status, time.perf_counter() - begun, said
            except (OSError, http.client.HTTPException) as error:
                answers[place] = 0, 0.0, {"detail": repr(error)}
                connection.close()
        connection.close()

    with ThreadPoolExecutor(clients) as threads:
        list(threads.map(client, range(clients)))
    return answers


def measured(server: Server, recordings: list[bytes], clients: int) -> tuple[float, list[float]]:
    """Requests a second, and the latency of each in seconds."""
    began = time.perf_counter()
    answers = sent(server, [(content, {}) for content in recordings], clients)
    seconds = time.perf_counter() - began
    assert {status for status, _, _ in answers} == {200}, Counter(status for status, _, _ in answers)
    return len(answers) / seconds, [latency for _, latency, _ in answers]


def bad_uploads(recording: bytes) -> dict[str, Request]:
    def wave(samples: np.ndarray, **options: str) -> bytes:
        file = io.BytesIO()
        sf.write(file, samples, 16000, **{"format": "WAV", **options})
        return file.getvalue()

    def form(part: bytes) -> bytes:
        return b"--x\r\n" + part + b"\r\n--x--\r\n"

    huge = bytearray(recording)
    huge[40:44] = (0x7FFEFFFF).to_bytes(4, "little")
    silence = wave(np.zeros(16000 * 7200), format="FLAC")
    noise = random.Random(0).randbytes(50_000)
    return {
        "empty": (b"", {}),
        "text": (b"this is no audio\n" * 500, {"Content-Type": "text/plain"}),
        "cut short": (recording[: len(recording) // 2], {}),
        "header only": (recording[:44], {}),
        "a header that promises 2 GB": (bytes(huge), {}),
        "NaN": (wave(np.full(16000, np.nan), subtype="FLOAT"), {}),
        "silence": (wave(np.zeros(16000)), {}),
        f"2 h of silence in {len(silence) / 1e3:.0f} kB of FLAC": (silence, {}),
        "1 GB of zeros as gzip": (gzip.compress(bytes(10**9), 9), {"Content-Encoding": "gzip"}),
        "30 MB": (bytes(30_000_000), {}),
        "noise as Ogg": (b"OggS" + noise, {}),
        "noise as MP4": (b"\0\0\0\x18ftypisom" + noise, {}),
        "noise as WebM": (b"\x1aE\xdf\xa3" + noise, {}),
        "noise as MP3": (b"\xff\xfb\x90\x00" + noise, {}),
        "noise as FLAC": (b"fLaC" + noise, {}),
        "a form without boundary": (form(b""), {"Content-Type": "multipart/form-data"}),
        "a form of other content": (recording, FORM),
        "a form with text": (form(b'Content-Disposition: form-data; name="file"\r\n\r\ntext'), FORM),
        "a form without the field": (form(b'Content-Disposition: form-data; name="x"\r\n\r\ntext'), FORM),
        "a form with a header of 1 MB": (form(b"X: " + b"y" * 10**6), FORM),
    }


def broken_off(server: Server, recording: bytes) -> None:
    """An upload whose sender goes away."""
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        head = f"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: {len(recording)}\r\n\r\n"
        connection.sendall(head.encode() + recording[:1000])


def compare(model: str, recordings: list[bytes], clients: int, rounds: int) -> None:
    print(f"\n## {model}\n")
    patient = ("--max_waiting", "600")
    with (
        serving(model, "--max_batch", "8", *patient) as together,
        serving(model, "--max_batch", "1", *patient) as alone,
    ):
        for server in (together, alone):
            measured(server, recordings[:clients], clients)
        batches = together.metric("kser_batch_recordings_count"), together.metric("kser_batch_recordings_sum")
        rates: dict[str, list[float]] = {"together": [], "alone": []}
        latencies: dict[str, list[float]] = {"together": [], "alone": []}
        for _ in range(rounds):
            for name, server in (("together", together), ("alone", alone)):
                rate, seconds = measured(server, recordings, clients)
                rates[name].append(rate)
                latencies[name] += seconds
        count = together.metric("kser_batch_recordings_count") - batches[0]
        recorded = together.metric("kser_batch_recordings_sum") - batches[1]
        print(f"\n{len(recordings)} recordings, {clients} clients, {rounds} rounds in turns; ")
        print(f"{recorded / count:.1f} recordings a batch\n")
        print("| | requests/s (each round) | p50 ms | p95 ms | p99 ms |\n|---|---|---:|---:|---:|")
        for name, of_rounds in rates.items():
            each = " ".join(f"{rate:.1f}" for rate in of_rounds)
            at = [f"{1000 * np.percentile(latencies[name], share):.0f}" for share in (50, 95, 99)]
            print(f"| {name} | {each} | {' | '.join(at)} |")
        ratios = [ours / theirs for ours, theirs in zip(rates["together"], rates["alone"], strict=True)]
        print(f"\nratio of requests/s, together to alone: {np.median(ratios):.2f} (median of rounds)")
        stand_bad_uploads(together, recordings, clients)


def stand_bad_uploads(server: Server, recordings: list[bytes], clients: int) -> None:
    bad = bad_uploads(recordings[0])
    print(f"\n{BAD_UPLOADS} bad uploads among {len(recordings)} recordings, {clients} clients, twice:\n")
    expected = [
        answer["probabilities"] for _, _, answer in sent(server, [(each, {}) for each in recordings], 1)
    ]
    for _ in range(2):
        before = server.metric("process_resident_memory_bytes") / 1e6
        names = [*bad] * (BAD_UPLOADS // len(bad))
        requests = [(name, bad[name]) for name in names]
        requests += [(str(place), (content, {})) for place, content in enumerate(recordings)]
        random.Random(0).shuffle(requests)
        for _ in range(20):
            broken_off(server, recordings[0])
        answers = sent(server, [request for _, request in requests], clients)
        statuses: dict[str, Counter[int]] = {name: Counter() for name in bad}
        difference, answered = 0.0, 0
        for (name, _), (status, _, said) in zip(requests, answers, strict=True):
            if name in bad:
                statuses[name][status] += 1
                assert status in range(400, 500) and len(said["detail"].splitlines()) == 1, (
                    name,
                    status,
                    said,
                )
            else:
                assert status == 200, (status, said)
                pairs = zip(said["probabilities"].values(), expected[int(name)].values(), strict=True)
                difference = max(difference, *(abs(one - other) for one, other in pairs))
                answered += 1
        after = server.metric("process_resident_memory_bytes") / 1e6
        print(f"{answered} of {len(recordings)} recordings answered, as alone within {difference:.1g}; ")
        assert server.process.poll() is None
        print(f"resident memory {before:.0f} MB before, {after:.0f} MB after\n")
    print("| upload | status |\n|---|---|")
    for name, counts in statuses.items():
        print(f"| {name} | {', '.join(map(str, counts))} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="+", metavar="MODEL")
    parser.add_argument("--audio", required=True, type=Path, help="folder with recordings, *.wav")
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--requests", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    paths = sorted(given.audio.rglob("*.wav"))
    chosen = random.Random(0).choices(paths, k=given.requests)
    recordings = [path.read_bytes() for path in chosen]
    for model in given.models:
        compare(model, recordings, given.clients, given.rounds)


if __name__ == "__main__":
    main()
