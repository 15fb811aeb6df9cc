//! A vault beside its copy in words, for `inspect --against`.

use std::fmt::Write as _;

use archiver_core::counted::Counted;

use crate::exit::Exit;
use crate::opening::against::{
    Comparison, MissingInFront, Outcome, RetiredElsewhere, SealsCompared, SealsOutcome, Spot,
    Surplus,
};
use crate::report::{Report, to_json};

impl Report for Comparison {
    fn text(&self) -> String {
        let Self { vault, copy, .. } = self;
        let mut text = match &self.compared_from {
            Some(segment) => format!("Compared from {segment} on; one of the two begins later.\n"),
            None => String::new(),
        };
        let _ = match &self.result {
            Outcome::Identical => {
                let bytes = self.same_bytes;
                writeln!(text, "IDENTICAL: {vault} and {copy}, {bytes} bytes")
            }
            Outcome::VaultIsLonger(more) => {
                let told = longer(vault, copy, more, self.copy_has_records);
                writeln!(text, "{told}")
            }
            Outcome::CopyIsLonger(more) => {
                let told = longer(copy, vault, more, self.vault_has_records);
                writeln!(text, "{told}")
            }
            Outcome::Differ { in_vault, in_copy } => writeln!(
                text,
                "THEY DIFFER, after {} bytes that are the same:\n  {}\n  {}\nInspect each of them to learn which one holds.",
                self.same_bytes,
                spot(in_vault),
                spot(in_copy)
            ),
        };
        let looked_at = [
            (vault, self.vault_has_records),
            (copy, self.copy_has_records),
        ];
        for (path, _) in looked_at.iter().filter(|(_, has_records)| !has_records) {
            let _ = writeln!(text, "NO RECORD was found in {path}: is this the vault?");
        }
        for MissingInFront { file, lacked_by } in &self.missing {
            let _ = writeln!(
                text,
                "MISSING: {lacked_by} lacks {file}, and nothing tells that it was retired"
            );
        }
        text.push_str(&seals(&self.seals));
        if self.seals.contradicts(&self.result) {
            text.push_str("THE SHORTER SEALS stand beside the LONGER VAULT: they were cut off, or the longer seals were copied after the vault beside them\n");
        }
        for segment in &self.retired {
            let file = &segment.file;
            let _ = match segment.is_the_same {
                Some(true) => writeln!(
                    text,
                    "{file} was retired in one of the two; the other has the same"
                ),
                Some(false) => writeln!(
                    text,
                    "{file} was retired in one of the two; the other has ANOTHER ONE"
                ),
                None => writeln!(
                    text,
                    "{file} was retired in one of the two, and what stands in its place CANNOT BE USED"
                ),
            };
        }
        text
    }

    fn json(&self) -> serde_json::Result<String> {
        to_json(self)
    }

    fn exit(&self) -> Exit {
        let is_the_same = |segment: &RetiredElsewhere| segment.is_the_same == Some(true);
        match self.result {
            Outcome::Differ { .. } => Exit::Anomalies,
            _ if self.seals.is_anomaly(&self.result) => Exit::Anomalies,
            _ if !(self.vault_has_records && self.copy_has_records) => Exit::Anomalies,
            _ if !self.retired.iter().all(is_the_same) || !self.missing.is_empty() => {
                Exit::Anomalies
            }
            _ => Exit::Done,
        }
    }
}

fn longer(longer: &str, shorter: &str, more: &Surplus, shorter_has_records: bool) -> String {
    let Surplus { bytes, records } = more;
    let records = Counted(*records, "record");
    if shorter_has_records {
        format!("{longer} is LONGER by {records} ({bytes} bytes); {shorter} is its beginning")
    } else {
        format!("{longer} has {records} ({bytes} bytes), and {shorter} has NONE")
    }
}

fn spot(spot: &Spot) -> String {
    let record = spot.record.map_or_else(
        || "between records".to_owned(),
        |record| format!("in record {record}"),
    );
    format!("{}, byte {}, {record}", spot.file, spot.offset)
}

fn seals(compared: &SealsCompared) -> String {
    let SealsCompared {
        vault,
        copy,
        same_bytes,
        result,
    } = compared;
    let longer = |longer: &str, shorter: &str, more: &u64| {
        format!(
            "Seals: {longer} has {} more; {shorter} is its beginning, as in an older copy or one that was set back",
            Counted(*more, "byte")
        )
    };
    let missing =
        |missing: &str, there: &str| format!("SEALS MISSING: there is no {missing}, but {there}");
    let told = match result {
        SealsOutcome::NoneStand => "Seals: none stand beside either of the two".to_owned(),
        SealsOutcome::Identical => {
            format!("Seals: IDENTICAL, {}", Counted(*same_bytes, "byte"))
        }
        SealsOutcome::VaultIsLonger(more) => longer(vault, copy, more),
        SealsOutcome::CopyIsLonger(more) => longer(copy, vault, more),
        SealsOutcome::MissingBesideVault => missing(vault, copy),
        SealsOutcome::MissingBesideCopy => missing(copy, vault),
        SealsOutcome::Differ => format!(
            "THE SEALS DIFFER from byte {same_bytes} on: {vault} and {copy}. Inspect each of the two vaults to learn whose seals hold."
        ),
    };
    format!("{told}\n")
}
