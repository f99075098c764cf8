//! Runs every case of the test vectors in this folder (see its `README.md`)
//! against the public API, in both directions where there are two. A failure
//! names the case and the step.

mod answers;
mod certificates;
mod data;
mod notifications;
mod paths;
mod requests;
mod sealing;
