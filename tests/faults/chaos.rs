//! A bad network, between the client and the proxy and between the proxy and the server: pieces of any size, delays, resets,
//! half-closed and stalled connections. What is heard is the same as in fair weather, or its beginning.

use crate::raw::{Frame, query};
use crate::relay_support::Proxy;
use crate::scripts::{everything, judged, short};
use crate::soak::soak;
use crate::talk::{End, Heard, Step, Talk, startup, whole};
use crate::{LOGIN_TIME, OWNER, POLICY, TRAINING, cancel, wait_for, world};
use socket2::SockRef;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

/// What happens to one direction of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weather {
    Clear,
    /// Each byte on its own.
    Drops,
    /// In two pieces, the first one so long.
    Split(usize),
    /// Gathered until nothing more comes, then all at once, late.
    Gathered,
    /// Nothing passes behind this byte: the connection is reset, both ways.
    Reset(usize),
    /// The same, but this direction is closed in good form and the other goes on.
    Shut(usize),
    /// The same, and nothing is told.
    Stalled(usize),
}

/// The weather towards the server, and from it.
type Forecast = (Weather, Weather);

/// A network between whoever connects to it and a port. The weather is for connections of the tests' own users: the proxy's
/// reading of the catalog is left alone.
pub struct Network {
    pub port: u16,
    forecast: Arc<Mutex<Forecast>>,
}

impl Network {
    pub fn to(target: u16) -> Network {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let forecast = Arc::new(Mutex::new((Weather::Clear, Weather::Clear)));
        let shared = Arc::clone(&forecast);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let (Ok(client), forecast) = (client, *shared.lock().expect("the forecast")) else { continue };
                std::thread::spawn(move || carry(client, target, forecast));
            }
        });
        Network { port, forecast }
    }

    pub fn change(&self, up: Weather, down: Weather) {
        *self.forecast.lock().expect("the forecast") = (up, down);
    }
}

/// Carries one connection until both directions are done.
fn carry(client: TcpStream, target: u16, forecast: Forecast) -> Option<()> {
    let server = TcpStream::connect((Ipv4Addr::LOCALHOST, target)).ok()?;
    let mut first = [0; 4096];
    // A look at who it is.
    let length = client.peek(&mut first).ok()?;
    let is_catalog = first[..length].windows(14).any(|part| part == b"user\0postgres\0");
    let (up, down) = if is_catalog { (Weather::Clear, Weather::Clear) } else { forecast };
    for stream in [&client, &server] {
        stream.set_nodelay(true).ok()?;
    }
    let (client, server) = (Arc::new(client), Arc::new(server));
    std::thread::scope(|scope| {
        scope.spawn(|| pump(&client, &server, up));
        pump(&server, &client, down);
    });
    Some(())
}

fn pump(from: &TcpStream, to: &TcpStream, weather: Weather) -> Option<()> {
    let (mut from_reader, mut to_writer) = (from, to);
    let mut passed = 0;
    let mut piece = vec![0; 64 << 10];
    while let Ok(mut count @ 1..) = from_reader.read(&mut piece) {
        if weather == Weather::Gathered {
            from.set_read_timeout(Some(Duration::from_millis(3))).ok()?;
            while let Ok(more @ 1..) = from_reader.read(&mut piece[count..]) {
                count += more;
            }
            from.set_read_timeout(None).ok()?;
        }
        let bytes = &piece[..count];
        match weather {
            Weather::Clear | Weather::Gathered => to_writer.write_all(bytes).ok()?,
            Weather::Drops => bytes.iter().try_for_each(|byte| to_writer.write_all(&[*byte])).ok()?,
            Weather::Split(at) if (passed..passed + count).contains(&at) => {
                to_writer.write_all(&bytes[..at - passed]).ok()?;
                // Long enough for the other side to read the first piece alone.
                std::thread::sleep(Duration::from_millis(1));
                to_writer.write_all(&bytes[at - passed..]).ok()?;
            }
            Weather::Split(_) => to_writer.write_all(bytes).ok()?,
            Weather::Reset(at) | Weather::Shut(at) | Weather::Stalled(at) if passed + count >= at => {
                to_writer.write_all(&bytes[..at - passed]).ok()?;
                match weather {
                    Weather::Reset(_) => reset(&[from, to]),
                    Weather::Shut(_) => to.shutdown(Shutdown::Write).ok()?,
                    // Until one of the two gives up.
                    _stalled => while matches!(from_reader.read(&mut piece), Ok(1..)) {},
                }
                if matches!(weather, Weather::Stalled(_)) {
                    reset(&[from, to]);
                }
                return None;
            }
            Weather::Reset(_) | Weather::Shut(_) | Weather::Stalled(_) => to_writer.write_all(bytes).ok()?,
        }
        passed += count;
    }
    to.shutdown(Shutdown::Write).ok()
}

