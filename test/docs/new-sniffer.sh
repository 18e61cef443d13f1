npx --yes --package ./sluice-0.1.0.tgz sluice new plugin redis --sluice ./sluice-0.1.0.tgz
cd sluice-plugin-redis
npm install
npm test
