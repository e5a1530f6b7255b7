// Exam mode: all questions, no verdicts until "Hand in", a clock if one is wanted. Then
// the marks by part, the answers to mark the rest by, and what to read again.

class Exam extends HTMLElement {
  connectedCallback() {
    this.parts = [...this.querySelectorAll(".hw4-exam-part")];
    if (!this.parts.length) return;
    this.classList.add("hw4-taking");
    this.bar = document.createElement("div");
    this.bar.className = "hw4-exam-bar";
    this.bar.innerHTML = `
      <label>Clock <select aria-label="Clock"><option value="">none</option>
      <option value="60">60 minutes</option><option value="90">90 minutes</option>
      <option value="120">120 minutes</option></select></label>
      <output class="hw4-clock" role="timer"></output>
      <button type="button" data-hand-in>Hand in</button>
      <button type="button" data-again hidden>Start again</button>
      <output class="hw4-total" role="status"></output>`;
    this.prepend(this.bar);
    this.total = this.bar.querySelector(".hw4-total");
    this.bar.querySelector("select").addEventListener("change", (event) => this.start(Number(event.target.value)));
    this.bar.querySelector("[data-hand-in]").addEventListener("click", () => this.handIn());
    this.bar.querySelector("[data-again]").addEventListener("click", () => location.reload());
    // Enter in a field must not show a verdict, nor send the form.
    this.addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.classList.contains("hw4-taking")) event.stopPropagation();
    }, true);
    this.addEventListener("change", () => this.count());
    addEventListener("beforeprint", this);
    addEventListener("afterprint", this);
  }

  disconnectedCallback() {
    clearInterval(this.timer);
    removeEventListener("beforeprint", this);
    removeEventListener("afterprint", this);
  }

  /** On paper the answers come after all questions, on sheets of their own. */
  handleEvent({ type }) {
    this.sheets?.remove();
    if (type === "afterprint" || !this.classList.contains("hw4-taking")) return;
    this.sheets = document.createElement("section");
    this.sheets.className = "hw4-exam-answers";
    this.sheets.innerHTML = "<h2>Answers</h2>";
    for (const part of this.parts) {
      const copies = [part.querySelector("h3"), ...part.querySelector(".hw4-after").children];
      this.sheets.append(...copies.map((element) => element.cloneNode(true)));
    }
    this.append(this.sheets);
  }

  start(minutes) {
    clearInterval(this.timer);
    const clock = this.bar.querySelector(".hw4-clock");
    clock.textContent = "";
    if (!minutes) return;
    const end = Date.now() + minutes * 60e3;
    const show = () => {
      const left = Math.max(0, Math.round((end - Date.now()) / 1000));
      clock.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")} left`;
      if (left === 0) {
        clearInterval(this.timer);
        clock.textContent = "Time is up.";
      }
    };
    this.timer = setInterval(show, 1000);
    show();
  }

  async handIn() {
    clearInterval(this.timer);
    await Promise.all([...this.querySelectorAll("hw4-answer")].map((box) => box.check(false)));
    this.classList.remove("hw4-taking");
    this.classList.add("hw4-marked");
    for (const part of this.parts) {
      // What was handed in stays as it was.
      for (const field of part.querySelectorAll("hw4-answer :is(input, select, button)")) field.disabled = true;
      for (const area of part.querySelectorAll("textarea")) area.readOnly = true;
    }
    this.bar.querySelector("[data-hand-in]").hidden = true;
    this.bar.querySelector("[data-again]").hidden = false;
    this.bar.querySelector("select").disabled = true;
    this.count();
    this.bar.scrollIntoView();
  }

  /** The points of a part: by its scheme where there is one, else by the share of its boxes. */
  points(part) {
    const all = Number(part.dataset.points);
    const scheme = [...part.querySelectorAll("hw4-marks input")];
    if (scheme.length) return Math.min(all, scheme.reduce((sum, box) => sum + (box.checked ? Number(box.value) : 0), 0));
    const boxes = [...part.querySelectorAll("hw4-answer output")];
    const right = boxes.filter((box) => box.dataset.verdict === "right").length;
    return boxes.length ? (all * right) / boxes.length : 0;
  }

  count() {
    if (this.classList.contains("hw4-taking")) return;
    let sum = 0;
    let all = 0;
    for (const part of this.parts) {
      const points = Number(this.points(part).toFixed(2));
      sum += points;
      all += Number(part.dataset.points);
      const title = part.querySelector(".hw4-points");
      title.textContent = ` ${points} of ${part.dataset.points}`;
      part.classList.toggle("hw4-lost", points < Number(part.dataset.points));
    }
    this.total.textContent = `${Number(sum.toFixed(2))} of ${all} points so far. Open questions are yours to mark: tick what you wrote.`;
  }
}

customElements.define("hw4-exam", Exam);
