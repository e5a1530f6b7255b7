// Boxes that a reader answers: numbers, formulas, choices and grids, with new numbers,
// marks that readers give themselves, and what this browser remembers of it all.
// Nothing leaves the browser; every right answer and slip was computed at build.

// --- What this browser remembers ----------------------------------------------------

globalThis.hw4Memory = (() => {
  const KEY = "hw4-practice";
  const VERSION = 1;
  const empty = () => ({ version: VERSION, boxes: {}, marks: {}, open: {} });
  let memory = empty();
  let stored = true; // false where storage is full or forbidden: then `memory` is all there is

  function valid(found) {
    const plain = (value) => value?.constructor === Object;
    return found?.version === VERSION && ["boxes", "marks", "open"].every((part) => plain(found[part]) && Object.values(found[part]).every(plain));
  }

  function load() {
    if (!stored) return memory;
    try {
      const found = JSON.parse(localStorage.getItem(KEY));
      if (valid(found)) memory = found;
    } catch {
      // Private windows may refuse, and so may a damaged entry.
    }
    return memory;
  }

  function save() {
    try {
      localStorage.setItem(KEY, JSON.stringify(memory));
      stored = true;
    } catch {
      stored = false;
      // The page goes on with what it holds.
    }
    dispatchEvent(new CustomEvent("hw4-memory"));
  }

  return {
    get: (part, name) => load()[part][name],
    set(part, name, value) {
      load()[part][name] = value;
      save();
    },
    all: (part) => load()[part],
    export: () => JSON.stringify(load(), null, 1),
    /** Takes what `export` gave; says whether it was that. */
    import(text) {
      let found;
      try {
        found = JSON.parse(text);
      } catch {
        return false;
      }
      if (!valid(found)) return false;
      memory = found;
      save();
      return true;
    },
    forget() {
      memory = empty();
      try {
        localStorage.removeItem(KEY);
        stored = true;
      } catch {
        // There was nothing to remove.
      }
      dispatchEvent(new CustomEvent("hw4-memory"));
    },
  };
})();

// --- Scripts that most visits do without ---------------------------------------------

const FOLDER = document.currentScript.src;
const loading = new Map();

/** Runs another script of this folder, once; after a failure it can be asked for again. */
globalThis.hw4Load = (name) => {
  if (!loading.has(name)) {
    loading.set(name, new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = new URL(name, FOLDER);
      script.onload = resolve;
      script.onerror = () => {
        loading.delete(name);
        reject(new Error(`${name} did not load`));
      };
      document.head.append(script);
    }));
  }
  return loading.get(name);
};

/** `hw4Formula`, loaded when a reader turns to a box. */
async function reader() {
  if (!globalThis.hw4Formula) await hw4Load("formula.js");
  return hw4Formula;
}

// --- Boxes --------------------------------------------------------------------------

