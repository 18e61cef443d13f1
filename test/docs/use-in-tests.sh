npm init -y
npm install --save-dev ./sluice-0.1.0.tgz vitest@4
