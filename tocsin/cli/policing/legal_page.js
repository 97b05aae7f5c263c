const form = document.querySelector(".filter");
const rows = [...document.querySelectorAll("#map tbody tr")];
const figures = [...document.querySelectorAll(".worlds figure")];
const tiles = [...document.querySelectorAll(".world li")];
const columns = figures.map((figure) => figure.dataset.column);

function keyOf(column) {
  return column.replace(/_(\w)/g, (_, letter) => letter.toUpperCase());
}

function says(row, column, value) {
  const asked = column ? [column] : columns;
  return !value || asked.some((name) => row.dataset[keyOf(name)] === value);
}

function fits(row, { name, column, value, hotline }) {
  return (
    row.dataset.name.includes(name.value.trim().toLowerCase()) &&
    says(row, column.value, value.value) &&
    (!hotline.value || row.dataset.hotline === hotline.value)
  );
}

function show() {
  const shown = new Set();
  for (const row of rows) {
    row.hidden = !fits(row, form.elements);
    if (!row.hidden) shown.add(row.id);
  }
  const column = form.elements.column.value;
  for (const figure of figures) figure.hidden = Boolean(column) && figure.dataset.column !== column;
  for (const tile of tiles) tile.style.opacity = shown.has(tile.firstChild.hash.slice(1)) ? "" : "0.15";
  form.querySelector("output").textContent = `${shown.size} of ${rows.length} jurisdictions`;
}

form.addEventListener("input", show);
form.addEventListener("reset", () => setTimeout(show));
form.addEventListener("submit", (event) => event.preventDefault());
form.elements.print.addEventListener("click", () => print());
form.hidden = false;
show();
