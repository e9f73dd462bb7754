//! A recorded trace of row changes (one JSON object a line) and a schema dump.
