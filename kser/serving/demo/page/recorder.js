/** The microphone, sample by sample: no codec between it and the model. */

// What the browser would do to a voice changes how it sounds.
const AS_IT_IS = { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: false };

const STARTS_WITHIN_MS = 5000;

/** Why there is no microphone; empty where there may be one. */
export function whyNoMicrophone() {
  if (navigator.mediaDevices && window.AudioWorkletNode) return "";
  return window.isSecureContext
    ? "This browser cannot record. Choose a file."
    : "Browsers record only on pages with https, or on localhost. Choose a file.";
}

export class Recording {
  #stream;
  #context;
  #blocks = [];

  /**
   * Begin to record.
   *
   * @param {(block: Float32Array) => void} heard is given the sound as it comes
   * @throws {Error} with a line for the user
   */
  static async begin(heard) {
    const recording = new Recording();
    recording.#stream = await microphone();
    const context = (recording.#context = new AudioContext());
    await context.audioWorklet.addModule(new URL("recorder-worklet.js", import.meta.url));
    const worklet = new AudioWorkletNode(context, "recorder");
    worklet.port.onmessage = ({ data }) => {
      recording.#blocks.push(data);
      heard(data);
    };
    context.createMediaStreamSource(recording.#stream).connect(worklet);
    worklet.connect(context.destination); // what leads nowhere is not computed; the worklet says nothing
    await recording.#started();
    return recording;
  }

  /** Where there is no loudspeaker, some browsers begin no sound at all, and say nothing. */
  async #started() {
    const late = new Promise((resolve) => setTimeout(resolve, STARTS_WITHIN_MS, "late"));
    if ((await Promise.race([this.#context.resume(), late])) !== "late") return;
    await this.end();
    throw new Error("The browser does not begin to record. Choose a file.");
  }

  get rate() {
    return this.#context.sampleRate;
  }

  get seconds() {
    return this.#blocks.reduce((sum, block) => sum + block.length, 0) / this.rate;
  }

  /** End it and let go of the microphone; returns the samples, a Float32Array at `rate`. */
  async end() {
    this.#stream.getTracks().forEach((track) => track.stop());
    await this.#context.close();
    const samples = new Float32Array(this.#blocks.reduce((sum, block) => sum + block.length, 0));
    let at = 0;
    for (const block of this.#blocks) {
      samples.set(block, at);
      at += block.length;
    }
    return samples;
  }
}

async function microphone() {
  try {
    return await navigator.mediaDevices.getUserMedia({ audio: AS_IT_IS });
  } catch (error) {
    throw new Error(
      error.name === "NotFoundError"
        ? "No microphone found. Connect one, or choose a file."
        : "The browser does not give this page the microphone. Allow it in the address bar, or choose a file.");
  }
}
