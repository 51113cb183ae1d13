// Never comes back.
const JOB_TYPE = { label: "Endless Loop", settings: [] };

function compileJob(job) {
  for (;;) {
    try {
      for (;;);
    } catch {
      // Nor can it be talked out of it.
    }
  }
}
