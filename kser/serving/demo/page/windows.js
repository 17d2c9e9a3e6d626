/** The windows of a recording that are judged one by one, for probabilities over time. */

const LONGEST_S = 3;
const SHORTEST_S = 1;
const OVERLAP = 4; // windows over each moment
const LEAST = 6;
const MOST = 40;
const PATIENCE_S = 20;

/**
 * @typedef {{ start: number, end: number }} Window samples, the end not included
 *
 * @param {number} samples of the recording
 * @param {number} rate Hz
 * @param {number} minimum samples that the model needs
 * @param {number} costSeconds how long the model took for the whole recording: a slow one gets fewer windows
 * @returns {Window[]} of one length, from the first sample to the last; none of a recording that is too short
 */
export function windowsOf(samples, rate, minimum, costSeconds) {
  const wanted = Math.min(LONGEST_S, Math.max(SHORTEST_S, samples / rate / OVERLAP));
  const length = Math.max(minimum, Math.round(wanted * rate));
  const room = samples - length;
  if (room <= 0) return [];
  const affordable = Math.min(MOST, Math.max(LEAST, Math.floor(PATIENCE_S / costSeconds)));
  const count = Math.min(affordable, 1 + Math.ceil((OVERLAP * room) / length));
  return Array.from({ length: count }, (_, place) => {
    const start = Math.round((room * place) / (count - 1));
    return { start, end: start + length };
  });
}
