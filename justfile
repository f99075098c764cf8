# `just` lists these; each is one line that works without just, too.
default:
    @just --list

# Everything CI runs
ci:
    .ci/run

# Every test, set-up included
test:
    scripts/test

# The quick ones: no other languages
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --all-features -- -D warnings
    cargo test --workspace --all-features

# The parsers, fuzzed: `just fuzz 600 template`
fuzz *args:
    fuzz/run {{args}}

# The documentation, opened
doc:
    cargo doc --workspace --all-features --no-deps --open

# What kabao costs, as ratios to the cryptography it cannot do without; `just bench` is quick, parts can be named (docs/benchmarks.md)
bench *arguments="--quick":
    cargo build --release --workspace
    target/release/kabao-bench {{arguments}}

# kabao beside other people's SDKs
bench-peers:
    bench/peers/run
