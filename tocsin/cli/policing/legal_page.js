const form = document.querySelector(".filter");
const rows = [...document.querySelectorAll("#map tbody tr")];

function fits(row, name, column, value) {
  if (!row.dataset.name.includes(name)) return false;
  if (!value) return true;
  const key = column.replace(/_(\w)/g, (_, letter) => letter.toUpperCase());
  return key ? row.dataset[key] === value : Object.values(row.dataset).includes(value);
}

function show() {
  const { name, column, value } = form.elements;
  let shown = 0;
  for (const row of rows) {
    row.hidden = !fits(row, name.value.trim().toLowerCase(), column.value, value.value);
    shown += !row.hidden;
  }
  form.querySelector("output").textContent = `${shown} of ${rows.length}`;
}

form.addEventListener("input", show);
form.addEventListener("submit", (event) => event.preventDefault());
form.hidden = false;
show();
