#![allow(clippy::unwrap_used, reason = "tests")]

mod checks;
mod lists;
mod operations;
mod samples;
mod sealing;
