// The console page: shows what runs and translates a picture through the public API.
"use strict";

const byId = (id) => document.getElementById(id);
const MULTIPART_LIMIT = 20 * 1000 * 1000;
const ENDED = new Set(["completed", "partly_completed", "failed", "cancelled", "expired"]);
const shown = new Map();
let apiKey = "";
let picture = null;

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

async function call(method, path, options = {}) {
  const headers = { "X-Api-Key": apiKey, ...options.headers };
  const answer = await fetch(path, { ...options, method, headers });
  const body = await answer.json().catch(() => ({}));
  if (answer.ok) return body;
  const details = (body.errors || []).map((e) => `${e.pointer}: ${e.detail}`);
  throw new Error([`${body.title || answer.statusText}: ${body.detail || ""}`, ...details].join("\n"));
}

function say(text, wrong = false) {
  byId("message").textContent = text;
  byId("message").className = wrong ? "wrong" : "";
}

async function submit(file, source, target) {
  const key = { "Idempotency-Key": crypto.randomUUID() };
  if (file.size < MULTIPART_LIMIT) {
    const form = new FormData();
    form.append("targets", target);
    form.append("source_language", source);
    form.append("file", file, file.name);
    return call("POST", "/v1/jobs", { body: form, headers: key });
  }
  const job = await call("POST", "/v1/jobs", {
    body: JSON.stringify({ source_language: source, targets: [target], name: file.name }),
    headers: { "Content-Type": "application/json", ...key },
  });
  const put = job.upload.put;
  const sent = await fetch(put.url, { method: put.method, headers: put.headers, body: file });
  if (!sent.ok) throw new Error(`The upload was refused: ${sent.status}`);
  return job;
}

async function translate(event) {
  event.preventDefault();
  const button = byId("form").querySelector("button");
  button.disabled = true;
  try {
    say("Sending");
    let job = await submit(picture, byId("source").value, byId("target").value);
    while (!ENDED.has(job.state)) {
      say(job.state.replace("_", " "));
      await new Promise((wake) => setTimeout(wake, 400));
      job = await call("GET", `/v1/jobs/${job.id}`);
    }
    say(job.state.replace("_", " "), job.state !== "completed");
    await showJobs();
  } catch (error) {
    say(error.message, true);
  } finally {
    button.disabled = false;
  }
}

function picked(file) {
  if (!file) return;
  picture = file;
  byId("chosen").textContent = `${file.name}, ${(file.size / 1024).toFixed(0)} KB`;
}

async function showJobs() {
  const page = await call("GET", "/v1/jobs?limit=5").catch(() => null);
  const jobs = (page && (page.jobs || page.items || page.data)) || [];
  const finished = jobs.filter((job) => job.state === "completed" || job.state === "partly_completed");
  const pairs = await Promise.all(finished.map((job) => pairOf(job.id)));
  if (pairs.length) byId("jobs").replaceChildren(...pairs);
}

async function pairOf(job) {
  if (shown.has(job)) return shown.get(job);
  const { outputs } = await call("GET", `/v1/jobs/${job}/outputs`);
  const images = outputs.filter((output) => (output.media_type || "").startsWith("image/"));
  const pair = element("div", { className: "pair" }, figure(`/_local/source/${job}`, "before"));
  images.forEach((output) => pair.append(figure(output.url, output.language)));
  shown.set(job, pair);
  return pair;
}

function figure(url, text) {
  const image = element("img", { src: url, alt: text, loading: "lazy" });
  return element("figure", {}, image, element("figcaption", { textContent: text }));
}

function row(...cells) {
  return element("tr", {}, ...cells.map((cell) => element("td", { textContent: cell ?? "" })));
}

function showStatus(status) {
  byId("where").textContent = `${status.gateway}, up ${Math.round(status.seconds_up)} s`;
  const services = status.services.map((s) =>
    row(s.name, s.state, s.pid, s.port, s.restarts ? `restarted ${s.restarts} times` : ""));
  const functions = status.functions.map((f) =>
    row(`function ${f.name}`, f.running ? "serving" : "idle", f.pid, f.port, `${f.served} served`));
  const schedules = status.schedules.map((s) => row(`schedule ${s.name}`, "", "", "", `next ${s.next || "-"}`));
  const engines = Object.entries(status.engines).map(([name, counted]) =>
    row(`engine ${name}`, "", "", "", Object.entries(counted).map(([k, v]) => `${k} ${v}`).join(", ")));
  byId("services").replaceChildren(...services, ...functions, ...schedules, ...engines);
  byId("failures").replaceChildren(...Object.entries(status.failures).map(([name, why]) =>
    element("div", {}, element("p", { className: "wrong", textContent: `${name} could not start` }),
      element("pre", { textContent: why }))));
}

function showUse(status) {
  const { gateway, api_key: key } = status;
  byId("curl").textContent = [
    "# translate a picture",
    `curl -H 'X-Api-Key: ${key}' -F targets=es -F source_language=en -F file=@sign.jpg ${gateway}/v1/jobs`,
    "# look at the job, then at its results",
    `curl -H 'X-Api-Key: ${key}' ${gateway}/v1/jobs/JOB`,
    `curl -H 'X-Api-Key: ${key}' ${gateway}/v1/jobs/JOB/outputs`,
    "# the whole API",
    `curl ${gateway}/v1/openapi.json`,
    "# or from a shell",
    `.venv/bin/python -m local translate sign.jpg --from en --to es --state ${status.state}`,
  ].join("\n");
}

async function refresh() {
  const answer = await fetch("/_local/status").catch(() => null);
  if (!answer || !answer.ok) {
    byId("where").textContent = "not running";
    return;
  }
  const status = await answer.json();
  showStatus(status);
  if (apiKey !== status.api_key) {
    apiKey = status.api_key;
    showUse(status);
    await showJobs();
  }
}

const drop = byId("drop");
drop.addEventListener("dragover", (event) => { event.preventDefault(); drop.classList.add("over"); });
drop.addEventListener("dragleave", () => drop.classList.remove("over"));
drop.addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  byId("file").files = event.dataTransfer.files;
  picked(event.dataTransfer.files[0]);
});
byId("file").addEventListener("change", (event) => picked(event.target.files[0]));
byId("form").addEventListener("submit", translate);
refresh();
setInterval(refresh, 2000);
