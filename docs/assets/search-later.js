// The index of the search is half of a first visit. It is fetched when a reader turns to
// the search, or comes by a link that a search has made (`?h=`, `?q=`).
{
  const { open, send } = XMLHttpRequest.prototype;
  const waiting = [];
  let wanted = /[?&][hq]=/.test(location.search);

  XMLHttpRequest.prototype.open = function (method, url, ...rest) {
    this.later = String(url).endsWith("/search/search_index.json");
    open.call(this, method, url, ...rest);
  };
  XMLHttpRequest.prototype.send = function (...body) {
    if (this.later && !wanted) waiting.push(() => send.apply(this, body));
    else send.apply(this, body);
  };
  for (const event of ["focusin", "pointerover"]) {
    addEventListener(event, ({ target }) => {
      if (!target.closest?.(".md-search, [for=__search]")) return;
      wanted = true;
      for (const go of waiting.splice(0)) go();
    });
  }
}
