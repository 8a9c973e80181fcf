// Imported before anything else, and written so that very old versions of Node can read it too: someone with the wrong
// Node should be told so, not shown a syntax error.
const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(
    `Pleiades needs Node 20.19 or newer; this is Node ${process.versions.node} (${process.execPath}).\n` +
      "Install a newer one from https://nodejs.org or with your version manager, then run the same command again.",
  );
  process.exit(1);
}
