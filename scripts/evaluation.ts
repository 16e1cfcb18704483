/** `npm run evaluation`: tables and plots of docs/evaluation.md, of what was measured before. */
import { updateEvaluation } from '../bench/paper/evaluation.ts';

updateEvaluation();
