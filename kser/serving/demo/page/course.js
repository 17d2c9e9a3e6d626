/** The recording over time: its waveform, and under it what the model says of each window. */

import { HEIGHT, WIDTH, area, envelope, line } from "./shapes.js";
import { drawing, element, number, percent, seconds } from "./words.js";
import { wavOf } from "./sound.js";

const by = (id) => document.getElementById(id);
const TICKS_S = [0.5, 1, 2, 5, 10, 20, 30];
const MOST_TICKS = 6;

export class Course {
  #samples;
  #rate;
  #rows = new Map();
  #judged = [];
  #player;
  #playhead = element("div", { class: "playhead" });
  #seek = element("input", { class: "seek", type: "range", min: "0", step: "0.01", "aria-label": "Position in the recording" });

  /**
   * Draw the waveform, ready to be played.
   *
   * @param {Float32Array} samples
   * @param {number} rate Hz
   */
  constructor(samples, rate) {
    [this.#samples, this.#rate] = [samples, rate];
    this.#player = new Audio(URL.createObjectURL(new Blob([wavOf(samples, rate)], { type: "audio/wav" })));
    const wave = plot("wave", drawing("path", { d: envelope(samples) }));
    by("chart").replaceChildren(...this.#row(this.#playButton(), wave, ""), this.#axis(), this.#over());
    by("course-note").textContent = "";
    by("course-details").hidden = true;
    by("course").hidden = false;
    this.#moveTo(0);
  }

  get duration() {
    return this.#samples.length / this.#rate;
  }

  /** Stop the sound and forget it. */
  close() {
    this.#player.pause();
    URL.revokeObjectURL(this.#player.src);
  }

  /** Add what the model says of a window; rows are drawn anew with it. */
  add({ start, end }, said) {
    const middle = (start + end) / 2 / this.#samples.length;
    this.#judged.push({ x: middle, start: start / this.#rate, end: end / this.#rate, said });
    const kinds = { probabilities: said.probabilities ?? {}, values: said.values ?? {} };
    for (const [kind, named] of Object.entries(kinds)) {
      for (const name of Object.keys(named)) this.#draw(kind, name);
    }
    this.#tell();
  }

  /** Say how the rows are to be read, once all windows are judged. */
  finish() {
    if (!this.#judged.length) {
      by("course-note").textContent = "The recording is too short to be judged in parts.";
      return;
    }
    const [{ start, end, said }] = this.#judged;
    const lines = [`Each point judges ${seconds(end - start)} around it, and so may differ from the whole.`];
    if (said.probabilities) lines.push(`Rows reach from 0 to 100%; strong colour: ${said.labels ? "labels that are given" : "the most probable class"}.`);
    if (said.values) lines.push("Numbers reach from their lowest to their highest value.");
    by("course-note").textContent = lines.join(" ");
    by("course-table").replaceChildren(...tableRows(this.#judged));
    by("course-details").hidden = false;
  }

  #draw(kind, name) {
    const key = `${kind} ${name}`;
    if (!this.#rows.has(key)) {
      const row = { kind, name, svg: plot(""), cell: element("span", { class: "number", "aria-hidden": "true" }) };
      this.#rows.set(key, row);
      by("chart").querySelector(".axis").before(...this.#row(element("span", {}, name), row.svg, row.cell));
    }
    const { svg } = this.#rows.get(key);
    const heights = this.#judged.map(({ said }) => said[kind][name]);
    if (kind === "values") {
      const [low, high] = [Math.min(...heights), Math.max(...heights)];
      const scaled = heights.map((height) => (high > low ? 0.06 + (0.88 * (height - low)) / (high - low) : 0.5));
      svg.replaceChildren(drawing("path", { class: "line", d: line(this.#points(scaled)) }));
      return;
    }
    const points = this.#points(heights);
    const leading = this.#stretches(({ said }) => (said.labels ? said.labels.includes(name) : said.label === name));
    svg.replaceChildren(
      drawing("path", { class: "area", d: area(points) }),
      ...leading.map(([from, to]) => drawing("path", { class: "leading", d: area(points, from, to) })),
    );
  }

  #points(heights) {
    return this.#judged.map(({ x }, place) => ({ x, y: heights[place] }));
  }

  /** From where to where windows are judged so, each to the middle between it and its neighbour. */
  #stretches(holds) {
    const edges = this.#judged.slice(1).map(({ x }, place) => (x + this.#judged[place].x) / 2);
    const stretches = [];
    for (const [place, judged] of this.#judged.entries()) {
      if (!holds(judged)) continue;
      const [from, to] = [edges[place - 1] ?? 0, edges[place] ?? 1];
      if (stretches.at(-1)?.[1] === from) stretches.at(-1)[1] = to;
      else stretches.push([from, to]);
    }
    return stretches;
  }

  #row(label, content, cell) {
    const head = element("div", { class: "label" }, label);
    return [head, content, typeof cell === "string" ? element("span", { class: "number" }, cell) : cell];
  }

  #playButton() {
    const button = element("button", { class: "play", type: "button" }, "Play");
    button.onclick = () => (this.#player.paused ? this.#player.play() : this.#player.pause());
    const follow = () => {
      this.#moveTo(this.#player.currentTime);
      if (!this.#player.paused) requestAnimationFrame(follow);
    };
    this.#player.onplay = () => {
      button.textContent = "Pause";
      follow();
    };
    this.#player.onpause = () => {
      button.textContent = "Play";
    };
    return button;
  }

  #over() {
    this.#seek.max = String(this.duration);
    this.#seek.oninput = () => {
      this.#player.currentTime = Number(this.#seek.value);
      this.#moveTo(Number(this.#seek.value));
    };
    return element("div", { class: "over" }, this.#seek, this.#playhead);
  }

  #moveTo(time) {
    this.#seek.value = String(time);
    this.#seek.setAttribute("aria-valuetext", seconds(time));
    this.#playhead.style.left = `${(100 * Math.min(time, this.duration)) / this.duration}%`;
    this.#tell();
  }

  /** The numbers of the window around the playhead, at the end of each row. */
  #tell() {
    if (!this.#judged.length) return;
    const at = Number(this.#seek.value) / this.duration;
    const nearest = this.#judged.reduce((best, each) => (Math.abs(each.x - at) < Math.abs(best.x - at) ? each : best));
    for (const { kind, name, cell } of this.#rows.values()) {
      cell.textContent = (kind === "values" ? number : percent)(nearest.said[kind][name]);
    }
  }

  #axis() {
    const step = TICKS_S.find((each) => this.duration / each <= MOST_TICKS) ?? 60;
    const times = Array.from({ length: Math.floor(this.duration / step) + 1 }, (_, place) => place * step);
    const ticks = times
      .filter((time) => time < 0.97 * this.duration)
      .map((time) => {
        const tick = element("span", {}, time ? String(time) : "0 s");
        tick.style.left = `${(100 * time) / this.duration}%`;
        return tick;
      });
    return element("div", { class: "axis", "aria-hidden": "true" }, ...ticks);
  }
}

function plot(kind, ...paths) {
  const box = { class: `plot ${kind}`, viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" };
  return drawing("svg", box, ...paths);
}

function tableRows(judged) {
  const names = (kind) => Object.keys(judged[0].said[kind] ?? {});
  const header = ["seconds", ...names("probabilities"), ...names("values")];
  return [
    element("tr", {}, ...header.map((name) => element("th", { scope: "col" }, name))),
    ...judged.map(({ start, end, said }) =>
      element(
        "tr",
        {},
        element("th", { scope: "row" }, `${start.toFixed(1)}–${end.toFixed(1)}`),
        ...names("probabilities").map((name) => element("td", {}, percent(said.probabilities[name]))),
        ...names("values").map((name) => element("td", {}, number(said.values[name]))),
      )),
  ];
}
