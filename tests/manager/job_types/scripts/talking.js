// print, alert, require, and values that JavaScript has and JSON has not.
"use strict";
const { greeting } = require("./lib_greetings");
const again = require("lib_greetings.js");

const JOB_TYPE = { label: "Talking", settings: [{ key: "to", type: "string", required: true }] };

class Speech {
  constructor(to) {
    this.to = to;
  }
}

function compileJob(job) {
  print("greets", job.settings.to, { loud: true });
  alert("is about to speak");
  const shared = { message: greeting(job.settings.to), times: 24.0, missing: undefined };
  const first = author.Task("first", "misc");
  first.addCommand(author.Command("echo", shared));
  shared.message = "something else";
  const second = author.Task("second", "misc");
  second.addCommand(
    author.Command("echo", {
      ...shared,
      words: new Set(["a", "b"]),
      speech: new Speech("all"),
      waitsFor: first.uUID,
      same: again.greeting === greeting,
    }),
  );
  second.addDependency(first);
  job.addTask(first);
  job.addTask(second);
}
