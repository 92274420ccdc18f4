//! The serverless function.
