//! kabao
fn main() {}
