/** The page: from a microphone or a file to what the model says. */

import { Course } from "./course.js";
import { engineOf } from "./engines.js";
import { showFacts } from "./facts.js";
import { Recording, whyNoMicrophone } from "./recorder.js";
import { showResult } from "./result.js";
import { meter } from "./shapes.js";
import { decode, wavOf, whyUnusable } from "./sound.js";
import { windowsOf } from "./windows.js";
import { seconds } from "./words.js";

const by = (id) => document.getElementById(id);
const LONGEST_RECORDING_S = 30;
const METER_PLACES = 120;

let facts;
let engine;
let recording = null;
let course = null;
let latest = 0; // of what the user asked for: what was asked for before gives way

start();

async function start() {
  try {
    facts = await (await fetch("model.json")).json();
    showFacts(facts);
    engine = engineOf(facts);
    wait("Loading the model …", 0);
    await engine.load((share) => wait("Loading the model …", share));
  } catch (error) {
    return complain(error instanceof SyntaxError ? "The facts of the model could not be read." : error.message);
  } finally {
    wait("");
  }
  const reason = whyNoMicrophone();
  by("record").disabled = Boolean(reason);
  by("file").disabled = false;
  if (reason) complain(reason);
  by("record").onclick = () => attempt(recording ? finishRecording : beginRecording);
  by("file").onchange = ({ target }) => {
    const [file] = target.files;
    target.value = ""; // so that the same file may be chosen again
    if (file) attempt((turn) => judgeFile(file, turn));
  };
  takeDroppedFiles();
}

async function attempt(action) {
  const turn = ++latest;
  by("message").hidden = true;
  try {
    await action(turn);
  } catch (error) {
    if (turn === latest) complain(error.message);
  } finally {
    if (turn === latest) wait("");
  }
}

async function beginRecording() {
  const levels = [];
  by("record").disabled = true;
  try {
    recording = await Recording.begin((block) => {
      if (!recording) return;
      levels.push(Math.max(...block.map(Math.abs)));
      by("live").firstElementChild.setAttribute("d", meter(levels, METER_PLACES));
      by("time").textContent = `${seconds(recording.seconds)} of ${longestRecording()} s`;
      if (recording.seconds >= longestRecording()) attempt(finishRecording);
    });
  } finally {
    by("record").disabled = false;
  }
  showRecording(true);
}

async function finishRecording(turn) {
  const ended = recording;
  if (!ended) return;
  recording = null;
  showRecording(false);
  const samples = await ended.end();
  // As a file it goes the way of all files, resampling included.
  await judge(await decode(wavOf(samples, ended.rate), facts.sampling_rate), "your voice", turn);
}

function showRecording(on) {
  by("input").classList.toggle("recording", on);
  by("record-text").textContent = on ? "Stop" : "Record";
  by("live").toggleAttribute("hidden", !on);
  by("live").firstElementChild.setAttribute("d", "");
  by("time").hidden = !on;
  by("time").textContent = "";
  by("file").disabled = on;
}

async function judgeFile(file, turn) {
  wait("Reading the file …");
  await judge(await decode(await file.arrayBuffer(), facts.sampling_rate), file.name, turn);
}

async function judge(whole, name, turn) {
  if (turn !== latest) return;
  const { sampling_rate: rate, minimum_samples: minimum, maximum_samples: maximum } = facts;
  const samples = whole.slice(0, maximum);
  const reason = whyUnusable(samples, minimum, rate);
  if (reason) throw new Error(reason);
  wait(`Listening to ${name} …`);
  const began = performance.now();
  const said = await engine.predict(samples);
  if (turn !== latest) return;
  const cost = (performance.now() - began) / 1000;
  const cut = whole.length > maximum ? [`Only the first ${maximum / rate} s are judged.`] : [];
  showResult(said, facts, cut);
  course?.close();
  course = new Course(samples, rate);
  by("result").scrollIntoView({ block: "nearest", behavior: calm() ? "auto" : "smooth" });
  await judgeWindows(samples, windowsOf(samples.length, rate, minimum, cost), turn);
}

async function judgeWindows(samples, windows, turn) {
  for (const [place, window] of windows.entries()) {
    wait(`Part ${place + 1} of ${windows.length} …`, place / windows.length);
    const part = samples.slice(window.start, window.end);
    if (whyUnusable(part, 0, 1)) continue; // silence says nothing
    const said = await engine.predict(part);
    if (turn !== latest) return;
    course.add(window, said);
  }
  course.finish();
}

/** Show that something is being done, and how far it is; an empty text ends it. */
function wait(text, share = null) {
  by("waiting").hidden = !text;
  by("waiting-text").textContent = text;
  if (share === null) by("progress").removeAttribute("value");
  else by("progress").value = share;
}

function complain(line) {
  by("message").textContent = line;
  by("message").hidden = false;
}

function longestRecording() {
  return Math.min(LONGEST_RECORDING_S, facts.maximum_samples / facts.sampling_rate);
}

function calm() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}

function takeDroppedFiles() {
  const show = (on) => by("input").classList.toggle("dropping", on);
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    show(true);
  });
  document.addEventListener("dragleave", () => show(false));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    show(false);
    const [file] = event.dataTransfer.files;
    if (file && !recording) attempt((turn) => judgeFile(file, turn));
  });
}