/// Both ends get a reset once nobody holds the sockets: the other direction's reader is woken.
fn reset(streams: &[&TcpStream]) {
    for stream in streams {
        let _ = SockRef::from(*stream).set_linger(Some(Duration::ZERO));
        let _ = stream.shutdown(Shutdown::Both);
    }
}

/// A proxy whose clients and whose server are at the other end of a bad network.
struct Bad {
    proxy: Proxy,
    to_server: Network,
    to_proxy: Network,
}

fn bad() -> &'static Bad {
    static BAD: OnceLock<Bad> = OnceLock::new();
    BAD.get_or_init(|| {
        let to_server = Network::to(world().cluster.port);
        let proxy = Proxy::behind(to_server.port, POLICY, "", &format!("[limits]\n{LOGIN_TIME}"));
        let to_proxy = Network::to(proxy.address.port());
        // The catalog is read in fair weather.
        assert_eq!(Talk::whole(to_proxy.port, TRAINING, &[]).end, End::Done);
        Bad { proxy, to_server, to_proxy }
    })
}

impl Bad {
    fn clear(&self) {
        self.to_server.change(Weather::Clear, Weather::Clear);
        self.to_proxy.change(Weather::Clear, Weather::Clear);
    }
}

/// What the tests of this file say, and as whom.
#[allow(clippy::type_complexity, reason = "a table")]
const SAID: [(&str, &[(&str, &str)], fn() -> Vec<Step>); 2] =
    [("everything", OWNER, everything), ("judged", TRAINING, judged)];

/// The weather is the process's own: one test at a time.
fn alone() -> std::sync::MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[test]
fn sessions_are_the_same_in_any_weather() {
    let _alone = alone();
    let bad = bad();
    bad.clear();
    let port = bad.to_proxy.port;
    for (name, parameters, steps) in SAID {
        let fair = Talk::whole(port, parameters, &steps());
        assert_eq!(fair.end, End::Done, "{name}: {:#?}", fair.lines());
        for weather in [Weather::Drops, Weather::Gathered] {
            for leg in [&bad.to_proxy, &bad.to_server] {
                bad.clear();
                leg.change(weather, weather);
                Talk::whole(port, parameters, &steps()).assert_same(&fair, &format!("{name} {weather:?}"));
            }
        }
        bad.clear();
    }
    // What the owner says is answered as by the server itself, in drops too.
    bad.to_proxy.change(Weather::Drops, Weather::Drops);
    let direct = Talk::whole(world().cluster.port, OWNER, &everything());
    let proxied = Talk::whole(port, OWNER, &everything());
    bad.clear();
    direct.assert_same(&proxied, "direct");
}

/// How much the short conversation sends and hears.
fn lengths(parameters: &[(&str, &str)]) -> (usize, usize) {
    let heard = Talk::whole(bad().to_proxy.port, parameters, &short());
    let sent = startup(0x0003_0000, parameters).len() + short().iter().map(|step| step.bytes.len()).sum::<usize>();
    (sent, heard.frames.iter().map(|frame| frame.body.len() + 5).sum())
}

/// Plays the short conversation once for each, on a few threads. Each has a network of its own.
fn each(cases: &[(usize, bool)], play: impl Fn(&Networks, usize, bool) + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let networks = Networks::new();
                while let Some((offset, up)) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    play(&networks, *offset, *up);
                }
            });
        }
    });
}

/// A way to the proxy, and one to the server alone.
struct Networks {
    to_proxy: Network,
    to_server: Network,
}

impl Networks {
    fn new() -> Networks {
        Networks { to_proxy: Network::to(bad().proxy.address.port()), to_server: Network::to(world().cluster.port) }
    }
}

/// Every `step`-th offset of both directions; each one in a soak.
fn offsets(step: usize, parameters: &[(&str, &str)]) -> Vec<(usize, bool)> {
    let step = if soak().is_some() { 1 } else { step };
    let (sent, heard) = lengths(parameters);
    let up = (0..=sent).step_by(step).map(|offset| (offset, true));
    up.chain((0..=heard).step_by(step).map(|offset| (offset, false))).collect()
}

fn towards(up: bool, weather: Weather) -> Forecast {
    if up { (weather, Weather::Clear) } else { (Weather::Clear, weather) }
}

#[test]
fn a_split_at_every_byte_changes_nothing() {
    let _alone = alone();
    bad().clear();
    let fair = Talk::whole(bad().to_proxy.port, TRAINING, &short());
    each(&offsets(1, TRAINING), |networks, offset, up| {
        let (there, back) = towards(up, Weather::Split(offset));
        networks.to_proxy.change(there, back);
        let heard = Talk::whole(networks.to_proxy.port, TRAINING, &short());
        heard.assert_same(&fair, &format!("split at {offset}, {up}"));
    });
    // Between proxy and server the start-up is longer.
    for (offset, up) in (0..900).step_by(if soak().is_some() { 1 } else { 5 }).flat_map(|at| [(at, true), (at, false)])
    {
        let (there, back) = towards(up, Weather::Split(offset));
        bad().to_server.change(there, back);
        let heard = Talk::whole(bad().proxy.address.port(), TRAINING, &short());
        heard.assert_same(&fair, &format!("to the server, split at {offset}, {up}"));
    }
    bad().clear();
}

