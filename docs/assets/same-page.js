// Until it has changed pages once, Material's instant navigation takes a link to a place
// on this page for one to another page. It fetches it, and all that a reader has answered,
// opened and edited is gone. So until then the browser itself follows such links. This
// comes before Material, because a window hears its listeners in the order they came.
{
  const { host, pathname } = location;
  let pages = 0;
  const here = (place) => pages < 2 && place.host === host && place.pathname === pathname;
  addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href]");
    if (link?.hash && here(link)) event.stopPropagation();
  }, true);
  addEventListener("popstate", (event) => {
    if (here(location)) event.stopImmediatePropagation();
  });
  addEventListener("DOMContentLoaded", () => window.document$?.subscribe(() => (pages += 1)));
}
