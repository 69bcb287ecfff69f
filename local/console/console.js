// The console page: shows what runs and translates a picture through the public API.
"use strict";

const MULTIPART_LIMIT = 20 * 1000 * 1000;
const ENDED = new Set(["completed", "partly_completed", "failed", "cancelled", "expired"]);
const USUAL = { source: "en", target: "es" };
let picture = null;
let languages = null;
let pipeline = null;
let refreshing = false;

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
      say(words(job.state));
      await new Promise((wake) => setTimeout(wake, 400));
      job = await call("GET", `/v1/jobs/${job.id}`);
    }
    say([words(job.state), ...reasonsOf(job)].join("\n"), job.state !== "completed");
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
  say("");
  byId("chosen").textContent = `${file.name}, ${(file.size / 1024).toFixed(0)} KB`;
}

async function loadLanguages() {
  languages = (await call("GET", "/v1/languages")).languages;
  languages.forEach(({ code, name }) => names.set(code, name));
  const sources = languages.filter((language) => language.source);
  choose(byId("source"), [{ code: "auto", name: "detect" }, ...sources], USUAL.source);
  choose(byId("target"), languages.filter((language) => language.target), USUAL.target);
  byId("form").querySelector("button").disabled = false;
}

function choose(select, offered, usual) {
  const options = offered.map(({ code, name }) =>
    element("option", { value: code, textContent: name, selected: code === usual }));
  select.replaceChildren(...options);
  select.disabled = false;
}

function row(name, state, pid, port, notes) {
  const [a, b, c, d, e] = [name, state, pid, port, notes].map((cell) => element("td", { textContent: cell ?? "" }));
  c.className = "detail";
  return element("tr", {}, a, b, c, d, e);
}

function counts({ calls = {}, ...units }) {
  return Object.entries({ ...calls, ...units }).map(([what, count]) => `${what} ${count}`).join(", ");
}

function showStatus(status) {
  byId("where").textContent = `${status.gateway}, up ${Math.round(status.seconds_up)} s`;
  const services = status.services.map((s) =>
    row(s.name, s.state, s.pid, s.port, s.restarts ? `restarted ${s.restarts} times` : ""));
  const functions = status.functions.map((f) =>
    row(`function ${f.name}`, f.running ? "serving" : "idle", f.pid, f.port, `${f.served} served`));
  const schedules = status.schedules.map((s) =>
    row(`schedule ${s.name}`, "", "", "", s.next ? `next ${new Date(s.next).toLocaleTimeString()}` : ""));
  const engines = Object.entries(status.engines).map(([name, counted]) =>
    row(`engine ${name}`, "", "", "", counts(counted)));
  byId("services").replaceChildren(...services, ...functions, ...schedules, ...engines);
  byId("limit").textContent = `Functions start when they are called, at most ${status.function_limit} at a time.`;
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
    status.translate,
  ].join("\n");
}

async function readStatus() {
  const answer = await fetch("/_local/status").catch(() => null);
  if (answer && answer.ok) return answer.json();
  byId("where").textContent = "not running";
  return null;
}

// Jobs are asked for only when the pipeline has done something: asking keeps a function alive.
async function refresh() {
  const status = await readStatus();
  if (!status) return;
  showStatus(status);
  if (!status.ready) return;
  if (apiKey !== status.api_key) {
    apiKey = status.api_key;
    pipeline = null;
    showUse(status);
  }
  const failure = languages ? null : await loadLanguages().catch((error) => error);
  const busy = status.functions.filter((f) => f.pipeline).map((f) => [f.pid, f.served, f.running]);
  if (pipeline !== JSON.stringify(busy)) {
    await showJobs();
    pipeline = JSON.stringify(busy);
  }
  if (failure) throw failure;
}

async function tick() {
  if (refreshing || document.hidden) return;
  refreshing = true;
  await refresh().catch((error) => byId("where").append(`: ${error.message}`));
  refreshing = false;
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
tick();
setInterval(tick, 2000);
