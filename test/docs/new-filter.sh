npx --yes --package ./sluice-0.1.0.tgz sluice new plugin acme --sluice ./sluice-0.1.0.tgz
cd sluice-plugin-acme
npm pkg delete peerDependenciesMeta
npm install zod@4
