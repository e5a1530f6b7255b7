// What a page cannot do without a script: move a figure, open what a link or a search
// points into. Everything it shows was computed when the site was built.

// --- Scripts that most visits do without ---------------------------------------------

/** Runs what an element needs when it comes near: out of a fold that opens, too. */
const seen = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (isIntersecting) hw4Load(target.matches("hw4-exam") ? "exam.js" : "editor.js").catch(() => {});
  }
}, { rootMargin: "100%" });
document.querySelectorAll("hw4-exam, .hw4-write, article .language-python").forEach((element) => seen.observe(element));

// --- Figures with sliders ---------------------------------------------------------

class Explorer extends HTMLElement {
  connectedCallback() {
    this.data = JSON.parse(this.querySelector("template").content.textContent);
    this.axes = [...this.querySelectorAll(".hw4-controls > :is(input, fieldset)")];
    this.svg = this.querySelector("svg");
    this.handles = this.data.lines.map((line, i) => this.handle(line, i)).filter(Boolean);
    this.oninput = () => this.show();
    this.show(); // a reload keeps settings where they were
  }

  /** Where each axis of the grid stands. */
  get settings() {
    return this.axes.map((axis) => Number((axis.querySelector(":checked") ?? axis).value));
  }

  set settings(places) {
    this.axes.forEach((axis, i) => {
      const choice = axis.querySelector(`[value="${places[i]}"]`);
      if (choice) choice.checked = true;
      else axis.value = places[i];
    });
  }

  frame(places) {
    return places.reduce((sum, place, axis) => sum * this.data.grid[axis] + place, 0);
  }

  show() {
    const { lines, texts, alt } = this.data;
    const frame = this.frame(this.settings);
    for (const slider of this.querySelectorAll("input[type=range]")) {
      const text = JSON.parse(slider.dataset.texts)[slider.value];
      slider.setAttribute("aria-valuetext", text);
      slider.nextElementSibling.textContent = text;
    }
    const say = ([parts, fields]) =>
      parts.map((part, i) => part + (fields[i] ? fields[i][0][fields[i][1][frame]] : "")).join("");
    this.svg.setAttribute("aria-label", say(alt));
    const part = (name) => this.svg.querySelector(`[id$="-${name}"]`);
    lines.forEach((line, i) => this.move(part(`m${i}`), line.map(([rows, index]) => rows[index[frame]])));
    texts.forEach((text, i) => (part(`t${i}`).querySelector("text").textContent = say(text)));
    for (const { circle, at } of this.handles) {
      const place = at(frame);
      circle.toggleAttribute("hidden", !place);
      if (place) circle.setAttribute("transform", `translate(${place})`);
    }
  }

  /** Over a point that moves, something to drag it by: as far as one setting takes it. */
  handle(line, i) {
    const at = (frame) => {
      const [x, y] = line.map(([rows, index]) => rows[index[frame]][0]);
      return x === null || y === null ? null : [x / 10, y / 10];
    };
    if (line[0][0][0].length > 1 || line.every(([rows]) => rows.length === 1)) return null;
    const circle = document.createElementNS("http://www.w3.org/2000/svg", "circle");
    circle.setAttribute("class", "hw4-handle");
    circle.setAttribute("r", 16);
    this.svg.append(circle);
    circle.onpointerdown = (event) => {
      event.preventDefault();
      circle.setPointerCapture(event.pointerId);
    };
    circle.onpointermove = ({ clientX, clientY, pointerId }) => {
      if (!circle.hasPointerCapture(pointerId)) return;
      const { x, y } = new DOMPoint(clientX, clientY).matrixTransform(this.svg.getScreenCTM().inverse());
      const far = (places) => {
        const place = at(this.frame(places));
        return place ? Math.hypot(place[0] - x, place[1] - y) : Infinity;
      };
      const now = this.settings;
      const near = now.flatMap((_, axis) => Array.from({ length: this.data.grid[axis] }, (_, v) => now.with(axis, v)));
      const best = near.reduce((one, other) => (far(other) < far(one) ? other : one), now);
      if (best === now) return;
      this.settings = best;
      this.show();
    };
    return { circle, at };
  }

