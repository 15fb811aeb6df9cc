//! Reads `testdata/seals.json`, which `testdata/seals.py` made; for tests.

use data_encoding::HEXLOWER;
use serde::Deserialize;

#[derive(Deserialize)]
pub(super) struct Vectors {
    pub(super) log: String,
    pub(super) first_day: String,
    pub(super) days: Vec<DayVector>,
    pub(super) seed_file: String,
    pub(super) leaves: Vec<String>,
    pub(super) roots: Vec<String>,
    pub(super) inclusion: Vec<Inclusion>,
    pub(super) consistency: Vec<Consistency>,
    pub(super) primary: String,
    pub(super) subkey: String,
    pub(super) empty_final: String,
    pub(super) interim: String,
    #[serde(rename = "final")]
    pub(super) last_final: String,
}

#[derive(Deserialize)]
pub(super) struct DayVector {
    pub(super) number: usize,
    pub(super) seed: String,
    pub(super) public_key: String,
}

#[derive(Deserialize)]
pub(super) struct Inclusion {
    pub(super) index: u64,
    pub(super) size: usize,
    pub(super) proof: Vec<String>,
}

#[derive(Deserialize)]
pub(super) struct Consistency {
    pub(super) from: u64,
    pub(super) to: usize,
    pub(super) proof: Vec<String>,
}

impl Vectors {
    pub(super) fn read() -> Self {
        serde_json::from_str(include_str!("../../testdata/seals.json")).unwrap()
    }
}

pub(super) fn bytes(hex: &str) -> Vec<u8> {
    HEXLOWER.decode(hex.as_bytes()).unwrap()
}

pub(super) fn hash(hex: &str) -> [u8; 32] {
    bytes(hex).try_into().unwrap()
}
