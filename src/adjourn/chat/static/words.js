// Every word the page's scripts say, in the reader's language (the server puts them in the page).
export const words = JSON.parse(document.getElementById("words").textContent);
export const language = document.documentElement.lang;

// fill("Version {at} of {of}", { at: 2, of: 3 }) is "Version 2 of 3".
export function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (slot, name) => values[name] ?? slot);
}
