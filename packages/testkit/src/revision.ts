/** The revision of the list of cases. A case that is added says the revision it came with in `since`. */
export const REVISION = 1;
