//! Secrets in memory: fixed-size buffers and text that are wiped when dropped.
//!
//! A secret is boxed, so that moving the wrapper does not leave copies behind, filled in place, and read only through a
//! method whose name says `expose`. It has no `Clone`, `Copy`, `PartialEq`, `Display` or `Serialize`, and its `Debug` prints
//! `<redacted>`; a compile-time test at the end of this file says so.

use std::fmt;

use rand::TryRng as _;
use rand::rngs::SysRng;
use thiserror::Error;
use zeroize::{Zeroize as _, Zeroizing};

/// `N` secret bytes, wiped on drop.
pub struct SecretBytes<const N: usize>(Box<[u8; N]>);

impl<const N: usize> SecretBytes<N> {
    /// Makes a buffer of zeros and lets `fill` write the secret straight into it.
    pub fn filled_by(fill: impl FnOnce(&mut [u8; N])) -> Self {
        let mut secret = Self(Box::new([0; N]));
        fill(&mut secret.0);
        secret
    }

    /// Draws `N` bytes from the operating system's generator.
    ///
    /// # Errors
    /// When the operating system gives no randomness.
    pub fn random() -> Result<Self, NoRandomness> {
        let mut secret = Self(Box::new([0; N]));
        SysRng
            .try_fill_bytes(secret.0.as_mut_slice())
            .map_err(|_| NoRandomness)?;
        Ok(secret)
    }

    /// The secret itself. The caller must not copy it into a buffer that is not wiped.
    #[must_use]
    pub fn expose_bytes(&self) -> &[u8; N] {
        &self.0
    }
}

impl<const N: usize> Drop for SecretBytes<N> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<const N: usize> fmt::Debug for SecretBytes<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretBytes(<redacted>)")
    }
}

/// Secret text: a share's QR text, a passphrase, an unlocked key in armor. Wiped on drop.
pub struct SecretText(Zeroizing<String>);

impl SecretText {
    /// Takes over a string that will be wiped with this value.
    ///
    /// The string must have been built without growing (a reallocation leaves a copy behind): see [`String::with_capacity`].
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The secret itself. The caller must not copy it into a buffer that is not wiped.
    #[must_use]
    pub fn expose_text(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(<redacted>)")
    }
}

/// The operating system gave no randomness; nothing secret can be made.
#[derive(Debug, Error)]
#[error("the operating system's random generator failed")]
pub struct NoRandomness;

/// Fills public bytes (a salt, a log id) from the operating system's generator.
///
/// # Errors
/// When the operating system gives no randomness.
pub fn random_bytes<const N: usize>() -> Result<[u8; N], NoRandomness> {
    let mut bytes = [0; N];
    SysRng
        .try_fill_bytes(&mut bytes)
        .map_err(|_| NoRandomness)?;
    Ok(bytes)
}

/// Fails to compile when `$type` implements `$trait`: both impls of the helper trait would then apply.
#[cfg(test)]
macro_rules! assert_not_impl {
    ($type:ty: $($trait:path),+) => { $(
        const _: fn() = || {
            trait Ambiguous<A> { fn some() {} }
            impl<T: ?Sized> Ambiguous<()> for T {}
            #[allow(dead_code)]
            struct Marker;
            impl<T: ?Sized + $trait> Ambiguous<Marker> for T {}
            let _ = <$type as Ambiguous<_>>::some;
        };
    )+ };
}
#[cfg(test)]
pub(crate) use assert_not_impl;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    assert_not_impl!(SecretBytes<32>: Clone, PartialEq, fmt::Display, serde::Serialize);
    assert_not_impl!(SecretText: Clone, PartialEq, fmt::Display, serde::Serialize);

    #[test]
    fn debug_output_never_shows_the_secret() {
        let bytes = SecretBytes::<4>::filled_by(|b| b.copy_from_slice(&[0xde, 0xad, 0xbe, 0xef]));
        let text = SecretText::new("hunter2".to_owned());
        let shown = format!("{bytes:?} {text:?}");
        assert_eq!(shown, "SecretBytes(<redacted>) SecretText(<redacted>)");
    }

    #[test]
    fn random_secrets_differ() {
        let (a, b) = (
            SecretBytes::<32>::random().unwrap(),
            SecretBytes::<32>::random().unwrap(),
        );
        assert_ne!(a.expose_bytes(), b.expose_bytes());
        assert_ne!(random_bytes::<16>().unwrap(), random_bytes::<16>().unwrap());
    }
}
