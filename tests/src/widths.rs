//! Tests at every width of the data path.

/// Makes each function a test at 64 and one at 512 bits, in modules `at_64_bits` and `at_512_bits`; `$width` is a [`Width`](crate::Width).
#[macro_export]
macro_rules! at_both_widths {
    ($($(#[$attribute:meta])* fn $name:ident($width:ident) $body:block)+) => {
        mod at_64_bits {
            use super::*;
            $($(#[$attribute])*
            #[test]
            fn $name() {
                let $width = $crate::Width::Bits64;
                $body
            })+
        }

        mod at_512_bits {
            use super::*;
            $($(#[$attribute])*
            #[test]
            fn $name() {
                let $width = $crate::Width::Bits512;
                $body
            })+
        }
    };
}