class Answer extends HTMLElement {
  connectedCallback() {
    this.box = JSON.parse(this.dataset.box);
    this.form = this.querySelector("form");
    this.verdict = this.form.querySelector("output");
    this.reading = this.form.querySelector(".hw4-read");
    this.name = this.id.replace(/^try-/, "");
    this.variant = 0;
    for (const event of ["focusin", "pointerover"]) {
      this.form.addEventListener(event, () => reader().catch(() => {}), { once: true });
    }
    this.form.addEventListener("input", () => this.edited());
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.check();
    });
    this.form.querySelector("[data-new]")?.addEventListener("click", () => this.change((this.variant + 1) % this.box.variants.length));
    this.recall();
  }

  fields() {
    return [...this.form.querySelectorAll("input[type=text], input:not([type]), select")];
  }

  /** The question that is asked now: one of several, or the only one. */
  get question() {
    const { variants, texts } = this.box;
    if (!variants) return this.box;
    const asked = { ...this.box, ...variants[this.variant] };
    const written = (pairs) => pairs.map(([value, place]) => [value, texts[place]]);
    return { ...asked, accept: written(asked.accept), slips: written(asked.slips) };
  }

  typed() {
    const radio = this.form.querySelector("input[type=radio]");
    if (radio) return this.form.querySelector("input:checked")?.value ?? "";
    const values = this.fields().map((field) => field.value);
    return this.box.kind === "grid" ? values : values[0];
  }

  async edited() {
    this.show({ verdict: "", says: "" }); // the verdict was on another answer
    if (!["number", "formula"].includes(this.box.kind)) return;
    const { read, mathml } = await reader().catch(() => ({}));
    if (!read) return; // a check will say so
    const { tree, notes } = read(this.typed(), this.box.names ?? []);
    this.read(tree ? mathml(tree) : "", notes);
  }

  read(mathml, notes = []) {
    if (!this.reading) return;
    this.reading.hidden = !mathml;
    this.reading.innerHTML = mathml ? `read as ${mathml}` : "";
    if (mathml && notes?.length) this.reading.append(` ${notes.join(" ")}`);
    // What is too wide for a phone scrolls by keyboard, too.
    this.reading.toggleAttribute("tabindex", false);
    if (this.reading.scrollWidth > this.reading.clientWidth) this.reading.tabIndex = 0;
  }

  async judge() {
    if (this.box.kind === "choice") {
      const typed = this.typed();
      if (typed === "") return { verdict: "unread", says: "Pick an option first." };
      const [right, why] = this.box.options[typed];
      return { verdict: right ? "right" : "slip", says: right ? `Right. ${why}` : why };
    }
    const { judgeNumber, judgeFormula, judgeGrid } = await reader().catch(() => ({}));
    const judge = { number: judgeNumber, formula: judgeFormula, grid: judgeGrid }[this.box.kind];
    if (!judge) return { verdict: "unread", says: "What judges answers did not load. Check again when you are online." };
    return judge(this.question, this.typed());
  }

  async check(keep = true) {
    const result = await this.judge();
    this.show(result);
    if (!keep) return;
    const before = hw4Memory.get("boxes", this.name) ?? {};
    hw4Memory.set("boxes", this.name, {
      typed: this.typed(),
      variant: this.variant,
      verdict: result.verdict,
      tries: (before.tries ?? 0) + (result.verdict === "unread" ? 0 : 1),
      solved: before.solved || result.verdict === "right",
    });
  }

  show({ verdict, says, at, mathml, notes, cells }) {
    this.verdict.toggleAttribute("data-verdict", Boolean(verdict));
    if (verdict) this.verdict.dataset.verdict = verdict;
    this.verdict.textContent = says;
    if (mathml) this.read(mathml, notes);
    this.fields().forEach((field, i) => {
      field.toggleAttribute("aria-invalid", verdict === "unread");
      if (cells) field.dataset.verdict = cells[i] ? "right" : "wrong";
      else delete field.dataset.verdict;
    });
    const [field] = this.fields();
    if (at !== undefined && field?.setSelectionRange && document.activeElement === field) {
      field.setSelectionRange(at, field.value.length);
    }
    const { solution } = this.question;
    if (solution && ["right", "slip", "close", "wrong"].includes(verdict)) {
      const details = document.createElement("details");
      details.className = "hw4-solution";
      details.innerHTML = "<summary>Solution in one line</summary><p></p>";
      details.querySelector("p").textContent = solution;
      this.verdict.append(details);
    }
  }

  change(variant, focus = true) {
    this.variant = variant;
    this.form.querySelectorAll("[data-given]").forEach((number, i) => (number.textContent = this.question.given[i]));
    this.form.querySelector("[data-count]")?.replaceChildren(variant ? `numbers ${variant + 1} of ${this.box.variants.length}` : "the sheet’s numbers");
    for (const field of this.fields()) field.value = "";
    this.show({ verdict: "", says: "" });
    this.read("");
    if (focus) this.fields()[0]?.focus();
  }

  /** Puts back what was typed here, and its verdict. */
  recall() {
    const before = hw4Memory.get("boxes", this.name);
    if (!before || before.typed === undefined || this.closest("hw4-exam")) return;
    if (this.box.variants && this.box.variants[before.variant] && before.variant) this.change(before.variant, false);
    const radio = this.form.querySelector(`input[type=radio][value="${CSS.escape(String(before.typed))}"]`);
    if (radio) radio.checked = true;
    else [before.typed].flat().forEach((text, i) => this.fields()[i] && (this.fields()[i].value = text));
    if (before.verdict) this.judge().then((result) => this.show(result));
  }
}

// --- Marks that readers give themselves ---------------------------------------------

