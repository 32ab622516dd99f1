//! Frame validation: any bytes are frames that stay within their bounds or a violation.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wherefore::wire::{
    ClientTag, HEADER, bind_names, check_tiny, client_header, close_or_describe, error_fields, execute, first_packet,
    option_settings, parse, query, server_header, split_options,
};

fuzz_target!(|bytes: &[u8]| {
    let _ = first_packet(bytes);
    let _ = server_header(bytes);
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = option_settings(text);
        let _ = split_options(text);
    }
    let _ = error_fields(bytes);
    let mut rest = bytes;
    while let Some(Ok((tag, header))) = client_header(rest) {
        let Some(body) = rest.get(HEADER..HEADER + header.body) else {
            let _ = bind_names(&rest[HEADER..], header.body);
            return;
        };
        match tag {
            ClientTag::Query => drop(query(body).map(|text| assert!(!text.contains(&0)))),
            ClientTag::Parse => drop(parse(body)),
            ClientTag::Bind => assert!(bind_names(body, body.len()).is_some()),
            ClientTag::Describe | ClientTag::Close => drop(close_or_describe(header.tag, body)),
            ClientTag::Execute => drop(execute(body)),
            _ => drop(check_tiny(header.tag, body)),
        }
        rest = &rest[HEADER + header.body..];
    }
});
