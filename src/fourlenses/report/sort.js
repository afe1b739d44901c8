// A click on a column's head sorts its table; without scripts the page lacks only that.
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  table.querySelectorAll("th").forEach((head, column) => {
    head.classList.add("sorts");
    head.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      table.querySelectorAll("th").forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const value = (row) => row.cells[column].dataset.sort ?? row.cells[column].textContent.trim().replaceAll(",", "");
      const compare = new Intl.Collator(undefined, { numeric: true }).compare;
      const both = (a, b) => (isFinite(parseFloat(a)) && isFinite(parseFloat(b)) ? parseFloat(a) - parseFloat(b) || compare(a, b) : compare(a, b));
      body.append(...[...body.rows].sort((a, b) => (up ? 1 : -1) * both(value(a), value(b))));
    });
  });
}
