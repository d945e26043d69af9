export type { CaseContext, CaseRequirements, ConformanceCase } from './case.js';
export { conformanceCases } from './cases.js';
export { formatJUnit } from './junit.js';
export { type ConformanceTarget, type PlannedCase, planConformance } from './plan.js';
export {
  type CaseReport,
  type ConformanceReport,
  formatCase,
  formatCounts,
  formatFailure,
  formatJson,
  formatText,
  type TextOptions,
} from './report.js';
export { REVISION } from './revision.js';
export { type ConformanceOptions, runConformance } from './run-conformance.js';
