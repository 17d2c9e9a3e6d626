/** What the model says of the whole recording. */

import { element, listed, number, percent } from "./words.js";

const by = (id) => document.getElementById(id);

/**
 * Show an answer.
 *
 * @param {object} said as `kser predict` says it in JSON
 * @param {object} facts of the model
 * @param {string[]} notes further ones, of the page
 */
export function showResult(said, facts, notes) {
  by("answer").replaceChildren(...answer(said));
  const bars = [...probabilityBars(said, facts), ...valueRows(said)];
  by("bars").replaceChildren(...bars);
  by("threshold-note").hidden = limitOf(facts) === null || !said.probabilities;
  by("threshold-note").textContent = thresholdNote(facts);
  const all = [...notes, ...(said.notes ?? []).map((note) => `The recording: ${note}.`)];
  by("notes").replaceChildren(...all.map((note) => element("li", {}, note)));
  by("notes").hidden = !all.length;
  by("status").textContent = `${said.is_sure === false ? "Not sure: " : ""}${inWords(said)}.`;
  by("result").hidden = false;
}

/** The answer in one line. */
export function inWords(said) {
  const parts = [];
  if (said.label !== undefined) parts.push(`${said.label}, ${percent(said.probability)}`);
  if (said.labels) parts.push(listed(said.labels) || "none of the labels");
  parts.push(...Object.entries(said.values ?? {}).map(([name, value]) => `${name} ${number(value)}`));
  return parts.join("; ");
}

function answer(said) {
  if (said.is_sure === false) {
    const guess = `perhaps ${said.label}, ${percent(said.probability)}`;
    return [element("strong", { class: "unsure" }, "Not sure"), element("span", {}, guess)];
  }
  if (said.label !== undefined) {
    return [element("strong", {}, said.label), element("span", {}, percent(said.probability))];
  }
  if (said.labels) return [element("strong", {}, said.labels.length ? listed(said.labels) : "none of the labels")];
  return [];
}

function probabilityBars(said, facts) {
  const limit = limitOf(facts);
  const leads = new Set(said.labels ?? [said.label]);
  return Object.entries(said.probabilities ?? {}).map(([name, probability]) => {
    const fill = element("span", { class: "fill" });
    fill.style.width = `${100 * probability}%`;
    const track = element("span", { class: "track", "aria-hidden": "true" }, fill);
    if (limit !== null) {
      const mark = element("span", { class: "limit" });
      mark.style.left = `${100 * limit}%`;
      track.append(mark);
    }
    return element(
      "li",
      { class: leads.has(name) ? "leads" : "" },
      element("span", {}, name),
      track,
      element("span", { class: "number" }, percent(probability)),
    );
  });
}

function valueRows(said) {
  return Object.entries(said.values ?? {}).map(([name, value]) =>
    element("li", { class: "value" }, element("span", {}, name), element("b", {}, number(value))));
}

function limitOf(facts) {
  return facts.answers.some(({ kind }) => kind === "labels") ? facts.label_threshold : facts.threshold;
}

function thresholdNote(facts) {
  if (limitOf(facts) === null) return "";
  return facts.answers.some(({ kind }) => kind === "labels")
    ? `Dotted line: labels from ${percent(facts.label_threshold)} on are given.`
    : `Dotted line: where the highest probability is below ${percent(facts.threshold)}, the model is not sure.`;
}
