//! The native edges.
