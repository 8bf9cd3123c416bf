//! The program. All of it lies in the library, where it is compiled once.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    patientkontrakt::cli::main()
}
