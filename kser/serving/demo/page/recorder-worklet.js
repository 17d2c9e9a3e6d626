/** Hands the microphone's sound to the page, in blocks of some milliseconds. */

const BLOCK = 1024;

class Recorder extends AudioWorkletProcessor {
  #block = new Float32Array(BLOCK);
  #filled = 0;

  process([input]) {
    if (input.length) {
      this.#block.set(input[0], this.#filled);
      this.#filled += input[0].length;
    }
    if (this.#filled === BLOCK) {
      this.port.postMessage(this.#block);
      this.#block = new Float32Array(BLOCK);
      this.#filled = 0;
    }
    return true;
  }
}

registerProcessor("recorder", Recorder);
