// One launcher on a page of the gallery, in the state that the address names.

const name = location.search.slice(1);
const settings = { left: { position: "bottom-left" }, accent: { accent: "#f3c98b" }, es: { locale: "es" }, ar: { locale: "ar" } }[name] ?? {};

if (name === "blocked") {
  const policy = document.createElement("meta");
  policy.httpEquiv = "Content-Security-Policy";
  policy.content = "frame-src 'none'";
  document.head.append(policy);
}
window.Handrail = name === "blocked" ? [["open"]] : [];
const loader = document.createElement("script");
loader.type = "module";
Object.assign(loader.dataset, settings);
loader.src = new URL("/embed.js", location).href;
loader.onload = () => {
  if (name !== "unread") return;
  const badge = document.querySelector("handrail-chat").shadowRoot.querySelector(".n");
  badge.textContent = "2";
  badge.hidden = false;
};
document.head.append(loader);
