// The API as the page calls it, and the latest jobs with their pictures or the reasons why there are none.
"use strict";

const byId = (id) => document.getElementById(id);
const SHOWN_JOBS = 5;
const names = new Map();
const shown = new Map();
let apiKey = "";

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

const nameOf = (code) => names.get(code) || code;
const words = (state) => state.replaceAll("_", " ");

async function call(method, path, options = {}) {
  const headers = { "X-Api-Key": apiKey, ...options.headers };
  const answer = await fetch(path, { ...options, method, headers });
  const body = await answer.json().catch(() => ({}));
  if (answer.ok) return body;
  throw new Error(problemText(body, answer.statusText));
}

// The detail of a problem repeats the first of its errors: each is said once.
function problemText({ title, detail = "", errors = [] }, statusText) {
  const wrongs = errors.map((e) => (e.pointer ? `${e.pointer}: ${e.detail}` : e.detail));
  const repeated = wrongs.length && detail.startsWith(wrongs[0]);
  const lines = repeated ? wrongs : [detail, ...wrongs];
  return `${title || statusText}: ${lines.filter(Boolean).join("\n")}`.replace(/: $/, "");
}

// Why a job or some of its languages failed: each reason once, with the languages that it holds for.
function reasonsOf(job) {
  const languages = new Map();
  for (const part of [job, ...job.targets].filter((one) => one.error)) {
    const concerned = languages.get(part.error.detail) || [];
    languages.set(part.error.detail, part.language ? [...concerned, nameOf(part.language)] : concerned);
  }
  return [...languages].map(([why, concerned]) => (concerned.length ? `${concerned.join(", ")}: ${why}` : why));
}

async function showJobs() {
  const { jobs } = await call("GET", `/v1/jobs?limit=${SHOWN_JOBS}`);
  const entries = await Promise.all(jobs.map(entryOf));
  const nothing = element("p", { className: "quiet", textContent: "Nothing translated yet." });
  const wanted = entries.length ? entries : [nothing];
  const now = [...byId("jobs").children];
  // What stays is not put in anew: its pictures would be loaded again.
  if (wanted.length !== now.length || wanted.some((entry, i) => entry !== now[i])) {
    byId("jobs").replaceChildren(...wanted);
  }
}

async function entryOf(job) {
  const known = shown.get(job.id);
  if (known && known.version === job.version) return known.entry;
  const entry = await makeEntry(job);
  shown.set(job.id, { version: job.version, entry });
  return entry;
}

async function makeEntry(job) {
  const name = job.name || job.id;
  const when = new Date(job.created_at).toLocaleTimeString();
  const about = [wayOf(job), words(job.state), when].filter(Boolean).join(", ");
  const entry = element("article", {},
    element("h3", { textContent: name }),
    element("p", { className: "quiet", textContent: about }));
  reasonsOf(job).forEach((why) => entry.append(element("p", { className: "wrong", textContent: why })));
  if (job.targets.some((target) => target.state === "done")) entry.append(await picturesOf(job, name));
  return entry;
}

// An inbox file whose path asks for nothing possible is a job without languages.
function wayOf({ source_language: source, targets }) {
  const from = source === "auto" ? "detected language" : nameOf(source);
  return targets.length ? `${from} to ${targets.map((target) => nameOf(target.language)).join(", ")}` : "";
}

async function picturesOf(job, name) {
  const { outputs } = await call("GET", `/v1/jobs/${job.id}/outputs`);
  const pair = element("div", { className: "pair" }, figure(`/_local/source/${job.id}`, `${name}, as it was sent`));
  outputs.filter((output) => output.kind === "picture")
    .forEach((output) => pair.append(figure(output.url, `${name}, ${nameOf(output.language)}`)));
  return pair;
}

function figure(url, text) {
  const image = element("img", { src: url, alt: text });
  image.addEventListener("error", () => image.replaceWith(element("p", { textContent: "not there any more" })));
  return element("figure", {}, image, element("figcaption", { textContent: text }));
}
