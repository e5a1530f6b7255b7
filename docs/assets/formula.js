// One reader of what is typed into an answer box: numbers and formulas as on paper.
// `hw4Formula.read(text, names)` returns a tree, or says where it stopped and why;
// `evaluate` gives its value at a point, `mathml` shows how it was read.
// `judge` compares a formula with the right answers and the known slips of a box.

globalThis.hw4Formula = (() => {
  // --- Words ------------------------------------------------------------------------

  const LONGEST = 400; // characters of a formula
  const DEEPEST = 60; // parentheses within parentheses

  const sigma = (z) => 1 / (1 + Math.exp(-z));
  const FUNCTIONS = {
    sqrt: Math.sqrt, exp: Math.exp, ln: Math.log, log: Math.log,
    sin: Math.sin, cos: Math.cos, tan: Math.tan, tanh: Math.tanh, abs: Math.abs,
    sigma, relu: (z) => Math.max(0, z), max: Math.max, min: Math.min,
  };
  const SAME_FUNCTION = {
    "√": "sqrt", root: "sqrt", σ: "sigma", sigmoid: "sigma", logistic: "sigma",
    Sigma: "sigma", ReLU: "relu", RELU: "relu", Relu: "relu", log_e: "ln",
  };
  const CONSTANTS = { pi: Math.PI, π: Math.PI, e: Math.E };
  const FRACTIONS = {
    "½": "1/2", "⅓": "1/3", "⅔": "2/3", "¼": "1/4", "¾": "3/4", "⅕": "1/5",
    "⅙": "1/6", "⅛": "1/8", "⅜": "3/8", "⅝": "5/8", "⅞": "7/8", "⅒": "1/10",
  };
  const RAISED = Object.fromEntries([..."⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻"].map((c, i) => [c, "0123456789+-"[i]]));
  const LOWERED = Object.fromEntries([..."₀₁₂₃₄₅₆₇₈₉"].map((c, i) => [c, String(i)]));
  const SIGNS = {
    "−": "-", "–": "-", "—": "-", "·": "*", "×": "*", "∗": "*", "⋅": "*", "÷": "/",
    "∕": "/", "⁄": "/", "≤": "<=", "≥": ">=", "{": "(", "}": ")",
  };
  const GREEK = {
    alpha: "α", beta: "β", gamma: "γ", delta: "δ", epsilon: "ε", eta: "η", kappa: "κ",
    lambda: "λ", omega: "ω", pi: "π", sigma: "σ", theta: "θ",
  };

  // What TeX and handwriting write in other words, each replaced in this order.
  const WORDS = [...Object.keys(GREEK), ...Object.keys(FUNCTIONS)].join("|");
  const REWRITTEN = [
    [/^\s*\$+|\$+\s*$/g, ""], // the fence of a formula
    [/\s*[.;]\s*$/g, ""], // the end of a sentence
    [/\\(?:mathrm|mathbf|mathbb|operatorname|text|boldsymbol)\*?\s*\{([^{}]*)\}/g, " $1"],
    [/\\(?:mathbf|mathbb|left(?!arrow)|right(?!arrow)|[bB]igg?[lr]?|displaystyle)(?![a-zA-Z])/g, " "],
    [/\\[,;:! ]|\\q?quad(?![a-zA-Z])/g, " "],
    [/\^\s*\{\s*\\prime\s*\}|\^\s*\\prime(?![a-zA-Z])/g, "'"],
    [/\^\s*\{\s*(?:\*|\\star|\\ast)\s*\}|\^\s*\\(?:star|ast)(?![a-zA-Z])/g, "^*"],
    [/\\[dtc]?frac\s*(\d)\s*(\d)/g, "\\frac{$1}{$2}"],
    [/\\[dtc]frac(?![a-zA-Z])/g, "\\frac"],
    [/\\(?:cdot|times)(?![a-zA-Z])/g, "*"],
    [/\\leq?(?![a-zA-Z])/g, "≤"],
    [/\\geq?(?![a-zA-Z])/g, "≥"],
    [/\\(?:leftarrow|gets|to|rightarrow)(?![a-zA-Z])/g, "←"],
    [/\\approx(?![a-zA-Z])/g, "≈"],
    [/\\[lr]?vert(?![a-zA-Z])/g, "|"],
    [/\\([{}%])/g, "$1"],
    [new RegExp(`\\\\(?:var)?(${WORDS})(?![a-zA-Z])`, "g"), " $1 "],
    [/_\s*\{\s*(\w+)\s*\}/g, "_$1"], // w_{1}
    [/[𝟏𝕀]/gu, "𝟙"],
    [/(?<![\p{L}\d._])I(?=\s*_?\s*[[({])/gu, "1", "I"],
    [/((?<![\p{L}\d._])1|𝟙)_\s*(?=[[({])/gu, "$1"], // 1_{x > 0}
    [/^\s*(?:[~≲≤]|<=|about |approximately |approx\.? )\s*(?=[\d.])/g, ""],
    [/(?<=[\d)])\s*x\s*(?=[\d.(])/g, "*", "x"], // 2 x 3
    // What a part with one example and one feature leaves out: an index, a transpose.
    [/\^\s*\{\s*\(i\)\s*(?:\\top|T)?\s*\}|\^\(i\)|⁽ⁱ⁾|ᵢ/g, "", "i"],
    [/\^\s*\{\s*(?:\\top|T)\s*\}|\^\s*(?:\\top|T)(?![a-zA-Z])|ᵀ/g, "", "T"],
    [/(?<=[\p{L}'′’])_(?:i|j|n|nj)(?![\p{L}\p{N}_])|[ₙⱼ]/gu, "", "i", "j", "n"],
  ];

  /** A text without what TeX and handwriting add, and where each character was. */
  function plain(text, names) {
    let places = Array.from({ length: text.length }, (_, i) => i);
    for (const [pattern, put, ...unless] of REWRITTEN) {
      if (text.search(pattern) < 0 || unless.some((name) => names.includes(name))) continue;
      let clean = "";
      let last = 0;
      const kept = [];
      for (const match of text.matchAll(pattern)) {
        const word = put.replace(/\$(\d)/g, (_, i) => match[i]);
        clean += text.slice(last, match.index) + word;
        kept.push(...places.slice(last, match.index), ...Array(word.length).fill(places[match.index]));
        last = match.index + match[0].length;
      }
      text = clean + text.slice(last);
      places = [...kept, ...places.slice(last)];
    }
    return { text, places };
  }

  /** All spellings of a name: `w_1`, `w1`, `w₁`; `eta`, `η`; `x_star`, `x*`. */
  function spellings(name) {
    const found = new Set([name]);
    for (const word of [...found]) {
      const plain = word.replace("_", "");
      found.add(plain);
      found.add(plain.replace(/\d+$/, (digits) => `_${digits}`));
      found.add(plain.replace(/\d+$/, (digits) => [...digits].map((d) => "₀₁₂₃₄₅₆₇₈₉"[d]).join("")));
    }
    for (const word of [...found]) {
      for (const [long, letter] of Object.entries(GREEK)) {
        if (word.startsWith(long)) found.add(letter + word.slice(long.length));
      }
      if (word === "epsilon") found.add("ϵ").add("eps");
      if (word === "lambda") found.add("lam");
      if (word.endsWith("_star")) {
        for (const mark of ["*", "⋆", "^*"]) found.add(word.slice(0, -5) + mark);
      }
      if (word.endsWith("_prime")) {
        for (const mark of ["'", "′", "’"]) found.add(word.slice(0, -6) + mark);
      }
    }
    return [...found];
  }

  class Unread extends Error {
    constructor(message, at) {
      super(message);
      this.at = at;
    }
  }

  // --- Tokens -----------------------------------------------------------------------

  /** The pieces of a text: numbers, words, signs, each with its place. */
  function split(text, names, offset = 0) {
    const words = new Map();
    for (const word of [...Object.keys(FUNCTIONS), ...Object.keys(SAME_FUNCTION)]) {
      words.set(word, { kind: "function", name: SAME_FUNCTION[word] ?? word });
    }
    for (const word of Object.keys(CONSTANTS)) words.set(word, { kind: "constant", name: word });
    for (const name of names) for (const word of spellings(name)) words.set(word, { kind: "name", name });
    const longest = [...words.keys()].sort((a, b) => b.length - a.length);

    const tokens = [];
    let at = 0;
    const push = (token, length) => {
      tokens.push({ ...token, at: at + offset, spaced: at > 0 && /\s/.test(text[at - 1]) });
      at += length;
    };
    while (at < text.length) {
      const rest = text.slice(at);
      const first = rest[0];
      if (/\s/.test(first)) {
        at += 1;
        continue;
      }
      // A decimal comma, where it can mean nothing else: digits on both sides and no
      // function of two arguments around it.
      const number = /^(?:\d+(?:[.]\d*)?|[.]\d+)(?:[eE][+\-−–]?\d+(?![a-zA-Z_(]))?/.exec(rest);
      if (number) {
        const comma = /^\d+,(\d+)/.exec(rest);
        if (comma && !inArguments(tokens)) {
          if (comma[1].length === 3 && !/^0+,/.test(comma[0])) {
            throw new Unread(`“${comma[0]}” can be read in two ways; write it without the comma`, at + offset);
          }
          push({ kind: "number", value: Number(comma[0].replace(",", ".")), text: comma[0] }, comma[0].length);
        } else {
          push({ kind: "number", value: Number(number[0].replace(/[−–]/, "-")), text: number[0] }, number[0].length);
        }
        continue;
      }
      if (first in FRACTIONS) {
        const [a, b] = FRACTIONS[first].split("/");
        push({ kind: "fraction", value: a / b, text: first }, 1);
        continue;
      }
      if (first in RAISED) {
        const raised = /^[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻]+/.exec(rest)[0];
        const power = Number([...raised].map((c) => RAISED[c]).join(""));
        if (Number.isNaN(power)) throw new Unread(`I cannot read the power “${raised}”`, at + offset);
        push({ kind: "power", value: power }, raised.length);
        continue;
      }
      const word = longest.find((w) => rest.startsWith(w) && ends(w, rest.slice(w.length), words) && !multiplies(w, rest.slice(w.length), text.slice(0, at)));
      if (word) {
        push({ ...words.get(word), text: word }, word.length);
        continue;
      }
      const two = rest.slice(0, 2);
      if (["**", "<=", ">="].includes(two)) {
        push({ kind: "sign", text: two === "**" ? "^" : two }, 2);
        continue;
      }
      if (/^\\frac(?![a-zA-Z])/.test(rest)) {
        push({ kind: "sign", text: "\\frac" }, 5);
        continue;
      }
      if ("+-*/^()|,<>=%[]".includes(first) || first in SIGNS) {
        push({ kind: "sign", text: SIGNS[first] ?? first, typed: first }, 1);
        continue;
      }
      if (rest.startsWith("𝟙")) {
        push({ kind: "number", value: 1 }, "𝟙".length);
        continue;
      }
      if (/^(?:if|for|when|where|else|otherwise)(?!\p{L})/u.test(rest)) {
        throw new Unread("Write a case as a factor: 1[a > b] is 1 where a > b, and 0 elsewhere", at + offset);
      }
      if (/^(?:[∂∇'′’]|\\(?:partial|nabla)|d[A-Zaiwyz]\w*\s*\/\s*d)/.test(rest)) {
        throw new Unread("Write out each derivative", at + offset);
      }
      const unknown = /^\\?\p{L}[\p{L}\p{N}_]*/u.exec(rest)?.[0] ?? String.fromCodePoint(rest.codePointAt(0));
      throw new Unread(
        /^\p{L}/u.test(unknown)
          ? `“${unknown}” is not a letter of this part${names.length ? ` (${names.map(show).join(", ")})` : ""}`
          : `I cannot read “${unknown}”`,
        at + offset,
      );
    }
    return tokens;
  }

  /** Whether a word may end here: `ln2` may, `lnx` may, `w1` in `w12` may not. */
  function ends(word, after, words) {
    if (!/^[\p{L}\p{Nd}_₀-₉]/u.test(after)) return true;
    const kind = words.get(word).kind;
    if (kind === "name" && !word.endsWith("*") && /^[\d_₀-₉]/.test(after)) return false;
    if (kind === "function") return word === "√" || word === "σ" || /^[\d]/.test(after) || [...words.keys()].some((w) => after.startsWith(w));
    return true;
  }

  /** Whether the `*` of `x*` multiplies: something to multiply by follows at once. */
  function multiplies(word, after, before) {
    if (!word.endsWith("*") || word.endsWith("^*")) return false;
    const open = before.split("|").length % 2 === 0; // a bar that closes is no factor
    return /^[*\p{L}\p{N}(\[.√]/u.test(after) || (after.startsWith("|") && !open);
  }

  /** Whether the place is inside the parentheses of `max` or `min`. */
  function inArguments(tokens) {
    let depth = 0;
    for (let i = tokens.length - 1; i >= 0; i -= 1) {
      if (tokens[i].text === ")") depth += 1;
      if (tokens[i].text === "(") {
        if (depth === 0 && ["max", "min"].includes(tokens[i - 1]?.name)) return true;
        depth -= Math.min(depth, 1);
      }
    }
    return false;
  }

  // --- Tree -------------------------------------------------------------------------

  /**
   * Reads a formula.
   * @returns {{tree, notes: string[]} | {error: string, at: number}}
   */
  function read(text, names = []) {
    let places = [];
    try {
      if (text.length > LONGEST) throw new Unread("That is too long to be the answer", LONGEST);
      let clean;
      ({ text: clean, places } = plain(text.normalize("NFC"), names));
      const change = /[-−+]=/.exec(clean);
      if (change) throw new Unread(`Write the whole new value: “${change[0]}” leaves the old one out`, change.index);
      // The left side of `a1 = 0.2` or `w1 <- 0.2`.
      const left = /^(?:.*(?:[^<>]|^)[=≈←→]|\s*[\p{L}_\d₀-₉]+\s*<-)/su.exec(clean)?.[0].length ?? 0;
      const tokens = split(clean.slice(left), names, left);
      if (tokens.length === 0) throw new Unread(left ? "Nothing follows the =" : "Type an answer first", clean.length);
      const parser = new Parser(tokens, clean.length);
      const tree = parser.all();
      return { tree, notes: parser.notes };
    } catch (error) {
      if (error instanceof Unread) return { error: error.message, at: places[error.at] ?? text.length };
      throw error;
    }
  }

  class Parser {
    constructor(tokens, end) {
      Object.assign(this, { tokens, end, at: 0, depth: 0, bars: 0, notes: [] });
    }

    get next() {
      return this.tokens[this.at];
    }

    is(...texts) {
      return this.next?.kind === "sign" && texts.includes(this.next.text);
    }

    take(...texts) {
      return this.is(...texts) ? this.tokens[this.at++] : undefined;
    }

    need(text, why) {
      if (!this.take(text)) throw new Unread(`A “${text}” is missing ${why}`, this.next?.at ?? this.end);
    }

    all() {
      const tree = this.comparison();
      if (this.next) {
        const text = this.next.text ?? "this";
        throw new Unread(text === ")" ? "There is a “)” without a “(”" : `I did not expect “${text}” here`, this.next.at);
      }
      return tree;
    }

    nested(inner) {
      this.depth += 1;
      if (this.depth > DEEPEST) throw new Unread("There are too many parentheses", this.next?.at ?? this.end);
      const result = inner();
      this.depth -= 1;
      return result;
    }

    comparison() {
      const left = this.sum();
      const sign = this.take("<", ">", "<=", ">=");
      return sign ? { op: sign.text, args: [left, this.sum()] } : left;
    }

    sum() {
      let tree = this.product();
      for (let sign; (sign = this.take("+", "-")); ) tree = { op: sign.text, args: [tree, this.product()] };
      return tree;
    }

    product() {
      let tree = this.signed();
      for (;;) {
        const sign = this.take("*", "/");
        if (sign) tree = { op: sign.text, args: [tree, this.signed()] };
        else if (this.startsFactor()) {
          if (tree.op === "/" && !tree.percent && this.tokens[this.at - 1].text !== ")") {
            this.notes.push("Read from left to right: what follows the fraction multiplies it.");
          }
          tree = { op: "*", args: [tree, this.power()], silent: true };
        }
        else return tree;
      }
    }

    startsFactor() {
      if (!this.next) return false;
      if (["number", "fraction", "name", "constant", "function"].includes(this.next.kind)) return true;
      return this.is("(", "[", "\\frac") || (this.is("|") && this.bars === 0);
    }

    signed() {
      return this.nested(() => {
        if (this.take("-")) return { op: "negative", args: [this.signed()] };
        if (this.take("+")) return this.signed();
        return this.power();
      });
    }

    power() {
      let base = this.atom();
      if (this.take("%")) base = { op: "/", args: [base, { op: "number", value: 100 }], percent: true };
      if (this.next?.kind === "power") {
        base = { op: "^", args: [base, { op: "number", value: this.tokens[this.at++].value }] };
      }
      // To the right: 2^3^2 is 2^9, and a sign belongs to the exponent.
      return this.take("^") ? { op: "^", args: [base, this.signed()] } : base;
    }

    atom() {
      return this.nested(() => {
        const token = this.next;
        if (!token) throw new Unread("Something is missing at the end", this.end);
        if (token.kind === "number" || token.kind === "fraction") {
          this.at += 1;
          // 2½ is two and a half.
          if (token.kind === "number" && this.next?.kind === "fraction" && !this.next.spaced) {
            return { op: "number", value: token.value + this.tokens[this.at++].value };
          }
          return { op: "number", value: token.value, typed: token.text };
        }
        if (token.kind === "name") {
          this.at += 1;
          return { op: "name", name: token.name };
        }
        if (token.kind === "constant") {
          this.at += 1;
          return { op: "constant", name: token.name };
        }
        if (token.kind === "function") return this.call();
        if (this.take("\\frac")) return { op: "/", args: [this.part(), this.part()] };
        if (this.take("(")) {
          const inner = this.comparison();
          this.need(")", "to close a parenthesis");
          return inner;
        }
        if (this.take("[")) {
          const inner = this.comparison();
          this.need("]", "to close a bracket");
          return inner;
        }
        if (this.take("|")) {
          this.bars += 1;
          const inner = this.sum();
          this.bars -= 1;
          this.need("|", "to close an absolute value");
          return { op: "call", name: "abs", args: [inner] };
        }
        throw new Unread(`I did not expect “${token.text}” here`, token.at);
      });
    }

    /** The numerator or denominator of `\frac{1}{2}`, `\frac1{2}`. */
    part() {
      const { kind, value, text, at } = this.next ?? { at: this.end };
      const one = kind === "number" ? value < 10 : kind === "name" || kind === "constant";
      if (text !== "(" && !one) throw new Unread("Put the numerator and the denominator into braces", at);
      return this.atom();
    }

    /** `sin(x)`, `cos^2(x)`, `cos²x`, `√2`, `max(0, z)`. */
    call() {
      const { name, text, at } = this.tokens[this.at++];
      let power;
      if (this.next?.kind === "power") power = { op: "number", value: this.tokens[this.at++].value };
      else if (this.is("^")) {
        this.at += 1;
        power = this.signed();
      }
      let args;
      if (text === "log" && this.next?.kind === "number" && !this.next.spaced && this.tokens[this.at + 1]?.text === "(") {
        throw new Unread("Every logarithm here is natural; write log(…)", at);
      }
      if (this.take("(")) {
        args = [this.comparison()];
        while (this.take(",")) args.push(this.comparison());
        this.need(")", `to close ${text}(`);
      } else {
        if (!this.next) throw new Unread(`${text} of what? Write ${text}(…)`, at);
        args = [this.is("-", "+") ? this.signed() : this.power()];
        if (name === "sqrt" && this.tokens[this.at - 1].text === "]" && this.next?.typed === "{") {
          throw new Unread("Write such a root as a power: (…)^(1/3)", at);
        }
        if (this.is("/", "*") || this.startsFactor()) {
          this.notes.push(`Read as ${text} of the next factor alone; write ${text}(…) if you meant more.`);
        }
      }
      const many = ["max", "min"].includes(name);
      if (!many && args.length !== 1) throw new Unread(`${text} takes one argument`, at);
      if (args.length > 2) throw new Unread(`${text} takes two arguments; write decimals with a point`, at);
      const tree = { op: "call", name, args };
      return power ? { op: "^", args: [tree, power] } : tree;
    }
  }

  // --- Value ------------------------------------------------------------------------

  function evaluate(tree, point = {}) {
    const value = (node) => {
      switch (node.op) {
        case "number": return node.value;
        case "constant": return CONSTANTS[node.name];
        case "name": return Object.hasOwn(point, node.name) ? point[node.name] : NaN;
        case "negative": return -value(node.args[0]);
        case "+": return value(node.args[0]) + value(node.args[1]);
        case "-": return value(node.args[0]) - value(node.args[1]);
        case "*": return value(node.args[0]) * value(node.args[1]);
        case "/": return value(node.args[0]) / value(node.args[1]);
        case "^": return value(node.args[0]) ** value(node.args[1]);
        case "<": return Number(value(node.args[0]) < value(node.args[1]));
        case ">": return Number(value(node.args[0]) > value(node.args[1]));
        case "<=": return Number(value(node.args[0]) <= value(node.args[1]));
        case ">=": return Number(value(node.args[0]) >= value(node.args[1]));
        default: return FUNCTIONS[node.name](...node.args.map(value));
      }
    };
    return value(tree);
  }

  /** The names that a formula uses. */
  function used(tree, found = new Set()) {
    if (tree.op === "name") found.add(tree.name);
    for (const arg of tree.args ?? []) used(arg, found);
    return found;
  }

  /** The numbers of a formula, except in exponents. */
  function constants(tree) {
    if (tree.op === "number") return [tree];
    return (tree.op === "^" ? tree.args.slice(0, 1) : (tree.args ?? [])).flatMap(constants);
  }

  // --- How it was read --------------------------------------------------------------

  /** A name as the page writes it: `w₁`, `η`, `x*`. */
  function show(name) {
    return name
      .replace(/_?(\d+)$/, (_, digits) => [...digits].map((d) => "₀₁₂₃₄₅₆₇₈₉"[d]).join(""))
      .replace(/_star$/, "*").replace(/_prime$/, "′")
      .replace(/^[a-z]+/, (word) => GREEK[word] ?? word);
  }

  const LEVEL = { "<": 0, ">": 0, "<=": 0, ">=": 0, "+": 1, "-": 1, negative: 2, "*": 3, "/": 5, "^": 4 };

  function mathml(tree) {
    const level = (node) => (node.op === "number" && node.value < 0 ? 2 : (LEVEL[node.op] ?? 9));
    const fenced = (node) => `<mrow><mo>(</mo>${shown(node)}<mo>)</mo></mrow>`;
    const at = (node, least) => (level(node) < least ? fenced(node) : shown(node));
    const operator = (text) => `<mo>${text}</mo>`;
    const numeral = (node) => node.op === "number" || (node.op === "^" && numeral(node.args[0]));
    function shown(node) {
      const [a, b] = node.args ?? [];
      switch (node.op) {
        case "number": return `<mn>${String(node.value).replace("-", "−")}</mn>`;
        case "constant": return `<mi>${node.name === "e" ? "e" : "π"}</mi>`;
        case "name": return named(node.name);
        case "negative": return `<mrow>${operator("−")}${at(a, 3)}</mrow>`;
        case "+": return `<mrow>${shown(a)}${operator("+")}${at(b, 1)}</mrow>`;
        case "-": return `<mrow>${shown(a)}${operator("−")}${at(b, 3)}</mrow>`;
        case "*": {
          const digits = numeral(b) || (b.op === "/" && (!node.silent || a.op === "number"));
          return `<mrow>${at(a, 3)}${operator(digits ? "·" : "&#x2062;")}${at(b, 3)}</mrow>`;
        }
        case "/": return node.percent ? `<mrow>${at(a, 4)}<mo>%</mo></mrow>` : `<mfrac><mrow>${shown(a)}</mrow><mrow>${shown(b)}</mrow></mfrac>`;
        case "^": return `<msup><mrow>${at(a, 6)}</mrow><mrow>${shown(b)}</mrow></msup>`;
        case "call": {
          if (node.name === "sqrt") return `<msqrt>${shown(a)}</msqrt>`;
          if (node.name === "abs") return `<mrow><mo>|</mo>${shown(a)}<mo>|</mo></mrow>`;
          const name = node.name === "sigma" ? "σ" : node.name === "relu" ? "ReLU" : node.name;
          return `<mrow><mi>${name}</mi><mo>(</mo>${node.args.map(shown).join("<mo>,</mo>")}<mo>)</mo></mrow>`;
        }
        default: return `<mrow>${shown(a)}${operator({ "<": "&lt;", ">": "&gt;", "<=": "≤", ">=": "≥" }[node.op])}${shown(b)}</mrow>`;
      }
    }
    function named(name) {
      const [, word, , low, mark] = /^([a-zA-Z]+?)(_?(\d+|(?<=_)(?!star|prime)[a-z]+))?(_star|_prime)?$/.exec(name) ?? [, name];
      const letter = `<mi>${GREEK[word] ?? word}</mi>`;
      const index = low ? `<mn>${low}</mn>` : "";
      const raised = mark ? `<mo>${mark === "_star" ? "*" : "′"}</mo>` : "";
      if (index && raised) return `<msubsup>${letter}${index}${raised}</msubsup>`;
      return index ? `<msub>${letter}${index}</msub>` : raised ? `<msup>${letter}${raised}</msup>` : letter;
    }
    return `<math>${shown(tree)}</math>`;
  }

  // --- Judgement --------------------------------------------------------------------

  /** Whether two numbers agree to a share of the second, or of 1 where that is 0. */
  const near = (value, target, tolerance) =>
    Math.abs(value - target) <= tolerance * (Math.abs(target) || 1) * (1 + 1e-9);

  /** The number of significant digits of a decimal as typed, 0 for anything else. */
  function digits(text) {
    const match = /^[-+−–]?\s*(\d*)[.,]?(\d*)$/.exec(text.replace(/^.*[=≈←]/s, "").trim());
    return match ? (match[1] + match[2]).replace(/^0+/, "").length : 0;
  }

  /** Judges a number: `{verdict, says, mathml}`. */
  function judgeNumber(box, text) {
    const typed = read(text, []);
    if (typed.error) return { verdict: "unread", says: `${typed.error}.`, at: typed.at };
    const value = evaluate(typed.tree);
    const shown = { mathml: mathml(typed.tree), notes: typed.notes };
    if (!Number.isFinite(value)) return { verdict: "unread", says: "That has no finite value.", ...shown };
    const rounded = (target) => {
      const kept = digits(text);
      return kept >= 2 && near(value, Number(target.toPrecision(kept)), 1e-9);
    };
    for (const [target, says] of [[box.answer, box.says ?? ""], ...(box.accept ?? [])]) {
      if (near(value, target, 1e-9)) return { verdict: "right", says: `Right. ${says}`.trim(), ...shown };
      if (near(value, target, box.tolerance) || rounded(target)) {
        return { verdict: "right", says: `Right, rounded. ${says}`.trim(), ...shown };
      }
    }
    const slip = box.slips.find(([target]) => near(value, target, box.tolerance) || rounded(target));
    if (slip) return { verdict: "slip", says: slip[1], ...shown };
    if (near(value, box.answer, box.tolerance * box.close)) {
      return { verdict: "close", says: `Close, but further off than ${box.words}.`, ...shown };
    }
    if (box.answer && near(-value, box.answer, box.tolerance)) {
      return { verdict: "slip", says: "The size is right; check the sign.", ...shown };
    }
    return { verdict: "wrong", says: "Not this one. Take a hint, or compare with the derivation.", ...shown };
  }

  /**
   * Judges a formula by its values at the points of the box.
   *
   * `box.answers` and `box.slips` are pairs of values at the points and a sentence,
   * `box.factors` pairs of values and a name; the last `box.edges` points are kinks.
   */
  function judgeFormula(box, text) {
    const typed = read(text, box.names);
    if (typed.error) return { verdict: "unread", says: `${typed.error}.`, at: typed.at };
    const shown = { mathml: mathml(typed.tree), notes: typed.notes };
    const values = box.points.map((point) => evaluate(typed.tree, point));
    const inside = box.points.length - (box.edges ?? 0);
    const tolerance = box.tolerance ?? 1e-6;
    const scale = (targets) => Math.max(...targets.map(Math.abs)) || 1;
    const agrees = (found, targets, count = found.length) =>
      targets.slice(0, count).every((target, i) =>
        Number.isFinite(found[i]) && Math.abs(found[i] - target) <= tolerance * Math.max(Math.abs(target), 1e-9 * scale(targets)));

    /** What a formula is of the targets, if that is the same at all points. */
    const shareOf = (targets) => {
      const all = values.slice(0, inside);
      const ratios = all.map((v, i) => v / targets[i]).filter((_, i) => targets[i] !== 0);
      const [ratio] = ratios;
      const constant = ratios.length > 2 && Number.isFinite(ratio) && ratio !== 0;
      return constant && all.every((v, i) => near(v, ratio * targets[i], tolerance)) ? ratio : undefined;
    };
    /** Whether it would agree but for its one constant, a decimal with two digits or more. */
    const rounded = (targets) => {
      const [constant, another] = constants(typed.tree);
      const kept = digits(constant?.typed ?? "");
      const share = shareOf(targets);
      if (another || kept < 2 || !/[.,]/.test(constant.typed) || share === undefined) return false;
      const { value } = constant;
      return [value / share, value * share].some((exact) => {
        constant.value = exact;
        const found = box.points.map((point) => evaluate(typed.tree, point));
        constant.value = value;
        return Number(exact.toPrecision(kept)) === value && agrees(found, targets);
      });
    };

    for (const [targets, says] of box.answers) {
      if (agrees(values, targets)) return { verdict: "right", says: `Right. ${says}`.trim(), ...shown };
    }
    for (const [targets] of box.answers) {
      if (inside < values.length && agrees(values, targets, inside)) {
        return { verdict: "close", says: `Right away from the kink. ${box.edge ?? ""}`.trim(), ...shown };
      }
    }
    for (const [targets, says] of box.slips) {
      if (agrees(values, targets, inside)) return { verdict: "slip", says, ...shown };
    }
    for (const [targets, says] of box.answers) {
      if (rounded(targets)) return { verdict: "right", says: `Right, rounded. ${says}`.trim(), ...shown };
    }
    for (const [targets, says] of box.slips) {
      if (rounded(targets)) return { verdict: "slip", says, ...shown };
    }
    if (!values.slice(0, inside).every(Number.isFinite)) {
      return { verdict: "unread", says: "That has no finite value for some of the numbers that are allowed here.", ...shown };
    }
    const [targets] = box.answers[0];
    if (agrees(values.map((v) => -v), targets, inside)) {
      return { verdict: "slip", says: "Right up to the sign.", ...shown };
    }
    for (const [factors, name] of box.factors ?? []) {
      if (agrees(values.map((v, i) => v * factors[i]), targets, inside)) {
        return { verdict: "slip", says: `A factor is missing: ${name}.`, ...shown };
      }
      if (agrees(values, targets.map((t, i) => t * factors[i]), inside)) {
        return { verdict: "slip", says: `One factor too many: ${name}.`, ...shown };
      }
    }
    if (box.answers.some(([found]) => near(shareOf(found) ?? 0, 1, 0.01))) {
      return { verdict: "close", says: "Right but for rounding; keep more digits of the constants.", ...shown };
    }
    const share = shareOf(targets);
    if (share !== undefined) {
      return { verdict: "slip", says: `Right up to a constant factor: yours is ${Number(share.toPrecision(3))} times the answer.`, ...shown };
    }
    const names = used(typed.tree);
    const extra = [...names].filter((name) => box.spare?.includes(name));
    if (extra.length) return { verdict: "wrong", says: `Not this one: ${extra.map(show).join(", ")} should not appear in it.`, ...shown };
    const missing = (box.needed ?? []).filter((name) => !names.has(name));
    if (missing.length) return { verdict: "wrong", says: `Not this one: ${missing.map(show).join(", ")} does not appear in yours.`, ...shown };
    return { verdict: "wrong", says: "Not this one. Take a hint, or compare with the derivation.", ...shown };
  }

  /** Judges a grid cell by cell: the words of a choice, or formulas at the points. */
  function judgeGrid(box, typed) {
    const same = (text, wanted) => {
      if (box.choices.length) return text === wanted;
      const [a, b] = [text.trim() === "" ? "0" : text, wanted].map((t) => read(t, box.names));
      return !a.error && box.points.every((point) => near(evaluate(a.tree, point), evaluate(b.tree, point), 1e-9));
    };
    if (typed.every((text) => text.trim() === "")) return { verdict: "unread", says: "Fill in the grid first." };
    const wrong = box.choices.length ? undefined : typed.map((text) => text.trim() && read(text, box.names).error).find(Boolean);
    if (wrong) return { verdict: "unread", says: `${wrong}.` };
    for (const [cells, says] of box.slips ?? []) {
      if (cells.every((wanted, i) => same(typed[i], wanted))) return { verdict: "slip", says };
    }
    const cells = box.cells.map((wanted, i) => same(typed[i], wanted));
    const right = cells.filter(Boolean).length;
    return right === cells.length
      ? { verdict: "right", says: `Right. ${box.says ?? ""}`.trim() }
      : { verdict: "wrong", says: `${right} of ${cells.length} entries are right.`, cells };
  }

  return { read, evaluate, used, mathml, show, spellings, judgeNumber, judgeFormula, judgeGrid };
})();
