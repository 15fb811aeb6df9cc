//! Plain data for sample pages: an ordinary ceremony, and one with the longest texts that must fit.

use paper_templates::{
    CeremonyRecord, CeremonyStep, EnvelopeLabels, RecordedCustodian, RecordedFile, RecordedServer,
    RecoveryPage, RevocationSheet, ShareSheet, Verdict,
};

pub(crate) const SHARE: ShareSheet<'static> = ShareSheet {
    organisation: "Example Foundation for Public Records",
    archive: "Archiver <archiver@example.org>",
    share_index: 2,
    shares: 5,
    threshold: 3,
    fingerprint: "9D4B1A7C02E85F3361B7C0AA54D21F98E3706C5B",
    set_id: "7K2Q-ABCD-EFGH-IJKL-MNOP",
    ceremony_date: "2026-11-24",
    custodian: "Katharina Lindqvist",
    role: "Head of internal audit",
    envelope: "KV-0042-17",
    program: "custodian 0.1.0",
    format: "share frame version 1",
    qr_text: "ARCHIVER-SHARE-1:AEAQCAADAIAAABYIBEFAWDANBYHRAEISCNOKL3RXQDERE\
              W5E5U3H7SARLKR6YNL6Y4IFTIXLGR64MD2YUHVBFGX6AE",
    words: &[
        "acrobat again academic leaf equation",
        "academic advance grumpy problem firm",
        "detect warn sweater voting deploy",
        "organize employer slush warn plan",
        "again practice talent sprinkle yield",
        "location rebound explain rapids kernel",
        "unknown cubic agency photo laden",
        "smirk window rhythm flame inherit",
        "ladybug stilt triumph airline negative",
        "oral width worthy testify axis",
        "aluminum quantity terminal agency penalty",
    ],
    rehearsal: false,
};

pub(crate) const LONG_SHARE: ShareSheet<'static> = ShareSheet {
    organisation: "Kommunalwissenschaftliches Institut für Archivwesen und Überlieferungsbildung e.V.",
    archive: "Archiver of the Supervisory Board <archiver-of-the-board@records.example.org>",
    share_index: 128,
    shares: 255,
    threshold: 200,
    custodian: "Dr. Maximiliane-Alexandra Freifrau von und zu Hohenlohe-Lang",
    role: "Deputy Chairwoman of the Supervisory Board, Legal and Compliance",
    envelope: "SECURITY-BAG-2026-000000000042-17",
    rehearsal: true,
    ..SHARE
};

pub(crate) const REVOCATION: RevocationSheet<'static> = RevocationSheet {
    organisation: SHARE.organisation,
    archive: SHARE.archive,
    fingerprint: SHARE.fingerprint,
    ceremony_date: SHARE.ceremony_date,
    program: SHARE.program,
    certificate: "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\
                  Comment: Revocation certificate for 9D4B1A7C02E85F33\n\
                  \n\
                  BWC7FnHMJ4LdOJPuSaT/WrUQa8YhfNcyjehDnvlUrwplwBt20SyH4j2Y806pBF+6\n\
                  FXDLJoHcN5LtSKP+WbQPasUge9YxjOdCnfhTrglkvxp10CuG4TyX8k2oA165FG/K\n\
                  JYDbNpHsR6L9WLMOacQfetUwi+ZBnPdSrQhjvhl0zyqF4DuW8UynAl24E27JJH/a\n\
                  NZDrRqH8V7INaMMeedQviuVAm/ZRrAdivRhzzimE3zqV8EumAVy3Em3II37ZNI/q\n\
                  RaD7VrEMZ8IdeNMuiQ==\n\
                  =aB3d\n\
                  -----END PGP PUBLIC KEY BLOCK-----\n",
    rehearsal: false,
};

pub(crate) const RECOVERY: RecoveryPage<'static> = RecoveryPage {
    organisation: SHARE.organisation,
    archive: SHARE.archive,
    threshold: SHARE.threshold,
    shares: SHARE.shares,
    fingerprint: SHARE.fingerprint,
    set_id: SHARE.set_id,
    ceremony_date: SHARE.ceremony_date,
    program: SHARE.program,
    rehearsal: false,
};

/// Too long for one code.
pub(crate) fn long_certificate() -> String {
    let line = "xjMEZ0aVthYJKwYBBAHaRw8BAQdAbm90IGEgcmVhbCBjZXJ0aWZpY2F0ZSBhdCBh\n".repeat(12);
    format!(
        "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n{line}=aB3d\n-----END PGP PUBLIC KEY BLOCK-----\n"
    )
}

const DIGEST: &str = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae";

pub(crate) fn manifest(commitments: usize) -> String {
    let list = vec![format!("\"{DIGEST}\""); commitments].join(", ");
    format!(
        "{{ \"format\": \"archiver custody manifest\", \"version\": 1, \"organisation\": \"Stiftung Öffentlichkeit\", \"commitments\": [{list}] }}"
    )
}

