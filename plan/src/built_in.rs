//! built_in
