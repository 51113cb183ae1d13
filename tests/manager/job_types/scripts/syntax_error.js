// Does not compile.
const JOB_TYPE = { label: "Syntax Error", settings: [] };

function compileJob(job) {
  const tasks = [1, 2;
}
