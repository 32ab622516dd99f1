//! The policy loader: any text is an error report or a policy, and rendering the report never fails.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wherefore::policy::{Colour, Policy, SourceFile};

fuzz_target!(|text: &str| {
    if let Err(errors) = Policy::parse(&[SourceFile { path: "policy.toml".into(), text: text.into() }]) {
        let _ = errors.render(Colour::Plain);
    }
});
