/** Text that PostgreSQL's `text` can hold: it knows neither U+0000 nor half a surrogate pair. */
// eslint-disable-next-line no-control-regex -- the character it refuses is a control character
export const STORABLE_TEXT = /^[^\u0000\p{Surrogate}]*$/u;
