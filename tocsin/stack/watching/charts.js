// Has uPlot draw each chart over the figures that the server sent with its own picture, which stays where this fails.
const FONT = "12px system-ui, sans-serif";
const LEAST_HEIGHT = 140;
const OF_WIDTH = 0.3;
const DAY_SECONDS = 86400;
const UNITS = {
  s: [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]],
  bytes: [["GiB", 2 ** 30], ["MiB", 2 ** 20], ["kiB", 2 ** 10], ["B", 1]],
  percentunit: [["%", 0.01]],
};
let charts = [];

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function tick(value, unit) {
  const sizes = UNITS[unit] || [["", 1]];
  const [name, size] = sizes.find((one) => Math.abs(value) >= one[1]) || sizes[sizes.length - 1];
  return `${Number((value / size).toPrecision(3))} ${name}`.trim();
}

function instant(seconds, from, to) {
  return new Date(seconds * 1000).toISOString().slice(from, to);
}

function series(plot) {
  const promised = { stroke: colour("--bad"), dash: [1, 3], width: 2, points: { show: false } };
  const lines = plot.lines.map((one) => ({ stroke: colour(one.colour), dash: one.dash, width: 2 }));
  return [{}, ...lines, ...(plot.promised === null ? [] : [promised])];
}

function heights(plot) {
  const rows = plot.lines.map((one) => one.values);
  return [plot.at, ...rows, ...(plot.promised === null ? [] : [plot.at.map(() => plot.promised)])];
}

function axes(plot) {
  const look = { stroke: colour("--quiet"), font: FONT, grid: { stroke: colour("--edge"), width: 0.25 } };
  const times = (_, found, axis, space, step) =>
    found.map((at) => (step >= DAY_SECONDS ? instant(at, 5, 10) : instant(at, 11, 16)));
  const values = (_, found) => found.map((value) => tick(value, plot.unit));
  return [{ ...look, values: times, size: 32 }, { ...look, values, size: 64 }];
}

function size(place) {
  const width = place.clientWidth;
  return { width, height: Math.max(LEAST_HEIGHT, Math.round(width * OF_WIDTH)) };
}

function options(plot, place, onCursor) {
  return {
    ...size(place),
    series: series(plot),
    axes: axes(plot),
    scales: { y: { range: (_, least, most) => [Math.min(0, least), most > 0 ? most * 1.05 : 1] } },
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
    legend: { show: false },  // the table below is the legend
    cursor: { y: false, drag: { x: false, y: false, setScale: false } },
    hooks: { setCursor: [(drawn) => onCursor(drawn.cursor.idx)] },
  };
}

class Chart {
  constructor(picture) {
    this.plot = JSON.parse(picture.dataset.plot);
    this.picture = picture;
    this.cells = [...picture.parentElement.querySelectorAll("td")];
    this.latest = this.cells.map((cell) => cell.textContent);
    this.last = this.plot.at.length - 1;
    this.placed();
    this.drawn = new uPlot(options(this.plot, this.place, (at) => this.show(at)), heights(this.plot), this.place);
    this.drawn.root.setAttribute("aria-hidden", "true");
    this.watching = new ResizeObserver(() => this.fit());
    this.watching.observe(this.place);
    picture.classList.add("covered");
    this.show(null);
  }

  placed() {
    this.when = document.createElement("p");
    this.when.className = "when";
    this.place = document.createElement("div");
    const means = {
      class: "drawn", role: "slider", tabindex: "0", "aria-valuemin": "0", "aria-valuemax": String(this.last),
      "aria-label": `${this.plot.title}, values at an instant`,
    };
    for (const [name, value] of Object.entries(means)) this.place.setAttribute(name, value);
    this.place.addEventListener("keydown", (event) => this.pressed(event));
    this.place.addEventListener("blur", () => this.drawn.setCursor({ left: -10, top: -10 }));
    this.picture.after(this.place, this.when);
  }

  fit() {
    if (this.place.clientWidth !== this.drawn.width) this.drawn.setSize(size(this.place));
  }

  pressed(event) {
    const to = { ArrowLeft: this.at - 1, ArrowRight: this.at + 1, Home: 0, End: this.last }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.go(Math.min(this.last, Math.max(0, to)));
  }

  go(to) {
    this.drawn.setCursor({ left: this.drawn.valToPos(this.plot.at[to], "x"), top: 1 });
    this.show(to);
  }

  show(found) {
    this.at = found ?? this.last;
    this.chosen = found !== null && found !== undefined;
    const time = `${instant(this.plot.at[this.at], 0, 16).replace("T", " ")} UTC`;
    const said = this.plot.lines.map((one) => one.said[this.at] || "none");
    this.when.textContent = this.chosen ? `At ${time}` : "Latest values";
    this.cells.forEach((cell, number) => { cell.textContent = this.chosen ? said[number] : this.latest[number]; });
    const words = this.plot.lines.map((one, number) => `${one.name} ${said[number]}`);
    this.place.setAttribute("aria-valuenow", String(this.at));
    this.place.setAttribute("aria-valuetext", [time, ...words, this.plot.promise].filter(Boolean).join(", "));
  }

  end() {
    this.watching.disconnect();
    this.drawn.destroy();
    this.place.remove();
    this.when.remove();
    this.picture.classList.remove("covered");
    this.cells.forEach((cell, number) => { cell.textContent = this.latest[number]; });
  }
}

function noted() {
  const one = charts.find((chart) => chart.place === document.activeElement);
  return one && { title: one.plot.title, seconds: one.chosen ? one.plot.at[one.at] : null };
}

function nearest(instants, seconds) {
  const far = instants.map((at) => Math.abs(at - seconds));
  return far.indexOf(Math.min(...far));
}

function draw(focused) {
  charts.forEach((one) => one.end());
  charts = [];
  // A canvas has no colours of its reader's own, and without the library there is none.
  if (matchMedia("(forced-colors: active)").matches || typeof uPlot === "undefined") return;
  charts = [...document.querySelectorAll("svg[data-plot]")].map((picture) => new Chart(picture));
  const again = focused && charts.find((one) => one.plot.title === focused.title);
  if (!again) return;
  again.place.focus({ preventScroll: true });
  // uPlot lays a chart out in a microtask of its own, which comes before this one.
  if (focused.seconds !== null) queueMicrotask(() => again.go(nearest(again.plot.at, focused.seconds)));
}

let focused;
document.addEventListener("reading-again", () => { focused = noted(); });
document.addEventListener("read-again", () => draw(focused));
for (const asked of ["(prefers-color-scheme: dark)", "(forced-colors: active)"]) {
  matchMedia(asked).addEventListener("change", () => draw(noted()));
}
draw();
