// No job type: for other scripts to require.
exports.greeting = (to) => `¡Olé, ${to}!`;
