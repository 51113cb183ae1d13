// Paths of any platform on any platform, equal to workflows/domain/job_types/paths.py.

function slashed(path) {
  return asText(path).replaceAll("\\", "/");
}

const path = {
  basename(whole) {
    const slashes = slashed(whole);
    const stripped = slashes.replace(/\/+$/, "");
    if (!stripped) return slashes ? "/" : ".";
    return stripped.slice(stripped.lastIndexOf("/") + 1);
  },

  dirname(whole) {
    const slashes = slashed(whole);
    const end = slashes.lastIndexOf("/");
    if (end < 0) return ".";
    return slashes.slice(0, end) || "/";
  },

  // Tidied up before backslashes become slashes, so `..` after a backslash stays, as in Flamenco.
  join(...parts) {
    const joined = parts.map(asText).filter(Boolean).join("/");
    return joined ? slashed(tidied(joined)) : "";
  },

  stem(whole) {
    const name = path.basename(whole);
    const dot = name.lastIndexOf(".");
    return dot < 0 ? name : name.slice(0, dot);
  },
};

function tidied(joined) {
  // Exactly two slashes begin the name of a server.
  const root = /^\/\/(?!\/)/.test(joined) ? "//" : joined.startsWith("/") ? "/" : "";
  const kept = [];
  for (const part of joined.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") kept.push(part);
    else if (kept.length && kept[kept.length - 1] !== "..") kept.pop();
    else if (!root) kept.push(part);
  }
  return root + kept.join("/") || ".";
}