/// Whether the frames are the first of those that would have come. At the end a report may say what has happened.
fn is_beginning(heard: &Heard, fair: &Heard) -> bool {
    let is_fatal = |frame: &Frame| frame.tag == b'E' && frame.field(b'S').as_deref() == Some("FATAL");
    let mut lines = heard.lines();
    lines.pop();
    if heard.frames.last().is_some_and(is_fatal) {
        lines.pop();
    }
    fair.lines().starts_with(&lines)
}

#[test]
fn a_reset_at_any_byte_gives_the_beginning_and_an_end() {
    let _alone = alone();
    bad().clear();
    let fair = Talk::whole(bad().to_proxy.port, TRAINING, &short());
    each(&offsets(7, TRAINING), |networks, offset, up| {
        let (there, back) = towards(up, Weather::Reset(offset));
        networks.to_proxy.change(there, back);
        let heard = Talk::whole(networks.to_proxy.port, TRAINING, &short());
        assert!(heard.end != End::Stuck && is_beginning(&heard, &fair), "{offset} {up}: {heard:?}");
    });
    let mut told = 0;
    for (offset, up) in (0..900).step_by(if soak().is_some() { 1 } else { 9 }).flat_map(|at| [(at, true), (at, false)])
    {
        for weather in [Weather::Reset(offset), Weather::Shut(offset)] {
            let (there, back) = towards(up, weather);
            bad().to_server.change(there, back);
            let heard = Talk::whole(bad().proxy.address.port(), TRAINING, &short());
            assert!(
                heard.end != End::Stuck && is_beginning(&heard, &fair),
                "to the server, {weather:?} {up}: {heard:?}"
            );
            let last = heard.frames.last().and_then(|frame| frame.field(b'C'));
            told += usize::from(heard.end == End::Closed && last.as_deref() == Some("08006"));
        }
    }
    bad().clear();
    // Who is between two messages, or waits for one, is told what has happened.
    assert!(told > 20, "{told}");
}

#[test]
fn a_half_closed_connection_is_answered_as_by_the_server() {
    let _alone = alone();
    bad().clear();
    let steps = [whole(&[query("SELECT 1"), query("SELECT pg_sleep(0.01), 2"), query("SELECT 3")])];
    let start = startup(0x0003_0000, OWNER).len();
    let cases: Vec<(usize, bool)> = (start..start + steps[0].bytes.len()).map(|at| (at, true)).collect();
    each(&cases, |networks, offset, _| {
        networks.to_proxy.change(Weather::Shut(offset), Weather::Clear);
        networks.to_server.change(Weather::Shut(offset), Weather::Clear);
        let proxied = Talk::whole(networks.to_proxy.port, OWNER, &steps);
        let direct = Talk::whole(networks.to_server.port, OWNER, &steps);
        direct.assert_same(&proxied, &format!("shut at {offset}"));
    });
}

#[test]
fn what_stalls_while_it_logs_in_is_ended() {
    let _alone = alone();
    let bad = bad();
    bad.clear();
    let (start, port) = (startup(0x0003_0000, TRAINING), bad.proxy.address.port());
    std::thread::scope(|scope| {
        for offset in [0, 3, 8, 40] {
            let start = &start;
            scope.spawn(move || {
                let network = Network::to(port);
                network.change(Weather::Stalled(offset), Weather::Clear);
                let heard = Talk::open(network.port).play(&[Step::until(b'Z', start.clone())]);
                assert_eq!(heard.end, End::Closed, "the client stalls at {offset}: {heard:?}");
            });
        }
    });
    for (up, down) in [(Weather::Stalled(9), Weather::Clear), (Weather::Clear, Weather::Stalled(1))] {
        bad.to_server.change(up, down);
        let heard = Talk::whole(port, TRAINING, &[]);
        assert_eq!(heard.end, End::Closed, "the server stalls, {up:?} {down:?}: {heard:?}");
        bad.clear();
    }
}

#[test]
fn a_cancel_arrives_in_drops() {
    let _alone = alone();
    let bad = bad();
    bad.clear();
    bad.to_proxy.change(Weather::Drops, Weather::Drops);
    bad.to_server.change(Weather::Drops, Weather::Drops);
    let mut talk = Talk::open(bad.to_proxy.port);
    let greeting = talk.play(&[Step::until(b'Z', startup(0x0003_0000, OWNER))]);
    let key = greeting.frames.iter().find(|frame| frame.tag == b'K').expect("a key").body.clone();
    talk.send(&query("SELECT pg_sleep(60)"));
    wait_for("query LIKE '%pg_sleep(60)%' AND state = 'active'", 1);
    cancel(bad.to_proxy.port, &key);
    assert_eq!(talk.play(&[Step { bytes: Vec::new(), tag: b'Z', count: 1 }]).words(), "T E57014 ZI");
    bad.clear();
}
