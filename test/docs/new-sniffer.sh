npx --yes --package ./sluice-0.1.0.tgz sluice new plugin gearman --sluice ./sluice-0.1.0.tgz
cd sluice-plugin-gearman
npm install
npm test
