//! Packet headers (RFC 4880 §4.2, RFC 9580 §4.2), only as far as needed to find where a message's session-key packets end.
//!
//! Nothing here looks into a packet, and nothing is refused: a message that does not start with session-key packets
//! has none.

const TAG_PKESK: u8 = 1;
const TAG_SEIPD: u8 = 18;

/// Parts a binary message into the public-key encrypted session-key packets at its start, with their headers, and
/// everything after them. Both parts together are the message.
#[must_use]
pub fn split_message(message: &[u8]) -> (&[u8], &[u8]) {
    let mut end = 0;
    while let Some(length) = message.get(end..).and_then(session_key_packet_length) {
        end += length;
    }
    message.split_at(end)
}

/// Whether a message goes on, right behind its session-key packets, with the integrity-protected content; `rest` is where it goes on. In a message of
/// ours it does. What is put in between can hide further session-key packets from whoever looks at its start only.
#[must_use]
pub fn begins_with_content(rest: &[u8]) -> bool {
    rest.first().is_some_and(|ctb| match ctb & 0b1100_0000 {
        0b1100_0000 => ctb & 0b11_1111 == TAG_SEIPD,
        // The old format has no numbers above 15.
        _ => false,
    })
}

/// The whole length of the session-key packet at the start of `bytes`; `None` when another packet stands there, when it is
/// cut off, or when its length is not definite.
fn session_key_packet_length(bytes: &[u8]) -> Option<usize> {
    let packet = RawPacket::at_start(bytes)?;
    (packet.tag == TAG_PKESK).then_some(packet.bytes.len())
}

/// A packet of definite length, not looked into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RawPacket<'a> {
    pub(super) tag: u8,
    pub(super) body: &'a [u8],
    /// With its header.
    pub(super) bytes: &'a [u8],
}

impl<'a> RawPacket<'a> {
    /// The packets at the start of `bytes`, as far as they are whole and of definite length.
    pub(super) fn all_in(bytes: &'a [u8]) -> impl Iterator<Item = Self> {
        let mut rest = bytes;
        std::iter::from_fn(move || {
            let packet = Self::at_start(rest)?;
            (_, rest) = rest.split_at(packet.bytes.len());
            Some(packet)
        })
    }

    fn at_start(bytes: &'a [u8]) -> Option<Self> {
        let ctb = *bytes.first()?;
        let (tag, length_of_header, length_of_body) = match ctb & 0b1100_0000 {
            0b1100_0000 => {
                let (octets, body) = new_format_length(bytes.get(1..)?)?;
                (ctb & 0b11_1111, 1 + octets, body)
            }
            0b1000_0000 => {
                let octets = 1_usize << (ctb & 0b11);
                let body = old_format_length(bytes.get(1..)?, octets)?;
                ((ctb >> 2) & 0b1111, 1 + octets, body)
            }
            _ => return None,
        };
        let bytes = bytes.get(..length_of_header.checked_add(length_of_body)?)?;
        let (_, body) = bytes.split_at(length_of_header);
        Some(Self { tag, body, bytes })
    }
}

/// RFC 9580 §4.2.1: number of length octets, and the length. Partial lengths give `None`.
fn new_format_length(bytes: &[u8]) -> Option<(usize, usize)> {
    match *bytes {
        [short @ 0..=191, ..] => Some((1, usize::from(short))),
        [high @ 192..=223, low, ..] => {
            Some((2, ((usize::from(high) - 192) << 8) + usize::from(low) + 192))
        }
        [255, a, b, c, d, ..] => {
            let length = u32::from_be_bytes([a, b, c, d]);
            Some((5, usize::try_from(length).ok()?))
        }
        _ => None,
    }
}

/// RFC 9580 §4.2.2: 1, 2 or 4 octets. The indeterminate length (8 here) gives `None`.
fn old_format_length(bytes: &[u8], octets: usize) -> Option<usize> {
    if octets > 4 {
        return None;
    }
    let octets = bytes.get(..octets)?;
    Some(
        octets
            .iter()
            .fold(0, |length, byte| (length << 8) | usize::from(*byte)),
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn assert_split(message: &[u8], session_keys: usize) {
        assert_eq!(split_message(message), message.split_at(session_keys));
    }

    #[test]
    fn both_header_formats_and_all_lengths_are_understood() {
        let old_one_octet = [0x84, 2, 9, 9, 0xd2, 0];
        assert_split(&old_one_octet, 4);
        let old_two_octets = [0x85, 0, 1, 9, 0xd2];
        assert_split(&old_two_octets, 4);
        let new_one_octet = [0xc1, 1, 9, 0xd2];
        assert_split(&new_one_octet, 3);
        let new_five_octets = [0xc1, 255, 0, 0, 0, 1, 9];
        assert_split(&new_five_octets, 7);
        let mut new_two_octets = vec![0xc1, 192, 0];
        new_two_octets.extend([9; 192]);
        new_two_octets.push(0xd2);
        assert_split(&new_two_octets, 195);
    }

    #[test]
    fn several_session_key_packets_all_count() {
        assert_split(&[0xc1, 1, 9, 0x84, 1, 9, 0xd2, 1, 1], 6);
    }

    #[test]
    fn what_is_not_a_whole_session_key_packet_ends_them() {
        for message in [
            &[][..],
            &[0x41, 1, 9],
            &[0xc1],
            &[0xc1, 2, 9],
            &[0xc1, 224, 9],
            &[0x87, 9, 9, 9, 9, 9, 9, 9, 9],
            &[0x86, 255, 255, 255, 255],
            &[0xd2, 1, 9],
        ] {
            assert_split(message, 0);
        }
    }

    proptest! {
        #[test]
        fn no_input_loses_or_adds_a_byte(message in any::<Vec<u8>>()) {
            let (session_keys, rest) = split_message(&message);
            prop_assert_eq!([session_keys, rest].concat(), message);
        }
    }
}
