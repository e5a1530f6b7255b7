// Python, in a thread of its own so that the page stays responsive and an endless loop
// can be ended. Loads nothing but the files that it is told of, each held to its SHA-256.

const fetched = self.fetch.bind(self);
let sessions; // a promise: of a function from the name of a page to its session

self.onmessage = async ({ data }) => {
  if (data.runtime) {
    sessions = load(data.runtime, data.site);
    sessions.catch(() => {}); // told at the first run
    return;
  }
  try {
    const { session, compare } = await sessions;
    const outcome = session(data.page).run(data.blocks, (name) => postMessage({ type: "running", name }));
    const { output, error, failed } = outcome;
    outcome.destroy();
    const [kind, words] = data.published === undefined ? ["", ""] : [...compare(data.published, output).toJs()];
    postMessage({ type: "done", output, error, failed, kind, words });
  } catch (error) {
    postMessage({ type: "failed", message: String(error.message ?? error) });
  }
};

async function load({ files, lock }, site) {
  const total = Object.values(files).reduce((sum, file) => sum + file.size, 0);
  let loaded = 0;
  const count = (bytes) => postMessage({ type: "loading", loaded: (loaded += bytes), total });
  const names = Object.keys(files);
  const contents = await Promise.all(names.map((name) => read(new URL(files[name].url, site), files[name].sha256, count)));
  const file = Object.fromEntries(names.map((name, i) => [name, contents[i]]));
  postMessage({ type: "starting" });

  // Pyodide asks for its files by address: it is given those that are here.
  const nowhere = "https://python.invalid/";
  self.fetch = async (address) => {
    const name = String(address).slice(nowhere.length);
    if (!file[name]) throw new Error(`${address} is not part of this Python`);
    const type = name.endsWith(".wasm") ? "application/wasm" : "application/octet-stream";
    return new Response(file[name], { headers: { "Content-Type": type } });
  };
  await module(file["pyodide.asm.js"]);
  const { loadPyodide } = await module(file["pyodide.mjs"]);
  const python = await loadPyodide({ indexURL: nowhere, packageBaseUrl: nowhere, lockFileContents: lock });
  await python.loadPackage("numpy", { messageCallback() {} });
  python.unpackArchive(file.hw4lib, "wheel", { extractDir: python.runPython("import site; site.getsitepackages()[0]") });
  self.fetch = fetched;
  python.FS.writeFile("browser_session.py", new Uint8Array(file.session));
  const { Session, compare } = python.pyimport("browser_session");
  const known = new Map();
  const session = (page) => known.get(page) ?? known.set(page, Session()).get(page);
  return { session, compare };
}

async function read(address, sha256, count) {
  const response = await fetched(address);
  if (!response.ok) throw new Error(`${address} answers ${response.status}`);
  const parts = [];
  for (const reader = response.body.getReader(); ; ) {
    const { value, done } = await reader.read();
    if (done) break;
    parts.push(value);
    count(value.length);
  }
  const content = await new Blob(parts).arrayBuffer();
  if (self.crypto.subtle) { // absent where a page is served without encryption to another machine
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", content));
    const found = [...hash].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    if (found !== sha256) throw new Error(`${address} has hash ${found}, expected ${sha256}`);
  }
  return content;
}

function module(content) {
  return import(URL.createObjectURL(new Blob([content], { type: "text/javascript" })));
}
