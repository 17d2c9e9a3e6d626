/** What the page says of the model itself. */

import { element, listed, percent } from "./words.js";

const by = (id) => document.getElementById(id);

/** @param {object} facts of the model, `model.json` */
export function showFacts(facts) {
  by("privacy").textContent =
    facts.engine === "browser"
      ? "The recording stays on this device: the model runs in this page. Nothing is sent, nothing is stored."
      : "The recording is sent to the server that this page comes from, which stores nothing.";
  by("trained-on").textContent = origin(facts.trained_on);
  const rows = { Model: facts.model, ...answers(facts), ...limits(facts) };
  by("facts").replaceChildren(
    ...Object.entries(rows).flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]));
  by("version").textContent = `kser ${facts.kser_version}.`;
  by("about").hidden = false;
}

function origin({ name, title, language }) {
  if (!name) return "Its files do not say what it was trained on.";
  if (!title) return `It learned from the recordings of “${name}”.`;
  return `It learned from recordings of the ${title}; language: ${language}.`;
}

function answers(facts) {
  const words = { class: "Classes", labels: "Labels", numbers: "Numbers" };
  return Object.fromEntries(facts.answers.map(({ kind, names }) => [words[kind], listed(names)]));
}

function limits({ threshold, sampling_rate, minimum_samples, maximum_samples, models }) {
  const rows = {};
  if (models > 1) rows["Mean of"] = `${models} models`;
  if (threshold !== null) rows["Not sure"] = `below ${percent(threshold)}, by its validation recordings`;
  const [least, most] = [minimum_samples / sampling_rate, maximum_samples / sampling_rate];
  const from = least < 0.1 ? "up to" : `${least.toFixed(1)} to`;
  return { ...rows, Takes: `${from} ${most} s, one channel, ${sampling_rate / 1000} kHz` };
}
