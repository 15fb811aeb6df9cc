//! A plan from answers: each is judged as it is given and asked for again with the reason, the whole is shown, and any item can be changed before it counts.

use std::fmt::Write as _;

use super::draft::{DraftCustodian, DraftServer};
use super::{Draft, PlanError, rules};
use crate::operator::{NoTerminal, Operator};

/// What would have answered all questions beforehand.
const FLAG: &str = "--plan FILE";

/// Items of the summary before the custodians.
const ITEMS: usize = 5;

impl Draft {
    /// Asks for all that a plan holds.
    ///
    /// # Errors
    /// When nobody answers.
    pub(crate) fn ask(operator: &mut dyn Operator) -> Result<Self, NoTerminal> {
        operator.reply("What the ceremony is to make, question by question. What cannot be used is asked for again; at the end everything can be changed.\n");
        let mut draft = Self {
            organisation: ask_organisation(operator)?,
            archive: ask_archive(operator)?,
            profile: "classic".to_owned(),
            threshold: 0,
            paper: ask_paper(operator)?,
            custodians: Vec::new(),
            servers: Vec::new(),
        };
        draft.ask_threshold(operator)?;
        draft.servers = ask_servers(operator)?;
        while draft.ask_change(operator)? {}
        Ok(draft)
    }

    /// Asks for n and k, and for the custodians that are missing then.
    fn ask_threshold(&mut self, operator: &mut dyn Operator) -> Result<(), NoTerminal> {
        let n = ask_until("How many custodians", operator, rules::custodians)?;
        let question = format!("How many of these {n} open the archive together");
        self.threshold = ask_until(&question, operator, |text| rules::threshold(text, n))?;
        self.custodians.truncate(n);
        for place in self.custodians.len()..n {
            self.custodians.push(DraftCustodian::default());
            self.ask_custodian(place, operator)?;
        }
        Ok(())
    }

    /// Asks for the custodian in a place, from 0.
    fn ask_custodian(
        &mut self,
        place: usize,
        operator: &mut dyn Operator,
    ) -> Result<(), NoTerminal> {
        let number = place + 1;
        operator.reply(&format!("Custodian {number}"));
        let name = ask_until("  Name", operator, |text| {
            let name = rules::name(number, text)?;
            self.check_distinct("name", place, text, |custodian| &custodian.name)?;
            Ok(name)
        })?;
        let role = ask_until("  Role", operator, |text| rules::role(number, text))?;
        let envelope = ask_until("  Envelope serial", operator, |text| {
            let envelope = rules::envelope(number, text)?;
            self.check_distinct("envelope", place, text, |custodian| &custodian.envelope)?;
            Ok(envelope)
        })?;
        if let Some(custodian) = self.custodians.get_mut(place) {
            *custodian = DraftCustodian {
                name,
                role,
                envelope,
            };
        }
        Ok(())
    }

    /// Whether `text` could stand in this place beside what the other custodians have.
    fn check_distinct(
        &self,
        field: &'static str,
        place: usize,
        text: &str,
        value_of: impl Fn(&DraftCustodian) -> &String,
    ) -> Result<(), PlanError> {
        let others = self.custodians.iter().enumerate();
        let values = others.map(|(other, custodian)| {
            if other == place {
                text
            } else {
                value_of(custodian).as_str()
            }
        });
        rules::distinct_of_custodians(field, values)
    }

    /// Shows the whole and lets one item be changed; false when all is right.
    fn ask_change(&mut self, operator: &mut dyn Operator) -> Result<bool, NoTerminal> {
        operator.reply(&self.summary());
        let answer = operator.ask(
            "Number of an item to change, or Enter when all is right",
            FLAG,
        )?;
        if answer.is_empty() {
            return Ok(false);
        }
        let last = ITEMS + self.custodians.len();
        match answer.parse() {
            Ok(1) => self.organisation = ask_organisation(operator)?,
            Ok(2) => self.archive = ask_archive(operator)?,
            Ok(3) => self.paper = ask_paper(operator)?,
            Ok(4) => self.ask_threshold(operator)?,
            Ok(ITEMS) => self.servers = ask_servers(operator)?,
            Ok(item) if item > ITEMS && item <= last => {
                self.ask_custodian(item - ITEMS - 1, operator)?;
            }
            _ => operator.reply(&format!(
                "  There is no item {answer:?}: give a number from 1 to {last}."
            )),
        }
        Ok(true)
    }

    fn server_names(&self) -> String {
        let names: Vec<&str> = self.servers.iter().map(|s| s.name.as_str()).collect();
        names.join(", ")
    }

    fn summary(&self) -> String {
        let mut text = format!(
            "\n  1  organisation  {}\n  2  archive       {}\n  3  paper         {}\n  4  threshold     any {} of {}\n  5  mail servers  {}\n",
            self.organisation,
            self.archive,
            self.paper,
            self.threshold,
            self.custodians.len(),
            self.server_names()
        );
        for (number, custodian) in (1..).zip(&self.custodians) {
            let _ = writeln!(
                text,
                "{:>3}  custodian {number:<4}{}, {}, envelope {}",
                ITEMS + number,
                custodian.name,
                custodian.role,
                custodian.envelope
            );
        }
        text
    }
}

fn ask_servers(operator: &mut dyn Operator) -> Result<Vec<DraftServer>, NoTerminal> {
    let question = "Mail servers that will archive, by name; Enter for one, named mail";
    ask_until(question, operator, rules::typed_servers)
}

