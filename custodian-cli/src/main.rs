//! custodian.
fn main() {}
