//! A PDF that is as secret as the share printed on it.

use std::fmt;

use zeroize::Zeroizing;

/// The bytes of a secret page. Wiped when dropped; cannot be copied, compared or shown.
pub struct SecretPdf(Zeroizing<Vec<u8>>);

impl SecretPdf {
    pub(crate) fn new(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }

    /// The PDF, for the printer or for a file that only its owner can read.
    #[must_use]
    pub fn expose_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SecretPdf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretPdf(<redacted>)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Does not compile once `SecretPdf` is `Clone`: the method would then be ambiguous.
    const _: fn() = || {
        trait Ambiguous<Marker> {
            fn of() {}
        }
        impl<T: ?Sized> Ambiguous<()> for T {}
        struct Cloned;
        impl<T: Clone> Ambiguous<Cloned> for T {}
        <SecretPdf as Ambiguous<_>>::of();
    };

    #[test]
    fn debug_shows_nothing() {
        let pdf = SecretPdf::new(Zeroizing::new(b"ARCHIVER-SHARE-1:SECRET".to_vec()));
        assert_eq!(format!("{pdf:?}"), "SecretPdf(<redacted>)");
    }
}
