//! Seals, or a vault, that are not there any more: every run says so, and what can still be done goes on.

use std::fs;

use custody_tests::today;

use crate::site::Site;

#[test]
fn lost_seals_are_told_by_every_run_and_by_status_until_the_next_day_has_its_final() {
    let site = Site::installed(3);
    site.archive("first");
    let _ = site.seal(&[]).expect_code(0);
    let seals = fs::read(site.seals()).unwrap();
    fs::remove_file(site.seals()).unwrap();
    let (from, until) = (today().plus(-3).unwrap(), today().plus(-1).unwrap());
    let words = format!(
        "the final seals of {from} to {until} are not in the seals beside the vault, and no key can make them again"
    );
    for mail in ["second", "third"] {
        let ran = site.seal(&[]).expect_code(2).says(&words);
        assert!(ran.stderr.contains("mailed or printed"), "{}", ran.stderr);
        assert!(
            ran.stdout
                .contains("no final seal stands beside the vault yet")
        );
        site.archive(mail);
        let told = "final seals are gone; put the file with the seals back";
        let _ = site.status().expect_code(2).prints(told);
    }
    let ran = site.seal(&["--print-finals", "7"]).expect_code(2);
    assert_eq!(ran.stdout, "");
    let _ = ran
        .says(&words)
        .says("no final seal stands beside the vault, so that there is none to print");
    let later = fs::read(site.seals()).unwrap();
    fs::write(site.seals(), [seals, later].concat()).unwrap();
    assert_eq!(site.seal(&[]).expect_code(0).stderr, "");
    let _ = site.status().expect_code(0);
}

#[test]
fn on_the_first_day_there_is_no_final_to_print_and_that_is_said() {
    let site = Site::installed(0);
    site.archive("mail");
    let ran = site.seal(&["--print-finals", "1"]).expect_code(2);
    assert_eq!(ran.stdout, "");
    let _ = ran.says("there is none to print");
}

#[test]
fn of_a_vault_that_was_begun_anew_it_is_said_that_it_has_none_of_the_records() {
    let site = Site::installed(1);
    for mail in ["first", "second", "third"] {
        site.archive(mail);
    }
    fs::rename(site.ceremony.vault(), site.ceremony.path("VAULT-old")).unwrap();
    fs::write(site.ceremony.vault(), "").unwrap();
    let words = "this server remembers 3 records of its log, and the vault has none of them: ";
    let _ = site.status().expect_code(2).prints(words);
    let _ = site.archive("fourth").says(words);
}
