// Python, in a thread of its own so that the page stays responsive and an endless loop
// can be ended. It is given its files and loads nothing.

let sessions; // a promise: of a function from the name of a page to its session

self.onmessage = async ({ data }) => {
  if (data.files) {
    sessions = load(data.files, data.lock);
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

async function load(file, lock) {
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
  python.FS.writeFile("browser_session.py", new Uint8Array(file.session));
  const { Session, compare } = python.pyimport("browser_session");
  const known = new Map();
  const session = (page) => known.get(page) ?? known.set(page, Session()).get(page);
  return { session, compare };
}

function module(content) {
  return import(URL.createObjectURL(new Blob([content], { type: "text/javascript" })));
}
