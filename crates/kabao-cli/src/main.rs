//! The program `kabao`; all of it is in the library.

use std::process::ExitCode;

/// A call makes a hundred small allocations; this allocator halves their cost.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    kabao_cli::main()
}
