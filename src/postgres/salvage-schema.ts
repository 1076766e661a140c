/** Schema in which Rewind keeps what a downgrade has taken away. It is none of the application's. */
export const salvageSchema = 'rewind_salvage';
