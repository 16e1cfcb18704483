/** Says whether it has little memory. */
import { hasSmallMemory } from '../../../src/os/container/small-memory.ts';

process.stdout.write(String(hasSmallMemory()));
