//! Protocol 3.2 and what may follow it: versions and options are the server's to negotiate, keys as long as it makes them.

use crate::raw::query;
use crate::talk::{Step, Talk, startup, whole};
use crate::{OWNER, TRAINING, cancel, major, wait_for, world};

const OPTIONS: [&[(&str, &str)]; 4] =
    [&[], &[("_pq_.extra", "1")], &[("_pq_.one", "1"), ("_pq_.two", "")], &[("_pq_.", "x")]];

#[test]
fn versions_and_options_are_negotiated_as_by_the_server() {
    for minor in [0, 1, 2, 3, 9999] {
        for options in OPTIONS {
            for parameters in [OWNER, TRAINING] {
                let start = startup(0x0003_0000 + minor, &[parameters, options].concat());
                let steps = [Step::until(b'Z', start), whole(&[query("SELECT id FROM people WHERE id = 1")])];
                let [direct, proxied] = world().ways().map(|(_, port)| Talk::open(port).play(&steps));
                direct.assert_same(&proxied, &format!("3.{minor} {options:?}"));
                let negotiates = direct.frames.iter().any(|frame| frame.tag == b'v');
                let newest = if major() >= 18 { 2 } else { 0 };
                assert_eq!(negotiates, minor > newest || !options.is_empty(), "3.{minor} {options:?}");
            }
        }
    }
}

/// Server 18 gives out keys of 32 bytes to whoever speaks 3.2.
#[test]
fn a_key_of_any_length_cancels_its_session() {
    let port = world().proxy.address.port();
    for minor in [0, 2] {
        let mut talk = Talk::open(port);
        let greeting = talk.play(&[Step::until(b'Z', startup(0x0003_0000 + minor, OWNER))]);
        let key = greeting.frames.iter().find(|frame| frame.tag == b'K').expect("a key").body.clone();
        assert_eq!(key.len(), if major() >= 18 && minor == 2 { 36 } else { 8 });
        let label = format!("'3.{minor}'");
        talk.send(&query(&format!("SELECT pg_sleep(2), {label}")));
        let busy = format!("query LIKE '%{}%' AND state = 'active'", label.replace('\'', "''"));
        wait_for(&busy, 1);
        let mut wrong = vec![key[..key.len() - 1].to_vec(), [&key[..], &[0]].concat()];
        wrong.extend((4..key.len()).map(|at| {
            let mut one = key.clone();
            one[at] ^= 1;
            one
        }));
        for key in &wrong {
            cancel(port, key);
        }
        assert_eq!(crate::sessions(&world().cluster, &busy), 1, "a wrong key cancels nothing");
        cancel(port, &key);
        assert_eq!(talk.play(&[Step { bytes: Vec::new(), tag: b'Z', count: 1 }]).words(), "T E57014 ZI");
    }
}
