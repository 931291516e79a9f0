// Before the first paint: the chosen theme, so that a dark room stays dark. Storage may throw; then the system's choice stands.
(() => {
  try {
    const theme = localStorage.getItem("handrail-theme");
    if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
  } catch {
    // no storage: nothing is remembered
  }
})();
