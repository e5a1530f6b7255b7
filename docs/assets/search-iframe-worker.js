// The search is most of a first visit: its program, and an index of every page. Both wait
// until a reader turns to the search, or comes by a link that a search has made. Opened
// from a folder, a page may start no worker: there the program runs in a frame.
{
  const wanted = new Promise((resolve) => {
    if (/[?&][hq]=/.test(location.search)) resolve();
    for (const event of ["focusin", "pointerover"]) {
      addEventListener(event, ({ target }) => target.closest?.(".md-search, [for=__search]") && resolve());
    }
  });

  const { open, send } = XMLHttpRequest.prototype;
  XMLHttpRequest.prototype.open = function (method, url, ...rest) {
    this.later = String(url).endsWith("/search/search_index.json");
    open.call(this, method, url, ...rest);
  };
  XMLHttpRequest.prototype.send = function (...body) {
    if (this.later) wanted.then(() => send.apply(this, body));
    else send.apply(this, body);
  };

  const Thread = window.Worker;
  window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      const tell = ({ data }) => this.dispatchEvent(new MessageEvent("message", { data }));
      this.inner = wanted.then(async () => {
        if (location.protocol === "file:") return framed(url, tell);
        const program = `importScripts(${JSON.stringify(new URL(url, location))}); (${separate})(lunr);`;
        const thread = new Thread(URL.createObjectURL(new Blob([program], { type: "text/javascript" })));
        thread.onmessage = tell;
        return (data) => thread.postMessage(data);
      });
    }

    postMessage(data) {
      this.inner.then((post) => post(data));
    }
  };

  /** Runs a worker's program in a frame; resolves to what posts to it. */
  async function framed(url, tell) {
    const frame = document.createElement("iframe");
    frame.hidden = true;
    document.body.append(frame);
    const inner = frame.contentWindow;
    inner.document.open();
    inner.document.write("<!doctype html><title>Search</title>");
    inner.document.close();
    inner.postMessage = (data) => tell({ data });
    const script = inner.document.createElement("script");
    script.src = url;
    await new Promise((resolve) => {
      script.onload = resolve;
      inner.document.head.append(script);
    });
    separate(inner.lunr);
    return (data) => inner.dispatchEvent(new MessageEvent("message", { data }));
  }

  /** Makes lunr tell the nodes of its word tree apart: it writes letter and number of each
   * edge without a gap, so that "1", 23 is "12", 3, and words with digits get lost. */
  function separate(lunr) {
    lunr.TokenSet.prototype.toString = function () {
      const edges = Object.keys(this.edges).sort().map((letter) => `${letter}${this.edges[letter].id};`);
      return `${Number(this.final)}${edges.join("")}`;
    };
  }
}
