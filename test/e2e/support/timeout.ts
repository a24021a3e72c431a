import { jest } from '@jest/globals';

// Processes start and containers are pulled while tests wait.
jest.setTimeout(180_000);
