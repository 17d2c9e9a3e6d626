/**
 * Who computes: the server that gave the page, or the page itself.
 *
 * Both answer as `kser predict` does in JSON: `label`, `probability`, `probabilities`, `is_sure`, `labels`,
 * `values`, `notes`, of which a model gives some.
 */

import { notesOn, wavOf } from "./sound.js";

const ASKED_AGAIN_MS = 1000;

/** @param {object} facts of the model, `model.json` */
export function engineOf(facts) {
  return facts.engine === "browser" ? new BrowserEngine(facts) : new ServerEngine(facts);
}

class ServerEngine {
  #rate;

  constructor(facts) {
    this.#rate = facts.sampling_rate;
  }

  /** @param {(share: number | null) => void} progress is told how far the server is with its model, 0 to 1 */
  async load(progress) {
    for (;;) {
      const { said } = await answerOf("health");
      if (said.status === "ready") return;
      if (said.status === "failed") throw new Error("The server's model failed; its log says why.");
      progress(said.to_compile ? said.compiled / said.to_compile : null);
      await new Promise((resolve) => setTimeout(resolve, ASKED_AGAIN_MS));
    }
  }

  /** @param {Float32Array} samples at the model's rate */
  async predict(samples) {
    const wav = { method: "POST", headers: { "Content-Type": "audio/wav" }, body: wavOf(samples, this.#rate) };
    const { response, said } = await answerOf("predict", wav);
    if (response.ok) return said;
    throw new Error(said.detail ?? `The server refused it (${response.status}).`);
  }
}

async function answerOf(address, options) {
  try {
    const response = await fetch(address, options);
    return { response, said: await response.json() };
  } catch {
    throw new Error("The server does not answer. Is it still running?");
  }
}

class BrowserEngine {
  #facts;
  #worker;
  #waiting = new Map();
  #asked = 0;

  constructor(facts) {
    this.#facts = facts;
  }

  /** @param {(share: number | null) => void} progress is told which share of the model is here, 0 to 1 */
  load(progress) {
    this.#worker = new Worker(new URL("inference-worker.js", import.meta.url), { type: "module" });
    return new Promise((resolve, reject) => {
      this.#worker.onerror = () => reject(new Error("The model could not be started in this browser."));
      this.#worker.onmessage = ({ data }) => {
        if (data.progress !== undefined) progress(data.progress);
        else if (data.ready) resolve();
        else if (data.id === undefined) reject(new Error(data.failed));
        else this.#answer(data);
      };
    });
  }

  /** @param {Float32Array} samples at the model's rate */
  predict(samples) {
    return new Promise((resolve, reject) => {
      const id = ++this.#asked;
      this.#waiting.set(id, { resolve, reject, notes: notesOn(samples) });
      const samplesPadded = this.#facts.padding_counts_as_sound ? paddedLength(samples.length) : samples.length;
      const waveform = new Float32Array(samplesPadded);
      waveform.set(samples);
      this.#worker.postMessage({ id, waveform, length: samples.length }, [waveform.buffer]);
    });
  }

  #answer({ id, outputs, failed }) {
    const { resolve, reject, notes } = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (failed) reject(new Error(failed));
    else resolve({ ...spoken(outputs, this.#facts), notes });
  }
}

/** The outputs of the graph, as kser says them. */
function spoken(outputs, facts) {
  const said = {};
  for (const { kind, names } of facts.answers) {
    const values = kind === "numbers" ? outputs.values : outputs.probabilities;
    const byName = Object.fromEntries(names.map((name, place) => [name, values[place]]));
    if (kind === "numbers") {
      said.values = byName;
    } else if (kind === "labels") {
      said.probabilities = byName;
      said.labels = names.filter((name) => byName[name] >= facts.label_threshold);
    } else {
      said.probabilities = byName;
      said.label = names.reduce((best, name) => (byName[name] > byName[best] ? name : best));
      said.probability = byName[said.label];
      if (facts.threshold !== null) said.is_sure = said.probability >= facts.threshold;
    }
  }
  return said;
}

/** The length that kser pads a waveform to: models for which padding is sound must hear as much of it. */
export function paddedLength(samples) {
  const bits = 32 - Math.clz32(samples - 1);
  const grid = 2 ** Math.max(12, bits - 3);
  return Math.ceil(samples / grid) * grid;
}