pub(crate) fn record(manifest: &str) -> CeremonyRecord<'_> {
    CeremonyRecord {
        organisation: SHARE.organisation,
        archive: SHARE.archive,
        started: "2026-11-24T09:02:11Z",
        ended: "2026-11-24T09:47:30Z",
        program: SHARE.program,
        commit: "6b7a8ed1f0c3d9e2a4b5c6d7e8f90123456789ab",
        binary_sha256: DIGEST,
        profile: "classic",
        threshold: 3,
        shares: 5,
        primary_fingerprint: SHARE.fingerprint,
        subkey_fingerprint: "51E07AB2C9D8F3416620B19E44C7DD0385AF2E6B",
        set_id: SHARE.set_id,
        commitments: &[DIGEST, DIGEST, DIGEST],
        custodians: &CUSTODIANS,
        servers: &SERVERS,
        steps: &STEPS,
        exceptions: &[
            "The network was up: interface enp3s0 had the address 192.0.2.17 when the ceremony began.",
            "Swap was on (/dev/sda3, 2 GiB).",
            "The sheets were not read back: --yes was given.",
        ],
        manifest: manifest.as_bytes(),
        files: &FILES,
        rehearsal: false,
    }
}

const CUSTODIANS: [RecordedCustodian<'static>; 5] = [
    custodian(
        1,
        "Katharina Lindqvist",
        "Head of internal audit",
        "KV-0042-16",
    ),
    custodian(2, LONG_SHARE.custodian, LONG_SHARE.role, "KV-0042-17"),
    custodian(3, "Łukasz Żółciński", "Outside counsel", "KV-0042-18"),
    custodian(4, "Amélie Durand", "Data protection officer", "KV-0042-19"),
    custodian(5, "Þorbjörg Ægisdóttir", "Works council", "KV-0042-20"),
];

const fn custodian(
    share_index: u8,
    name: &'static str,
    role: &'static str,
    envelope: &'static str,
) -> RecordedCustodian<'static> {
    RecordedCustodian {
        share_index,
        name,
        role,
        envelope,
    }
}

const SERVERS: [RecordedServer<'static>; 2] = [
    RecordedServer {
        name: "mx1.example.org",
        log: "5f0c1d2e3b4a59687786a5b4c3d2e1f0",
        days: "2026-11-24 to 2036-11-23",
    },
    RecordedServer {
        name: "a-name-of-sixty-three-characters-which-is-as-long-as-it-may-be0",
        log: "00112233445566778899aabbccddeeff",
        days: "2026-11-24 to 2126-11-24",
    },
];

const STEPS: [CeremonyStep<'static>; 7] = [
    step(
        "Check that no network interface is up",
        "none up",
        "enp3s0 up",
        Verdict::NotMet,
    ),
    step(
        "Check that swap is off",
        "off",
        "on: /dev/sda3",
        Verdict::NotMet,
    ),
    step(
        "Make the archive key",
        "version 4, Ed25519 primary, X25519 subkey",
        "version 4, Ed25519 primary, X25519 subkey",
        Verdict::Met,
    ),
    step(
        "Share the subkey’s secret",
        "5 shares, 3 commitments",
        "5 shares, 3 commitments",
        Verdict::Met,
    ),
    step(
        "Rebuild the key from every 3 of 5 shares",
        "10 of 10 give the subkey’s fingerprint",
        "10 of 10 gave it",
        Verdict::Met,
    ),
    step(
        "Try every 2 of 5 shares",
        "0 of 10 give the key",
        "0 of 10 gave it",
        Verdict::Met,
    ),
    step(
        "Read the sheets back from paper",
        "5 sheets read",
        "–",
        Verdict::NotChecked,
    ),
];

const fn step(
    action: &'static str,
    expected: &'static str,
    observed: &'static str,
    verdict: Verdict,
) -> CeremonyStep<'static> {
    CeremonyStep {
        action,
        expected,
        observed,
        verdict,
    }
}

const FILES: [RecordedFile<'static>; 4] = [
    RecordedFile {
        path: "public/archive.cert.asc",
        sha256: DIGEST,
    },
    RecordedFile {
        path: "public/archive.sealed.asc",
        sha256: DIGEST,
    },
    RecordedFile {
        path: "public/custody.json",
        sha256: DIGEST,
    },
    RecordedFile {
        path: "public/custody.json.asc",
        sha256: DIGEST,
    },
];

/// Nine custodians, some with texts as long as they may be.
pub(crate) const LABELS: EnvelopeLabels<'static> = EnvelopeLabels {
    organisation: LONG_SHARE.organisation,
    shares: 255,
    set_id: SHARE.set_id,
    ceremony_date: SHARE.ceremony_date,
    custodians: &[
        custodian(1, SHARE.custodian, SHARE.role, SHARE.envelope),
        custodian(
            2,
            LONG_SHARE.custodian,
            LONG_SHARE.role,
            LONG_SHARE.envelope,
        ),
        custodian(3, SHARE.custodian, SHARE.role, "A-3"),
        custodian(4, SHARE.custodian, SHARE.role, "A-4"),
        custodian(5, SHARE.custodian, SHARE.role, "A-5"),
        custodian(6, SHARE.custodian, SHARE.role, "A-6"),
        custodian(7, SHARE.custodian, SHARE.role, "A-7"),
        custodian(8, SHARE.custodian, SHARE.role, "A-8"),
        custodian(255, SHARE.custodian, SHARE.role, "A-9"),
    ],
    rehearsal: false,
};
