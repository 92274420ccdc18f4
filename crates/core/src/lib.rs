//! Every decision of Lakegate, and nothing else.
//!
//! This crate performs no I/O, reads no clock, draws no random number and knows no async runtime.
//! What it needs of the world it asks of an [`edge::Edge`]; the component, the HTTP function and
//! the tests each bring their own. So each rule can be tested with a clock made of numbers.
//!
//! | module | decides |
//! |---|---|
//! | [`config`] | what was asked for, from which source, and what is wrong with it |
//! | [`api`] | the requests to Databricks and what their answers mean |
//! | [`token`] | when a token is fetched, served, given up |
//! | [`refusal`] | what a refused login means |
//! | [`sql`] | identifiers and literals that cannot be misread |
//! | [`migrations`] | names, digests and order of migration files |
//! | [`bootstrap`] | what a database lacks, and the one statement that provides it |
//! | [`flow`] | the sequences, written once for every edge |
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod api;
pub mod bootstrap;
pub mod config;
mod date;
pub mod edge;
pub mod flow;
mod hex;
mod json;
pub mod migrations;
pub mod problem;
pub mod refusal;
pub mod secret;
pub mod sql;
pub mod time;
pub mod token;
