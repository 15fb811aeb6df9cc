//! A sealed vault beside a copy of it: `custodian inspect --against` compares the seals too.

use std::fs;

use custody_tests::{Ran, custodian, run};

use crate::honest::{SHAPES, Site};

fn against(site: &Site, copy: &Site) -> Ran {
    let mut inspect = custodian();
    inspect.arg("inspect").arg(site.vault());
    run(inspect.arg("--against").arg(copy.vault()))
}

#[test]
fn seals_of_a_copy_that_are_gone_older_or_changed_are_told() {
    for shape in SHAPES {
        let site = Site::honest(shape);
        let copy = site.copy();
        let same = against(&site, &copy).expect_code(0);
        let _ = same.prints("IDENTICAL: ").prints("Seals: IDENTICAL, ");
        let seals = fs::read(copy.seals()).unwrap();
        fs::write(copy.seals(), &seals[..seals.len() / 2]).unwrap();
        let older = against(&site, &copy).expect_code(0);
        let _ = older.prints("VAULT.seals has ").prints("set back");
        // The copy's vault is older, and its seals are not: those beside the vault were cut off.
        let vault = copy.files().last().unwrap().clone();
        let records = fs::read(&vault).unwrap();
        fs::write(&vault, &records[..records.len() / 2]).unwrap();
        let _ = against(&site, &copy).expect_code(0);
        let _ = against(&copy, &site).expect_code(0);
        fs::write(copy.seals(), [seals.as_slice(), b"more\n"].concat()).unwrap();
        for (one, other) in [(&site, &copy), (&copy, &site)] {
            let _ = against(one, other)
                .expect_code(1)
                .prints("THE SHORTER SEALS stand beside the LONGER VAULT");
        }
        fs::write(&vault, records).unwrap();
        let mut changed = seals.clone();
        changed[700] ^= 1;
        fs::write(copy.seals(), changed).unwrap();
        let differ = against(&site, &copy).expect_code(1);
        let _ = differ.prints("THE SEALS DIFFER from byte 700 on");
        fs::remove_file(copy.seals()).unwrap();
        let missing = against(&site, &copy).expect_code(1);
        let _ = missing.prints("SEALS MISSING: there is no ");
        let _ = against(&copy, &site).expect_code(1);
    }
}
