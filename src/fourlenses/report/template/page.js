// All that the page does by itself: tabs, values under the pointer, curves alone, cells that lead to
// curves, tables that sort, pictures that can be saved. Without scripts it is whole, and still.
document.documentElement.classList.add("scripted");
const all = (query, within = document) => [...within.querySelectorAll(query)];

// tabs: one dataset at a time; the arrow keys go from one to the next
const tabs = all("[role=tab]");
function show(tab, focus) {
  for (const other of tabs) {
    const chosen = other === tab;
    other.setAttribute("aria-selected", chosen);
    other.tabIndex = chosen ? 0 : -1;
    document.getElementById(other.getAttribute("aria-controls")).hidden = !chosen;
  }
  if (focus) tab.focus();
}
tabs.forEach((tab, place) => {
  const panel = document.getElementById(tab.getAttribute("aria-controls"));
  panel.setAttribute("role", "tabpanel");
  panel.setAttribute("aria-labelledby", tab.id);
  panel.removeAttribute("aria-label");
  tab.addEventListener("click", () => show(tab));
  tab.addEventListener("keydown", (event) => {
    const step = { ArrowRight: place + 1, ArrowLeft: place - 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    show(tabs[(step + tabs.length) % tabs.length], true);
  });
});
const tabOf = (panel) => tabs.find((tab) => tab.getAttribute("aria-controls") === panel);
function follow() {
  const tab = tabOf(decodeURIComponent(location.hash.slice(1)));
  if (tab) show(tab);
}
if (tabs.length) show(tabs[0]);
follow();
addEventListener("hashchange", follow);

// values under the pointer, in place of the browser's own slow titles
const tip = document.getElementById("tip");
for (const mark of all("svg .tip")) {
  const title = mark.querySelector("title");
  mark.dataset.tip = title.textContent;
  title.remove();
}
document.addEventListener("pointermove", (event) => {
  const words = event.target.dataset?.tip;
  tip.hidden = !words;
  if (!words) return;
  tip.textContent = words;
  tip.style.left = `${Math.max(4, Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8))}px`;
  const below = event.clientY + 16 + tip.offsetHeight < innerHeight;
  tip.style.top = `${below ? event.clientY + 16 : event.clientY - tip.offsetHeight - 10}px`;
});
addEventListener("scroll", () => (tip.hidden = true), { passive: true });

// one curve alone: chosen in the legend or the matrix, or while the pointer is on it
const same = (key) => (element) => element.dataset.series === key;
function light(panel, key) {
  const picture = panel.querySelector(".chart .picture svg");
  if (!picture) return;
  const chosen = all("[data-series]", picture).filter(same(key));
  picture.classList.toggle("isolating", chosen.length > 0);
  for (const group of all("[data-series]", picture)) group.classList.toggle("chosen", chosen.includes(group));
  for (const cell of all(".matrix button")) cell.classList.toggle("linked", cell.dataset.panel === panel.id && cell.dataset.series === key);
}
const alone = new Map();
const pressed = (panel) => alone.get(panel);
function press(panel, key) {
  alone.set(panel, key);
  for (const button of all(".legend button", panel)) button.setAttribute("aria-pressed", button.dataset.series === key);
  light(panel, key);
}
for (const panel of all(".panel")) {
  for (const button of all(".legend button", panel)) {
    button.addEventListener("click", () => press(panel, pressed(panel) === button.dataset.series ? undefined : button.dataset.series));
  }
  for (const element of all("[data-series]", panel)) {
    element.addEventListener("pointerenter", () => light(panel, element.dataset.series));
    element.addEventListener("pointerleave", () => light(panel, pressed(panel)));
  }
}
for (const cell of all(".matrix button")) {
  const panel = document.getElementById(cell.dataset.panel);
  const visible = () => !panel.hidden;
  const enter = () => visible() && light(panel, cell.dataset.series);
  const leave = () => visible() && light(panel, pressed(panel));
  cell.addEventListener("pointerenter", enter);
  cell.addEventListener("pointerleave", leave);
  cell.addEventListener("focus", enter);
  cell.addEventListener("blur", leave);
  cell.addEventListener("click", () => {
    const tab = tabOf(panel.id);
    if (tab) show(tab);
    press(panel, pressed(panel) === cell.dataset.series ? undefined : cell.dataset.series);
    panel.scrollIntoView({ block: "nearest" });
  });
}

// tables: a button in each head sorts by its column
const compare = new Intl.Collator(undefined, { numeric: true }).compare;
const number = (text) => parseFloat(text.replace("−", "-"));
const inOrder = (a, b) => (isFinite(number(a)) && isFinite(number(b)) ? number(a) - number(b) || compare(a, b) : compare(a, b));
for (const table of all("table.sortable")) {
  const body = table.tBodies[0];
  all("thead th", table).forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      for (const other of all("thead th", table)) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const value = (row) => row.cells[column].dataset.sort ?? row.cells[column].textContent.trim().replaceAll(",", "");
      body.append(...[...body.rows].sort((a, b) => (up ? 1 : -1) * inOrder(value(a), value(b))));
    });
  });
}

