// Plays one state of the conversation page for the gallery: no call leaves, nothing is stored.

const minutes = (n) => new Date(Date.now() + n * 60000).toISOString();

/** hooks: {take, apply, linked, unsent, act, typing} of talk.js. Scenes and their words stand in scenes.json. */
export async function play(name, hooks) {
  const scenes = await (await fetch("/static/scenes.json", { credentials: "omit" })).json();
  const scene = scenes[name];
  if (!scene) return;
  let seq = 0;
  const messages = scene.messages.map((key) => ({ id: key, seq: ++seq, kind: "message", citations: [], actions: [], created_at: minutes(0), ...scenes.messages[key] }));
  hooks.take(messages, { quiet: true });
  const { due, ...state } = scene.conversation ?? {};
  if (due !== undefined) state.handoff = { id: "h", state: "waiting", reason: "asked", ...state.handoff, due_at: due === null ? null : minutes(due) };
  hooks.apply({ id: "c", owner: "bot", urgency: 0, language: "en", country: "US", handoff: null, ...state });
  if (scene.link) hooks.linked(scene.link);
  for (const item of scene.unsent ?? []) hooks.unsent({ client_id: item.text, tries: 1, ...item });
  if (scene.typing) hooks.typing(scene.typing);
  if (scene.exercise) hooks.act("exercise", scene.exercise);
}