fn ask_organisation(operator: &mut dyn Operator) -> Result<String, NoTerminal> {
    ask_until(
        "Organisation, as it shall stand on every sheet",
        operator,
        rules::organisation,
    )
}

fn ask_archive(operator: &mut dyn Operator) -> Result<String, NoTerminal> {
    let question = "Archive, as in Archiver <archiver@example.org>; never a person";
    ask_until(question, operator, rules::archive)
}

fn ask_paper(operator: &mut dyn Operator) -> Result<String, NoTerminal> {
    ask_until("Paper, a4 or letter", operator, |text| {
        let name = text.to_lowercase();
        rules::paper(&name).map(|_| name)
    })
}

/// Asks until the answer passes its rule; says each time why it does not.
fn ask_until<T>(
    question: &str,
    operator: &mut dyn Operator,
    rule: impl Fn(&str) -> Result<T, PlanError>,
) -> Result<T, NoTerminal> {
    loop {
        match rule(&operator.ask(question, FLAG)?) {
            Ok(value) => return Ok(value),
            Err(error) => operator.reply(&format!("  {error}")),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::operator::scripted::Scripted;
    use crate::plan::Plan;

    const ANSWERS: [&str; 12] = [
        "Example AG",
        "Archiver <archiver@example.org>",
        "A4",
        "2",
        "2",
        "Åsa Öberg",
        "CFO",
        "A-1",
        "Bo Berg",
        "Works Council",
        "A-2",
        "",
    ];

    fn asked(answers: &[&str]) -> (Draft, Scripted) {
        let mut operator = Scripted::answering(answers);
        let draft = Draft::ask(&mut operator).unwrap();
        (draft, operator)
    }

    #[test]
    fn answers_and_a_file_that_say_the_same_give_the_same_plan() {
        let (draft, _) = asked(&[ANSWERS.as_slice(), &[""]].concat());
        let toml = draft.to_toml().unwrap();
        assert_eq!(Draft::from_toml(&toml).unwrap(), draft);
        let plan = Plan::parse(&toml).unwrap();
        assert_eq!(plan.threshold.to_string(), "2 of 2");
        assert_eq!(plan.custodians[0].name, "Åsa Öberg");
        assert_eq!(plan.servers[0].name.to_string(), "mail");
        assert_eq!(format!("{:?}", draft.check().unwrap()), format!("{plan:?}"));
    }

    #[test]
    fn an_answer_that_cannot_be_used_is_asked_again_with_the_reason() {
        let wrong = [
            (0, "", "organisation is empty"),
            (1, "Archiver", "is not of the form"),
            (2, "a5", "the paper \"a5\" is not known"),
            (3, "two", "\"two\" is not a whole number"),
            (3, "1", "a threshold of 2 needs at least 2 custodians"),
            (3, "256", "256 shares are too many"),
            (4, "1", "each sheet alone would open the archive"),
            (
                4,
                "3",
                "a threshold of 3 needs at least 3 custodians, but there are 2",
            ),
            (8, "åsa öberg", "custodians 1 and 2 have the same name"),
            (8, "Бо", "the name of custodian 2 holds the character 'Б'"),
            (10, "a-1", "custodians 1 and 2 have the same envelope"),
            (11, "mx/1", "\"mx/1\" is no server name"),
            (11, "mx1, MX1", "servers 1 and 2 have the same name"),
        ];
        for (place, answer, reason) in wrong {
            let mut answers = ANSWERS.to_vec();
            answers.insert(place, answer);
            answers.push("");
            let (draft, operator) = asked(&answers);
            assert!(operator.showed(reason), "{answer:?}");
            assert!(draft.check().is_ok());
        }
    }

    #[test]
    fn every_item_can_be_changed_by_its_number_before_all_is_right() {
        let changes = [
            "1",
            "Other AG",
            "2",
            "Mail <mail@example.org>",
            "3",
            "letter",
            "5",
            "mx1, mx2",
            "6",
            "Anna",
            "CEO",
            "A-1",
            "9",
            "x",
            "",
        ];
        let (draft, operator) = asked(&[ANSWERS.as_slice(), &changes].concat());
        assert!(operator.showed("There is no item \"9\": give a number from 1 to 7."));
        assert!(operator.showed("There is no item \"x\""));
        assert_eq!(draft.organisation, "Other AG");
        assert_eq!(draft.archive, "Mail <mail@example.org>");
        assert_eq!(draft.paper, "letter");
        assert_eq!(draft.servers, ["mx1", "mx2"].map(DraftServer::named));
        assert_eq!(draft.custodians[0].name, "Anna");
    }

    #[test]
    fn another_number_of_custodians_asks_for_the_new_ones_and_drops_the_last() {
        let more = ["4", "3", "2", "Chen", "Counsel", "A-3", ""];
        let (draft, _) = asked(&[ANSWERS.as_slice(), &more].concat());
        assert_eq!(draft.custodians.len(), 3);
        let back = ["4", "3", "2", "Chen", "Counsel", "A-3", "4", "2", "2", ""];
        let (draft, _) = asked(&[ANSWERS.as_slice(), &back].concat());
        assert_eq!((draft.threshold, draft.custodians.len()), (2, 2));
    }

    #[test]
    fn when_nobody_answers_the_error_names_the_plan() {
        let error = Draft::ask(&mut Scripted::answering(&ANSWERS[..3])).unwrap_err();
        assert_eq!(error.flag, "--plan FILE");
    }
}