// pictures can be saved: as they are, and a drawing as pixels too
function link(name, kind, act) {
  const anchor = document.createElement("a");
  anchor.href = "#";
  anchor.textContent = `↓ ${kind}`;
  anchor.download = `${name}.${kind}`;
  anchor.setAttribute("aria-label", `↓ ${kind} of ${name}`);
  act(anchor);
  return anchor;
}
for (const line of all(".downloads")) {
  const { name, kind } = line.dataset;
  const image = line.closest("figure").querySelector("img");
  const links = [link(name, kind, (anchor) => (anchor.href = image.src))];
  if (kind === "svg") {
    const draw = (anchor) =>
      anchor.addEventListener("click", (event) => {
        if (anchor.href.startsWith("data:")) return;
        event.preventDefault();
        const whole = new Image();
        whole.onload = () => {
          const canvas = document.createElement("canvas");
          const scale = 300 / 96;
          [canvas.width, canvas.height] = [whole.naturalWidth * scale, whole.naturalHeight * scale];
          const context = canvas.getContext("2d");
          context.fillStyle = "#ffffff";
          context.fillRect(0, 0, canvas.width, canvas.height);
          context.drawImage(whole, 0, 0, canvas.width, canvas.height);
          anchor.href = canvas.toDataURL("image/png");
          anchor.click();
        };
        whole.src = image.src;
      });
    links.push(link(name, "png", draw));
  }
  line.querySelector(".anchor").after(...links.flatMap((one) => [" ", one]));
}

// pictures can be looked at larger: a click, or the button below
const larger = document.getElementById("larger");
const shown = larger.querySelector("img");
function enlarge(image) {
  [shown.src, shown.alt] = [image.src, image.alt];
  shown.width = Math.min(2 * image.width, Math.max(0.94 * innerWidth, image.width));
  larger.setAttribute("aria-label", image.closest("[aria-label]").getAttribute("aria-label"));
  larger.showModal();
}
for (const image of all("figure img")) image.addEventListener("click", () => enlarge(image));
for (const line of all(".downloads")) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "⤢ larger";
  button.setAttribute("aria-label", `⤢ larger: ${line.dataset.name}`);
  button.addEventListener("click", () => enlarge(line.closest("figure").querySelector("img")));
  line.querySelector(".anchor").after(" ", button);
}
larger.addEventListener("click", (event) => event.target.closest("form") || larger.close());

// contents: where the reader is
const places = all("aside nav a[href^='#']").map((anchor) => [anchor, document.getElementById(anchor.hash.slice(1))]);
const watch = () => {
  const passed = places.filter(([, section]) => section?.getBoundingClientRect().top < innerHeight / 3);
  for (const [anchor] of places) anchor.classList.toggle("here", anchor === passed.at(-1)?.[0]);
};
addEventListener("scroll", watch, { passive: true });
watch();
