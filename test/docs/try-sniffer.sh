npm test
npm run build
npx sluice check sluice.yaml
