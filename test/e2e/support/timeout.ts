import { jest } from '@jest/globals';

// Processes start and containers are pulled while tests wait.
jest.setTimeout(240_000);
