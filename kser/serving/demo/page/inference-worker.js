/** The exported model in ONNX Runtime, beside the page so that it stays responsive. */

import * as ort from "./onnxruntime_web/ort.wasm.bundle.min.mjs";

const at = (path) => new URL(path, import.meta.url).href;

ort.env.wasm.numThreads = 1; // more need headers that static hosts do not send
ort.env.wasm.wasmPaths = { wasm: at("onnxruntime_web/ort-wasm-simd-threaded.wasm") };

const session = load();

onmessage = async ({ data: { id, waveform, length } }) => {
  try {
    postMessage({ id, outputs: await compute(waveform, length) });
  } catch (error) {
    postMessage({ id, failed: `The model failed: ${error.message}` });
  }
};

async function load() {
  try {
    const loaded = await ort.InferenceSession.create(await download(at("model.onnx")));
    postMessage({ ready: true });
    return loaded;
  } catch (error) {
    return postMessage({ failed: `The model could not be loaded: ${error.message}` });
  }
}

async function download(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`the server answered ${response.status}`);
  const whole = Number(response.headers.get("Content-Length"));
  const parts = [];
  let bytes = 0;
  for (const reader = response.body.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    bytes += value.length;
    postMessage({ progress: whole ? Math.min(1, bytes / whole) : null });
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

async function compute(waveform, length) {
  const outputs = await (await session).run({
    waveform: new ort.Tensor("float32", waveform, [1, waveform.length]),
    lengths: new ort.Tensor("int32", Int32Array.of(length), [1]),
  });
  return Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [name, Array.from(tensor.data)]));
}