  /** Puts a line's path and markers at the points, given in tenths. */
  move(group, [xs, ys]) {
    const points = xs.map((x, i) => (x === null || ys[i] === null ? null : [x / 10, ys[i] / 10]));
    const path = group.querySelector(":scope > path");
    path?.setAttribute("d", points.map((p, i) => p && `${points[i - 1] ? "L" : "M"}${p[0]} ${p[1]}`).filter(Boolean).join(""));
    const marks = group.querySelector(":scope > g");
    if (!marks) return;
    this.mark ??= new Map();
    if (!this.mark.has(group)) this.mark.set(group, marks.querySelector("use"));
    marks.replaceChildren(...points.filter(Boolean).map(([x, y]) => {
      const use = this.mark.get(group).cloneNode();
      use.setAttribute("x", x);
      use.setAttribute("y", y);
      return use;
    }));
  }
}

customElements.define("hw4-explorer", Explorer);

// --- Disclosures ------------------------------------------------------------------

/** Opens every closed disclosure around an element. */
function reveal(element) {
  for (let d = element?.closest("details"); d; d = d.parentElement.closest("details")) d.open = true;
}

function revealTargets() {
  let name = location.hash.slice(1);
  try {
    name = decodeURIComponent(name);
  } catch {
    // It is not encoded, and names what it spells.
  }
  const target = document.getElementById(name);
  reveal(target);
  if (target?.closest("details")) target.scrollIntoView();
  if (name && !target) hw4Load("moved.js").catch(() => {});
}

/** Keeps in sight what a click has opened: code goes up to the top of its derivation. */
document.addEventListener("click", ({ target }) => {
  const summary = target.closest(".hw4-beside > .code > summary");
  if (!summary) return;
  requestAnimationFrame(() => summary.parentElement.open && summary.scrollIntoView({ block: "nearest" }));
});

/** Opens what a search has marked, whenever its index is there. */
const marks = new MutationObserver((records) => {
  for (const { addedNodes } of records) {
    for (const node of addedNodes) {
      if (node.nodeName === "MARK") reveal(node);
      if (node.className === "md-code__nav") plain(node);
    }
  }
});

/** The place of a code block's buttons, which is no part of the site to navigate by. */
const plain = (nav) => nav.setAttribute("role", "presentation");

function revealMarks() {
  marks.disconnect();
  document.querySelectorAll(".md-content mark").forEach(reveal);
  document.querySelectorAll(".md-content .md-code__nav").forEach(plain);
  marks.observe(document.querySelector(".md-content") ?? document.body, { childList: true, subtree: true });
}

/** Puts buttons below a page's title: one for its answers alone, one for all of its folds. */
function unfold() {
  const title = document.querySelector(".md-content h1[data-folds]");
  if (!title || document.querySelector(".hw4-unfold")) return;
  const place = document.createElement("div");
  place.className = "hw4-unfold";
  const row = document.createElement("div");
  place.append(row);
  const names = [
    ["details.answer", "Show answers", "Hide answers"],
    ["details", "Open all", "Close all"],
  ].filter(([which]) => document.querySelector(`.md-content ${which}`)).map(([which, opens, closes]) => {
    const button = document.createElement("button");
    button.type = "button";
    const anyClosed = () => document.querySelector(`.md-content ${which}:not([open])`) !== null;
    button.onclick = () => {
      const open = anyClosed();
      document.querySelectorAll(`.md-content ${which}`).forEach((details) => (details.open = open));
    };
    row.append(button);
    return () => (button.textContent = anyClosed() ? opens : closes);
  });
  const name = () => names.forEach((renew) => renew());
  title.after(place);
  name();
  place.closest(".md-content").addEventListener("toggle", name, true); // by hand, too
}

// --- By keyboard ------------------------------------------------------------------

/** What is wider than its box can be scrolled with the arrows. */
const wide = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
    else target.removeAttribute("tabindex");
  }
});

function reach() {
  wide.disconnect();
  document.querySelectorAll(".md-content :is(.md-typeset__scrollwrap, div.math)").forEach((box) => wide.observe(box));
  // Material gives these no name.
  document.querySelectorAll(".md-search, .md-search__inner").forEach((search) => search.setAttribute("aria-label", "Search"));
}

