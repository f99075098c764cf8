//! `kabao`: WeChat Pay member cards, any v3 endpoint, and a sandbox to try them
//! on, from the command line.
//!
//! All of the program but its start, so that fuzz targets reach what they could
//! not in a binary. No API: what is promised is the command line.

mod cli;
mod commands;
mod control;
mod embedded;
#[cfg(fuzzing)]
pub mod fuzzing;
mod output;
mod problem;
mod refusal;
mod session;
mod settings;
mod steering;
mod trace;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};

use cli::{Cli, Command};
use commands::sandbox::SandboxCommand;
use output::printer::Printer;
use problem::Problem;
use trace::LogFormat;

/// The program: reads the arguments, does what they say, gives the exit status.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let printer = Printer::new(cli.global.output, cli.global.quiet);
    let log_format = match &cli.command {
        Command::Sandbox(SandboxCommand::Serve(args)) => Some(args.log_format),
        _ => None,
    };
    trace::show(cli.global.verbose, log_format);
    match start(cli, &printer) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            match log_format {
                Some(LogFormat::Json) => {
                    let causes = problem.causes.join("; ");
                    tracing::error!(causes, hint = problem.hint, "{}", problem.message);
                }
                _ => printer.problem(&problem),
            }
            ExitCode::from(problem.status as u8)
        }
    }
}

fn start(cli: Cli, printer: &Printer) -> Result<(), Problem> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Problem::new("cannot start threads").caused_by(&error))?;
    runtime.block_on(run(cli, printer))
}

async fn run(cli: Cli, printer: &Printer) -> Result<(), Problem> {
    let profile = cli.global.profile.as_deref();
    match cli.command {
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "kabao", &mut script);
            printer.data(script)
        }
        Command::Card(command) => command.run(profile, printer).await,
        Command::UserCard(command) => command.run(profile, printer).await,
        Command::Points(command) => command.run(profile, printer).await,
        Command::Feed(command) => command.run(profile, printer).await,
        Command::Activity(command) => command.run(profile, printer).await,
        Command::Token(command) => command.run(profile, printer).await,
        Command::Image(command) => command.run(profile, printer).await,
        Command::Call(args) => args.run(profile, printer).await,
        Command::Sandbox(command) => command.run(profile, printer).await,
    }
}
