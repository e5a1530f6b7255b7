// "Edit and run" on every block that the site's build has run. Nothing is loaded before a
// click; then Python runs in a worker, with the library that computed the page.

"use strict";
(() => {

const RUNTIME = null; // written by hw4site.pyodide when the site is built
const HERE = document.currentScript.src;
const SITE = new URL("..", HERE);

function element(tag, properties = {}, ...children) {
  const { data, ...rest } = properties;
  const made = Object.assign(document.createElement(tag), rest);
  Object.assign(made.dataset, data);
  made.append(...children);
  return made;
}

// --- Python -----------------------------------------------------------------------

// Code may come from a stranger's link. It runs in a worker of a frame that has no origin
// and a policy of its own: it reaches neither what the site keeps in this browser nor any
// host, this one included. The page loads Python's files and hands them in.
const ROOM = `<!doctype html><meta http-equiv="Content-Security-Policy"
  content="default-src 'none'; script-src blob: 'unsafe-inline' 'unsafe-eval'; worker-src blob:"><script>
let worker;
onmessage = ({ data }) => {
  if (worker) return worker.postMessage(data);
  worker = new Worker(URL.createObjectURL(new Blob([data], { type: "text/javascript" })));
  worker.onmessage = ({ data }) => parent.postMessage(data, "*");
  worker.onerror = ({ message }) => parent.postMessage({ type: "failed", message: message ?? "the worker did not start" }, "*");
};
</script>`;

let room; // the frame, while there is one
let ready = false;
const queue = []; // the runs to do; the first is under way

function enqueue(run) {
  queue.push(run);
  if (queue.length === 1) next();
}

function next() {
  const [run] = queue;
  if (!run) return;
  const here = (room ??= furnish());
  here.furnished.then(
    () => here === room && here.send(run.request),
    (error) => here === room && heard({ type: "failed", message: String(error.message ?? error) }),
  );
}

/** A room with Python in it: the worker's program first, then the files, each held to its SHA-256. */
function furnish() {
  const frame = element("iframe", { hidden: true, srcdoc: ROOM, title: "Python", sandbox: "allow-scripts" });
  const downloads = new AbortController();
  const { signal } = downloads;
  const send = (message) => frame.contentWindow.postMessage(message, "*");
  const open = new Promise((resolve) => (frame.onload = resolve));
  document.body.append(frame);

  async function load() {
    const { files, lock } = RUNTIME;
    const total = Object.values(files).reduce((sum, file) => sum + file.size, 0);
    let loaded = 0;
    const count = (bytes) => heard({ type: "loading", loaded: (loaded += bytes), total });
    const [program, ...contents] = await Promise.all([
      got(new URL("python-worker.js", HERE), signal).then((response) => response.text()),
      ...Object.entries(files).map(async ([name, { url, sha256 }]) =>
        [name, await read(new URL(url, SITE), sha256, count, signal)]),
    ]);
    heard({ type: "starting" });
    await open;
    send(program);
    send({ files: Object.fromEntries(contents), lock });
  }

  return { frame, send, downloads, furnished: load() };
}

async function got(address, signal) {
  const response = await fetch(address, { signal });
  if (!response.ok) throw new Error(`${address} answers ${response.status}`);
  return response;
}

async function read(address, sha256, count, signal) {
  const response = await got(address, signal);
  const parts = [];
  for (const reader = response.body.getReader(); ; ) {
    const { value, done } = await reader.read();
    if (done) break;
    parts.push(value);
    count(value.length);
  }
  const content = await new Blob(parts).arrayBuffer();
  if (crypto.subtle) { // absent where a page is served without encryption to another machine
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", content));
    const found = [...hash].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    if (found !== sha256) throw new Error(`${address} has hash ${found}, expected ${sha256}`);
  }
  return content;
}

window.addEventListener("message", ({ source, data }) => {
  if (room && source === room.frame.contentWindow) heard(data);
});

function heard(message) {
  ready ||= message.type === "running";
  const [run] = queue;
  if (message.type === "failed") end();
  if (message.type === "done" || message.type === "failed") queue.shift();
  run?.tell(message);
  if (run && run !== queue[0]) next();
}

function end() {
  room?.downloads.abort();
  room?.frame.remove(); // and the worker with it
  room = undefined;
  ready = false;
}

function stop(run) {
  const at = queue.indexOf(run);
  if (at < 0) return;
  queue.splice(at, 1);
  run.tell({ type: "stopped" });
  if (at > 0) return;
  end(); // there is no other way to end a loop
  next();
}

const megabytes = (bytes) => (bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0);
const SIZE = RUNTIME && Object.values(RUNTIME.files).reduce((sum, file) => sum + file.size, 0);
const cost = () =>
  ready ? "" : `Loads Python with NumPy from ${RUNTIME.from}, once: up to ${megabytes(SIZE)} MB.`;

// --- An editor --------------------------------------------------------------------

let made = 0;

const WORDS = "and as assert break class continue def del elif else except finally for from global if import in is lambda None not or pass raise return True False try while with yield".split(" ");
const PIECES = new RegExp(
  String.raw`(#.*)|("""[\s\S]*?(?:"""|$)|'''[\s\S]*?(?:'''|$)|"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?)|\b(${WORDS.join("|")})\b|\b(\d[\d_.]*(?:e[+-]?\d+)?)`,
  "g",
);

/** The code with the colors of the published one. */
function colored(code) {
  const safe = (text) => text.replace(/[&<>]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[c]);
  let at = 0;
  let html = "";
  for (const match of code.matchAll(PIECES)) {
    const kind = ["c1", "s2", "k", "mi"][match.slice(1).findIndex(Boolean)];
    html += `${safe(code.slice(at, match.index))}<span class="${kind}">${safe(match[0])}</span>`;
    at = match.index + match[0].length;
  }
  return `${html}${safe(code.slice(at))}\n`;
}

/** A text area in which Tab indents; after Escape it leads out. */
function editor(name, code, run) {
  const help = `hw4-run-help-${++made}`;
  const area = element("textarea", {
    value: code, spellcheck: false, autocomplete: "off", autocapitalize: "off", wrap: "off",
    ariaLabel: `Python code of ${name}`,
  });
  area.setAttribute("autocorrect", "off");
  area.setAttribute("aria-describedby", help);
  let leaving = false;
  const behind = element("pre", { ariaHidden: "true" }, element("code"));
  const box = element("div", { className: "hw4-code highlight" }, behind, area);
  const fit = () => {
    area.rows = Math.min(Math.max(area.value.split("\n").length, 3), 30);
    behind.firstChild.innerHTML = colored(area.value);
    follow();
  };
  const follow = () => {
    behind.scrollLeft = area.scrollLeft;
    behind.scrollTop = area.scrollTop;
  };
  area.onscroll = follow;
  // The one way to change the text that the browser's own undo knows.
  const put = (text) => document.execCommand("insertText", false, text);
  area.oninput = fit;
  area.onblur = () => (leaving = false);
  area.onkeydown = (event) => {
    if (event.isComposing) return;
    const { selectionStart: from, selectionEnd: to, value } = area;
    const start = value.lastIndexOf("\n", from - 1) + 1;
    if (event.key === "Escape") {
      leaving = true;
      return;
    }
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) run();
    else if (event.key === "Enter" && !event.shiftKey) {
      const line = value.slice(start, from);
      put(`\n${line.match(/^ */)[0]}${/:\s*$/.test(line) ? "    " : ""}`);
    } else if (event.key === "Tab" && !leaving && !event.ctrlKey && !event.altKey && !event.metaKey) {
      if (from === to && !event.shiftKey) put(" ".repeat(4 - ((from - start) % 4)));
      else {
        const lines = value.slice(start, to).split("\n");
        const moved = lines.map((line) => (event.shiftKey ? line.replace(/^ {1,4}/, "") : line && `    ${line}`)).join("\n");
        area.setSelectionRange(start, to);
        if (moved !== value.slice(start, to)) put(moved);
        area.setSelectionRange(start, start + moved.length);
      }
    } else {
      leaving &&= event.key === "Shift" || event.key === "Tab";
      return;
    }
    event.preventDefault();
  };
  fit();
  const keys = element("small", { id: help }, "Tab indents; Escape, then Tab, leaves the editor; Ctrl+Enter runs.");
  return { area, box, keys, set(text) { area.value = text; fit(); } };
}

let noted; // the one place of a page that says what Python costs

/** A note on what Python costs, where nothing on the page says so yet. */
function costs(here = !noted) {
  const note = element("small", {}, here ? cost() : "");
  if (here) {
    noted?.replaceChildren();
    noted = note;
  }
  return note;
}

/** Says in a note what Python costs now, if that is where the page says it. */
const renew = (note) => (note.textContent = note === noted ? cost() : "");

/** Buttons, progress, and what comes of a run. */
function panel({ blocks, published, page, edited, told, first }) {
  const status = element("span", { role: "status" });
  const progress = element("progress", { hidden: true, ariaLabel: "Python is loading" });
  const output = element("pre", { tabIndex: 0, hidden: true, ariaLabel: "Output in your browser" }, element("code"));
  const note = costs(first);
  const runs = element("button", { type: "button", onclick: start }, "Run");
  const stops = element("button", { type: "button", hidden: true, onclick: () => stop(run) }, "Stop");
  let run;

  function say(text, kind = "") {
    status.textContent = text;
    status.dataset.kind = kind;
  }

  function clear() {
    say("");
    output.hidden = true;
  }

  function start() {
    if (run) return;
    clear(); // what is there comes from another run
    const before = edited();
    const began = performance.now();
    run = { request: { page, blocks: blocks(), published: published?.() }, tell };
    runs.disabled = true;
    stops.hidden = false;
    say(queue.length ? "Waits for the run before." : ready ? "Running." : `Loading Python from ${RUNTIME.from}.`);
    enqueue(run);

    function tell(message) {
      if (message.type === "loading") {
        progress.hidden = false;
        progress.max = message.total;
        progress.value = Math.min(message.loaded, message.total);
        note.textContent = `${megabytes(message.loaded)} MB of up to ${megabytes(message.total)} MB`;
        return;
      }
      progress.hidden = true;
      if (message.type === "starting") say("Starting Python.");
      if (message.type === "running") {
        note.textContent = "";
        say(`Running ${message.name}.`);
      }
      if (!["done", "failed", "stopped"].includes(message.type)) return;
      const focused = document.activeElement === stops;
      run = undefined;
      runs.disabled = false;
      stops.hidden = true;
      if (focused) runs.focus();
      renew(note);
      if (message.type === "stopped") say("Stopped. The next run starts Python anew.");
      else if (message.type === "failed") say(`Python did not run: ${message.message}. Run tries again.`, "error");
      else finish(message, before, performance.now() - began);
    }
  }

  function finish({ output: text, error, failed, kind, words }, before, took) {
    output.hidden = !text && !error;
    output.firstChild.replaceChildren(text, error && element("span", { className: "hw4-traceback" }, error));
    told?.(text);
    const here = blocks().at(-1)[0];
    if (error) say(failed === here ? "It ends with an error, below." : told ? "Your function ends with an error, below." : `An earlier block, ${failed}, ends with an error, below.`, "error");
    else say(`${words || "Done."}${before ? " An earlier block is edited." : ""}`, kind || "same");
    status.dataset.milliseconds = Math.round(took);
  }

  return { bar: [runs, stops], shows: [progress, status, note, output], start, clear, run: runs, idle: () => !run, stop: () => run && stop(run) };
}

// --- The blocks of a page ---------------------------------------------------------

function pageName() {
  return decodeURIComponent(location.pathname.slice(SITE.pathname.length)).replace(/\.html$|\/(index\.html)?$/, "") || "index";
}

const textOf = (shown) => shown.querySelector("code").textContent.replace(/\n+$/, "");

function attachBlocks() {
  const page = pageName();
  const shown = document.querySelectorAll("article div.language-python");
  const blocks = (RUNTIME.pages[page] ?? []).map((item) =>
    typeof item === "string" ? { name: "a hidden block", code: () => item, edited: () => false } : { shown: shown[item] });
  const visible = blocks.filter((block) => block.shown);
  visible.forEach((block, i) => (block.name = `block ${i + 1}`));
  blocks.forEach((block, at) => block.shown && attachBlock(block, blocks.slice(0, at), page));
  return visible;
}

function attachBlock(block, earlier, page) {
  const source = block.shown;
  const result = source.nextElementSibling?.matches(".language-text") ? source.nextElementSibling : undefined;
  const original = textOf(source);
  let write; // the editor, while it is open
  let kept = original; // what it held when it was closed
  block.code = () => write?.area.value ?? original;
  block.edited = () => block.code() !== original;
  const note = costs();
  const open = element("button", { type: "button" }, "Edit and run");
  const bar = (block.bar = element("div", { className: "hw4-run", data: { block: block.name } }, open, note));
  (result ?? source).after(bar);
  // What it costs may have been paid on another block since.
  for (const near of ["pointerenter", "focusin"])
    bar.addEventListener(near, () => { if (note.isConnected) renew(note); });

  open.onclick = () => {
    const first = note === noted;
    const view = panel({
      page,
      blocks: () => [...earlier, block].map(({ name, code }) => [name, code()]),
      published: () => (result ? textOf(result) : ""),
      edited: () => earlier.some((one) => one.edited()),
      first,
    });
    write = editor(block.name, kept, view.start);
    const box = element("div", { className: "hw4-edit" }, write.box, write.keys);
    const reset = element("button", { type: "button", onclick: () => { write.set(original); view.clear(); write.area.focus(); } }, "Reset");
    const close = element("button", { type: "button" }, "Close");
    close.onclick = () => {
      view.stop();
      kept = write.area.value;
      box.remove();
      write = undefined;
      source.classList.remove("hw4-edited");
      if (first) noted = note;
      bar.replaceChildren(open, note);
      renew(note);
      open.focus();
    };
    source.classList.add("hw4-edited");
    source.before(box);
    bar.replaceChildren(...view.bar, reset, close, ...view.shows);
    if (matchMedia("(pointer: coarse)").matches) view.run.focus(); // no keyboard over the page
    else write.area.focus();
    view.start();
  };
}

// --- The playground ---------------------------------------------------------------

const toFragment = (code) =>
  btoa(String.fromCharCode(...new TextEncoder().encode(code))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

function fromFragment(hash) {
  if (!hash.startsWith("#code=")) return undefined;
  const packed = hash.slice("#code=".length);
  const bytes = Uint8Array.from(atob(packed.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
  return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
}

function attachPlayground(blocks) {
  const place = document.querySelector(".hw4-playground");
  if (!place) return;
  let code = textOf(blocks[0].shown);
  let told = "";
  try {
    const shared = fromFragment(location.hash);
    if (shared !== undefined) {
      code = shared;
      told = "This code came with the link. Read it before you run it.";
    }
  } catch {
    told = "The link holds no code that can be read.";
  }
  const view = panel({ page: "playground/scratch", blocks: () => [["your code", write.area.value]], edited: () => false, first: true });
  const write = editor("your own", code, view.start);
  const shared = element("span", { role: "status" }, told);
  const share = element("button", { type: "button" }, "Copy a link to this code");
  share.onclick = async () => {
    const address = new URL(`#code=${toFragment(write.area.value)}`, location.href);
    history.replaceState(history.state, "", address);
    try {
      await navigator.clipboard.writeText(address.href);
      shared.textContent = "Copied. The code is in the address, and nowhere else.";
    } catch {
      shared.textContent = "The address of this page now holds the code: copy it from there.";
    }
  };
  place.replaceChildren(
    element("div", { className: "hw4-edit" }, write.box, write.keys),
    element("div", { className: "hw4-run" }, ...view.bar, share, shared, ...view.shows),
  );
  for (const { shown: source, bar } of blocks) {
    const take = element("button", { type: "button" }, "Take it up into the editor");
    take.onclick = () => {
      write.area.focus();
      write.area.select();
      document.execCommand("insertText", false, textOf(source)); // undo brings back what was there
      write.area.setSelectionRange(0, 0);
      place.scrollIntoView();
    };
    bar.after(element("div", { className: "hw4-run" }, take));
  }
}

// --- Functions to write -----------------------------------------------------------

/** An editor for a function, and a judge that compares it with the library's. */
function attachExercises() {
  for (const place of document.querySelectorAll(".hw4-write")) {
    const { name, starter, judge } = JSON.parse(place.dataset.exercise);
    const before = hw4Memory.get("boxes", `write-${name}`);
    const keep = (solved) => hw4Memory.set("boxes", `write-${name}`, { code: write.area.value, solved: solved || before?.solved });
    const view = panel({
      page: `write/${name}`,
      blocks: () => [["your function", write.area.value], ["the judge", judge]],
      edited: () => false,
      told: (output) => keep(/^Right/m.test(output)),
    });
    const write = editor("your function", before?.code ?? starter, view.start);
    write.area.addEventListener("change", () => keep(false));
    const reset = element("button", { type: "button", onclick: () => { write.set(starter); view.clear(); keep(false); } }, "Start again");
    place.replaceChildren(
      element("div", { className: "hw4-edit" }, write.box, write.keys),
      element("div", { className: "hw4-run" }, ...view.bar, reset, ...view.shows),
    );
  }
}

// A copy of the site that is opened from a folder cannot start a worker.
if (RUNTIME && location.protocol !== "file:") {
  // When Material is there, or at once under another theme.
  (window.document$ ?? { subscribe: (f) => f() }).subscribe(() => {
    [...queue].reverse().forEach(stop); // of the page that is left, what waits first
    if (document.querySelector(".hw4-run")) return;
    attachPlayground(attachBlocks());
    attachExercises();
  });
}

})();
