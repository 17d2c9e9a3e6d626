/** Sound in the page: from a file to a mono waveform, and from a waveform to a WAV file. */

const MOST_BYTES = 200e6;
const NEARLY_SILENT = 0.001; // −60 dB of full scale, as kser says

/**
 * Decode a recording, its channels averaged.
 *
 * The context has the model's rate, so that the browser resamples as it decodes: band limited, unlike the
 * linear interpolation of its buffer sources.
 *
 * @param {ArrayBuffer} bytes a file of any format that the browser knows
 * @param {number} rate Hz
 * @returns {Promise<Float32Array>} full scale ±1
 * @throws {Error} with a line for the user
 */
export async function decode(bytes, rate) {
  if (bytes.byteLength > MOST_BYTES) throw new Error("This file is too large: at most 200 MB.");
  let buffer;
  try {
    buffer = await new OfflineAudioContext(1, 1, rate).decodeAudioData(bytes);
  } catch {
    throw new Error("This file has no sound that the browser can decode. WAV, MP3, M4A and Ogg mostly work.");
  }
  const channels = Array.from({ length: buffer.numberOfChannels }, (_, place) => buffer.getChannelData(place));
  return channels[0].map((_, at) => channels.reduce((sum, channel) => sum + channel[at], 0) / channels.length);
}

/**
 * A WAV file of 16-bit integers.
 *
 * @param {Float32Array} samples full scale ±1; beyond it they are clipped
 * @param {number} rate Hz
 * @returns {ArrayBuffer}
 */
export function wavOf(samples, rate) {
  const bytes = new ArrayBuffer(44 + 2 * samples.length);
  const view = new DataView(bytes);
  const text = (at, letters) => [...letters].forEach((letter, place) => view.setUint8(at + place, letter.charCodeAt(0)));
  text(0, "RIFF");
  view.setUint32(4, 36 + 2 * samples.length, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true); // integers
  view.setUint16(22, 1, true); // one channel
  view.setUint32(24, rate, true);
  view.setUint32(28, 2 * rate, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  text(36, "data");
  view.setUint32(40, 2 * samples.length, true);
  samples.forEach((sample, at) =>
    view.setInt16(44 + 2 * at, Math.max(-32768, Math.min(32767, Math.round(sample * 32768))), true));
  return bytes;
}

/** What keeps a recording from being judged, as a line for the user; empty where nothing does. */
export function whyUnusable(samples, minimum, rate) {
  if (samples.length < minimum) {
    return `This is too short: the model needs at least ${(minimum / rate).toFixed(2)} s.`;
  }
  return peakOf(samples) === 0 ? "This is silent: is the microphone switched on?" : "";
}

/** What a reader should know of a recording, in the words of kser: they follow its name. */
export function notesOn(samples) {
  return peakOf(samples) < NEARLY_SILENT ? ["is nearly silent"] : [];
}

function peakOf(samples) {
  return samples.reduce((highest, sample) => Math.max(highest, Math.abs(sample)), 0);
}
