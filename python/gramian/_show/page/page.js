"use strict";
// One cursor, a row and a column, over all maps of the page. What it is on is told in the readout,
// above every map, in every curve, and to who listens (aria-live). The maps themselves are there
// without this script.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const [a, b] = data.sides; // "A" twice of layers among themselves
  const rows = data.x_names.length;
  const columns = data.y_names.length;
  const drawing = "http://www.w3.org/2000/svg";
  let cursor = null;
  let speaking = 0;

  const panels = data.panels.map((panel, index) => {
    const root = document.getElementById(`panel-${index}`);
    const box = root.querySelector(".map-box");
    const svg = box.querySelector("svg");
    const cells = svg.querySelector(".cells");
    const area = {};
    for (const name of ["x", "y", "width", "height"]) area[name] = Number(cells.getAttribute(name));
    const mark = {};
    for (const [name, shape] of [["cross", "path"], ["best", "circle"], ["cursor", "rect"]]) {
      mark[name] = document.createElementNS(drawing, shape);
      mark[name].setAttribute("class", name);
      mark[name].setAttribute("visibility", "hidden");
      svg.append(mark[name]);
    }
    const dots = new Map();
    for (const dot of root.querySelectorAll("circle[data-layer]")) {
      dots.set(Number(dot.dataset.layer), dot);
    }
    return { ...panel, root, box, cells, area, mark, dots, value: root.querySelector(".value") };
  });

  // Numbers.

  function number(panel, value) {
    if (value === null) return "undefined";
    if (typeof value === "string") return value; // infinities, which JSON has not
    const text = panel.decimals === null ? value.toExponential(3) : value.toFixed(panel.decimals);
    return text.replace(/^-(0(\.0*)?)$/, "$1"); // what rounds to 0 has no sign
  }

  function around(panel, row, column) {
    const found = [];
    if (panel.low && panel.low[row][column] !== null) {
      const low = number(panel, panel.low[row][column]);
      const high = number(panel, panel.high[row][column]);
      found.push(`${panel.level}% interval ${low} to ${high}`);
    }
    if (panel.pvalues) {
      const p = panel.pvalues[row][column];
      found.push(p === null ? "no p-value" : `p = ${p.toPrecision(2)}`);
    }
    return found;
  }

  function best(panel, row) {
    let found = -1;
    if (!panel.ranked) return found;
    panel.values[row].forEach((value, column) => {
      if (typeof value !== "number") return;
      const closer = found < 0 || (panel.falling ? value < panel.values[row][found] : value > panel.values[row][found]);
      if (closer) found = column;
    });
    return found;
  }

  // The cursor.

  function place(shape, attributes) {
    for (const [name, value] of Object.entries(attributes)) shape.setAttribute(name, value);
    shape.setAttribute("visibility", "visible");
  }

  function draw(panel, row, column) {
    const { x, y, width, height } = panel.area;
    const [w, h] = [width / columns, height / rows];
    const [left, top] = [x + column * w, y + row * h];
    const [W, H] = [Math.max(w, 5), Math.max(h, 5)];
    place(panel.mark.cursor, { x: left + (w - W) / 2, y: top + (h - H) / 2, width: W, height: H });
    const [cx, cy] = [left + w / 2, top + h / 2];
    const roomy = w >= 26; // there are numbers in the cells, which nothing is to cross
    place(panel.mark.cross, {
      d: roomy ? "" : `M${x} ${cy}H${left + (w - W) / 2}M${left + (w + W) / 2} ${cy}H${x + width}` +
         `M${cx} ${y}V${top + (h - H) / 2}M${cx} ${top + (h + H) / 2}V${y + height}`,
    });
    const match = best(panel, row);
    if (match < 0) panel.mark.best.setAttribute("visibility", "hidden");
    else {
      const side = x + (match + 0.5) * w;
      const at = roomy ? { cx: side + w / 2 - 6, cy: top + 6 } : { cx: side, cy };
      place(panel.mark.best, { ...at, r: Math.min(4, Math.max(2.5, w / 6)) });
    }
    panel.dots.forEach((dot, layer) => dot.classList.toggle("on", layer === (panel.along === "y" ? column : row)));
    tell(panel, row, column, match);
  }

  function tell(panel, row, column, match) {
    const value = document.createElement("b");
    value.textContent = number(panel, panel.values[row][column]);
    const rest = document.createElement("span");
    const words = around(panel, row, column);
    if (match >= 0) {
      words.push(`closest in B: ${data.y_names[match]}, ${number(panel, panel.values[row][match])}`);
    }
    rest.textContent = words.join("; ");
    panel.value.replaceChildren(value, rest);
  }

  function speak() {
    const [row, column] = cursor;
    const parts = panels.map((panel) => {
      const words = [`${panel.heading} ${number(panel, panel.values[row][column])}`];
      return words.concat(around(panel, row, column)).join(", ");
    });
    document.getElementById("spoken").textContent =
      `${a} ${data.x_names[row]}, ${b} ${data.y_names[column]}: ${parts.join("; ")}`;
  }

  function move(row, column) {
    cursor = [Math.min(Math.max(row, 0), rows - 1), Math.min(Math.max(column, 0), columns - 1)];
    document.getElementById("row").textContent = data.x_names[cursor[0]];
    document.getElementById("column").textContent = data.y_names[cursor[1]];
    document.getElementById("readout").hidden = false;
    panels.forEach((panel) => draw(panel, ...cursor));
    clearTimeout(speaking); // or every cell that a pointer crosses would be read out
    speaking = setTimeout(speak, 150);
  }

  function clear() {
    cursor = null;
    clearTimeout(speaking);
    document.getElementById("readout").hidden = true;
    document.getElementById("spoken").textContent = "";
    for (const panel of panels) {
      for (const shape of Object.values(panel.mark)) shape.setAttribute("visibility", "hidden");
      panel.dots.forEach((dot) => dot.classList.remove("on"));
      panel.value.replaceChildren();
    }
  }

  const keys = {
    ArrowUp: ([row, column]) => [row - 1, column],
    ArrowDown: ([row, column]) => [row + 1, column],
    ArrowLeft: ([row, column]) => [row, column - 1],
    ArrowRight: ([row, column]) => [row, column + 1],
    PageUp: ([row, column]) => [row - 10, column],
    PageDown: ([row, column]) => [row + 10, column],
    Home: ([row]) => [row, 0],
    End: ([row]) => [row, columns - 1],
  };

  function point(panel, event) {
    const box = panel.cells.getBoundingClientRect();
    const column = Math.floor(((event.clientX - box.left) / box.width) * columns);
    const row = Math.floor(((event.clientY - box.top) / box.height) * rows);
    if (row >= 0 && row < rows && column >= 0 && column < columns) move(row, column);
  }

  // Values as a table, made when it is opened: of 150 layers it has 22,500 cells.

  function fill(panel, table) {
    const head = table.createTHead().insertRow();
    const corner = document.createElement("th");
    corner.textContent = `${a} \\ ${b}`;
    corner.scope = "col";
    head.append(corner);
    for (const name of data.y_names) {
      const cell = document.createElement("th");
      cell.textContent = name;
      cell.scope = "col";
      head.append(cell);
    }
    const body = table.createTBody();
    data.x_names.forEach((name, row) => {
      const line = body.insertRow();
      const cell = document.createElement("th");
      cell.textContent = name;
      cell.scope = "row";
      line.append(cell);
      for (const value of panel.values[row]) line.insertCell().textContent = number(panel, value);
    });
  }

  for (const panel of panels) {
    panel.box.addEventListener("pointermove", (event) => point(panel, event));
    panel.box.addEventListener("pointerdown", (event) => point(panel, event));
    panel.box.addEventListener("focus", () => cursor ?? move(0, 0));
    panel.box.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.altKey || event.metaKey) return;
      if (event.key === "Escape") clear();
      else if (keys[event.key]) {
        event.preventDefault();
        move(...keys[event.key](cursor ?? [0, 0]));
      }
    });
    panel.dots.forEach((dot, layer) => {
      dot.addEventListener("pointerenter", () => move(...panel.curve[layer]));
    });
    const details = panel.root.querySelector("details");
    details.addEventListener("toggle", () => {
      const table = details.querySelector("table");
      if (details.open && !table.tHead) fill(panel, table);
    });
  }
})();