// --- TeX --------------------------------------------------------------------------

const formulas = [...document.querySelectorAll(".math")];

/** Has the TeX of the formulas at hand: it stands in each or in a list beside the page. */
async function loadTex() {
  if (formulas[0].dataset.tex) return;
  const page = location.href.replace(/[?#].*$/, "").replace(/\/$/, "/index").replace(/\.html$/, "");
  await hw4Load(`${page}.tex.js`);
}

/** The TeX of a formula between its dollars, once it is at hand. */
function written(formula) {
  const tex = formula.dataset.tex ?? globalThis.hw4Tex[formulas.indexOf(formula)];
  return formula.matches("div") ? `\n$$${tex}$$\n` : `$${tex}$`;
}

/** A button below a formula; it goes when the reader goes on. */
function offer(formula) {
  document.querySelector(".hw4-tex")?.remove();
  if (!formulas.includes(formula) || formula.closest("a, label, summary")) return;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "hw4-tex";
  button.ariaLive = "polite";
  button.textContent = "Copy TeX";
  button.onclick = async () => {
    let text = "";
    try {
      await loadTex();
      text = written(formula).trim();
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      if (text) prompt("This browser does not let a page copy. Here is the TeX:", text);
      else button.textContent = "Not loaded: are you offline?";
    }
  };
  button.onkeydown = ({ key }) => key === "Escape" && button.remove();
  formula.after(button);
  const [here, there] = [button.getBoundingClientRect(), formula.getBoundingClientRect()];
  const left = Math.max(0, Math.min(there.left, document.documentElement.clientWidth - here.width));
  button.style.translate = `${left - here.left}px ${there.bottom - here.top}px`;
}

document.addEventListener("click", ({ target }) => {
  if (!target.closest(".hw4-tex")) offer(getSelection().isCollapsed ? target.closest(".math") : null);
});

// What is selected is copied with the TeX of its formulas in their place.
document.addEventListener("selectionchange", () => {
  if (formulas.length && !getSelection().isCollapsed) loadTex().catch(() => {});
});
document.addEventListener("copy", (event) => {
  const selection = getSelection();
  if (selection.isCollapsed || event.target.closest?.("textarea, input")) return;
  const range = selection.getRangeAt(0);
  const chosen = formulas.filter((formula) => range.intersectsNode(formula));
  if (!chosen.length || !(globalThis.hw4Tex || chosen[0].dataset.tex)) return;
  const copy = document.createElement("div");
  copy.className = "hw4-copy";
  copy.append(range.cloneContents());
  const copies = [...copy.querySelectorAll(".math")];
  if (copies.length) copies.forEach((formula, i) => formula.replaceWith(written(chosen[i])));
  else copy.textContent = written(chosen[0]); // a piece of one formula
  document.body.append(copy); // its lines are those that a browser shows
  event.clipboardData.setData("text/plain", copy.innerText.replaceAll("\u2060", "").trim());
  event.clipboardData.setData("text/html", copy.innerHTML);
  copy.remove();
  event.preventDefault();
});

// --- Paper ------------------------------------------------------------------------

let opened = [];
/** What is open is printed, or all of it if nothing is. Answers alone make an answer sheet. */
addEventListener("beforeprint", () => {
  const folds = [...document.querySelectorAll(".md-content details")];
  const chosen = folds.some((details) => details.open);
  const sheet = chosen && folds.every((details) => details.open === details.matches(".answer"));
  document.body.classList.toggle("hw4-sheet", sheet);
  // Material opens every fold for the paper: these stay away from it.
  folds.forEach((details) => details.classList.toggle("hw4-closed", chosen && !details.open));
  opened = chosen ? [] : folds;
  opened.forEach((details) => (details.open = true));
});
addEventListener("afterprint", () => opened.forEach((details) => (details.open = false)));
addEventListener("hashchange", revealTargets);
// When Material is there, or at once under another theme.
(window.document$ ?? { subscribe: (f) => f() }).subscribe(() => {
  unfold();
  revealTargets();
  revealMarks();
  setTimeout(() => {
    // When Material has measured the code and put its boxes around the tables.
    document.querySelector(".md-content").classList.add("hw4-started");
    reach();
  });
});
