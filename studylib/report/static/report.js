(function () {
  "use strict";
  var root = document.documentElement;
  root.classList.add("js");
  function recall(key) { try { return localStorage.getItem("study-" + key); } catch (e) { return null; } }
  function keep(key, value) { try { localStorage.setItem("study-" + key, value); } catch (e) { return; } }
  var theme = recall("theme");
  if (theme === "dark" || theme === "light") root.dataset.theme = theme;
  var asked = (location.search.match(/[?&]lang=(en|ja)/) || [])[1];
  root.lang = asked || (recall("lang") === "ja" ? "ja" : "en");

  function dark() {
    return root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  }
  function speak() {
    document.querySelectorAll("[data-label-en]").forEach(function (element) {
      element.setAttribute("aria-label", element.getAttribute("data-label-" + root.lang));
    });
    document.querySelectorAll("img[data-alt-en]").forEach(function (image) {
      image.alt = image.getAttribute("data-alt-" + root.lang);
    });
  }
  function value(row, column) {
    var cell = row.cells[column], raw = cell.dataset.value;
    if (raw === undefined) return cell.textContent.trim();
    return raw === "" ? null : Number(raw);
  }
  function sort(button) {
    var head = button.closest("th"), table = head.closest("table"), body = table.tBodies[0], column = head.cellIndex;
    var down = head.getAttribute("aria-sort") === "ascending";
    Array.prototype.slice.call(body.rows).map(function (row, place) {
      return { row: row, key: value(row, column), place: place };
    }).sort(function (a, b) {
      if (a.key === null || b.key === null) return (a.key === null) - (b.key === null) || a.place - b.place;
      var order = typeof a.key === "number" && typeof b.key === "number" ? a.key - b.key
        : String(a.key).localeCompare(String(b.key), root.lang, { numeric: true });
      return (down ? -order : order) || a.place - b.place;
    }).forEach(function (item) { body.appendChild(item.row); });
    table.querySelectorAll("th[aria-sort]").forEach(function (other) { other.removeAttribute("aria-sort"); });
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    var label = Array.prototype.filter.call(button.querySelectorAll(".t"), function (t) { return t.lang === root.lang; })[0];
    label = (label || button).textContent.trim();
    document.getElementById("live").textContent = root.lang === "ja"
      ? label + "の" + (down ? "降順" : "昇順") + "に並べ替えました"
      : "Sorted by " + label + ", " + (down ? "descending" : "ascending");
  }
  function reveal() {
    var target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target && target.tagName === "DETAILS") { target.open = true; target.scrollIntoView(); }
  }
  document.addEventListener("DOMContentLoaded", function () {
    var language = document.getElementById("language"), shade = document.getElementById("theme");
    language.hidden = shade.hidden = false;
    language.addEventListener("click", function () {
      root.lang = root.lang === "ja" ? "en" : "ja";
      keep("lang", root.lang);
      speak();
    });
    shade.setAttribute("aria-pressed", String(dark()));
    shade.addEventListener("click", function () {
      root.dataset.theme = dark() ? "light" : "dark";
      keep("theme", root.dataset.theme);
      shade.setAttribute("aria-pressed", String(dark()));
    });
    document.querySelectorAll("button.sort").forEach(function (button) {
      button.disabled = false;
      button.addEventListener("click", function () { sort(button); });
    });
    addEventListener("hashchange", reveal);
    addEventListener("beforeprint", function () {
      document.querySelectorAll("details:not(.trial)").forEach(function (one) { one.open = true; });
    });
    speak();
    reveal();
  });
})();
