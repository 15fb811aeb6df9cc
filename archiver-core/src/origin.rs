//! The origin proof: that whoever wrote a record made its ephemeral key himself (docs/format.md §7.4).

use data_encoding::BASE64;

use crate::vault::leaf::one_text_form;

/// A proof as it stands in a record's header, well-formed or not.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct OriginProof(pub [u8; 80]);

one_text_form!(OriginProof, BASE64, "padded base64");