class Marks extends HTMLElement {
  connectedCallback() {
    this.boxes = [...this.querySelectorAll("input[type=checkbox]")];
    const exam = Boolean(this.closest("hw4-exam")); // which begins anew each time
    const kept = exam ? undefined : hw4Memory.get("marks", this.dataset.part);
    [kept?.given ?? []].flat().forEach((given, i) => this.boxes[i] && (this.boxes[i].checked = given));
    this.addEventListener("change", () => this.count(!exam));
    this.count(false);
  }

  count(keep) {
    const given = this.boxes.map((box) => box.checked);
    const points = this.boxes.reduce((sum, box) => sum + (box.checked ? Number(box.value) : 0), 0);
    this.querySelector("output").textContent = `${points} of ${this.dataset.points}`;
    if (keep) hw4Memory.set("marks", this.dataset.part, { given, points });
  }
}

// --- What is remembered, to take along or to forget ----------------------------------

class Progress extends HTMLElement {
  connectedCallback() {
    this.innerHTML = `
      <p data-kept></p>
      <button type="button" data-save>Save to a file</button>
      <button type="button" data-load>Load a file</button>
      <button type="button" data-forget>Forget all</button>
      <input type="file" accept="application/json,.json" aria-label="A file of progress" hidden>
      <output role="status"></output>`;
    const on = (name, what) => this.querySelector(`[data-${name}]`).addEventListener("click", what);
    this.file = this.querySelector("input");
    on("save", () => this.save());
    on("load", () => this.file.click());
    on("forget", (event) => this.forget(event.currentTarget));
    this.file.addEventListener("change", () => this.load());
    this.querySelector("[data-forget]").addEventListener("blur", (event) => this.ask(event.currentTarget, false));
    addEventListener("hw4-memory", () => this.count());
    this.count();
  }

  count() {
    const things = (part) => Object.keys(hw4Memory.all(part)).length;
    const plural = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;
    this.querySelector("[data-kept]").textContent =
      `This browser keeps ${plural(things("boxes"), "answer")} and ${plural(things("marks"), "marked part")}.`;
  }

  say(text) {
    this.querySelector("output").textContent = text;
  }

  save() {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([hw4Memory.export()], { type: "application/json" }));
    link.download = "hw4-progress.json";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    this.say("Saved as hw4-progress.json.");
  }

  async load() {
    const [file] = this.file.files;
    if (!file) return;
    const taken = hw4Memory.import(await file.text());
    this.file.value = ""; // the same file can be chosen again
    this.say(taken ? `Loaded ${file.name}.` : `${file.name} is no file of progress; nothing has changed.`);
  }

  /** Turns the button into a question, and back. */
  ask(button, sure) {
    button.toggleAttribute("data-sure", sure);
    button.textContent = sure ? "Yes, forget all" : "Forget all";
  }

  forget(button) {
    if (!button.hasAttribute("data-sure")) {
      this.ask(button, true);
      this.say("There is no way back, except from a file.");
      return;
    }
    this.ask(button, false);
    hw4Memory.forget();
    this.say("Forgotten.");
  }
}

customElements.define("hw4-answer", Answer);
customElements.define("hw4-marks", Marks);
customElements.define("hw4-progress", Progress);

// --- What is done, where the page lists its parts -----------------------------------

/** Which parts a reader has solved, or given marks to. */
function done() {
  const parts = new Set();
  for (const [name, box] of Object.entries(hw4Memory.all("boxes"))) if (box.solved) parts.add(name.replace(/--.*$/, ""));
  for (const [name, marks] of Object.entries(hw4Memory.all("marks"))) if (marks.points > 0) parts.add(name);
  return parts;
}

function tick() {
  const parts = done();
  for (const link of document.querySelectorAll(".md-nav--secondary a[href*='#'], a.hw4-part[href*='#']")) {
    const part = link.hash.slice(1);
    const solved = parts.has(part);
    link.classList.toggle("hw4-done", solved);
    const said = link.querySelector(".hw4-said");
    if (solved && !said) link.insertAdjacentHTML("beforeend", '<span class="hw4-said"> (done)</span>');
    else if (!solved) said?.remove();
  }
  for (const count of document.querySelectorAll("[data-progress]")) {
    const all = count.dataset.progress.split(" ");
    const solved = all.filter((part) => parts.has(part)).length;
    count.textContent = solved ? `${solved} of ${all.length} parts done` : "";
  }
}

addEventListener("hw4-memory", tick);
(window.document$ ?? { subscribe: (f) => f() }).subscribe(tick);
