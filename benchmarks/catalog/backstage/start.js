// The catalog backend and nothing else: `node start.js --config app-config.yaml`.
const { createBackend } = require('@backstage/backend-defaults');

const backend = createBackend();
backend.add(require('@backstage/plugin-catalog-backend'));
backend.start();
